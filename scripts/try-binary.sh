#!/bin/sh
# Tries a build of gltracker: goes through the first screen of the README, with what the tracker prints
# typed into netcat, and lets its own `list` see the game server that this puts on the list.
# usage: try-binary.sh PROGRAM [RUNNER...], where RUNNER starts PROGRAM if this system cannot
set -eu
[ $# -gt 0 ] || {
  echo 'usage: try-binary.sh PROGRAM [RUNNER...]' >&2
  exit 2
}
program=$1
shift
expected=$(sed -n 's/^version = "\(.*\)"/gltracker \1/p;/^version/q' "$(dirname "$0")/../Cargo.toml")
dir=$(mktemp -d)
pids=''
# shellcheck disable=SC2086 # several processes
trap '{ kill $pids; wait; rm -r "$dir"; } 2>/dev/null || :' EXIT
trap 'exit 130' HUP INT TERM
fail() {
  echo "try-binary.sh: $program: $*" >&2
  tail -n 5 "$dir"/* >&2
  exit 1
}
soon() { # tries a command until it succeeds, for 20 s at the most
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ $tries -le 200 ] || fail "waited in vain for: $*"
    sleep 0.1
  done
}
to_type() { # N: the line of that number among those that are to be typed
  tr -d '\r' <"$dir/screen" | sed -n 's/^    //p' | sed -n "$1p"
}

said=$("$@" "$program" --version 2>"$dir/log" | tr -d '\r')
[ "$said" = "$expected" ] || fail "it says it is '$said', not '$expected'"
"$@" "$program" --servers 127.0.0.1:0 --clients 127.0.0.1:0 --max-slots 80 >"$dir/screen" 2>"$dir/log" &
pids=$!
soon grep -qs '^HELP ' "$dir/screen"

mkfifo "$dir/.typed"
exec 3<>"$dir/.typed" # for reading too: opening it for writing alone would wait for a reader
eval "exec $(to_type 1)" <&3 >"$dir/game-server" 3>&- &
pids="$pids $!"
to_type 2 >&3
soon grep -qs '^CHALLENGE ' "$dir/game-server"
to_type 3 | sed "s/<.*>/$(sed -n 's/^CHALLENGE //p' "$dir/game-server")/" >&3
soon grep -qx 'OK listed 127.0.0.1:23460' "$dir/game-server"

eval "$(to_type 4)" >"$dir/client" 2>&1
grep -qx 'INFOS ip=127.0.0.1 port=23460 description="My first server"' "$dir/client" ||
  fail 'the game server is not on the list'
# Its own client looks a name up.
port=$(to_type 4) && port=${port##* }
"$@" "$program" list "localhost:$port" --tsv >"$dir/client" 2>&1 || fail "list ended with $?"
grep -q 'My first server' "$dir/client" || fail 'its own list does not show the game server'
echo "try-binary.sh: $program: went through the first screen"
