#!/usr/bin/env bash
# nginx 1.22.1 (Debian 12) as a proxy for TCP (`stream`), and a client that says what it wants and then
# ends its half of the connection (the server in Python 3 answers a line a tenth of a second later).
#
# nginx breaks both connections at once. The client is sent nothing, and its connection ends properly: it
# sees an empty answer and no error. The server cannot tell it from a client that has hung up. One that does
# not end its half is answered. `proxy_half_close on` (off by default) answers both.
#
# What follows: `printf 'LIST\n' | nc -N` and whatever else works without the proxy shows an empty list
# behind one. A protocol says how an answer ends, and a client that was sent no end has no list. An operator
# writes `proxy_half_close on` into each `server`.
set -euo pipefail
for tool in apt-get dpkg python3; do
  command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 2; }
done
folder=$(mktemp -d)
proxy=''
trap '[ -z "$proxy" ] || kill "$proxy" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root 'nginx=1.22.1-9+deb12u*' \
  'libnginx-mod-stream=1.22.1-9+deb12u*' libpcre2-8-0 libssl3 libcrypt1 zlib1g || exit 2
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(find "$PWD/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)

read -r server off on < <(python3 -c '
import socket
free = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in free))')
cat >nginx.conf <<END_OF_CONFIGURATION
load_module $PWD/root/usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid $PWD/pid;
error_log stderr;
events {}
stream {
  server { listen 127.0.0.1:$off; proxy_pass 127.0.0.1:$server; }
  server { listen 127.0.0.1:$on; proxy_pass 127.0.0.1:$server; proxy_half_close on; }
}
END_OF_CONFIGURATION
LD_LIBRARY_PATH=$libraries root/usr/sbin/nginx -p "$PWD" -e stderr -c "$PWD/nginx.conf" 2>errors &
proxy=$!

python3 - "$server" "$off" "$on" >seen <<'END_OF_TRIAL'
import socket, sys, threading, time
server, off, on = map(int, sys.argv[1:])
listener = socket.create_server(("127.0.0.1", server))
def serve():
    while True:
        peer, _ = listener.accept()
        peer.makefile().readline()
        time.sleep(0.1)
        try:
            peer.sendall(b"answer\n")
        except OSError:
            pass
        peer.close()
threading.Thread(target=serve, daemon=True).start()
def ask(port, half):
    for _ in range(100):
        try:
            peer = socket.create_connection(("127.0.0.1", port), 5)
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    peer.sendall(b"question\n")
    if half:
        peer.shutdown(socket.SHUT_WR)
    return peer.makefile().read().strip() or "nothing"
for name, port in [("straight", server), ("nginx", off), ("proxy_half_close", on)]:
    print(name, "whole:", ask(port, False), "half:", ask(port, True))
END_OF_TRIAL
cat seen
diff - seen <<'END_OF_BEHAVIOUR' && exit 0
straight whole: answer half: answer
nginx whole: answer half: nothing
proxy_half_close whole: answer half: answer
END_OF_BEHAVIOUR
echo 'nginx does something else now' >&2
cat errors >&2
exit 1
