-- The list of a gltracker. Take this file and gltracker.lua into your game and call step() in each frame;
-- client.lua shows how. To ping or join what is listed, leave out addresses as PROTOCOL.md says.

local gltracker = require "gltracker"
local socket = require "socket"

local ServerList = {}
ServerList.__index = ServerList

function ServerList.join(fields)
  local form = fields.ip:find(":", 1, true) and "[%s]:%s" or "%s:%s"
  return form:format(fields.ip, fields.port)
end

-- `how` is "list", "follow" or "watch". `on` has functions that are told what happens: list(servers) when
-- they have changed, lost(why), and failed(why), after which it does not come back.
function ServerList.new(tracker, how, conditions, on)
  local self = setmetatable({ how = how, conditions = {}, on = on, servers = {}, rev = "", tries = 0 }, ServerList)
  for i, condition in ipairs(conditions) do
    local key, value = condition:match("^([^=]*=)(.+)$")
    self.conditions[i] = key and key .. gltracker.spell_value(value) or condition
  end
  self.tracker = gltracker.tracker(tracker, 23471, self)
  return self
end

-- Those that may be gone last, the others by address.
function ServerList:sorted()
  local all = {}
  for _, server in pairs(self.servers) do all[#all + 1] = server end
  table.sort(all, function(a, b)
    if a.stale ~= b.stale then return b.stale == "yes" end
    return ServerList.join(a) < ServerList.join(b)
  end)
  return all
end

function ServerList:step()
  self.tracker:step()
  local now = socket.gettime()
  if self.ask_at and now > self.ask_at then
    self.ask_at, self.end_by = nil, now + 15
    self.tracker:send(self:command("LIST"))
  end
  if self.end_by and now > self.end_by then self.tracker:fail("the answer does not end") end
end

function ServerList:command(verb)
  local since = self.rev ~= "" and " since=" .. self.rev or ""
  local conditions = #self.conditions > 0 and " " .. table.concat(self.conditions, " ") or ""
  return verb .. since .. conditions .. "\n"
end

function ServerList:hello()
  self.batch, self.complete, self.error, self.ask_at = {}, false, nil, nil
  self.watching = self.how == "watch" and not self.no_place
  self.tracker.patience = self.watching and 45 or 15
  self.end_by = not self.watching and socket.gettime() + 15 or nil -- However many lines come until then.
  if self.how == "list" then return self:command("LIST") .. "QUIT\n" end
  return self:command(self.watching and "WATCH" or "LIST")
end

function ServerList:line(line)
  local verb, rest = line:match("^(%S*) ?(.*)$")
  if verb == "ERR" then
    self.error = rest
    return self.tracker:fail(rest)
  end
  local fields = gltracker.parse_fields(rest)
  if verb == "END" then
    self:take_end(fields)
  elseif (verb == "INFOS" or verb == "GONE") and fields.ip and fields.port then
    self.batch[#self.batch + 1] = { gone = verb == "GONE", fields = fields }
    if #self.batch > 100000 then self.tracker:fail("that is no tracker: its list does not end") end
  end
end

-- Only here is the list what it was at one moment.
function ServerList:take_end(fields)
  local changed = not fields.since or #self.batch > 0
  if not fields.since then self.servers = {} end
  for _, entry in ipairs(self.batch) do
    self.servers[ServerList.join(entry.fields)] = not entry.gone and entry.fields or nil
  end
  self.batch, self.rev, self.complete, self.end_by = {}, fields.rev or "", true, nil
  self.tracker.failures = 0
  if changed then self.on.list(self:sorted()) end
  if not self.watching then
    self.ask_at = socket.gettime() + (self.how == "watch" and 5 or 2)
  end
end

function ServerList:lost(why)
  local least, code = 0, self.error and self.error:match("^%S*")
  if self.how == "list" and self.complete then return nil end
  if code == "busy" or code == "too-many" then
    least = tonumber(self.error:match("wait (%d%d?%d?%d?) s")) or 3
    self.no_place = true -- Where a watcher has no place, asking every few seconds will do.
  elseif code and self.error:find("PROXY header") then
    least = 60
  end
  self.tries = self.tries + 1
  if code and least == 0 or self.how == "list" and (not code or self.tries == 5) then
    self.on.failed(self.error or why)
    return nil
  end
  self.ask_at, self.end_by, self.error = nil, nil, nil
  self.on.lost(why)
  return least
end

return ServerList
