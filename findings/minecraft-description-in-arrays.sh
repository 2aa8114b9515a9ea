#!/usr/bin/env bash
# gamedig 5.3.3 (npm) and mcstatus 14.2.0 (PyPI), asking for the status of a Minecraft server (a listener in
# Python 3 that answers as one).
#
# The description in the answer may be a string, an object with more of the kind in `extra`, or an array of
# them, in one another as deep as one likes. gamedig reads objects alone: strings in `extra` are left out,
# and of an array the whole name. mcstatus reads both, but raises TypeError where an array is in an
# array. Servers write strings where a part has no colour, and arrays where plugins join texts.
#
# What follows: a list that gets its names from gamedig shows some servers without a name, or with half of
# it. A reader of descriptions is one function that calls itself for strings, objects and arrays.
set -euo pipefail
for tool in npm node python3 timeout; do
  command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 2; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund gamedig@5.3.3 >npm.log 2>&1 || { cat npm.log >&2; exit 2; }
python3 -m venv python
python/bin/pip install --quiet mcstatus==14.2.0 >pip.log 2>&1 || { cat pip.log >&2; exit 2; }

cat >ask.py <<'END'
import json, socket, subprocess, sys, threading
from mcstatus import JavaServer

def serve(peer, description):
    with peer:
        read = peer.makefile("rb")
        packet = lambda: read.read(read.read(1)[0])
        try:
            packet()
            while body := packet():
                if body == b"\0":
                    text = json.dumps({"version": {"name": "1.20.4", "protocol": 765},
                                       "players": {"online": 3, "max": 12}, "description": description}).encode()
                    number = lambda n: bytes([n & 127 | 128, n >> 7])
                    body = b"\0" + number(len(text)) + text
                    body = number(len(body)) + body
                else:
                    body = bytes([len(body)]) + body
                peer.sendall(body)
        except (IndexError, OSError):
            pass

def accept(listener, description):
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0], description), daemon=True).start()

for description in ["Friday cycles", {"text": "Friday", "extra": [{"text": " cycles"}]},
                    {"text": "Friday", "extra": [" cycles"]}, ["Friday", " cycles"], ["Friday", [" cycles"]]]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    threading.Thread(target=accept, args=(listener, description), daemon=True).start()
    try:
        mcstatus = JavaServer("127.0.0.1", port, timeout=5).status(tries=1).motd.to_plain()
    except TypeError:
        mcstatus = "TypeError"
    asked = ["node_modules/.bin/gamedig", "--type", "minecraft", f"127.0.0.1:{port}"]
    gamedig = json.loads(subprocess.run(asked, capture_output=True, timeout=60).stdout)["name"]
    print(json.dumps(description), "|", mcstatus, "|", gamedig, flush=True)
END
timeout 300 python/bin/python3 ask.py | sed 's/ $//' | tee seen
diff - seen <<'END'
"Friday cycles" | Friday cycles | Friday cycles
{"text": "Friday", "extra": [{"text": " cycles"}]} | Friday cycles | Friday cycles
{"text": "Friday", "extra": [" cycles"]} | Friday cycles | Friday
["Friday", " cycles"] | Friday cycles |
["Friday", [" cycles"]] | TypeError |
END
