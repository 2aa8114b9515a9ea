#!/usr/bin/env bash
# cube2-server 0.0.20201227 (Debian 12), asked by quakestat of qstat 2.17.
#
# The server listens on all addresses of its host. At whichever it is asked, it answers from the one
# that the system prefers. quakestat takes an answer only from the address that it has asked: at the first
# address the server is "online", at the second the same server at the same moment is "timeout".
#
# What follows: a game server on a host with several addresses is listed at the one that it speaks from,
# or binds the one that it is listed at. A program that pings knows the answer by what is in it, not
# by where it comes from.
set -euo pipefail
for tool in apt-get dpkg ss; do
  command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 2; }
done
folder=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root cube2-server=0.0.20201227+dfsg-2 libenet7=1.3.17+ds-2 qstat=2.17-1 || exit 2
for package in *.deb; do dpkg -x "$package" root; done

LD_LIBRARY_PATH=$(dirname root/usr/lib/*/libenet.so.7) HOME=$folder \
  stdbuf -oL root/usr/lib/cube2/cube2_server -mlocalhost >log 2>&1 &
server=$!
# 28785 is its port, 28786 the one that is asked.
until ss -Hlun 'sport = :28786' | grep -q .; do
  kill -0 "$server" || { cat log >&2; exit 2; }
  sleep 0.1
done
status_at() {
  QSTAT_CONFIG=/dev/null root/usr/bin/quakestat -json -cubes "$1:28785" |
    sed -n 's/.*"status": "\([a-z]*\)".*/\1/p'
}
echo "127.0.0.1: $(status_at 127.0.0.1)" | tee seen
echo "127.0.0.2: $(status_at 127.0.0.2)" | tee -a seen
diff - seen <<'END'
127.0.0.1: online
127.0.0.2: timeout
END
