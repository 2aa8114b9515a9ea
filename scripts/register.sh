#!/bin/sh
usage() {
  cat <<END
usage: GLTRACKER_PASSWORD=secret ${0##*/} [-4 | -6] [-u] [-t HOST[:PORT]] PORT [key=value...]

Keeps the game server at PORT of this machine on the list of the tracker at HOST (IPv6 in brackets;
port 23470 if not given) until it is stopped. Without -t that is the first in GLTRACKER_TRACKER, or
else the tracker on this machine.
Lines on standard input change what the list says about it, as in
  nbplayers=3 description="Friday cycles" map=
(nothing after the = removes a field). The end of standard input changes nothing.
With a key in place of a password, GLTRACKER_KEY is its name and GLTRACKER_PASSWORD its secret;
that needs openssl or sha256sum.
-u takes the tracker's CHALLENGE at UDP port PORT (or pingport) and sends it back, for games that
do not; that needs nc.openbsd, ncat or socat. Pings of players are not answered.
-U N does so at UDP port N, where the one that is told is mapped to it.
-4, -6 (--ipv4, --ipv6) reach the tracker over that family only, and so are listed in it; that needs
nc.openbsd, ncat or socat.
\$NC is the netcat to use, with its options: nc, ncat, "busybox nc", socat, ...
Exit status: 0 ended by a signal, 130 by Ctrl-C, 1 refused for good, 2 wrong usage, 3 a program that
is needed is not there.
END
}
wrong() { echo "${0##*/}: $1; see ${0##*/} --help" >&2; exit 2; }
lacking() { echo "${0##*/}: $1" >&2; exit 3; }
is_port() { case $1 in '' | 0* | *[!0-9]* | ??????*) return 1 ;; *) [ "$1" -le 65535 ] ;; esac; }
log() { printf '%s\n' "${0##*/}: $1" | tr -d '\000-\011\013-\037\177' >&2; } # plain text only

set -uf         # -f: what $NC holds are words, not patterns of file names
export LC_ALL=C # bytes pass through as they are
tracker='' udp='' bound='' family='' newline='
'
while :; do
  case ${1-} in
    -h | --help) usage; exit ;;
    -t) [ "${2-}" ] || wrong '-t needs HOST or HOST:PORT'; tracker=$2; shift 2 ;;
    -u) udp=yes; shift ;;
    -U) is_port "${2-}" || wrong '-U needs a UDP port'; udp=yes bound=$2; shift 2 ;;
    -4 | --ipv4) family=4; shift ;;
    -6 | --ipv6) family=6; shift ;;
    --[a-z]*=*) wrong "there is no flag ${1%%=*}; a field has no dashes, and stands behind PORT" ;;
    -*) wrong "there is no flag $1" ;;
    *) break ;;
  esac
done
is_port "${1-}" || wrong "PORT is a number from 1 to 65535, not '${1-}'"
[ "${GLTRACKER_PASSWORD-}" ] || wrong 'the password belongs into GLTRACKER_PASSWORD'
port=$1 pingport=$1
state=port=$port # what the tracker has accepted, or will be told first: a field on each line
shift
for field; do
  case $field in
    [a-z]*=\"*\" | [a-z]*=\'*\') log "players see the quotes of $field too; the shell needs '${field%%=*}=...'" ;;
  esac
  case $field in
    [a-z]*=*) ;;
    --*) wrong "'$field' is not key=value: a field has no dashes" ;;
    *) wrong "'$field' is not key=value" ;;
  esac
  case $field in pingport=*) pingport=${field#*=} ;; esac
  # A value with a space or a quote in it stands between quotes.
  state=$state$newline$(printf '%s\n' "$field" | sed '/[ "]/{ s/["\\]/\\&/g; s/=\(.*\)/="\1"/; }')
done
case $udp:$pingport in yes:? | yes:?? | yes:??? | yes:10[01]? | yes:102[0-3])
  wrong '-u: trackers never check UDP ports below 1024; let another port answer: pingport=N' ;;
