-- Keeps a game server on the list of a gltracker. Take this file and gltracker.lua into your game, call
-- step() in each frame, and hand it the datagrams that begin with PING or CHALLENGE, as game-server.lua
-- does. It logs in with a password. A key needs HMAC-SHA256, which Lua does not bring along.

local gltracker = require "gltracker"
local socket = require "socket"

local function words(text)
  local set = {}
  for word in text:gmatch("%S+") do set[word] = true end
  return set
end

local FINAL = words "unknown-command bad-syntax line-too-long not-text bad-value bad-ip bad-password banned taken"
-- The errors that close a connection which is on the list. All others answer an INFOS.
local CLOSING = words "bad-password busy too-many banned unreachable timeout slow-reader"

local Listing = {}
Listing.__index = Listing

-- `on` has functions that are told what happens: connected(address), with this host's, where datagrams will
-- come, listed(address), checked(), mistake(text), lost(why) and refused(text). That is the end.
function Listing.new(tracker, password, fields, on)
  local self = setmetatable({ password = password, fields = fields, on = on }, Listing)
  self.tracker = gltracker.tracker(tracker, 23470, self)
  self:reset()
  return self
end

function Listing:reset()
  self.expected = {} -- what the INFOS lines without an answer have said
  self.numbers, self.senders, self.returned = {}, {}, {} -- of datagrams: the latest of each sender
  self.said, self.checking, self.listed_at, self.error = false, false, nil, nil
  self.tracker.patience = 45
  self.return_at = 0
end

function Listing:step()
  self.tracker:step()
  local now, oldest = socket.gettime(), self.expected[1]
  if oldest and not self.checking and now - oldest.at > 15 then
    self.tracker:fail("an INFOS had no answer for 15 s")
  elseif (self.listed_at or self.checking) and self.senders[1] and now > self.return_at then
    local sender = table.remove(self.senders, 1)
    local number = self.numbers[sender]
    self.numbers[sender] = nil
    self.return_at = now + 0.25 -- Anybody can send a number: four a second, and none twice.
    for _, old in ipairs(self.returned) do
      if old == number then return end
    end
    table.insert(self.returned, 1, number)
    self.returned[100] = nil
    self:say({ number = number }, number)
  end
end

-- Changes what players see. Without a connection it is said with the next one.
function Listing:update(change)
  if not self.said then return self:keep(change) end
  self:say({ change = change }, gltracker.spell_fields(change))
end

-- Gives the answer to a datagram, if one is due at once.
function Listing:datagram(text, sender)
  local verb, word = text:match("^(%u+) ?(%S*)")
  if verb == "PING" then return (text:gsub("PING", "PONG", 1)) end
  if verb ~= "CHALLENGE" or #word ~= 16 or word:find("%X") then return end
  if not self.numbers[sender] then
    if #self.senders == 100 then return end
    self.senders[#self.senders + 1] = sender
  end
  self.numbers[sender] = word
end

-- Leaves the list. Go on calling step() until tracker.over.
function Listing:quit()
  self.leaving, self.tracker.queue = true, {}
  if not self.tracker.connected then return self.tracker:fail("left") end
  self.tracker:send("QUIT\n")
  self.tracker.deadline = socket.gettime() + 3
end

function Listing:say(said, text)
  said.at = socket.gettime()
  self.said = true
  self.expected[#self.expected + 1] = said
  self.tracker:send("INFOS " .. text .. "\n")
end

function Listing:keep(change)
  for key, value in pairs(change or {}) do
    self.fields[key] = value ~= "" and value or nil
  end
end

function Listing:hello()
  self:reset()
  self.on.connected((self.tracker.tcp:getsockname()))
  return "LOGIN " .. self.password .. "\n"
end

function Listing:line(line)
  local verb, rest = line:match("^(%S*) ?(.*)$")
  local word, second = rest:match("^(%S*) ?(%S*)")
  self.error = verb == "ERR" and rest or nil
  if verb == "PING" then
    self.tracker:send("PONG " .. rest .. "\n")
  elseif verb == "CHALLENGE" and not self.said then
    self:say({}, word .. " " .. gltracker.spell_fields(self.fields))
  elseif verb == "OK" and word ~= "bye" then
    local answered = table.remove(self.expected, 1) or {}
    self:keep(answered.change)
    self.checking = word == "checking" or (self.checking and word ~= "listed")
    self.tracker.patience = self.checking and 90 or 45
    if word == "listed" then
      self.listed_at = self.listed_at or socket.gettime()
      self.on.listed(second)
    end
    if answered.number then self.on.checked() end
  elseif verb == "ERR" and (self.listed_at or self.checking) and not (CLOSING[word] or rest:find("took over")) then
    local answered = table.remove(self.expected, 1)
    if answered then self.error = nil end -- It closes nothing.
    if answered and answered.change then self.on.mistake(rest) end
  end
end

-- The column "come back" of PROTOCOL.md's table of errors, in seconds, or nil for never.
function Listing:wait_after(text)
  local code, wait = text:match("^%S*"), text:match("wait (%d%d?%d?%d?) s")
  if text:find("PROXY header") then return 60 end
  if wait then return tonumber(wait) end
  if text:find("took over") then return 600 end
  if code == "too-many" then return self.said and not self.listed_at and 60 or 5 end
  if code == "unreachable" then return tonumber(self.fields.pingport or self.fields.port) >= 1024 and 60 or nil end
  return not FINAL[code] and 0 or nil
end

function Listing:lost(why)
  if self.leaving then return nil end
  local least, text, long = 0, self.error, self.listed_at and socket.gettime() - self.listed_at > 60
  if text then least = self:wait_after(text) end
  if not least then self.on.refused(text) return nil end
  for _, said in ipairs(self.expected) do self:keep(said.change) end
  if long then self.tracker.failures = 0 end
  self:reset()
  self.on.lost(text or why)
  return least
end

return Listing
