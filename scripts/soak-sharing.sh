#!/usr/bin/env bash
# Gives three trackers that share one list a year's trouble: game servers come, go, crash and hang, players
# poll and watch all three, and one after the other the trackers are killed, stopped and cut off, and the
# engine is killed, stopped and started with nothing. In the end the lists that were seen are compared with
# what was promised. Everything runs on this machine, and ends with this script.
# Faults come one at a time, between 3 and 16 s apart. The name trackers.soak, which has the addresses of
# all three, is known to this script alone: it has a mount namespace of its own.
#
# usage: soak-sharing.sh [SECONDS], 3600 if not given
#   GLTRACKER=PROGRAM    what to try; target/release/gltracker if not given
#   KEEP=FOLDER          where to leave the events, the logs and the lists that were seen
# Exit codes: 0 all promises kept, 1 one was broken, 2 wrong usage, 3 it could not be tried
set -u
cd "$(dirname "$0")/.." || exit 3
seconds=${1:-3600}
gltracker=${GLTRACKER:-target/release/gltracker}
cannot() {
  echo "soak-sharing.sh: $*" >&2
  exit 3
}
case $seconds in '' | *[!0-9]*) echo "usage: soak-sharing.sh [SECONDS]" >&2; exit 2 ;; esac
[ -x "$gltracker" ] || cannot "there is no program $gltracker; cargo build --release makes it"
[ -n "${EPOCHREALTIME-}" ] || cannot "needs bash 5"
for tool in redis-server socat unshare setsid; do
  command -v $tool >/dev/null || cannot "needs $tool; scripts/install-test-tools.sh installs it"
done
if [ -z "${SOAK_HOSTS-}" ]; then
  SOAK_HOSTS=$(mktemp) || exit 3
  printf '127.0.0.%s trackers.soak\n' 1 2 3 >"$SOAK_HOSTS"
  export SOAK_HOSTS
  as_root=--map-root-user
  [ "$(id -u)" -ne 0 ] || as_root=''
  exec unshare --mount $as_root bash "scripts/${0##*/}" "$seconds"
fi
mount --bind "$SOAK_HOSTS" /etc/hosts || cannot "the system lets nobody have other names"
dir=$(mktemp -d) || exit 3
engine='' pulse=''                            # process ids
declare -A trackers=() relays=() watching=()  # the same by place: 1 to 3
declare -A servers=() ends=() # what runs: port to process id, port to the second when it ends
declare -a hung=()            # process ids of those that were stopped

