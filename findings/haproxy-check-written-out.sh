#!/usr/bin/env bash
# HAProxy 2.6.12 (Debian 12) and its health checks of a server that wants a PROXY header (a listener in
# Python 3 notes what it is sent).
#
# A server with `check send-proxy-v2` is checked with a header, and so is one with `option tcp-check` and
# rules that send and expect: a rule that connects is implied. Written out (`tcp-check connect`),
# that rule sends no header, whatever the server's line says, `check-send-proxy` included: traffic has
# the header and the check of the same server has none. `tcp-check connect default`, or `tcp-check connect
# send-proxy`, brings it back; the latter in the version of the server's line, not of its own name.
#
# What follows: a server behind HAProxy that insists on a header is taken for dead by a check that looks
# right, and all of its players go elsewhere. The error with which it refuses a missing header is the place
# to say so. An operator leaves `tcp-check connect` out, or adds `default`.
set -euo pipefail
for tool in apt-get dpkg python3; do
  command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 2; }
done
folder=$(mktemp -d)
listener='' proxy=''
trap '[ -z "$proxy" ] || kill "$proxy" 2>/dev/null; [ -z "$listener" ] || kill "$listener" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root 'haproxy=2.6.12-1+deb12u*' liblua5.3-0 libpcre2-8-0 \
  libsystemd0 libssl3 libcrypt1 || exit 2
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(find "$PWD/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)

cat >listener.py <<'END_OF_LISTENER'
import socket, sys, threading
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
def note(name, listener):
    while True:
        peer, _ = listener.accept()
        peer.settimeout(2)
        said = b""
        try:
            while not said.endswith(b"PING\n"):
                more = peer.recv(100)
                if not more:
                    break
                said += more
            peer.sendall(b"PONG\n")
        except OSError:
            pass
        peer.close()
        header = "version 2" if said.startswith(SIGNATURE) else "version 1" if said.startswith(b"PROXY ") else "none"
        print(name, "header:", header, flush=True)
for name in sys.argv[1:]:
    listener = socket.create_server(("127.0.0.1", 0))
    print("port", name, listener.getsockname()[1], flush=True)
    threading.Thread(target=note, args=(name, listener), daemon=True).start()
threading.Event().wait()
END_OF_LISTENER
names='check implied written-out default send-proxy'
# shellcheck disable=SC2086 # several words
python3 listener.py $names >noted &
listener=$!
until [ "$(grep -c ^port noted)" -eq 5 ]; do sleep 0.05; done

backend() { # NAME RULE...
  echo "backend $1"
  [ "$1" = check ] || printf '  %s\n' 'option tcp-check' "${@:2}" 'tcp-check send PING\n' 'tcp-check expect string PONG'
  echo "  server s 127.0.0.1:$(sed -n "s/^port $1 //p" noted) check check-send-proxy send-proxy-v2 inter 200ms"
}
{
  printf '%s\n' defaults '  mode tcp' '  timeout connect 1s' '  timeout client 2s' '  timeout server 2s' \
    'frontend f' '  bind unix@none' '  default_backend check'
  backend check
  backend implied
  backend written-out 'tcp-check connect'
  backend default 'tcp-check connect default'
  backend send-proxy 'tcp-check connect send-proxy'
} >haproxy.cfg
LD_LIBRARY_PATH=$libraries root/usr/sbin/haproxy -db -f haproxy.cfg 2>/dev/null &
proxy=$!
for name in $names; do
  for _ in $(seq 100); do
    ! grep -q "^$name header" noted || break
    sleep 0.1
  done
done
# The first check of each.
for name in $names; do grep -m1 "^$name header" noted; done | tee seen
diff - seen <<'END'
check header: version 2
implied header: version 2
written-out header: none
default header: version 2
send-proxy header: version 2
END
