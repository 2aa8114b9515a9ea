#!/usr/bin/env bash
# Gives a tracker a year's trouble: game servers come, go, crash and hang, players poll and watch, and
# the tracker itself is killed every few seconds. In the end the lists that were seen are compared with
# what was promised. Everything runs on this machine, and ends with this script.
# Run it for at least 150 s: shorter runs never reach the end of the 90 s after which a game server that
# does not come back is forgotten.
#
# usage: soak.sh [SECONDS], 3600 if not given
#   GLTRACKER=PROGRAM    what to try; target/release/gltracker if not given
#   STATE=no             without --state: game servers may then be missing for a while after a kill
#   KEEP=FOLDER          where to leave the events and the lists that were seen
# Exit codes: 0 all promises kept, 1 one was broken, 2 wrong usage, 3 it could not be tried
set -u
cd "$(dirname "$0")/.." || exit 3
seconds=${1:-3600}
gltracker=${GLTRACKER:-target/release/gltracker}
state=${STATE:-yes}
case $seconds in '' | *[!0-9]*) echo "usage: soak.sh [SECONDS]" >&2; exit 2 ;; esac
[ -x "$gltracker" ] || {
  echo "soak.sh: there is no program $gltracker; cargo build --release makes it" >&2
  exit 3
}
[ -n "${EPOCHREALTIME-}" ] || { echo "soak.sh: needs bash 5" >&2; exit 3; }
dir=$(mktemp -d) || exit 3
tracker='' poller='' watcher='' pulse='' # process ids
declare -A servers=() ends=() # what runs: port to process id, port to the second when it ends
declare -a hung=()            # process ids of those that were stopped

finish() {
  trap '' INT TERM HUP
  for pid in $tracker $poller $watcher $pulse "${servers[@]}" "${hung[@]}"; do
    kill -9 "$pid" 2>/dev/null
  done
  if [ -n "${KEEP-}" ]; then mkdir -p "$KEEP" && cp "$dir"/* "$KEEP"; fi
  rm -r "$dir"
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

export GLTRACKER_PASSWORD=soak
servers_at=127.0.0.1:0 clients_at=127.0.0.1:0
flags=()
[ "$state" = no ] || flags+=(--state "$dir/state")
start_tracker() {
  local tries=0
  : >"$dir/start"
  "$gltracker" --servers "$servers_at" --clients "$clients_at" --trust 127.0.0.0/8 \
    --max-slots 400 "${flags[@]}" >/dev/null 2>>"$dir/start" </dev/null &
  tracker=$!
  disown $! # or bash would report its end
  until grep -q event=listening "$dir/start"; do
    tries=$((tries + 1))
    if [ $tries -gt 500 ] || ! kill -0 "$tracker" 2>/dev/null; then
      echo "soak.sh: the tracker does not start:" >&2
      cat "$dir/start" >&2
      exit 3
    fi
    sleep 0.01
  done
  servers_at=$(sed -n 's/.* event=listening servers=\([^ ]*\).*/\1/p' "$dir/start")
  clients_at=$(sed -n 's/.* event=listening .*clients=\([^ ]*\).*/\1/p' "$dir/start")
}
kill_tracker() {
  say killed
  kill -9 "$tracker"
  while kill -0 "$tracker" 2>/dev/null; do sleep 0.01; done
  grep -h -e level=error -e event=panic "$dir/start" >>"$dir/errors"
  start_tracker
  say restarted
}

next_port=20000
start_server() {
  next_port=$((next_port + 1))
  say up $next_port
  "$gltracker" announce --tracker "$servers_at" --port $next_port --updates "$dir/updates" \
    description="number $next_port" </dev/null >/dev/null 2>&1 &
  servers[$next_port]=$!
  disown $!
  ends[$next_port]=$((SECONDS + 12 + RANDOM % 40))
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

# What a player sees: a line for each list, with when it was asked for, when it was there, and the
# ports on it.
poll() {
  local asked line list
  while sleep 0.4; do
    now
    asked=$at list='' line=''
    {
      exec 3<>"/dev/tcp/127.0.0.1/${clients_at##*:}" || { echo "$asked $asked none"; continue; }
      printf 'LIST\nQUIT\n' >&3
      while read -r -t 10 line <&3; do
        case $line in
        INFOS*) line=${line#* port=} list="$list ${line%% *}" ;;
        *) break ;;
        esac
      done
      exec 3>&-
      now
      case $line in END*) echo "$asked $at list$list" ;; *) echo "$asked $at none" ;; esac
    } 2>/dev/null >>"$dir/polled"
  done
}
# What a watcher sees: the same for each END, from all that it was told until then.
watch() {
  local line port
  local -A list
  while sleep 0.1; do
    list=()
    {
      exec 3<>"/dev/tcp/127.0.0.1/${clients_at##*:}" || continue
      echo WATCH >&3
      while read -r -t 40 line <&3; do
        port=${line#* port=} port=${port%% *}
        case $line in
        INFOS*) list[$port]=1 ;;
        GONE*) unset "list[$port]" ;;
        END*) now && echo "$at $at list ${!list[*]}" ;;
        esac
      done
      exec 3>&-
    } 2>/dev/null >>"$dir/watched"
  done
}

# The milliseconds that the machine takes to wake a program and to write a small file, when they are
# many. A machine that is busy or stands still cannot keep promises about time.
feel_pulse() {
  local began
  while :; do
    now
    began=$((at + 200))
    sleep 0.2
    echo pulse | dd of="$dir/pulse" conv=fsync 2>/dev/null
    now
    [ $((at - began)) -lt 100 ] || echo "$began slow $((at - began))" >>"$dir/events"
  done
}

