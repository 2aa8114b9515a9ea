#!/bin/sh
# Records what a player sees in the browser, as frames of plain text: the first one is the README's picture.
# usage: record-demo.sh [PROGRAM], where PROGRAM is gltracker (target/release/gltracker if not given)
# A tracker lists made-up game servers, which answer pings after 6 to 431 ms; addresses and ages of this run
# are then replaced by made-up ones. It takes tmux and what Debian calls perl-base.
set -u
here=$(dirname "$0")
gltracker=${1:-$here/../target/release/gltracker}
stop() { echo "record-demo.sh: $1" >&2 && exit "$2"; }
[ -x "$gltracker" ] || stop "there is no program $gltracker; cargo build --release makes it, or name another" 2
for tool in tmux perl; do
  command -v $tool >/dev/null || stop "$tool is needed" 3
done
case $gltracker in /*) ;; *) gltracker=$PWD/$gltracker ;; esac
dir=$(mktemp -d) || exit 3
pids=''
screen() { tmux -u -L "${dir##*/}" "$@"; }
trap '{ screen kill-server; kill $pids; wait; rm -r "$dir"; } >/dev/null 2>&1' EXIT
trap 'exit 130' HUP INT PIPE TERM
export LC_ALL=C.UTF-8 SHELL=/bin/sh XDG_DATA_HOME="$dir" XDG_CONFIG_HOME="$dir" GLTRACKER_PASSWORD=secret

soon() { # tries a command until it succeeds, for 30 s at most
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { screen capture-pane -p >&2; cat "$dir"/*.log >&2; stop "waited in vain for: $*" 1; }
    sleep 0.1
  done
}

"$gltracker" --servers 127.0.0.1:0 --clients 127.0.0.1:0 >/dev/null 2>"$dir/tracker.log" &
pids=$!
soon grep -qs event=listening "$dir/tracker.log"
address() { sed -n "s/.* event=listening .*$1=\([^ ]*\).*/\1/p" "$dir/tracker.log"; }
servers=$(address servers) clients=$(address clients)

# Opens a UDP port for each number of milliseconds after which it answers; 0 is never.
perl -MSocket -e '
  $| = 1; $SIG{CHLD} = "IGNORE"; my (%delay, $all);
  for my $delay (@ARGV) {
    my $udp; socket($udp, PF_INET, SOCK_DGRAM, 0) && bind($udp, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "$!";
    vec($all, fileno $udp, 1) = 1; $delay{$udp} = [$udp, $delay];
    print +(unpack_sockaddr_in getsockname $udp)[0], "\n";
  }
  while (select(my $ready = $all, undef, undef, undef)) {
    for (grep { vec $ready, fileno $_->[0], 1 } values %delay) {
      my ($udp, $delay) = @$_; my $from = recv $udp, my $said, 100, 0;
      next if !$delay || $said !~ s/^PING /PONG / || fork;
      select undef, undef, undef, $delay / 1000; send $udp, $said, 0, $from; exit;
    }
  }' 6 18 122 431 0 >"$dir/ports" 2>"$dir/games.log" &
pids="$pids $!"
has_lines() { [ "$(wc -l <"$2")" -eq "$1" ]; }
soon has_lines 5 "$dir/ports" 2>>"$dir/games.log"

list() { # ADDRESS key=value...: lists the next one, and shows it at that address
  made_up=$1 && shift
  read -r port <&3
  "$gltracker" announce "$servers" --port "$port" --pong=no "$@" </dev/null >/dev/null 2>"$dir/$port.log" &
  pids="$pids $!"
  soon grep -qs listed "$dir/$port.log"
  printf 's/127\\.0\\.0\\.1:%s/%s/\ns/^\\(  port  *\\)%s$/\\1%s/\n' "$port" "$made_up" "$port" "${made_up#*:}" >>"$dir/made-up"
}
exec 3<"$dir/ports"
list 198.51.100.9:23460 description='near and empty' nbplayers=0 maxplayers=16 version=0.70
list 198.51.100.7:23460 description='Friday cycles' nbplayers=3 maxplayers=8 version=0.70 speed=fast
list 203.0.113.5:23460 description='日本のサーバー 🏍' nbplayers=8 maxplayers=8 version=0.70 speed=normal
list 203.0.113.9:23460 description='far away' nbplayers=1 maxplayers=4 version=0.69
list 203.0.113.20:23461 description=silent nbplayers=0 maxplayers=4
printf 's/%s/tracker.example:23471/\ns/updated [0-9]* s ago/updated 5 s ago/\ns/127\\.0\\.0\\.1/198.51.100.7/\n' "$clients" >>"$dir/made-up"

command="game --connect {ip}:{port}"
mkdir "$dir/bin" && echo '#!/bin/sh' >"$dir/bin/game" && chmod +x "$dir/bin/game"
screen -f /dev/null new-session -d -x 80 -y 17 "PATH='$dir/bin':\$PATH exec '$gltracker' browse $clients --exec '$command'"
shows() { screen capture-pane -p >"$dir/frame" 2>"$dir/screen.log" && grep -qF -e "$1" "$dir/frame" && ! grep -q '^[^…]* … [^…]*$' "$dir/frame"; }
frame() { # TITLE TEXT KEY...: presses the keys, waits for the text, and shows what there is
  title=$1 text=$2 && shift 2
  [ $# -eq 0 ] || screen send-keys "$@"
  soon shows "$text"
  printf '\n== %s\n\n' "$title"
  sed -f "$dir/made-up" "$dir/frame" | cat -s
}
is_nearest_first() { # A busy machine may delay an answer: then all are measured again.
  shows '5 of 5 servers' || return
  order=$(sed -n '2,6{s/^  \(.....\).*/\1/;p;}' "$dir/frame" | tr '\n' ,)
  [ "$order" = 'near ,Frida,日本のサー,far a,silen,' ] || { screen send-keys r && return 1; }
}
soon is_nearest_first

echo "\$ gltracker browse tracker.example --exec '$command'"
frame 'The nearest come first' '5 of 5 servers'
frame '/ searches as you type' '1 of 5 servers' / f r i Enter
frame 'i shows all fields' 'description     Friday cycles' i
frame 'f makes a favourite' 'Friday cycles is a favourite now' Escape f
frame 'o sorts by players' 'in the order of players' Escape o
frame 'F shows the favourites' 'only favourites are shown' F
