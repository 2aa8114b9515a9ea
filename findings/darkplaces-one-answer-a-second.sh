#!/usr/bin/env bash
# darkplaces-server 20180908 (Debian 12, the engine of Nexuiz and Xonotic) with the data of Nexuiz 2.5.2
# (it loads 300 MB).
#
# It answers an address once a second, and counts getinfo and getstatus together: of five questions that
# are 0.1 s apart the first has an answer, and a getstatus behind a getinfo has none, ever. Those that it
# passes over leave no trace. ioquake3 answers the first ten at once.
#
# What follows: who measures a ping with several questions in a row takes a quick server for one that
# loses four datagrams of five; who wants both answers waits a second between them, or does without
# getstatus, which says the same here.
set -euo pipefail
for tool in apt-get dpkg ss python3; do
  command -v "$tool" >/dev/null || { echo "there is no $tool here" >&2; exit 2; }
done
folder=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root darkplaces-server=0~20180908~beta1-5 \
  nexuiz-data=2.5.2-12 libode8 libccd2 || exit 2
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(find "$PWD/root" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:)

LD_LIBRARY_PATH=$libraries root/usr/games/darkplaces-server -nexuiz -basedir root/usr/share/games/nexuiz \
  -userdir "$folder/user" -ip 127.0.0.1 -port 26000 +sv_public 0 +map dance >log 2>&1 </dev/null &
server=$!
until ss -Hlun 'sport = :26000' | grep -q .; do
  kill -0 "$server" || { tail -n 20 log >&2; exit 2; }
  sleep 0.1
done
python3 - <<'END' | tee seen
import socket, time
def ask(gap, questions):
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.connect(("127.0.0.1", 26000))
    peer.settimeout(gap)
    answered = []
    for question in questions:
        until = time.monotonic() + gap
        peer.send(b"\xff\xff\xff\xff" + question.encode() + b" word")
        try:
            answered.append(peer.recv(2000)[4:].split(b"Response")[0].decode())
            time.sleep(max(0, until - time.monotonic()))
        except TimeoutError:
            answered.append("-")
    return " ".join(answered)
# The map is loaded when there is an answer.
while ask(1.2, ["getinfo"]) == "-":
    pass
time.sleep(1.2)
print("five, 0.1 s apart:", ask(0.1, ["getinfo"] * 5))
time.sleep(1.2)
print("both, 0.1 s apart:", ask(0.1, ["getinfo", "getstatus"]))
time.sleep(1.2)
print("both, 1.2 s apart:", ask(1.2, ["getinfo", "getstatus"]))
END
diff - seen <<'END'
five, 0.1 s apart: info - - - -
both, 0.1 s apart: info -
both, 1.2 s apart: info status
END
