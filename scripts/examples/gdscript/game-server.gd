# A game server on the list of a gltracker, for trying. For Unix and Godot 3.2 to 3.6; gltracker.gd says
# what is other in Godot 4.
#
#   GLTRACKER_PASSWORD=secret godot3-server -s game-server.gd tracker.example:23470 23460 nbplayers=0
#
# Type `nbplayers=3` to change what players see, and `quit` to leave.
extends SceneTree

const Listing = preload("listing.gd")

var listing: Listing
var udp := PacketPeerUDP.new()
var input := Thread.new()
var code := 0

func _initialize():
	var words = OS.get_cmdline_args()
	words = Array(words).slice(Array(words).find("-s") + 2, words.size())
	if words.size() < 2:
		printerr("usage: godot3-server -s game-server.gd TRACKERHOST:PORT PORT [key=value...]")
		quit(2)
		return
	var fields = {"port": words[1]}
	for i in range(2, words.size()):
		var equals = words[i].find("=")
		fields[words[i].substr(0, equals)] = words[i].substr(equals + 1)
	listing = Listing.new(words[0], OS.get_environment("GLTRACKER_PASSWORD"), fields)
	for event in ["listed", "lost", "refused", "mistake"]:
		listing.connect(event, self, "_tell", [event])
	listing.connect("checked", self, "_tell", ["", "checked"])
	# The game's own socket, at all addresses of IPv6 and IPv4. On a host of several addresses name the one
	# that is listed, behind the port: an answer has to come from the address that was asked.
	if udp.listen(int(fields.get("pingport", fields.port))) != OK:
		printerr("the port is in use")
		quit(1)
	input.start(self, "_read_input", null)
	Engine.target_fps = 20

func _tell(text: String, event: String):
	print((("not taken:" if event == "mistake" else event) + " " + text).strip_edges())
	if event == "refused":
		code = 1

func _idle(_delta):
	if not listing:
		return true
	while udp.get_available_packet_count() > 0:
		var data = udp.get_packet()
		var sender = "%s %s" % [udp.get_packet_ip(), udp.get_packet_port()]
		var answer = listing.datagram(data, sender)
		if not answer.empty():
			udp.set_dest_address(udp.get_packet_ip(), udp.get_packet_port())
			udp.put_packet(answer)
	if not listing.over:
		listing.step()
	if listing.over:
		quit(code)

# Godot 3.2 cannot read standard input. Its child can: this one takes a line at a time. A game needs none of it.
func _read_input(_nothing):
	var line = ""
	while line != "quit":
		var lines = []
		OS.execute("sed", ["-u", "1q"], true, lines)
		line = lines[0].strip_edges(false, true) if lines else ""
		if line == "" and not "\n" in lines[0]:
			break # The end of standard input does not end it.
		call_deferred("_take_input", line)
	input.call_deferred("wait_to_finish")

func _take_input(line: String):
	if line == "quit":
		listing.quit()
	elif line:
		listing.update(Listing.Lines.parse_fields(line))
