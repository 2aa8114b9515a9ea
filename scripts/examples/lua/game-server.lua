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

io.stdout:setvbuf("line")
local refused = false
local listing = Listing.new(arg[1], os.getenv("GLTRACKER_PASSWORD") or "", fields, {
  listed = function(address) print("listed " .. address) end,
  checked = function() print("checked") end,
  mistake = function(text) io.stderr:write("not taken: ", text, "\n") end,
  lost = function(why) print("lost " .. why) end,
  refused = function(text) print("refused " .. text) refused = true end,
})

-- The game's own socket, for IPv6 and IPv4 where the system has both. On a host of several addresses
-- bind it to the one that is listed: an answer has to come from the address that was asked.
local function bind(port)
  local udp = socket.udp6()
  if udp and udp:setoption("ipv6-v6only", false) and udp:setsockname("::", port) then return udp end
  udp = assert(socket.udp4())
  assert(udp:setsockname("0.0.0.0", port))
  return udp
end
local udp = bind(tonumber(fields.pingport or fields.port))
udp:settimeout(0)

-- LuaSocket's select takes whatever tells the number of its file. Unbuffered, so that it misses no line.
local input = { getfd = function() return 0 end, dirty = function() return false end }
io.stdin:setvbuf("no")

while not listing.tracker.over do
  local ready = socket.select({ udp, input or listing.tracker.tcp, input and listing.tracker.tcp }, nil, 0.1)
  local data, address, port = udp:receivefrom()
  while data do
    local answer = listing:datagram(data, address .. " " .. port)
    if answer then udp:sendto(answer, address, port) end
    data, address, port = udp:receivefrom()
  end
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
