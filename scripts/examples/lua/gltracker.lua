-- What a game server and a client of a gltracker have in common: the spelling of lines, and a connection
-- that comes back. For Lua 5.1 to 5.4 and LuaJIT (so LÖVE, too) with LuaSocket. Nothing here waits, but
-- for the name to be looked up: call step() in each frame, or a few times a second.

local socket = require "socket"

local gltracker = {}

-- `speed=fast description="two words"` as a table. Words that are no key=value are left out.
function gltracker.parse_fields(text)
  local fields, at = {}, 1
  while at <= #text do
    local key, from = text:match("^ *([a-z][a-z0-9_-]*)=()", at)
    if not key then
      at = text:match("^ *[^ ]*()", at)
    elseif text:sub(from, from) ~= '"' then
      fields[key], at = text:match("^([^ ]*)()", from)
    else
      at = from + 1
      while at <= #text and text:sub(at, at) ~= '"' do
        at = at + (text:sub(at, at) == "\\" and 2 or 1)
      end
      fields[key] = text:sub(from + 1, at - 1):gsub("\\(.)", "%1")
      at = at + 1
    end
  end
  return fields
end

-- What no value may hold: control characters, separators of lines, bidirectional controls.
local NOT_TEXT = { "%c", "\194[\128-\159]", "\216\156", "\226\128[\142\143\168-\174]", "\226\129[\166-\169]" }

local function clean(text)
  for _, pattern in ipairs(NOT_TEXT) do text = text:gsub(pattern, " ") end
  return text
end

-- A value in quotes where it must be, and of it the whole letters that 255 bytes have room for.
function gltracker.spell_value(value)
  local text = clean(tostring(value))
  if #text > 255 then text = text:sub(1, 256):gsub("[^\128-\191][\128-\191]*$", "") end
  if not text:find('[ "]') then return text end
  return '"' .. text:gsub('["\\]', "\\%0") .. '"'
end

function gltracker.spell_fields(fields)
  local words = {}
  for key, value in pairs(fields) do words[#words + 1] = key .. "=" .. gltracker.spell_value(value) end
  return table.concat(words, " ")
end

local Tracker = {}
Tracker.__index = Tracker

-- `owner` has hello(), which gives the first line to say, line(text) for each line that comes, and
-- lost(why), which gives the seconds to wait at least before the next try, or nil to end it.
function gltracker.tracker(address, default_port, owner)
  local host, port = address:match("^%[(.*)%]:?(%d*)$")
  if not host then host, port = address:match("^([^:]+):?(%d*)$") end
  if not host then error("not HOST:PORT: " .. address) end
  math.randomseed(math.floor(socket.gettime() * 1000 % 2 ^ 31))
  return setmetatable({ host = host, port = tonumber(port) or default_port, owner = owner,
    failures = 0, queue = {}, try_at = 0, patience = 45 }, Tracker)
end

function Tracker:step()
  local now = socket.gettime()
  if self.over or now < self.try_at then return end
  if not self.tcp then return self:connect(now) end
  if not self.connected then
    local _, ready = socket.select(nil, { self.tcp }, 0)
    if ready[1] and not self.tcp:getpeername() then return self:fail("nobody listens at " .. self.address) end
    if ready[1] then
      self.connected = true
      self.tcp:send(self.owner:hello())
    end
  end
  if self.connected then
    local data, why, part = self.tcp:receive(8192)
    data = data or part
    if data ~= "" then self:take(data, now) end
    if self.tcp and why == "closed" then return self:fail("the tracker hung up") end
  end
  if self.tcp and now > self.deadline then self:fail("nothing was heard of the tracker") end
end

function Tracker:send(text)
  if self.connected and not self.tcp:send(text) then self:fail("the tracker takes nothing any more") end
end

function Tracker:take(data, now)
  if not self.answered then
    self.answered, self.best = true, self.address
    self.busy = data:find("^ERR busy") and self.address
  end
  self.deadline = now + self.patience
  local done = 1
  self.rest = self.rest .. data
  for line, next_line in self.rest:gmatch("([^\n]-)\r?\n()") do
    done = next_line
    if line ~= "" then self.owner:line(clean(line)) end
    if not self.tcp then return end
  end
  self.rest = self.rest:sub(done) -- A line that the end has cut off counts for nothing.
  if #self.rest > 1024 then self:fail("a line without an end: that is no tracker") end
end

-- One address after the other, until one has answered.
function Tracker:connect(now)
  if #self.queue == 0 then self:look_up() end
  local found = table.remove(self.queue, 1)
  if not found then return self:fail("no address is known of " .. self.host) end
  self.address, self.rest, self.connected, self.answered = found.addr, "", false, false
  -- With nobody else to ask, a slow tracker is given the time that any answer may take.
  self.deadline = now + (#self.queue > 0 and 3 or 15)
  self.tcp = found.family == "inet6" and socket.tcp6() or socket.tcp4()
  self.tcp:settimeout(0)
  self.tcp:setoption("tcp-nodelay", true)
  local _, why = self.tcp:connect(found.addr, self.port)
  if why and why ~= "timeout" then self:fail(why) end
end

-- Chance decides within a family, and the system's order between the two.
function Tracker:look_up()
  self.queue = socket.dns.getaddrinfo(self.host) or {}
  local first, rank = self.queue[1], {}
  for _, found in ipairs(self.queue) do
    rank[found] = math.random() + (found.family == first.family and 0 or 1)
    if found.addr == self.best then rank[found] = -1 end
    if found.addr == self.busy then rank[found] = 3 end
  end
  table.sort(self.queue, function(a, b) return rank[a] < rank[b] end)
end

-- Ends the connection. The next try is at the next address, or after 1 s, 2 s, 4 s … 40 s, each longer or
-- shorter by half at the most.
function Tracker:fail(why)
  if self.tcp then self.tcp:close() end
  self.tcp, self.connected = nil, false
  if not self.answered and #self.queue > 0 then return end
  self.queue, self.answered = {}, false
  local least = self.owner:lost(why)
  self.over = not least
  if self.over then return end
  local wait = math.min(40, 2 ^ self.failures) * (0.5 + math.random())
  self.failures = self.failures + 1
  self.try_at = socket.gettime() + math.max(least, wait)
end

return gltracker