esac
: "${bound:=$pingport}"
if [ -z "$tracker" ]; then
  tracker=$(printf %s "${GLTRACKER_TRACKER-}" | tr ',' ' ')
  set -- $tracker
  tracker=${1-127.0.0.1}
  [ $# -lt 2 ] || log "only at the first of GLTRACKER_TRACKER, $tracker"
fi
case $tracker in # HOST, HOST:PORT, [IPv6] or [IPv6]:PORT
  \[*\]) host=${tracker#?} host=${host%?} to=23470 ;;
  \[*\]:*) host=${tracker#?} host=${host%%\]*} to=${tracker##*\]:} ;;
  *:*:*) wrong "'$tracker' is not a tracker: an IPv6 address stands in brackets" ;;
  *:*) host=${tracker%:*} to=${tracker##*:} ;;
  *) host=$tracker to=23470 ;;
esac
is_port "$to" || wrong "'$tracker' is not a tracker: a port is a number from 1 to 65535"
case $host in '' | -* | *[!A-Za-z0-9._:%-]*) wrong "'$tracker' is not a tracker: write HOST or HOST:PORT" ;; esac
: "${NC:=$(command -v nc || command -v ncat || command -v socat || echo busybox nc)}"
command -v "${NC%% *}" >/dev/null || lacking "there is no program ${NC%% *}; NC names the netcat to use"
case $NC in
  *socat*)
    case $host in *:*) host="[$host]" ;; esac
    set -- $NC - "TCP$family:$host:$to" ;;
  *)
    # A netcat without these flags may know IPv4 only, or take the first address of the name.
    [ -z "$family" ] || case $($NC -h 2>&1) in
      *Ncat* | *-46*) family=-$family ;;
      *) lacking "-$family needs nc.openbsd, ncat or socat: NC names the netcat to use" ;;
    esac
    set -- $NC $family "$host" "$to" ;;
esac

sha256() { # of standard input, in hexadecimal
  if command -v openssl >/dev/null; then openssl dgst -sha256 -r; else sha256sum; fi | cut -c1-64
}
unhex() { printf %s "$1" | sed 's/../0x& /g'; }
octets() { for octet; do printf "\\$(printf %03o $((octet)))"; done; }
hmac() { # MESSAGE, under the secret; the secret is no argument of a program, since ps shows those
  octets=$(printf %s "$GLTRACKER_PASSWORD" | od -An -v -tu1)
  [ ${#GLTRACKER_PASSWORD} -le 64 ] || octets=$(unhex "$(printf %s "$GLTRACKER_PASSWORD" | sha256)")
  inner='' outer='' n=64
  for octet in $octets; do
    inner="$inner $((octet ^ 0x36))" outer="$outer $((octet ^ 0x5c))" n=$((n - 1))
  done
  while [ $n -gt 0 ]; do inner="$inner 0x36" outer="$outer 0x5c" n=$((n - 1)); done
  inner=$({ octets $inner; printf %s "$1"; } | sha256)
  { octets $outer $(unhex "$inner"); } | sha256
}
login="LOGIN $GLTRACKER_PASSWORD" mac=''
if [ "${GLTRACKER_KEY-}" ]; then
  command -v openssl >/dev/null || command -v sha256sum >/dev/null ||
    lacking 'a key needs openssl or sha256sum, and neither is installed'
  login="LOGIN name=$GLTRACKER_KEY"
fi

netcat_for_udp() { # the first that can stay at $bound and take datagrams from anybody: its words
  v6='' v6only=''
  [ ! -s /proc/net/if_inet6 ] || v6=6 v6only=,ipv6only=0
  for netcat in "$NC" nc nc.openbsd socat ncat; do
    command -v "${netcat%% *}" >/dev/null || continue
    case $netcat in *socat*) echo "$netcat -u UDP$v6-RECV:$bound$v6only -"; return ;; esac
    case $($netcat -h 2>&1) in
      *OpenBSD*) echo "$netcat ${v6:+-6} -u -l -k $bound"; return ;;
      *Ncat*) echo "$netcat -u -l -k $bound --sh-exec"; return ;;
    esac
  done
  return 1
}
if [ "$udp" ]; then
  udp=$(netcat_for_udp) || lacking '-u needs nc.openbsd, ncat or socat, and none is installed'
