-- A game server on the list of a gltracker, for trying. For Unix, Lua 5.1 to 5.4 and LuaSocket.
--
--   GLTRACKER_PASSWORD=secret lua game-server.lua tracker.example:23470 23460 nbplayers=0 description="Friday cycles"
--
-- Type `nbplayers=3` to change what players see, and `quit` to leave.

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path
local gltracker = require "gltracker"
local Listing = require "listing"
local socket = require "socket"

if not arg[2] then
  io.stderr:write("usage: lua game-server.lua TRACKERHOST:PORT PORT [key=value...]\n")
  os.exit(2)
end
local fields = { port = arg[2] }
for i = 3, #arg do
  local key, value = arg[i]:match("^([^=]*)=?(.*)$")
  fields[key] = value
end

-- The game's own socket. An answer has to come from the address that was asked: that of the connection,
-- unless `ip=` names another.
local udp, bound
local function bind(address)
  if bound == address then return end
  if udp then udp:close() end
  local ipv6 = (fields.ip or address):find(":")
  bound, udp = address, assert((ipv6 and socket.udp6 or socket.udp4)())
  udp:settimeout(0)
  assert(udp:setsockname(fields.ip and "*" or address, tonumber(fields.pingport or fields.port)))
end

local listing
local function answer_datagrams()
  local data, address, port = udp:receivefrom()
  while data do
    local answer = listing:datagram(data, address .. " " .. port)
    if answer then udp:sendto(answer, address, port) end
    data, address, port = udp:receivefrom()
  end
end

io.stdout:setvbuf("line")
local refused = false
listing = Listing.new(arg[1], os.getenv("GLTRACKER_PASSWORD") or "", fields, {
  connected = bind,
  listed = function(address) print("listed " .. address) end,
  checked = function() print("checked") end,
  mistake = function(text) print("not taken: " .. text) end,
  lost = function(why) print("lost " .. why) end,
  refused = function(text) print("refused " .. text) refused = true end,
})

-- LuaSocket's select takes whatever tells the number of its file. Unbuffered, so that it misses no line.
local input = { getfd = function() return 0 end, dirty = function() return false end }
io.stdin:setvbuf("no")

while not listing.tracker.over do
  local sources = { listing.tracker.tcp }
  sources[#sources + 1] = udp
  sources[#sources + 1] = input
  local ready = socket.select(sources, nil, 0.1)
  if udp then answer_datagrams() end
  if input and ready[input] then
    local line = io.read()
    if line == "quit" then
      listing:quit()
    elseif line then
      listing:update(gltracker.parse_fields(line))
    else
      input = nil -- The end of standard input does not end it.
    end
  end
  if not listing.tracker.over then listing:step() end
end
os.exit(refused and 1 or 0)
