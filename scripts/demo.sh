#!/bin/sh
# Shows what a tracker does, all on this machine: three game servers come, one changes, one goes.
# usage: demo.sh [PROGRAM], where PROGRAM is gltracker (target/release/gltracker if not given)
set -u
here=$(dirname "$0")
gltracker=${1:-$here/../target/release/gltracker}
[ -x "$gltracker" ] || {
  echo "demo.sh: there is no program $gltracker; cargo build --release makes it, or name another" >&2
  exit 2
}
dir=$(mktemp -d) && mkfifo "$dir/updates" || exit 3
pids=''
trap '{ kill $pids; wait; rm -r "$dir"; } 2>/dev/null' EXIT
trap 'exit 130' HUP INT PIPE TERM

title() { printf '\n== %s\n' "$1"; }
show() { # a command as one would type it
  printf '$'
  for word; do
    case $word in *[!A-Za-z0-9.:=-]*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac
  done
  echo
}
soon() { # tries a command until it succeeds, for 10 s at most
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ]; then
      echo "demo.sh: waited in vain for: $*" >&2
      cat "$dir"/*.log >&2
      exit 1
    fi
    sleep 0.1
  done
}
register() { # UPDATES PORT [key=value...]: UPDATES becomes the standard input
  updates=$1
  shift
  show register.sh -t "$servers" "$@"
  "$here/register.sh" -t "$servers" "$@" <"$updates" 2>"$dir/$1.log" &
  game_server=$!
  pids="$pids $game_server"
  soon grep -s listed "$dir/$1.log"
}
list() {
  show list.sh "$clients" "$@"
  "$here/list.sh" "$clients" "$@"
}
listed() { # N [filter...]: are there just N such game servers?
  wanted=$1
  shift
  # list.sh says why there are none yet, which is not shown.
  [ "$("$here/list.sh" "$clients" "$@" 2>/dev/null | wc -l)" -eq "$wanted" ]
}

title 'A tracker starts.'
export GLTRACKER_PASSWORD=secret
show gltracker --servers 127.0.0.1:0 --clients 127.0.0.1:0
"$gltracker" --servers 127.0.0.1:0 --clients 127.0.0.1:0 >/dev/null 2>"$dir/tracker.log" &
pids=$!
soon grep -qs event=listening "$dir/tracker.log"
address() { sed -n "s/.* event=listening .*$1=\([^ ]*\).*/\1/p" "$dir/tracker.log"; }
servers=$(address servers) clients=$(address clients)
echo "Game servers log in at $servers, clients ask at $clients."

title 'Three game servers log in. The line after each command is what the tracker said.'
exec 7<>"$dir/updates" # for reading too: opening it for writing alone would wait for a reader
register "$dir/updates" 23460 nbplayers=0 maxplayers=8 speed=fast 'description=Friday cycles'
register /dev/null 23461 nbplayers=2 maxplayers=4 description=beginners
leaving=$game_server
register /dev/null 23462 nbplayers=6 maxplayers=6 'description=the "old" arena'

title 'A client asks for the list.'
list

title 'Three players join the first game server. It writes to its register.sh:'
echo 'nbplayers=3 map=town'
echo 'nbplayers=3 map=town' >&7
soon listed 1 port=23460 nbplayers=3
list port=23460

title 'Who has players, and room for more?'
list notempty notfull

title 'The second game server ends, and is off the list at once.'
show kill "$leaving"
kill "$leaving"
wait "$leaving"
pids=$(echo " $pids " | sed "s/ $leaving / /") # that id may be another's now
soon listed 2
list

title 'That was all. What was started is stopped now.'