finish() {
  trap '' INT TERM HUP
  for pid in "${relays[@]}"; do kill -9 -- "-$pid" 2>/dev/null; done
  for pid in $engine $pulse "${trackers[@]}" "${watching[@]}" "${servers[@]}" "${hung[@]}"; do
    kill -9 "$pid" 2>/dev/null
  done
  wait 2>/dev/null
  if [ -n "${KEEP-}" ]; then mkdir -p "$KEEP" && cp "$dir"/* "$KEEP"; fi
  rm -r "$dir" "$SOAK_HOSTS"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

now() { # milliseconds, into $at; a comma where the language writes one
  at=${EPOCHREALTIME/[.,]/}
  at=${at%???}
}
say() { # an event
  now
  echo "$at $*" >>"$dir/events"
}
until_dead() { # PID, which has been killed
  while kill -0 "$1" 2>/dev/null; do sleep 0.01; done
}

# The engine, and before each tracker a relay to it, which can be cut.
engine_at=0
start_engine() {
  local tries=0 port
  while :; do
    port=$engine_at
    [ "$port" -ne 0 ] || port=$((24000 + RANDOM % 8000))
    : >"$dir/engine"
    redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no --dir "$dir" \
      </dev/null >"$dir/engine" 2>&1 &
    engine=$!
    disown $!
    while kill -0 "$engine" 2>/dev/null; do
      if grep -q 'Ready to accept' "$dir/engine"; then
        engine_at=$port
        return
      fi
      sleep 0.01
    done
    tries=$((tries + 1))
    [ $tries -lt 20 ] || cannot "redis-server does not start: $(tail -n 3 "$dir/engine")"
  done
}
start_relay() { # PLACE
  setsid socat "TCP-LISTEN:$((engine_at + $1)),bind=127.0.0.1,reuseaddr,fork" \
    "TCP:127.0.0.1:$engine_at" </dev/null >/dev/null 2>&1 &
  relays[$1]=$!
  disown $!
}

export GLTRACKER_PASSWORD=soak
servers_at=0 clients_at=0 # ports, the same for all three
start_tracker() { # PLACE
  local tries=0 log=$dir/log$1
  : >"$log"
  "$gltracker" --servers "127.0.0.$1:$servers_at" --clients "127.0.0.$1:$clients_at" \
    --share "127.0.0.1:$((engine_at + $1))" --share-name "soak$1" \
    --trust 127.0.0.0/8 --max-slots 400 </dev/null >/dev/null 2>>"$log" &
  trackers[$1]=$!
  until grep -q event=listening "$log"; do
    tries=$((tries + 1))
    if [ $tries -gt 500 ] || ! kill -0 "${trackers[$1]}" 2>/dev/null; then
      cannot "tracker $1 does not start: $(cat "$log")"
    fi
    sleep 0.01
  done
  servers_at=$(sed -n 's/.* event=listening servers=[^ ]*:\([0-9]*\).*/\1/p' "$log")
  clients_at=$(sed -n 's/.* event=listening .*clients=[^ ]*:\([0-9]*\).*/\1/p' "$log")
}
keep_errors() { # PLACE
  grep -h -e level=error -e event=panic "$dir/log$1" >>"$dir/errors"
  cat "$dir/log$1" >>"$dir/logs$1"
}

# The faults. Each has a line when it begins, with who suffers it, and one when it is over.
faults=(killed cut emptied stopped hushed halted)
fault='' victim=0 fault_end=0 next_fault=0 count=0
begin_fault() {
  [ $((count % ${#faults[@]})) -ne 0 ] || mapfile -t faults < <(shuf -e "${faults[@]}")
  fault=${faults[count % ${#faults[@]}]} victim=$((1 + RANDOM % 3)) count=$((count + 1))
  fault_end=$((SECONDS + 1 + RANDOM % 8))
  [ $((RANDOM % 4)) -ne 0 ] || fault_end=$((fault_end + 1 + RANDOM % (seconds < 300 ? 4 : 30)))
  say begins $fault $victim
  case $fault in
  killed)
    kill -9 "${trackers[$victim]}"
    wait "${trackers[$victim]}" 2>/dev/null # or bash would report its end
    keep_errors $victim
    ;;
  stopped) kill -STOP "${trackers[$victim]}" ;;
  cut) kill -9 -- "-${relays[$victim]}" && until_dead "${relays[$victim]}" ;;
  hushed) kill -STOP -- "-${relays[$victim]}" ;;
  emptied) kill -9 "$engine" && until_dead "$engine" ;;
  halted) kill -STOP "$engine" ;;
  esac
}
end_fault() {
  case $fault in
  killed) start_tracker $victim ;;
  stopped) kill -CONT "${trackers[$victim]}" ;;
  cut) start_relay $victim ;;
  hushed) kill -CONT -- "-${relays[$victim]}" ;;
  emptied) start_engine ;;
  halted) kill -CONT "$engine" ;;
  esac
  say ends $fault $victim
  fault='' next_fault=$((SECONDS + 3 + RANDOM % 14))
}

all_run() { # or it is over
  local place
  for place in 1 2 3; do
    [ "$fault$victim" = killed$place ] || kill -0 "${trackers[$place]}" 2>/dev/null || {
      wait "${trackers[$place]}" 2>/dev/null
      echo "soak-sharing.sh: tracker $place has ended by itself, with status $?:" >&2
      tail -n 20 "$dir/log$place" >&2
      exit 1
    }
  done
}

