#!/bin/sh
usage() {
  cat <<END
usage: ${0##*/} [-4 | -6] [HOST[:PORT]] [filter...]

Prints the list of the tracker at HOST (IPv6 in brackets; port 23471 if not given), a line for each
game server. Without HOST that is the first in GLTRACKER_TRACKER, or else the tracker on this
machine. Filters, of which all must hold; quote those with < or > or ! for the shell:
  key=value 'key!=value' 'key>=n' 'key<=n' notempty notfull
-4, -6 (--ipv4, --ipv6) reach the tracker over that family only; needs nc.openbsd, ncat or socat.
\$NC is the netcat to use, with its options: nc, ncat, "busybox nc", socat, ...
Exit status: 0 found, 1 nothing found or refused, 2 wrong usage, 3 the tracker could not be asked.
END
}
wrong() { echo "${0##*/}: $1; see ${0##*/} --help" >&2; exit 2; }
lacking() { echo "${0##*/}: $1" >&2; exit 3; }
is_port() { case $1 in '' | 0* | *[!0-9]* | ??????*) return 1 ;; *) [ "$1" -le 65535 ] ;; esac; }

set -uf         # -f: what $NC holds are words, not patterns of file names
export LC_ALL=C # bytes pass through as they are
tracker='' family=''
while :; do
  case ${1-} in
    -h | --help) usage; exit ;;
    -4 | --ipv4) family=4; shift ;;
    -6 | --ipv6) family=6; shift ;;
    --[a-z]*=*) wrong "there is no flag ${1%%=*}; a filter has no dashes: ${1#--}" ;;
    -*) wrong "there is no flag $1" ;;
    '' | *=* | notempty | notfull) break ;;
    *) [ -z "$tracker" ] || break; tracker=$1; shift ;;
  esac
done
cut_off() { # true if the shell took a < or > for itself
  case $1 in nbplayers | maxplayers | port | pingport)
    wrong "'$1' is not a filter; one with < or > stands in quotes: '$1>=8'" ;;
  esac
}
cut_off "$tracker"
request=LIST
for filter; do
  cut_off "$filter"
  case $filter in
    --*) wrong "'$filter' is not a filter; flags stand before HOST" ;;
    [a-z]*=* | notempty | notfull)
      # A value with a space or a quote in it stands between quotes.
      request="$request $(printf '%s\n' "$filter" | sed '/[ "]/{ s/["\\]/\\&/g; s/=\(.*\)/="\1"/; }')" ;;
    *) wrong "'$filter' is not a filter" ;;
  esac
done
if [ -z "$tracker" ]; then
  tracker=$(printf %s "${GLTRACKER_TRACKER-}" | tr ',' ' ')
  set -- $tracker
  tracker=${1-127.0.0.1}
  [ $# -lt 2 ] || echo "${0##*/}: only the first of GLTRACKER_TRACKER, $tracker" >&2
fi
case $tracker in # HOST, HOST:PORT, [IPv6] or [IPv6]:PORT
  \[*\]) host=${tracker#?} host=${host%?} port=23471 ;;
  \[*\]:*) host=${tracker#?} host=${host%%\]*} port=${tracker##*\]:} ;;
  *:*:*) wrong "'$tracker' is not a tracker: an IPv6 address stands in brackets" ;;
  *:*) host=${tracker%:*} port=${tracker##*:} ;;
  *) host=$tracker port=23471 ;;
esac
is_port "$port" || wrong "'$tracker' is not a tracker: a port is a number from 1 to 65535"
case $host in '' | *[!A-Za-z0-9._:%-]*) wrong "'$tracker' is not a tracker: write HOST or HOST:PORT" ;; esac
: "${NC:=$(command -v nc || command -v ncat || command -v socat || echo busybox nc)}"
command -v "${NC%% *}" >/dev/null || lacking "there is no program ${NC%% *}; NC names the netcat to use"
case $NC in
  *socat*) # without -t it waits only 0.5 s for an answer
    case $host in *:*) host="[$host]" ;; esac
    set -- $NC -t 20 - "TCP$family:$host:$port,connect-timeout=10" ;;
  *)
    # A netcat without these flags may know IPv4 only, or take the first address of the name.
    [ -z "$family" ] || case $($NC -h 2>&1) in
      *Ncat* | *-46*) family=-$family ;;
      *) lacking "-$family needs nc.openbsd, ncat or socat: NC names the netcat to use" ;;
    esac
    set -- $NC $family -w 10 "$host" "$port" ;;
esac

# What a tracker sends goes to a terminal as plain text only. All other output is the netcat's own.
printf '%s\nQUIT\n' "$request" | "$@" 2>&1 | tr -d '\000-\011\013-\037\177' |
  awk -v from="$host:$port" -v filters="${request#LIST}" '
  /^INFOS / {
    print
    count++
    gsub(/"([^"\\]|\\.)*"/, "")
    if (/ stale=yes( |$)/) stale++
    next
  }
  /^END /   { is_complete = 1; next }
  /^ERR /   { error = $0; next }
  /./       { words = " (" $0 ")" }
  END {
    if (is_complete && !error && count > stale) exit 0
    if (error) why = error
    else if (is_complete && count) why = "nobody on the list is there for sure: the tracker was started again"
    else if (is_complete && filters) why = "no game server on the list satisfies these filters"
    else if (is_complete) why = "there is no game server on the list"
    else if (count) why = "no complete answer from " from words
    else why = "no answer from " from "; does a tracker listen there?" words
    print "list.sh: " why | "cat >&2"
    exit is_complete || error ? 1 : 3
  }'
