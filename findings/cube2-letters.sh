#!/usr/bin/env bash
# cube2-server 0.0.20201227 (Debian 12), asked by hand and by quakestat of qstat 2.17.
#
# A server's description stands in its configuration in UTF-8. On the wire it is neither that nor Latin-1:
# the engine has 256 letters of its own, among them those of Polish and Russian, and the control characters
# 1 to 31 are capitals. é is 0x8b. Russian letters that look like Latin ones are these: Привет is spelled
# with a Latin p and e, and does not come back as it was. Each letter is then packed as a number, of one byte
# or of three: Ý and ß, at -128 and -127, take three. quakestat leaves out most of it and joins what is left.
#
# What follows: who reads "bytes up to the NUL" stops too early or reads too much as soon as a name has a
# ß; numbers are to be unpacked first. A list that strips control characters strips À and É. A search for
# a Russian name finds nothing, if it does not fold the letters that look alike.
set -euo pipefail
for tool in apt-get dpkg python3; do
  command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 2; }
done
folder=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root \
  cube2-server=0.0.20201227+dfsg-2 libenet7 qstat=2.17-1 || exit 2
for package in *.deb; do dpkg -x "$package" root; done

printf '%s\n' 'serverip 127.0.0.1' 'serverport 28885' 'updatemaster 0' \
  'serverdesc "É Café Привет ß!"' >server-init.cfg
LD_LIBRARY_PATH=$(dirname "$(find "$folder/root" -name 'libenet.so*' | head -n 1)") \
  root/usr/lib/cube2/cube2_server "-q$folder" >log 2>&1 &
server=$!
python3 - <<'END' | tee seen
import socket, time
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(0.5)
peer.connect(("127.0.0.1", 28886))
for _ in range(40):
    try:
        peer.send(b"\1")
        answer = peer.recv(2000)
        break
    except OSError:
        time.sleep(0.1)
else:
    raise SystemExit(2)
print("by hand:", answer[answer.index(b"\x0f"):].hex())
END
QSTAT_CONFIG=/dev/null root/usr/bin/quakestat -json -cubes 127.0.0.1:28885 |
  sed -n 's/.*"name": "\(.*\)",.*/quakestat: \1/p' | cat -v | tee -a seen
diff - seen <<'END'
by hand: 0f204361668b20d770eae565f1208081ff2100
quakestat:  Caf pe !
END
