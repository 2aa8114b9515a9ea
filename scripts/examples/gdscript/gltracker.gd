# What a game server and a client of a gltracker have in common: a connection that comes back. For Godot 3.2
# to 3.6 (tried with 3.2.3). Nothing here waits, but for the name to be looked up: call step() in _process().
# A Godot before 3.5 looks up one address of each family only.
#
# In Godot 4 it is RefCounted, PackedByteArray, to_utf8_buffer(), slice() and is_empty(), `super(...)`,
# `listed.emit(address)` and `signal.connect(callable)`; call _tcp.poll() before _tcp.get_status().
extends Reference

const Lines = preload("lines.gd")

var over := false
var connected := false
var failures := 0
var patience := 45.0 # seconds of silence that are allowed

var _host: String
var _port: int
var _tcp: StreamPeerTCP
var _queue := []
var _address := ""
var _best := "" # the address that answered last
var _busy := "" # the one that had no free slot
var _answered := false
var _deadline := 0.0
var _try_at := 0.0
var _rest := PoolByteArray()

func _init(tracker: String, default_port: int):
	var colon = tracker.rfind(":")
	if colon < 0 or tracker.ends_with("]") or (tracker.count(":") > 1 and not "]:" in tracker):
		colon = tracker.length()
	_host = tracker.substr(0, colon).trim_prefix("[").trim_suffix("]")
	_port = int(tracker.substr(colon + 1)) if colon < tracker.length() else default_port
	randomize()

# For those who extend it: the first line to say; each line that comes; and the seconds to wait at least
# before the next try, or a number below 0 to end it.
func _hello() -> String: return ""
func _line(_text: String): pass
func _lost(_why: String) -> float: return 0.0

static func now() -> float:
	return OS.get_ticks_msec() / 1000.0

func step():
	if over or now() < _try_at:
		return
	if _tcp == null:
		_try_next()
		return
	# What came before the end is read first: get_status() would throw it away.
	var count = _tcp.get_available_bytes() if connected else 0
	if count > 0:
		_take(_tcp.get_partial_data(count)[1])
		return
	var status = _tcp.get_status()
	if status == StreamPeerTCP.STATUS_CONNECTED and not connected:
		connected = true
		send(_hello())
	elif status == StreamPeerTCP.STATUS_ERROR or status == StreamPeerTCP.STATUS_NONE:
		fail("the tracker hung up" if connected else "nobody listens at " + _address)
	if _tcp and now() > _deadline:
		fail("nothing was heard of the tracker")

func send(text: String):
	if connected and _tcp.put_data(text.to_utf8()) != OK:
		fail("the tracker takes nothing any more")

func _take(data: PoolByteArray):
	if not _answered:
		_answered = true
		_best = _address
		_busy = _address if data.get_string_from_utf8().begins_with("ERR busy") else ""
	_deadline = now() + patience
	_rest.append_array(data)
	var last = _rest.size() - 1
	while last >= 0 and _rest[last] != 10:
		last -= 1
	if last < 0: # A line that the end has cut off counts for nothing.
		if _rest.size() > 1024:
			fail("a line without an end: that is no tracker")
		return
	var lines = _rest.subarray(0, last).get_string_from_utf8().replace("\r\n", "\n").split("\n", false)
	_rest = _rest.subarray(last + 1, _rest.size() - 1) if last + 1 < _rest.size() else PoolByteArray()
	for line in lines:
		if _tcp:
			_line(Lines.clean(line))

# One address after the other, until one has answered.
func _try_next():
	if _queue.empty():
		_look_up()
	if _queue.empty():
		fail("no address is known of " + _host)
		return
	_address = _queue.pop_front()[1]
	_answered = false
	_rest = PoolByteArray()
	# With nobody else to ask, a slow tracker is given the time that any answer may take.
	_deadline = now() + (15.0 if _queue.empty() else 3.0)
	_tcp = StreamPeerTCP.new()
	if _tcp.connect_to_host(_address, _port) == OK:
		_tcp.set_no_delay(true)

# Chance decides within a family, and the system's order between the two.
func _look_up():
	var found = []
	if IP.has_method("resolve_hostname_addresses"): # Godot 3.5
		found = Array(IP.call("resolve_hostname_addresses", _host))
	else:
		for family in [IP.TYPE_ANY, IP.TYPE_IPV4, IP.TYPE_IPV6]:
			var address = _host if _host.is_valid_ip_address() else IP.resolve_hostname(_host, family)
			if address and not address in found:
				found.append(address)
	for address in found:
		var rank = randf() + float((":" in address) != (":" in found[0]))
		_queue.append([3.0 if address == _busy else -1.0 if address == _best else rank, address])
	_queue.sort()

# Ends the connection. The next try is at the next address, or after 1 s, 2 s, 4 s ... 40 s, each longer
# or shorter by half at the most.
func fail(why: String):
	if _tcp:
		_tcp.disconnect_from_host()
	_tcp = null
	connected = false
	if not _answered and not _queue.empty():
		return
	_queue.clear()
	_answered = false
	var least = _lost(why)
	over = least < 0
	_try_at = now() + max(least, min(40, pow(2, failures)) * rand_range(0.5, 1.5))
	failures += 1
