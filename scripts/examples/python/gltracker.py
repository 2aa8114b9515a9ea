"""What a game server and a client of a gltracker both need: connections, lines, values, errors."""

import collections
import contextlib
import hmac
import random
import re
import socket
import time

# A game server that is listed stays so after these; before, they are final like the others.
MISTAKES = {"unknown-command", "bad-syntax", "line-too-long", "not-text", "bad-value", "bad-ip"}
FINAL = MISTAKES | {"bad-password", "taken", "banned"}
# What no value may hold: control characters, separators of lines, bidirectional controls.
NO_TEXT = re.compile(r"[\0-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def spelled(fields):
    """Pairs as ` key=value` each, in quotes where that must be. Of a value 255 bytes are said."""
    def quoted(value):
        value = NO_TEXT.sub(" ", value).encode(errors="replace")[:255].decode(errors="ignore")
        if " " not in value and '"' not in value:
            return value
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "".join(f" {key}={quoted(value)}" for key, value in fields)


def fields_of(text):
    """The `key=value` of a line as a dict."""
    found = re.findall(r'([a-z][a-z0-9_-]*)=(?:"((?:[^"\\]|\\.)*)"|([^ "]*))(?: |$)', text)
    return {key: re.sub(r"\\(.)", r"\1", inner) or bare for key, inner, bare in found}


def mac(secret, text):
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()


def wait_in(error):
    """The seconds that the text of an error asks to wait, or None."""
    wait = re.search(r"wait (\d{1,4}) s", error)
    return int(wait[1]) if wait else None


def least_wait(error, was_named, udp_port):
    """Seconds that a game server waits at least after an error; None if it never comes back."""
    code = error.split(" ")[0]
    if "PROXY header" in error:
        return 60
    if wait_in(error):
        return wait_in(error)
    if code == "taken" and "took over" in error:
        return 600
    if code in FINAL or code == "unreachable" and udp_port < 1024:
        return None
    return {"unreachable": 60, "too-many": 60 if was_named else 5}.get(code, 0)


class Connection:
    """Lines to and from a tracker."""

    def __init__(self, tcp):
        self.tcp, self.rest, self.deadline = tcp, b"", float("inf")

    def send(self, line):
        with contextlib.suppress(ConnectionError):  # what the tracker said before is read first
            self.tcp.sendall(line.encode() + b"\n")

    def lines(self):
        """The whole lines that have come, fit to be printed. Waits as long as its socket does."""
        data = self.tcp.recv(65536)
        if not data:
            raise ConnectionError("the tracker hung up")
        if time.monotonic() > self.deadline:
            raise TimeoutError("the tracker's answer does not end")
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > 1024:
            raise ConnectionError("this is no tracker: a line does not end")
        texts = [line.decode(errors="replace").rstrip("\r") for line in lines]
        return [NO_TEXT.sub(" ", text) for text in texts]


class Tracker:
    """A tracker by HOST, HOST:PORT or [IPv6]:PORT. A name may have several addresses."""

    def __init__(self, address, default_port):
        found = re.fullmatch(r"(?:\[(.+)\]|([^:]+))(?::(\d+))?", address)
        if not found:
            raise ValueError(f"not HOST:PORT: {address}")
        self.name = found[1] or found[2], found[3] or default_port
        self.answered = self.busy = None

    def connect(self, first_line):
        """A connection to the first address that says anything to `first_line`."""
        found = socket.getaddrinfo(*self.name, type=socket.SOCK_STREAM)
        preferred = found[0][0]
        random.shuffle(found)
        found.sort(key=lambda at: (at[4] == self.busy, at[4] != self.answered, at[0] != preferred))
        for number, (*kind, _, address) in enumerate(found, 1):
            tcp = socket.socket(*kind)
            try:
                tcp.settimeout(15 if number == len(found) else 3)
                tcp.connect(address)
                connection = Connection(tcp)
                connection.send(first_line)
                if not tcp.recv(1, socket.MSG_PEEK):
                    raise ConnectionError("the tracker hung up")
                self.answered, self.busy = address, None
                return connection
            except OSError:
                tcp.close()
                if number == len(found):
                    raise

    def was_busy(self):
        """The address that answered last is the last that is tried next."""
        self.busy, self.answered = self.answered, None


class Datagrams:
    """What comes to a game's UDP port. Of the numbers in it, some go back over TCP."""

    def __init__(self):
        self.numbers, self.returned, self.returned_at = {}, collections.deque(maxlen=100), 0

    def receive(self, udp):
        with contextlib.suppress(OSError):  # an answer that cannot be sent is as good as lost
            data, sender = udp.recvfrom(2048)
            if answer := self.answer(data, sender):
                udp.sendto(answer, sender)

    def answer(self, data, sender):
        """What `sender` is answered, if anything. A game that has a UDP socket calls this."""
        number = re.fullmatch(rb"CHALLENGE ([0-9a-f]{16})", data)
        if number and number[1] not in self.returned and len(self.numbers) < 100:
            self.numbers[sender] = number[1]  # the latest of each sender
        return b"PONG " + data[5:] if data.startswith(b"PING ") else None

    def number_to_return(self, now):
        """None is returned twice, and anybody can send some: no more than four a second."""
        if not self.numbers or now < self.returned_at + 0.25:
            return None
        number, self.returned_at = self.numbers.pop(next(iter(self.numbers))), now
        self.returned.append(number)
        return number.decode()