fi

# From here on standard input is a pipe, and every event is a line of it: "tick" every second, "> " and
# a line of the former standard input, "< " and a line of the tracker (or of netcat), "* " and the number
# of a datagram, "deaf" when no more datagrams will come, "gone" when a connection has ended. A signal
# takes effect between two such lines.
# The main shell uses backquotes from here on: bash 5.2 loses a signal that comes just before $(...).
stop='' # with this exit status
trap 'stop=0' HUP TERM
trap 'stop=130' INT
dir=`mktemp -d` && mkfifo "$dir/events" "$dir/say" "$dir/hear" || exit 3
# A pipe that is opened for reading and writing does not wait for its other side, and does not end. The
# former standard input gets another number, since 0 is /dev/null for commands in the background.
exec 5<&0 <>"$dir/events"
while IFS= read -r line || [ "$line" ]; do printf '> %s\n' "$line"; done <&5 >"$dir/events" &
input=$!
exec 5<&-
{ trap 'kill $! 2>/dev/null; exit' TERM; while echo tick; do sleep 1 & wait $!; done; } >"$dir/events" &
clock=$!
challenges() { # those that are challenges, one read each: they come without a line end
  while datagram=`dd bs=300 count=1` && [ "$datagram" ]; do
    case $datagram in
      *"CHALLENGE "????????????????*)
        number=${datagram#*CHALLENGE }
        number=${number%"${number#????????????????}"}
        case $number in *[!0-9a-f]*) ;; *) printf '* %s\n' "$number" ;; esac ;;
    esac
  done 2>/dev/null
  echo deaf
}
udp_netcat='' udp_ear=''
if [ "$udp" ]; then
  export datagrams="$dir/datagrams"
  mkfifo "$datagrams" || exit 3
  { # ncat gives each datagram to a program of its own, and sends what that answers
    exec </dev/null 6>"$datagrams" 2>/dev/null
    case $udp in
      *--sh-exec) exec $udp 'dd bs=300 count=1 >"$datagrams"' ;;
      *) exec $udp >&6 ;;
    esac
  } &
  udp_netcat=$!
  challenges <"$datagrams" >"$dir/events" &
  udp_ear=$!
