#!/usr/bin/env bash
# Four netcats of Debian 12 and a peer that says a word and closes (socat 1.7.4.4): nc.openbsd 1.219, ncat
# 7.93, nc.traditional 1.10, busybox 1.35.
#
# nc.traditional and busybox nc end as soon as the peer has closed. nc.openbsd and ncat go on to
# read what is typed: nc.openbsd takes one more line, loses it and ends with 0; ncat takes two, loses both
# and ends with 1. Until then neither shows that there is nobody any more.
#
# What follows: who talks to a line protocol by hand sees nothing when the other side hangs up, and types
# the next line into the void. A server says so in its last line. A script does not take exit code 0 for
# "the line was sent", and leaves when it has read the last line, not when its netcat ends.
set -euo pipefail
command -v apt-get >/dev/null && command -v dpkg >/dev/null || { echo "there is no apt-get here" >&2; exit 2; }
folder=$(mktemp -d)
peer='' client=''
trap '[ -z "$peer" ] || kill "$peer" 2>/dev/null; [ -z "$client" ] || kill "$client" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root netcat-openbsd=1.219-1 ncat=7.93+dfsg1-1 \
  netcat-traditional=1.10-47 busybox=1:1.35.0-4+deb12u1+b1 socat=1.7.4.4-2 \
  libbsd0 libmd0 liblua5.3-0 libpcap0.8 libdbus-1-3 libwrap0 libssl3 || exit 2
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(find "$PWD/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)
of_package() { LD_LIBRARY_PATH=$libraries "root$@"; }

# True once client has ended, within 2 s.
has_ended() {
  for _ in $(seq 20); do
    kill -0 "$client" 2>/dev/null || return 0
    sleep 0.1
  done
  return 1
}

# Talks to a peer that has closed; says after how many lines the netcat ended, and its exit code.
outlives() {
  local name=$1 lines=0 code=0
  shift
  rm -f typed said port
  mkfifo typed
  of_package /usr/bin/socat -d -d TCP-LISTEN:0,bind=127.0.0.1 SYSTEM:'echo bye' 2>port &
  peer=$!
  until grep -q 'listening on' port; do sleep 0.05; done
  local at
  at=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' port)
  of_package "$@" "$at" <typed >said 2>/dev/null &
  client=$!
  exec 3>typed
  until grep -q bye said; do sleep 0.05; done
  wait "$peer" || true
  peer=''
  until has_ended || [ "$lines" -eq 5 ]; do
    lines=$((lines + 1))
    { echo line >&3; } 2>/dev/null || true
  done
  wait "$client" || code=$?
  client=''
  exec 3>&-
  echo "$name: lines lost $lines, exit code $code"
}
trap '' PIPE
{
  outlives nc.openbsd /bin/nc.openbsd 127.0.0.1
  outlives ncat /usr/bin/ncat 127.0.0.1
  outlives nc.traditional /bin/nc.traditional 127.0.0.1
  outlives busybox /bin/busybox nc 127.0.0.1
} | tee seen
diff - seen <<'END'
nc.openbsd: lines lost 1, exit code 0
ncat: lines lost 2, exit code 1
nc.traditional: lines lost 0, exit code 0
busybox: lines lost 0, exit code 0
END
