#!/bin/sh
usage() {
  cat <<END
usage: ${0##*/} [HOST[:PORT]] [filter...]

Prints the list of the tracker at HOST (127.0.0.1:23471 if not given; IPv6 in brackets),
a line for each game server. Filters, of which all must hold:
  key=value 'key!=value' 'key>=n' 'key<=n' notempty notfull
\$NC is the netcat to use, with its options: nc, ncat, "busybox nc", socat, ...
Exit status: 0 the list is complete, 1 refused or no complete answer, 2 wrong usage.
END
}
wrong() { echo "${0##*/}: $1; see ${0##*/} --help" >&2; exit 2; }

set -uf         # -f: what $NC holds are words, not patterns of file names
export LC_ALL=C # bytes pass through as they are
tracker=127.0.0.1
case ${1-} in
  -h | --help) usage; exit ;;
  -*) wrong "there is no flag $1" ;;
  '' | *=* | notempty | notfull) ;;
  *) tracker=$1; shift ;;
esac
request=LIST
for filter; do
  case $filter in [a-z]*=* | notempty | notfull) ;; *) wrong "'$filter' is not a filter" ;; esac
  # A value with a space or a quote in it stands between quotes.
  request="$request $(printf '%s\n' "$filter" | sed '/[ "]/{ s/["\\]/\\&/g; s/=\(.*\)/="\1"/; }')"
done
case $tracker in *:*[0-9]) ;; *) tracker=$tracker:23471 ;; esac
: "${NC:=$(command -v nc || command -v ncat || command -v socat || echo busybox nc)}"
host=${tracker%:*} && host=${host#\[}
case $NC in
  *socat*) set -- $NC -t 60 - "TCP:$tracker" ;; # else it waits only 0.5 s for an answer
  *) set -- $NC "${host%\]}" "${tracker##*:}" ;;
esac

# What a tracker sends goes to a terminal as plain text only.
printf '%s\nQUIT\n' "$request" | "$@" | tr -d '\000-\011\013-\037\177' | awk -v from="$tracker" '
  /^INFOS / { print }
  /^END /   { is_complete = 1 }
  /^ERR /   { error = $0 }
  END {
    if (is_complete && !error) exit 0
    print "list.sh: " (error ? error : "no complete answer from " from) | "cat >&2"
    exit 1
  }'
