# The list of a gltracker. Take this file, gltracker.gd and lines.gd into your game and call step() in
# _process(); client.gd shows how. To ping or join what is listed, leave out addresses as PROTOCOL.md says.
extends "gltracker.gd"

signal listed(servers) # They have changed. Each is a dictionary of texts; those that may be gone are last.
signal lost(why)
signal failed(why) # It does not come back after that.

var _how: String
var _conditions := ""
var _servers := {} # by ip:port
var _batch := []
var _rev := ""
var _watching := false
var _no_place := false
var _complete := false
var _error := ""
var _tries := 0
var _ask_at := 0.0
var _end_by := 0.0 # when the answer to LIST is to be whole, however many lines come

# `how` is "list", "follow" or "watch".
func _init(tracker: String, how: String, conditions: Array).(tracker, 23471):
	_how = how
	for condition in conditions:
		var value = condition.find("=") + 1
		_conditions += " " + condition.substr(0, value)
		_conditions += Lines.spell_value(condition.substr(value)) if condition.substr(value) else ""

static func address_of(server: Dictionary) -> String:
	return ("[%s]:%s" if ":" in server.ip else "%s:%s") % [server.ip, server.port]

func servers() -> Array:
	var here = []
	var stale = []
	for server in _servers.values():
		(stale if server.get("stale") == "yes" else here).append(server)
	return here + stale

func step():
	.step()
	if _ask_at and now() > _ask_at:
		_ask_at = 0.0
		_end_by = now() + 15
		send(_command("LIST"))
	if _end_by and now() > _end_by:
		fail("the answer does not end")

func _command(verb: String) -> String:
	return verb + (" since=" + _rev if _rev else "") + _conditions + "\n"

func _hello() -> String:
	_batch.clear()
	_complete = false
	_watching = _how == "watch" and not _no_place
	patience = 45.0 if _watching else 15.0
	_end_by = 0.0 if _watching else now() + 15
	if _how == "list":
		return _command("LIST") + "QUIT\n"
	return _command("WATCH" if _watching else "LIST")

func _line(line: String):
	var verb = line.split(" ")[0]
	var rest = line.substr(verb.length() + 1)
	if verb == "ERR":
		_error = rest
		fail(rest)
		return
	var fields = Lines.parse_fields(rest)
	if verb == "END":
		_take_end(fields)
	elif (verb == "INFOS" or verb == "GONE") and "ip" in fields and "port" in fields:
		_batch.append([verb, fields])
		if _batch.size() > 100000:
			fail("that is no tracker: its list does not end")

# Only here is the list what it was at one moment.
func _take_end(end: Dictionary):
	var changed = not "since" in end or not _batch.empty()
	if not "since" in end:
		_servers.clear()
	for entry in _batch:
		if entry[0] == "INFOS":
			_servers[address_of(entry[1])] = entry[1]
		else:
			_servers.erase(address_of(entry[1]))
	_batch.clear()
	_end_by = 0.0
	_rev = end.get("rev", "")
	_complete = true
	failures = 0
	if changed:
		emit_signal("listed", servers())
	if not _watching:
		_ask_at = now() + (5.0 if _how == "watch" else 2.0)

func _lost(why: String) -> float:
	var code = _error.split(" ")[0]
	var least = Lines.wait_in(_error)
	if _how == "list" and _complete:
		return -1.0
	if code == "busy" or code == "too-many":
		least = least if least else 3.0
		_no_place = true # Where a watcher has no place, asking every few seconds will do.
	elif "PROXY header" in _error:
		least = 60.0
	elif _error:
		least = -1.0
	_tries += 1
	if least < 0 or (_how == "list" and (_error == "" or _tries == 5)):
		emit_signal("failed", why)
		return -1.0
	_ask_at = 0.0
	_end_by = 0.0
	_error = ""
	emit_signal("lost", why)
	return least