fi
netcat='' ear=''
connect() { # NETCAT...
  "$@" <"$dir/say" >"$dir/hear" 2>&1 &
  netcat=$!
  { while IFS= read -r line; do printf '< %s\n' "$line"; done; echo gone; } \
    <"$dir/hear" >"$dir/events" &
  ear=$!
  exec 4<>"$dir/say"
  quiet=0 why='no connection'
  say "$login"
}
hang_up() { # by SIGKILL, which also ends a netcat that has only just been started
  [ -z "$netcat" ] || { kill -9 "$netcat"; wait "$netcat"; netcat=''; }
} 2>/dev/null
say() { printf '%s\n' "$1" >&4; }
say_infos() { fields=`printf '%s\n' "$@" | paste -sd ' ' -`; say "INFOS $fields"; }
merge() { # the fields of $1, changed by those of $2
  printf '%s\n' "$1" "$2" | awk '
    { while (sub(/^ */, "") && $0 != "") {
        match($0, /^[^ "]*("([^"\\]|\\.)*")?[^ ]*/)
        key = field = substr($0, 1, RLENGTH)
        $0 = substr($0, RLENGTH + 1)
        sub(/=.*/, "", key)
        if (!(key in fields)) keys[++count] = key
        fields[key] = field } }
    END { for (n = 1; n <= count; n++) print fields[keys[n]] }'
}

# Changes are pending until they can be sent, then in flight until the tracker has answered them.
# When it refuses several, they are sent again one by one, so that it takes the good ones.
pending='' flight='' refused='' one_by_one='' listed='' checking='' delay=1 countdown=1
proof='' proofs=0 # the number that was sent back last, and how many in this second
while [ -z "$stop" ]; do
  IFS= read -r event || continue
  case $event in '< '*) quiet=0 ;; esac
  case $event in
    tick)
      proofs=0
      if [ "$ear" ]; then
        quiet=$((quiet + 1))
        # The tracker ignores empty lines; two of them let nc.openbsd and ncat notice that it is gone.
        [ $((quiet % 5)) -gt 1 ] || say ''
        [ $quiet -lt 45 ] || { why='silent for 45 s'; hang_up; } # a tracker pings after 15 s
        [ -z "$listed" ] || listed=$((listed + 1))
        [ "${listed:-0}" -lt 30 ] || delay=1 # not before: two scripts may be fighting for one port
      else
        countdown=$((countdown - 1))
        [ $countdown -gt 0 ] || connect "$@"
      fi ;;
    gone)
      hang_up
      exec 4>&-
      countdown=$delay
      case $why in *' wait '[1-9]*' s'*) # at least as long as the tracker says
        asked=${why##* wait } && asked=${asked%% *}
        case $asked in *[!0-9]* | 0* | ?????*) asked=0 ;; esac
        # The first of the ticks may come at once.
        [ "$asked" -lt "$delay" ] || countdown=$((asked + 1)) ;;
      esac
      log "${listed:+lost, }retry in $countdown s: $why"
      pending=`merge "$refused$newline$flight" "$pending"` flight='' refused='' listed='' ear=''
      checking='' proof=''
      delay=$((delay < 32 ? delay * 2 : 40)) ;;
    '> '*=*) pending=`merge "$pending" "${event#> }"` ;;
    '> '*[!\ ]*) log "'${event#> }' is not key=value (a value with spaces stands in double quotes)" ;;
    '< CHALLENGE '*)
      number=${event##* }
      case ${GLTRACKER_KEY:+$number} in
        '') ;; # a password was enough
        *[!0-9a-f]*) why="no number: $number" ;;
        *) mac=`hmac "$number $GLTRACKER_KEY $port"` mac=" mac=$mac" ;;
      esac
      say_infos "$number$mac" "$state" ;;
    '* '*) # back to the tracker, a few a second: anybody can send datagrams
      if [ "$listed$checking" ] && [ "$proof" != "${event#? }" ] && [ $proofs -lt 4 ]; then
        proof=${event#? } proofs=$((proofs + 1))
        say "INFOS $proof"
      fi ;;
    deaf) log "UDP port $bound is in use, by the game? Let it answer CHALLENGE, without -u" ;;
    '< PING'*) say "PONG${event#< PING}" ;;
    '< OK checked'*) # again and again
      [ "$checking" = checked ] || log 'checked: the UDP port can be reached'
      checking=checked ;;
    '< OK'*)
      case $event in '< OK checking '*)
        checking=yes
        hint=': the game itself must answer, or -u'
        [ -z "$udp" ] || hint=''
        log "${event#< OK }$hint" ;;
      esac
      case $event in '< OK listed '*) log "${event#< OK }"; listed=${listed:-0} ;; esac
      state=`merge "$state" "$flight"` flight='' refused='' ;;
    '< ERR bad-challenge'*)
      [ "$proof" ] || { why=${event#< } && log "refused: $why" && stop=1; } ;;
    '< ERR '*)
      case $flight in
        *"$newline"*) pending=`merge "$flight" "$pending"` flight='' one_by_one=yes ;;
        ?*)
          log "refused: ${event#< }"
          refused=$flight flight='' ;; # to be tried again only if the connection ends over it
        *)
          why=${event#< }
          case $checking${why#ERR } in
            bad-* | banned* | line-too-long* | not-text* | unknown-command* | unreachable*)
              log "refused: $why" # and would be again
              stop=1 ;;
          esac
          hang_up ;;
      esac ;;
    '< '*) why=${event#< } ;;
  esac
  if [ "$listed" ] && [ "$pending" ] && [ -z "$flight" ]; then
    case $one_by_one$pending in
      yes*"$newline"*) flight=${pending%%"$newline"*} pending=${pending#*"$newline"} ;;
      *) flight=$pending pending='' one_by_one='' ;;
    esac
    say_infos "$flight"
  fi
done
all="$input $netcat $ear $udp_netcat $udp_ear"
{ kill $clock; kill -9 $all; wait $all; } 2>/dev/null
rm -r "$dir"
exit "$stop"