next_port=20000
start_server() {
  next_port=$((next_port + 1))
  say up $next_port
  "$gltracker" announce --tracker "trackers.soak:$servers_at" --port $next_port \
    --updates "$dir/updates" description="number $next_port" </dev/null >/dev/null 2>&1 &
  servers[$next_port]=$!
  disown $! # or bash would report its end
  ends[$next_port]=$((SECONDS + 15 + RANDOM % 60))
}
end_server() { # PORT: it leaves, crashes or hangs
  local pid=${servers[$1]}
  case $((RANDOM % 3)) in
  0) say down "$1" left && kill "$pid" ;;
  1) say down "$1" crashed && kill -9 "$pid" ;;
  2) say down "$1" hung && kill -STOP "$pid" && hung+=("$pid") ;;
  esac
  unset "servers[$1]" "ends[$1]"
}

# What a player sees of one tracker: a line for each list, with when it was asked for, when it was there,
# and the ports on it. A port behind ~ is stale.
read_line() { # the next one of connection 3, into $line; its port, if it has one, into $port
  read -r -t "$1" line <&3 || return
  port=${line#* port=} port=${port%% *}
  case $line in *' stale=yes'*) port="~$port" ;; esac
}
poll() { # PLACE
  local asked line port list
  while sleep 0.4; do
    now
    asked=$at list='' line=''
    {
      exec 3<>"/dev/tcp/127.0.0.$1/$clients_at" || { echo "$asked $asked none"; continue; }
      printf 'LIST\nQUIT\n' >&3
      while read_line 60; do
        case $line in
        INFOS*) list="$list $port" ;;
        *) break ;;
        esac
      done
      exec 3>&-
      now
      case $line in END*) echo "$asked $at list$list" ;; *) echo "$asked $at none" ;; esac
    } 2>/dev/null >>"$dir/polled$1"
  done
}
# What a watcher sees: the same for each END, from all that it was told until then.
watch() { # PLACE
  local line port
  local -A list
  while sleep 0.1; do
    list=()
    {
      exec 3<>"/dev/tcp/127.0.0.$1/$clients_at" || continue
      echo WATCH >&3
      while read_line 60; do
        case $line in
        INFOS*) list[${port#\~}]=$port ;;
        GONE*) unset "list[${port#\~}]" ;;
        END*) now && echo "$at $at list ${list[*]}" ;;
        esac
      done
      exec 3>&-
    } 2>/dev/null >>"$dir/watched$1"
  done
}
# A whole list in alphabetical order, without its last lines, and without what a tracker that was killed has
# left: who starts again after that knows less of it than the others, for up to 70 s.
whole_list() { # PLACE
  local line port
  exec 3<>"/dev/tcp/127.0.0.$1/$clients_at" || return
  printf 'LIST\nQUIT\n' >&3
  while read_line 10; do
    case $line in *' stale=yes'*) ;; INFOS*) echo "$line" ;; *) break ;; esac
  done | sort
  exec 3>&-
}

# The milliseconds that the machine takes to wake a program, when they are many. A machine that is busy or
# stands still cannot keep promises about time.
feel_pulse() {
  local began
  while :; do
    now
    began=$((at + 200))
    sleep 0.2
    now
    [ $((at - began)) -lt 100 ] || echo "$began slow $((at - began))" >>"$dir/events"
  done
}

: >"$dir/updates" && : >"$dir/errors" || exit 3
start_engine
for place in 1 2 3; do
  start_relay $place
  start_tracker $place
done
say start
for place in 1 2 3; do
  : >"$dir/polled$place" && : >"$dir/watched$place"
  poll $place &
  watching[p$place]=$!
  disown $!
  watch $place &
  watching[w$place]=$!
  disown $!
