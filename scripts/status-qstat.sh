#!/bin/sh
usage() {
  cat <<END
usage: ${0##*/} TYPE HOST[:PORT]

Asks a game server by qstat and prints what it is, as lines of updates:
  gltracker announce --port 28785 --status '${0##*/} cubes 127.0.0.1:28785'
TYPE is a type of game server that qstat --help lists, such as cubes, netp or ut2s. Players are
those that qstat counts, for many games with bots. qstat breaks letters that are not ASCII: name
the game server yourself (description='…').
\$QSTAT is the program, or else quakestat or qstat.
Exit status: 0 it has answered, 1 it has not, 2 wrong usage, 3 there is no qstat.
END
}
fail() { echo "${0##*/}: $2" >&2; exit "$1"; }

set -uf
export LC_ALL=C # a character is a byte
case ${1-} in
  -h | --help) usage; exit ;;
  '' | *[!a-z0-9.]*) fail 2 "TYPE is a word such as cubes; see ${0##*/} --help" ;;
esac
case ${2-} in '' | -*) fail 2 "behind TYPE stands HOST or HOST:PORT; see ${0##*/} --help" ;; esac
[ $# -eq 2 ] || fail 2 "there are two words, TYPE and HOST:PORT; see ${0##*/} --help"
for qstat in "${QSTAT-}" quakestat qstat ''; do
  [ -n "$qstat" ] && command -v "$qstat" >/dev/null && break
done
[ -n "$qstat" ] || fail 3 'there is neither quakestat nor qstat; the Debian package is qstat'

# One key a line. The status says whether there was an answer; the exit code does not.
answer=$("$qstat" -json "-$1" "$2" 2>&1 | tr -d '\000-\010\013-\037\177')
case $answer in
  *'"status": "online"'*) ;;
  *'unknown option "'*) fail 2 "qstat has no type $1; $qstat --help lists them" ;;
  *'"error": "'*) error=${answer##*'"error": "'}; fail 1 "$1 $2: ${error%%'"'*}" ;;
  *'"status": "'*) status=${answer##*'"status": "'}; fail 1 "$1 $2: ${status%%'"'*}" ;;
  *) fail 1 "$1 $2: no answer" ;;
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
  BEGIN {
    key["name"] = "description"; key["map"] = "map"; key["gametype"] = "mode"
    key["numplayers"] = "nbplayers"; key["maxplayers"] = "maxplayers"
  }
  /^\t\t"[a-z]+": / {
    name = substr($1, 2, length($1) - 3)
    said = $0
    sub(/^[^:]*: /, "", said)
    sub(/,$/, "", said)
    if (said ~ /^"/) said = value(said)
    if (name in key) print key[name] "=" (said == "\"\"" ? "" : said)
  }' | { iconv -c -f UTF-8 -t UTF-8 2>/dev/null || cat; }
