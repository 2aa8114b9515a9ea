-- The list of a gltracker, for trying. For Lua 5.1 to 5.4 with LuaSocket.
--
--   lua client.lua tracker.example:23471 list notempty speed=fast
--
-- `list` asks once, `follow` asks every 2 s for what has changed, `watch` is told.

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path
local ServerList = require "serverlist"
local socket = require "socket"

local function show(servers)
  for _, server in ipairs(servers) do
    print(("%s %s/%s %s%s"):format(ServerList.join(server), server.nbplayers or "?", server.maxplayers or "?",
      server.description or "?", server.stale == "yes" and " stale" or ""))
  end
end

local how = arg[2]
if how ~= "list" and how ~= "follow" and how ~= "watch" then
  io.stderr:write("usage: lua client.lua TRACKERHOST:PORT list|follow|watch [condition...]\n")
  os.exit(2)
end
io.stdout:setvbuf("full")
local failed = false
local list = ServerList.new(arg[1], how, { (table.unpack or unpack)(arg, 3) }, {
  list = function(servers)
    show(servers)
    if how ~= "list" then print() end
    io.stdout:flush()
  end,
  lost = function(why) io.stderr:write("lost ", why, "\n") end,
  failed = function(why) io.stderr:write(why, "\n") failed = true end,
})
while not list.tracker.over do
  list:step()
  socket.select({ list.tracker.tcp }, nil, 0.1)
end
os.exit(failed and 1 or 0)
