#!/bin/sh
usage() {
  cat <<END
usage: ${0##*/} TYPE HOST[:PORT]

Asks a game server by gamedig and prints what it is, as lines of updates:
  gltracker announce --port 64738 --status '${0##*/} mumble 127.0.0.1:64738'
TYPE is a word of gamedig's GAMES_LIST.md, such as mumble or factorio. PORT is the one that is
asked. Bots are not counted where gamedig tells them apart.
\$GAMEDIG is the program, or else gamedig (npm install -g gamedig).
Exit status: 0 it has answered, 1 it has not, 2 wrong usage, 3 there is no gamedig.
END
}
fail() { echo "${0##*/}: $2" >&2; exit "$1"; }

set -uf
export LC_ALL=C # a character is a byte
case ${1-} in
  -h | --help) usage; exit ;;
  '' | *[!a-z0-9]*) fail 2 "TYPE is a word such as mumble; see ${0##*/} --help" ;;
esac
case ${2-} in '' | -*) fail 2 "behind TYPE stands HOST or HOST:PORT; see ${0##*/} --help" ;; esac
[ $# -eq 2 ] || fail 2 "there are two words, TYPE and HOST:PORT; see ${0##*/} --help"
gamedig=${GAMEDIG:-gamedig}
command -v "$gamedig" >/dev/null || fail 3 "there is no $gamedig; npm install -g gamedig brings it"

# One key a line. An error is an answer that has no other key; the exit code is always 0.
answer=$("$gamedig" --type "$1" --pretty "$2" 2>&1 | tr -d '\000-\011\013-\037\177')
case $answer in
  *'"numplayers": '*) ;;
  *'"error": "'*) error=${answer#*'"error": "'}; fail 1 "$1 $2: ${error%%'"'*}" ;;
  *) fail 1 "$1 $2: no answer: $(printf '%s\n' "$answer" | head -n 1)" ;;
esac
# A text of JSON becomes a value in quotes: of what a backslash begins, \" and \\ are the same there,
# and the rest is left out. iconv drops what is not whole behind 255 bytes.
printf '%s\n' "$answer" | awk '
  function value(text,   out, bytes, c) {
    for (text = substr(text, 2, length(text) - 2); text != "" && bytes < 255; text = substr(text, length(c) + 1)) {
      c = substr(text, 1, substr(text, 1, 1) == "\\" ? 2 : 1)
      if (c == "\\u") c = substr(text, 1, 6)
      if (c ~ /^\\[^"\\]/) continue
      out = out c
      bytes++
    }
    return "\"" out "\""
  }
  # What belongs to the answer itself has two spaces before it, and who plays four.
  /^  "[a-zA-Z]+": / {
    list = substr($1, 2, length($1) - 3)
    said = $0
    sub(/^[^:]*: /, "", said)
    sub(/,$/, "", said)
    answer[list] = said
  }
  list == "bots" && /^    \{/ { bots++ }
  function number(said) { gsub(/"/, "", said); return said + 0 }
  END {
    people = number(answer["numplayers"]) - bots
    print "nbplayers=" (people > 0 ? people : 0)
    print "maxplayers=" (number(answer["maxplayers"]) > 0 ? number(answer["maxplayers"]) : "")
    print "password=" (answer["password"] ~ /^(true|"1")$/ ? "yes" : "")
    if (answer["name"] ~ /^"/) print "description=" value(answer["name"])
    if (answer["map"] ~ /^"/) print "map=" value(answer["map"])
    if (answer["version"] ~ /^"/) print "version=" value(answer["version"])
  }' | { iconv -c -f UTF-8 -t UTF-8 2>/dev/null || cat; }
