#!/usr/bin/env bash
# Plays the life of real game servers of Debian at a tracker with a bridge, and prints what was to be seen
# and when: they start, a bot joins, the map changes, they are killed, and they are gone.
# usage: try-games.sh [PROGRAM] [GAME...], where PROGRAM is gltracker (target/release/gltracker if not
# given), and GAME is openarena (400 MB), cube2 or redeclipse (900 MB); openarena and cube2 if none is
set -euo pipefail
gltracker=$(dirname "$0")/../target/release/gltracker
case ${1:-} in */*) gltracker=$1 && shift ;; esac
games=${*:-openarena cube2}
[ -x "$gltracker" ] || {
  echo "try-games.sh: there is no program $gltracker; cargo build --release makes it, or name another" >&2
  exit 2
}
PATH=$PATH:/usr/games
missing=''
for game in $games; do
  case $game in
    openarena | cube2 | redeclipse) command -v "$game-server" >/dev/null || missing="$missing $game-server" ;;
    *) echo "try-games.sh: '$game' is none of openarena, cube2 and redeclipse" >&2 && exit 2 ;;
  esac
done
command -v quakestat >/dev/null || missing="$missing qstat"
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || { echo "try-games.sh: install by hand:$missing" >&2 && exit 3; }
  as_root=''
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  # shellcheck disable=SC2086 # several packages
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
fi

dir=$(mktemp -d)
declare -A pids
end() {
  kill -9 "${pids[@]}" 2>/dev/null || :
  wait 2>/dev/null || :
  rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' HUP INT TERM

start() { # NAME COMMAND...: what it says goes to a file, and it reads what is written to NAME.in
  local name=$1
  shift
  [ -p "$dir/$name.in" ] || mkfifo "$dir/$name.in"
  "$@" <>"$dir/$name.in" >>"$dir/$name.log" 2>&1 &
  pids[$name]=$!
}
stop() { # NAME SIGNAL
  kill -s "$2" "${pids[$1]}"
  # A game that is killed is nothing that a shell has to tell.
  wait "${pids[$1]}" 2>/dev/null || :
  unset "pids[$1]"
}
type_in() { # NAME LINE: at the console of a game server
  echo "$2" >"$dir/$1.in"
  say "typed there: $2"
}
begin() {
  printf '\n== %s\n' "$*"
  began=${EPOCHREALTIME/./}
}
say() { # what was seen, and when
  local took=$((${EPOCHREALTIME/./} - began))
  printf '%4d.%03d s  %s\n' $((took / 1000000)) $((took / 1000 % 1000)) "$*"
}
fail() {
  say "FAILED: $*"
  tail -n 20 "$dir"/*.log >&2
  exit 1
}
list() {
  exec 3<>"/dev/tcp/${clients%:*}/${clients##*:}"
  printf 'LIST\nQUIT\n' >&3
  grep '^INFOS' <&3 || :
  exec 3>&-
}
seen() { # SECONDS PATTERN: waits until a line of the list has it
  local line end=$((SECONDS + $1))
  until line=$(list | grep -E -e "$2"); do
    [ $SECONDS -le $end ] || fail "no '$2' on the list: $(list)"
    sleep 0.05
  done
  say "listed: ${line#INFOS }"
}
gone() { # SECONDS PATTERN: waits until no line of the list has it
  local end=$((SECONDS + $1))
  while list | grep -q -E -e "$2"; do
    [ $SECONDS -le $end ] || fail "'$2' stays on the list"
    sleep 0.05
  done
  say 'gone from the list'
}
value() { # NAME KEY: a value in the log of a part of gltracker, as soon as it is there
  local value end=$((SECONDS + 10))
  until value=$(grep -s 'event=listening' "$dir/$1.log" | grep -o -e " $2=[^ ]*"); do
    [ $SECONDS -le $end ] || fail "$1 does not start"
    sleep 0.05
  done
  echo "${value#*=}"
}

export GLTRACKER_PASSWORD=secret QSTAT_CONFIG=/dev/null
began=${EPOCHREALTIME/./}
start tracker "$gltracker" --servers 127.0.0.1:0 --clients 127.0.0.1:0 --trust 127.0.0.0/8 --max-slots 80
clients=$(value tracker clients)
servers=$(value tracker servers)
start quake-bridge "$gltracker" bridge --tracker "$servers" --clients "$clients" --quake 127.0.0.1:0
start cube-bridge "$gltracker" bridge --tracker "$servers" --clients "$clients" --cube 127.0.0.1:0
quake=$(value quake-bridge at)
cube=$(value cube-bridge at)
# The port of the last game server.
port=$((20000 + $$ % 10000))

openarena() { # MASTER
  port=$((port + 10))
  HOME=$dir start openarena openarena-server +set dedicated 2 +set net_enabled 1 +set net_ip 127.0.0.1 \
    +set net_port $port +set sv_hostname 'Friday ^1arena' +set sv_master1 "$1" +set sv_master2 '' \
    +set sv_master3 '' +set sv_master4 '' +set sv_master5 '' +map oa_dm1
}
players() { # what qstat and the tracker say of them: it counts bots, the list does not
  local counted
  counted=$(quakestat -json -q3s "127.0.0.1:$port" | grep numplayers)
  say "qstat: ${counted//[[:space:],]/}; the list: $(list | grep -o "port=$port nbplayers=[0-9]*")"
}
try_openarena() {
  begin 'OpenArena registers at the bridge by itself'
  openarena "$quake"
  seen 60 "port=$port .*query=quake3 .*map=oa_dm1"
  "$gltracker" list "$clients"
  quakestat -mi 0.5 -q3m,71 "$quake" | grep -q "127.0.0.1:$port" || fail 'qstat is not told'
  say 'qstat has it from the bridge'
  type_in openarena 'addbot sarge'
  until quakestat -json -q3s "127.0.0.1:$port" | grep -q '"numplayers": 1'; do sleep 0.2; done
  players
  type_in openarena 'map oa_dm2'
  seen 60 "port=$port .*map=oa_dm2"
  say 'killed'
  stop openarena KILL
  gone 120 "port=$port "

  begin 'OpenArena is asked by announce, and knows no master'
  openarena ''
  start announce "$gltracker" announce "$servers" --ask "quake3=127.0.0.1:$port"
  seen 60 "port=$port .*map=oa_dm1"
  type_in openarena 'addbot sarge'
  until quakestat -json -q3s "127.0.0.1:$port" | grep -q '"numplayers": 1'; do sleep 0.2; done
  players
  type_in openarena 'map oa_dm2'
  seen 60 "port=$port .*map=oa_dm2"
  say 'killed'
  stop openarena KILL
  gone 60 "port=$port "
  port=$((port - 10))
  openarena ''
  say 'started again'
  seen 60 "port=$port .*map=oa_dm1"
  stop announce KILL
  gone 60 "port=$port "
  stop openarena KILL
}
try_cube2() {
  begin 'Sauerbraten registers at the bridge by itself'
  port=$((port + 10))
  printf '%s\n' 'serverip 127.0.0.1' "serverport $port" 'serverdesc "Friday ^f3cubes"' \
    'mastername 127.0.0.1' "masterport ${cube##*:}" >"$dir/server-init.cfg"
  start cube2 cube2-server "-q$dir"
  seen 60 "port=$port .*game=sauerbraten"
  told "list" "addserver 127.0.0.1 $port"
  until grep -qsa registration "$dir/cube2.log"; do sleep 0.05; done
  say "its log: $(grep -a registration "$dir/cube2.log")"
  say 'killed'
  stop cube2 KILL
  gone 120 "port=$port "
}
try_redeclipse() {
  begin 'Red Eclipse registers at the bridge by itself'
  port=$((port + 10))
  mkdir -p "$dir/redeclipse"
  echo 'sv_serverdesc "Friday eclipse"' >"$dir/redeclipse/servinit.cfg"
  start redeclipse redeclipse-server "-h$dir/redeclipse" -ss3 -si127.0.0.1 "-sp$port" -sm127.0.0.1 \
    "-sa${cube##*:}"
  seen 60 "port=$port .*game=redeclipse"
  told "update" "addserver 127.0.0.1 $port 0 \"Friday eclipse\""
  say 'killed'
  stop redeclipse KILL
  gone 120 "port=$port "
  grep -a 'master server' "$dir/redeclipse.log"
}
told() { # REQUEST ANSWER: waits until that is what a player's program is told at the cube door
  local answer end=$((SECONDS + 10))
  until
    exec 4<>"/dev/tcp/${cube%:*}/${cube##*:}"
    printf '%s\n' "$1" >&4
    answer=$(tr -d '\0' <&4)
    exec 4>&-
    [[ $answer = *"$2"* ]]
  do
    [ $SECONDS -le $end ] || fail "players are told: $answer"
    sleep 0.05
  done
  say "players are told: $2"
}

for game in $games; do "try_$game"; done
