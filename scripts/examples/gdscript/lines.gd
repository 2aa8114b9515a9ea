# The spelling of lines, as PROTOCOL.md has it under "Lines and values". For Godot 3.2 to 3.6.
extends Reference

# `speed=fast description="two words"` as a dictionary. Words that are no key=value are left out.
static func parse_fields(text: String) -> Dictionary:
	var fields = {}
	var at = 0
	while at < text.length():
		var end = _end_of_word(text, at)
		var equals = text.find("=", at)
		if equals > at and equals < end and text.substr(at, equals - at).is_valid_identifier():
			fields[text.substr(at, equals - at)] = text.substr(equals + 1, end - equals - 1)
		at = end + 1
	for key in fields:
		if fields[key].begins_with("\""):
			fields[key] = _unquote(fields[key])
	return fields

# Where the word ends that begins at `at`. Between quotes a space ends nothing.
static func _end_of_word(text: String, at: int) -> int:
	var quoted = false
	while at < text.length() and (quoted or text[at] != " "):
		if text[at] == "\"":
			quoted = not quoted
		if text[at] == "\\" and quoted:
			at += 1
		at += 1
	return at

static func _unquote(text: String) -> String:
	var value = ""
	var at = 1
	while at < text.length() - 1:
		if text[at] == "\\":
			at += 1
		value += text[at]
		at += 1
	return value

# The text with spaces in place of what no value may hold: control characters, separators of lines and
# bidirectional controls.
static func clean(text: String) -> String:
	for i in text.length():
		var c = text.ord_at(i)
		if c < 32 or (c >= 127 and c < 160) or c in [0x61c, 0x200e, 0x200f] or (c >= 0x2028 and c <= 0x202e) \
				or (c >= 0x2066 and c <= 0x2069):
			text[i] = " "
	return text

# A value in quotes where it must be, and of it the whole letters that 255 bytes have room for.
static func spell_value(value: String) -> String:
	value = clean(value.substr(0, 255))
	while value.to_utf8().size() > 255:
		value.erase(value.length() - 1, 1)
	if not (" " in value or "\"" in value):
		return value
	return "\"%s\"" % value.replace("\\", "\\\\").replace("\"", "\\\"")

static func spell_fields(fields: Dictionary) -> String:
	var words = PoolStringArray()
	for key in fields:
		words.append(key + "=" + spell_value(str(fields[key])))
	return words.join(" ")

# 30 of "... wait 30 s ...", or 0.
static func wait_in(text: String) -> float:
	var words = text.split(" ")
	for i in range(1, words.size() - 1):
		if words[i - 1] == "wait" and words[i].is_valid_integer() and words[i].length() < 5 and words[i + 1].begins_with("s"):
			return float(words[i])
	return 0.0