: >"$dir/updates" && : >"$dir/polled" && : >"$dir/watched" && : >"$dir/errors" || exit 3
start_tracker
say restarted
poll &
poller=$!
disown $!
watch &
watcher=$!
disown $!
feel_pulse &
pulse=$!
disown $!
end=$((SECONDS + seconds)) next_kill=$((SECONDS + 5))
while [ $SECONDS -lt $end ]; do
  [ ${#servers[@]} -ge 15 ] || start_server
  for port in "${!ends[@]}"; do
    [ "${ends[$port]}" -gt $SECONDS ] || end_server "$port"
  done
  echo "nbplayers=$((RANDOM % 8))" >>"$dir/updates"
  if ! kill -0 "$tracker" 2>/dev/null; then
    echo "soak.sh: the tracker has ended by itself:" >&2
    cat "$dir/start" >&2
    exit 1
  fi
  if [ $SECONDS -ge $next_kill ]; then
    kill_tracker
    next_kill=$((SECONDS + 3 + RANDOM % 6))
  fi
  sleep 0.5
done
say end
grep -h -e level=error -e event=panic "$dir/start" >>"$dir/errors"

# The judge knows nothing of the program, only what was done when and which lists were seen.
awk -v state="$state" -v seconds="$seconds" -v errors="$(wc -l <"$dir/errors")" '
  BEGIN { settle = 10000; gone = 30000; gone_after_restart = 90000; slack = 2000 }
  # An entry whose game server has ended may survive the next restart, and then stays for a while,
  # however often the tracker is started again. A hung game server may be listed for 30 s before that
  # restart. The state file knows of one that hung up a moment later, plus three times what the disk was
  # slow: for the write under way, for the file, and for its folder.
  function survived(port,   i, before, known) {
    if (port in came_back) return came_back[port]
    known = down[port] + (how[port] == "hung" ? gone : slack + 3 * slowness(down[port]))
    for (i = 1; i <= restarts && restart[i] <= known; i++) {
      if (restart[i] >= down[port]) return came_back[port] = restart[i]
      if (restart[i] >= down[port] - slack) before = restart[i]
    }
    return came_back[port] = before + 0
  }
  function slowness(when,   i, most) {
    for (i = 1; i <= slow; i++)
      if (slow_at[i] > when - 5000 && slow_at[i] < when + 5000 && slow_ms[i] > most) most = slow_ms[i]
    return most + 0
  }
  function broken(what) { if (++wrong <= 20) print "BROKEN at " $1 ": " what }
  FILENAME ~ /events$/ {
    if ($2 == "up") { up[$3] = $1; started++ }
    else if ($2 == "down") { down[$3] = $1; how[$3] = $4; ended[$4]++ }
    else if ($2 == "restarted") restart[++restarts] = $1
    else if ($2 == "killed") kills++
    else if ($2 == "slow") {
      slow_at[++slow] = $1
      slow_ms[slow] = $3
      if ($3 > slowest_pulse) slowest_pulse = $3
    }
    next
  }
  $3 == "none" { unanswered++; next }
  {
    watched = FILENAME ~ /watched$/
    if (watched) batches++; else {
      polls++
      if (last && $1 - last > gap) gap = $1 - last
      last = $2
    }
    if (FILENAME != file) { file = FILENAME; latest = 0 }
    while (latest < restarts && restart[latest + 1] <= $1) latest++
    split("", seen)
    for (i = 4; i <= NF; i++) {
      port = $i
      if (port in seen) broken(port " is on the list twice")
      seen[port] = 1
      if (!(port in up)) { broken(port " is on the list, and never was a game server"); continue }
      if (!watched && !(port in first)) {
        first[port] = $2
        if ($2 - up[port] > slowest) slowest = $2 - up[port]
      }
      if (!(port in down) || $1 < down[port]) continue
      stays = $1 - down[port]
      again = survived(port)
      if (again > $1) again = 0
      if (again) {
        if ($1 - again > longest_again) longest_again = $1 - again
        if (stays > longest_in_all) longest_in_all = stays
      } else if (stays > longest) longest = stays
      if (again ? $1 - again > gone_after_restart + slack : stays > gone + slack)
        broken(port " (" how[port] ") has ended " stays " ms ago, and is on the list" \
          (again ? ", " $1 - again " ms after the restart it survived" : ""))
    }
    for (port in up) {
      if ($1 < up[port] + settle || (port in down && $2 >= down[port]) || port in seen) continue
      # Without a state file it comes back when it logs in again.
      if (state == "no" && latest && $1 < restart[latest] + settle) { missing++; continue }
      broken(port " is up for " $1 - up[port] " ms, and not on the list" \
        (latest ? ", " $1 - restart[latest] " ms after a restart" : ""))
    }
  }
  END {
    $1 = "the end"
    if (!polls || !batches) broken("no list was seen at all")
    if (gap > 5000 + slowest_pulse) broken("no list could be had for " gap " ms")
    if (errors > 0) broken("the tracker logged " errors " errors")
    printf "%d s: %d game servers came, %d left, %d crashed, %d hung; tracker killed %d times\n", \
      seconds, started, ended["left"], ended["crashed"], ended["hung"], kills
    printf "%d lists and %d batches seen, %d times no answer; longest without a list %d ms\n", \
      polls, batches, unanswered, gap
    printf "on the list after %d ms at the latest; off it %d ms after the end at the latest\n", \
      slowest, longest
    printf "with a restart between: %d ms after that restart, and %d ms after the end\n", \
      longest_again, longest_in_all
    printf "the machine took over 100 ms to wake and to write %d times, %d ms at the most\n", \
      slow, slowest_pulse
    if (state == "no") printf "missing after a restart, without a state: %d\n", missing
    printf "promises broken: %d\n", wrong
    exit wrong > 0
  }' "$dir/events" "$dir/polled" "$dir/watched"
