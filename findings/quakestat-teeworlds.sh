#!/usr/bin/env bash
# teeworlds-server 0.7.5 (Debian 12), asked by quakestat of qstat 2.17 (Debian 12).
#
# quakestat has a type for Teeworlds, -tees, and it is of no use for the server that comes with the
# same Debian: no answer, "timeout". The server runs and answers on the same port to whoever asks for a
# token first (the first step of its protocol, here by hand). quakestat asks with `gie`, `gie2` and `gie3`,
# which the server passes over, and one that is silent looks the same as one that is gone.
#
# What follows: a status command that stands on quakestat takes a Teeworlds server off the list that
# people play on. Try the tool on the version that is run before it speaks for a game server.
set -euo pipefail
for tool in apt-get dpkg ss python3; do
  command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 2; }
done
folder=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root \
  teeworlds-server=0.7.5-2 teeworlds-data=0.7.5-2 qstat=2.17-1 || exit 2
for package in *.deb; do dpkg -x "$package" root; done

# Its data is looked for beside it.
cd root/usr/share/games/teeworlds
HOME=$folder "$folder/root/usr/games/teeworlds-server" 'sv_register 0; sv_port 8303' >"$folder/log" 2>&1 &
server=$!
cd "$folder"
until ss -Hlun 'sport = :8303' | grep -q .; do
  kill -0 "$server" || { cat log >&2; exit 2; }
  sleep 0.1
done
QSTAT_CONFIG=/dev/null root/usr/bin/quakestat -json -tees 127.0.0.1:8303 |
  sed -n 's/.*"status": "\([a-z]*\)".*/quakestat: \1/p' | tee seen
python3 - <<'END' | tee -a seen
import socket
# A control packet without a token yet, its fifth kind, the asker's token, filled up to 520 bytes.
request = bytes([4, 0, 0]) + b"\xff" * 4 + bytes([5]) + b"mine"
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(5)
peer.connect(("127.0.0.1", 8303))
peer.send(request.ljust(520, b"\0"))
answer = peer.recv(2000)
print("by hand:", len(answer), "bytes for", answer[3:7].decode())
END
diff - seen <<'END'
quakestat: timeout
by hand: 12 bytes for mine
END
