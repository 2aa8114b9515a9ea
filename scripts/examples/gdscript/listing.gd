# Keeps a game server on the list of a gltracker. Take this file, gltracker.gd and lines.gd into your game, call
# step() in _process(), and hand it the datagrams that begin with PING or CHALLENGE; game-server.gd shows
# how. It logs in with a password: a key needs HMAC-SHA256, which Godot brings along from 3.5 on only.
extends "gltracker.gd"

signal listed(address)
signal checked
signal mistake(text)
signal lost(why)
signal refused(text) # It does not come back after that.

const FINAL := ["unknown-command", "bad-syntax", "line-too-long", "not-text", "bad-value", "bad-ip",
		"bad-password", "banned", "taken"]
# The errors that close a connection which is on the list. All others answer an INFOS.
const CLOSING := ["bad-password", "busy", "too-many", "banned", "unreachable", "timeout", "slow-reader"]

var _password: String
var _fields: Dictionary
var _leaving := false
var _expected := [] # what the INFOS lines without an answer have said
var _numbers := {} # of datagrams: the latest of each sender
var _returned := []
var _return_at := 0.0
var _said := false
var _checking := false
var _listed_at := 0.0
var _error := ""

func _init(tracker: String, password: String, fields: Dictionary).(tracker, 23470):
	_password = password
	_fields = fields

func step():
	.step()
	if not _checking and not _expected.empty() and now() - _expected[0].at > 15:
		fail("an INFOS had no answer for 15 s")
	if (_listed_at or _checking) and not _numbers.empty() and now() > _return_at:
		var sender = _numbers.keys()[0]
		var number = _numbers[sender]
		_numbers.erase(sender)
		_return_at = now() + 0.25 # Anybody can send a number: four a second, and none twice.
		if not number in _returned:
			_returned.push_front(number)
			_returned.resize(min(100, _returned.size()))
			_say({"number": number}, number)

# Changes what players see. Without a connection it is said with the next one.
func update(change: Dictionary):
	if _said:
		_say({"change": change}, Lines.spell_fields(change))
	else:
		_keep(change)

# Gives the answer to a datagram, or nothing. A number waits for its turn.
func datagram(data: PoolByteArray, sender: String) -> PoolByteArray:
	var words = data.get_string_from_ascii().split(" ")
	if words[0] == "PING":
		data[1] = ord("O")
		return data
	if words[0] == "CHALLENGE" and words.size() > 1 and words[1].length() == 16 and words[1].is_valid_hex_number():
		if sender in _numbers or _numbers.size() < 100:
			_numbers[sender] = words[1]
	return PoolByteArray()

# Leaves the list. Go on calling step() until it is over.
func quit():
	_leaving = true
	if not connected:
		over = true
	send("QUIT\n")
	_deadline = now() + 3

func _say(said: Dictionary, text: String):
	said.at = now()
	_said = true
	_expected.append(said)
	send("INFOS %s\n" % text)

func _keep(change: Dictionary):
	for key in change:
		_fields[key] = change[key]
		if change[key] == "":
			_fields.erase(key)

func _reset():
	_expected.clear()
	_numbers.clear()
	_returned.clear()
	_said = false
	_checking = false
	_listed_at = 0.0
	_error = ""
	patience = 45.0

func _hello() -> String:
	_reset()
	return "LOGIN %s\n" % _password

func _line(line: String):
	var words = (line + "  ").split(" ")
	var rest = line.substr(words[0].length() + 1)
	_error = rest if words[0] == "ERR" else ""
	if words[0] == "PING":
		send("PONG %s\n" % rest)
	elif words[0] == "CHALLENGE" and not _said:
		_say({}, words[1] + " " + Lines.spell_fields(_fields))
	elif words[0] == "OK" and words[1] != "bye":
		var answered = _expected.pop_front() if _expected else {}
		_keep(answered.get("change", {}))
		_checking = words[1] == "checking" or (_checking and words[1] != "listed")
		patience = 90.0 if _checking else 45.0
		if words[1] == "listed":
			_listed_at = _listed_at if _listed_at else now()
			emit_signal("listed", words[2])
		if "number" in answered:
			emit_signal("checked")
	elif _error and (_listed_at or _checking) and not (words[1] in CLOSING or "took over" in rest) and _expected:
		_error = "" # It answers one of them, and closes nothing.
		if "change" in _expected.pop_front():
			emit_signal("mistake", rest)

# The column "come back" of PROTOCOL.md's table of errors, in seconds, or -1 for never.
func _wait_after(text: String) -> float:
	var code = text.split(" ")[0]
	if "PROXY header" in text: return 60.0
	if Lines.wait_in(text): return Lines.wait_in(text)
	if "took over" in text: return 600.0
	if code == "too-many": return 60.0 if _said and not _listed_at else 5.0
	if code == "unreachable" and int(_fields.get("pingport", _fields.port)) >= 1024: return 60.0
	return -1.0 if code in FINAL or code == "unreachable" else 0.0

func _lost(why: String) -> float:
	var text = _error
	var least = _wait_after(text) if text else 0.0
	if least < 0 or _leaving:
		if not _leaving:
			emit_signal("refused", text)
		return -1.0
	for said in _expected:
		_keep(said.get("change", {}))
	if _listed_at and now() - _listed_at > 60:
		failures = 0
	_reset()
	emit_signal("lost", text if text else why)
	return least
