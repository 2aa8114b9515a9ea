#!/usr/bin/env bash
# quakestat of qstat 2.17 (Debian 12), python-a2s 1.4.2 (PyPI) and gamedig 5.3.3 (npm), asking for the
# information of a game server of the Source family (a socket in Python 3 that answers as one).
#
# An answer may come in parts, each with its number. gamedig puts them together in any order, and takes one
# that comes twice once. python-a2s counts datagrams: with a part that comes twice, as UDP may
# deliver it, it takes the answer for whole and reports that it breaks off. quakestat does not put
# parts of this answer together at all, and says "timeout" as if nobody had answered.
#
# What follows: a game server with many keywords, whose answer has two parts, is off every list that
# quakestat fills. Who puts parts together does it by their numbers.
set -euo pipefail
for tool in apt-get dpkg npm node python3 timeout; do
  command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 2; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root qstat=2.17-1 || exit 2
dpkg -x qstat_*.deb root
npm install --silent --no-audit --no-fund gamedig@5.3.3 >npm.log 2>&1 || { cat npm.log >&2; exit 2; }
python3 -m venv python
python/bin/pip install --quiet python-a2s==1.4.2 >pip.log 2>&1 || { cat pip.log >&2; exit 2; }

cat >ask.py <<'END'
import a2s, json, os, socket, subprocess, threading

INFO = (b"\xff\xff\xff\xffI\x11Friday cycles\0oasis\0csgo\0Counter-Strike\0\xda\x02\x03\x0c\0dl\0\x011.38.8.1\0\xa1"
        + (27015).to_bytes(2, "little") + b"friday,cycles\0" + (730).to_bytes(8, "little"))
PARTS = [b"\xfe\xff\xff\xff\x07\0\0\0\x02" + bytes([n]) + (1248).to_bytes(2, "little") + part
         for n, part in enumerate([INFO[:40], INFO[40:]])]

def answer(socket, datagrams):
    while True:
        question, peer = socket.recvfrom(2000)
        if question[4:5] == b"T":
            for datagram in datagrams:
                socket.sendto(datagram, peer)
        else:
            # No players, no rules.
            socket.sendto(b"\xff\xff\xff\xff" + (b"D\0" if question[4:5] == b"U" else b"E\0\0"), peer)

def run(*words):
    environment = os.environ | {"QSTAT_CONFIG": "/dev/null"}
    return json.loads(subprocess.run(words, capture_output=True, timeout=60, env=environment).stdout)

for how, datagrams in [("whole", [INFO]), ("two parts", PARTS), ("the second first", PARTS[::-1]),
                       ("the first twice", [PARTS[0], *PARTS])]:
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.bind(("127.0.0.1", 0))
    place = "127.0.0.1:%d" % own.getsockname()[1]
    threading.Thread(target=answer, args=(own, datagrams), daemon=True).start()
    try:
        python = a2s.info(own.getsockname(), timeout=5).server_name
    except Exception as error:
        python = type(error).__name__
    gamedig = run("node_modules/.bin/gamedig", "--type", "protocol-valve", place).get("name")
    [quakestat] = run("root/usr/bin/quakestat", "-json", "-a2s", place)
    print(how, "|", python, "|", gamedig, "|", quakestat.get("name", quakestat["status"]), flush=True)
END
timeout 300 python/bin/python3 ask.py | tee seen
diff - seen <<'END'
whole | Friday cycles | Friday cycles | Friday cycles
two parts | Friday cycles | Friday cycles | timeout
the second first | Friday cycles | Friday cycles | timeout
the first twice | BufferExhaustedError | Friday cycles | timeout
END
