# The list of a gltracker, for trying. For Godot 3.2 to 3.6; gltracker.gd says what is other in Godot 4.
#
#   godot3-server -s client.gd tracker.example:23471 list notempty speed=fast
#
# `list` asks once, `follow` asks every 2 s for what has changed, `watch` is told.
extends SceneTree

const ServerList = preload("server_list.gd")

var list: ServerList
var how := ""
var code := 0

func _initialize():
	var words = Array(OS.get_cmdline_args())
	words = words.slice(words.find("-s") + 2, words.size())
	if words.size() > 1:
		how = words[1]
	if not how in ["list", "follow", "watch"]:
		printerr("usage: godot3-server -s client.gd TRACKERHOST:PORT list|follow|watch [condition...]")
		quit(2)
		return
	list = ServerList.new(words[0], how, words.slice(2, words.size()) if words.size() > 2 else [])
	list.connect("listed", self, "_show")
	list.connect("lost", self, "_lost")
	list.connect("failed", self, "_failed")
	Engine.target_fps = 20

func _idle(_delta):
	if list and not list.over:
		list.step()
	if not list or list.over:
		quit(code)

func _show(servers: Array):
	for server in servers:
		print("%s %s/%s %s%s" % [ServerList.address_of(server), server.get("nbplayers", "?"),
				server.get("maxplayers", "?"), server.get("description", "?"),
				" stale" if server.get("stale") == "yes" else ""])
	if how != "list":
		print("")

func _lost(why: String):
	printerr("lost " + why)

func _failed(why: String):
	printerr(why)
	code = 1
