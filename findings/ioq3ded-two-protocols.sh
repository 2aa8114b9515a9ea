#!/usr/bin/env bash
# ioq3ded 1.36+u20221123 (ioquake3-server of Debian 12) with a game of its own and a map without walls.
#
# A server of the engine speaks two protocols, 71 and the older 68, and says one of them in each answer:
# getinfo is answered with `protocol` 68, getstatus with `com_protocol` 71. The start script of OpenArena sets
# both to 71, and says in a comment that its 71 is the older one under another number, since its content
# differs. Both answer getinfo with gamename Quake3Arena.
#
# What follows: who takes the number from getinfo files such a server under 68, and who takes it from
# getstatus under 71, where OpenArena's are, which nobody can tell from it by these two keys. Take the number
# from one of the two answers everywhere, and do not believe that a name and a number make one game.
set -euo pipefail
for tool in apt-get dpkg python3; do
  command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 2; }
done
folder=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root ioquake3-server=1.36+u20221123.70d07d9+dfsg-1 || exit 2
dpkg -x ioquake3-server_*.deb root

mkdir -p mini/maps
echo '// nothing' >mini/default.cfg
cp root/usr/lib/ioquake3/baseq3/qagame*.so mini
python3 - <<'END'
from struct import pack
parts = [b""] * 17
parts[0] = b'{\n"classname" "worldspawn"\n}\n\0'
parts[1] = b"x".ljust(64, b"\0") + pack("<2i", 0, 0)
parts[2] = pack("<8f", 0, 0, 1, 0, 0, 0, -1, 0)
room = [-64] * 3 + [64] * 3
parts[3] = pack("<9i", 0, -1, -1, *room)
parts[4] = pack("<12i", 0, 0, *room, 0, 0, 0, 0)
parts[7] = pack("<6f4i", *room, 0, 0, 0, 0)
head, body = b"IBSP" + pack("<i", 46), b""
for part in parts:
    head += pack("<2i", 8 + 8 * len(parts) + len(body), len(part))
    body += part + bytes(-len(part) % 4)
open("mini/maps/room.bsp", "wb").write(head + body)
END
HOME=$folder root/usr/lib/ioquake3/ioq3ded +set dedicated 1 +set com_basegame mini \
  +set fs_basepath "$folder" +set fs_homepath "$folder" +set com_homepath home +set com_hunkMegs 56 \
  +set vm_game 0 +set bot_enable 0 +set sv_pure 0 +set net_enabled 1 +set net_ip 127.0.0.1 \
  +set net_port 27975 +map room >log 2>&1 </dev/null &
server=$!
python3 - <<'END' | tee seen
import socket, time
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.settimeout(1)
peer.connect(("127.0.0.1", 27975))
def ask(question):
    for _ in range(20):
        try:
            peer.send(b"\xff\xff\xff\xff" + question + b" word")
            words = peer.recv(4000).split(b"\n")[1].decode().split("\\")[1:]
            return dict(zip(words[::2], words[1::2]))
        except OSError:
            time.sleep(0.5)
    raise SystemExit(2)
for question in b"getinfo", b"getstatus":
    said = ask(question)
    print(question.decode(), *(f"{key}={said[key]}" for key in ("protocol", "com_protocol") if key in said))
END
diff - seen <<'END'
getinfo protocol=68
getstatus com_protocol=71
END