done
feel_pulse &
pulse=$!
disown $!
end=$((SECONDS + seconds)) next_fault=$((SECONDS + 12))
while [ $SECONDS -lt $end ] || [ -n "$fault" ]; do
  [ ${#servers[@]} -ge 20 ] || start_server
  for port in "${!ends[@]}"; do
    [ "${ends[$port]}" -gt $SECONDS ] || end_server "$port"
  done
  echo "nbplayers=$((RANDOM % 8))" >>"$dir/updates"
  all_run
  if [ -n "$fault" ]; then
    [ $SECONDS -lt $fault_end ] || end_fault
  elif [ $SECONDS -ge $next_fault ] && [ $SECONDS -lt $end ]; then
    begin_fault
  fi
  sleep 0.25
done
# Nothing happens any more. After 10 s all agree.
sleep 10
all_run
for try in 1 2 3; do
  for place in 1 2 3; do whole_list $place >"$dir/whole$place"; done
  agree=no
  cmp -s "$dir/whole1" "$dir/whole2" && cmp -s "$dir/whole1" "$dir/whole3" && agree=yes && break
  # One that hung may have gone from the list between two of them.
  sleep 0.5
done
say agree $agree
for place in 1 2 3; do keep_errors $place; done

# The judge knows nothing of the program, only what was done when and which lists were seen.
awk -v seconds="$seconds" -v errors="$(wc -l <"$dir/errors")" '
  BEGIN { settle = 10000; gone = 30000; away = 70000; slack = 2000; started_again = 3000; patience = 1000 }
  # A time of trouble begins with a fault, and is over when the last one has been over for long enough.
  function trouble_at(when,   i) {
    for (i = 1; i <= episodes; i++)
      if (when >= episode_begin[i] && when < episode_end[i]) return episode_begin[i]
    return 0
  }
  function find_episodes(   i) {
    for (i = 1; i <= faults; i++) {
      if (!episodes || begin[i] > episode_end[episodes]) episode_begin[++episodes] = begin[i]
      episode_end[episodes] = end[i] + settle
    }
  }
  # Until when the list of a tracker may show a game server that has ended: for 30 s if it hung. A
  # tracker that could not be heard, or did not hear, knows within 10 s. What belonged to one that was
  # killed comes up again as stale when the game server has left another, until 70 s after that. Who hears
  # the engine again in that time counts them anew, and so does who starts again.
  function limit_of(port, place,   i, limit, kept, ghost, first) {
    if ((port, place) in limits) return limits[port, place]
    limit = down[port] + (how[port] == "hung" ? gone : 0) + slack
    kept = ghost = 0
    split("", first)
    for (i = 1; i <= faults && begin[i] <= later(limit, down[port]); i++) {
      if (fault[i] == "killed") {
        if (victim[i] == place && begin[i] <= kept) ghost = later(ghost, end[i] + away + slack)
        if (begin[i] < up[port] || victim[i] in first) continue
        if (begin[i] > down[port]) first[victim[i]] = 1
        kept = later(kept, begin[i] + away + slack)
        if (victim[i] == place) ghost = later(ghost, end[i] + away + slack)
      } else if (fault[i] == "emptied" || fault[i] == "halted") {
        if (begin[i] <= kept) kept = end[i] + away + slack
      } else if (victim[i] == place && begin[i] <= later(kept, ghost)) ghost = end[i] + away + slack
      if (fault[i] != "killed" && end[i] + settle >= down[port])
        limit = later(limit, end[i] + slack + (fault[i] == "stopped" && how[port] == "hung" ? gone : settle))
      limit = later(limit, later(kept, ghost))
    }
    return limits[port, place] = limit
  }
  function later(a, b) { return a > b ? a : b }
  # True if this tracker could not answer at that time, or has just begun to.
  function is_out(place, from, to, after,   i) {
    for (i = 1; i <= faults; i++)
      if ((fault[i] == "killed" || fault[i] == "stopped") && victim[i] == place &&
        from < end[i] + after && to > begin[i]) return 1
    return 0
  }
  function broken(what) { if (++wrong <= 20) print "BROKEN at tracker " place ", " $1 ": " what }
  FILENAME ~ /events$/ {
    if ($2 == "up") { up[$3] = $1; order[++started] = $3 }
    else if ($2 == "down") { down[$3] = $1; how[$3] = $4; ended[$4]++ }
    else if ($2 == "begins") { begin[++faults] = $1; end[faults] = 1e15; fault[faults] = $3; victim[faults] = $4; times[$3]++ }
    else if ($2 == "ends") end[faults] = $1
    else if ($2 == "agree") agree = $3
    else if ($2 == "slow") { slow++; slowest_pulse = later(slowest_pulse, $3) }
    next
  }
  FILENAME != file {
    if (!file) find_episodes()
    file = FILENAME
    place = substr(file, length(file))
    watched = file ~ /watched.$/
    next_up = 1
    split("", living)
  }
  $2 - $1 > longest_wait && !watched && !is_out(place, $1, $2, patience) { longest_wait = $2 - $1 }
  !watched && ($2 - $1 > patience + slowest_pulse || $3 == "none") && !is_out(place, $1, $2, patience) {
    broken("no list within " $2 - $1 " ms")
  }
  $3 == "none" { unanswered++; next }
  {
    if (watched) batches++; else polls++
    trouble = trouble_at($1)
    just_started = is_out(place, $1, $1, started_again)
    while (next_up <= started && up[order[next_up]] <= $1) living[order[next_up++]] = 1
    split("", seen)
    for (i = 4; i <= NF; i++) {
      port = $i
      is_stale = sub(/^~/, "", port)
      stales += is_stale
      if (port in seen) broken(port " is on the list twice")
      seen[port] = 1
      if (!(port in up)) { broken(port " is on the list, and never was a game server"); continue }
      if (!(port in down) || $1 < down[port]) {
        if (is_stale && !trouble && $1 > up[port] + settle) broken(port " is up, and stale")
        continue
      }
      stays = $1 - down[port]
      if (stays > longest[how[port]]) longest[how[port]] = stays
      if ($1 <= limit_of(port, place)) continue
      if (just_started) old++
      else broken(port " (" how[port] ") has ended " stays " ms ago, and is on the list")
    }
    for (port in living) {
      if (port in down && $2 >= down[port]) { delete living[port]; continue }
      if (port in seen || $1 < up[port] + settle) continue
      # Who came during a fault is known everywhere when that has been over for a while.
      if (trouble && trouble < up[port] + settle) continue
      if (just_started) { reading++; continue }
      broken(port " is up for " $1 - up[port] " ms, and not on the list")
    }
  }
  END {
    $1 = place = "the end"
    if (!polls || !batches) broken("no list was seen at all")
    if (agree != "yes") broken("the three lists are not the same 10 s after the last fault")
    if (errors > 0) broken("the trackers logged " errors " errors")
    printf "%d s: %d game servers came, %d left, %d crashed, %d hung\n", \
      seconds, started, ended["left"], ended["crashed"], ended["hung"]
    printf "trackers killed %d times, stopped %d, cut off %d, cut off without a word %d;", \
      times["killed"], times["stopped"], times["cut"], times["hushed"]
    printf " engine emptied %d times, stopped %d\n", times["emptied"], times["halted"]
    printf "%d lists and %d batches seen, %d times no answer; longest wait for a list %d ms\n", \
      polls, batches, unanswered, longest_wait
    printf "on a list after its end at the latest: left %d ms, crashed %d ms, hung %d ms; stale entries seen: %d\n", \
      longest["left"], longest["crashed"], longest["hung"], stales
    printf "at a tracker that was started less than 3 s before: %d missing, %d from an older list\n", \
      reading, old
    printf "the machine took over 100 ms to wake %d times, %d ms at the most\n", slow, slowest_pulse
    printf "promises broken: %d\n", wrong
    exit wrong > 0
  }' "$dir/events" "$dir"/polled[123] "$dir"/watched[123]
