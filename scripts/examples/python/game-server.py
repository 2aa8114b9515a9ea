#!/usr/bin/env python3
"""Keeps a game server on the list of a gltracker. The class GameServer is for copying into a game.

    GLTRACKER_PASSWORD=secret python3 game-server.py tracker.example:23470 23460 nbplayers=0

With GLTRACKER_KEY=name it logs in with a key, whose secret the password is. A line on standard
input such as nbplayers=3 is an update, and the line quit ends it.
"""

import os
import random
import select
import socket
import sys
import threading
import time

from gltracker import MISTAKES, Datagrams, Tracker, fields_of, least_wait, mac, spelled


class GameServer(threading.Thread):
    """Tells `say` what becomes of it: listed <ip>:<port>, checked, lost … or refused …."""

    def __init__(self, tracker, fields, password, key=None, say=print):
        super().__init__(daemon=True)
        self.tracker, self.say, self.lock = Tracker(tracker, 23470), say, threading.Lock()
        self.password, self.key = password, key
        self.fields, self.changes = fields, {}  # what is sent, and what is not yet
        self.udp_port = int(fields.get("pingport") or fields["port"])
        self.leaving = threading.Event()  # set it to leave the list

    def update(self, changes):
        """Of several values within a tenth of a second the last is sent. An empty one removes."""
        with self.lock:
            self.changes.update(changes)

    def run(self):
        delay = 1
        while not self.leaving.is_set():
            self.error, self.listed_at, self.asked = "", 0, ["LOGIN"]
            try:
                login = f"name={self.key}" if self.key else self.password
                self.connection = self.tracker.connect("LOGIN " + login)
                with self.connection.tcp:
                    return self.stay()
            except OSError as loss:
                reason = self.error or str(loss)
            with self.lock:
                self.fields, self.changes = {**self.fields, **self.changes}, {}
            was_named = not self.listed_at and self.asked[:1] != ["LOGIN"]
            least = least_wait(self.error, was_named, self.udp_port)
            if least is None:
                return self.say("refused " + reason)
            self.say("lost " + reason)
            if self.error.startswith("busy"):
                self.tracker.was_busy()
            stayed = self.listed_at and time.monotonic() > self.listed_at + 60
            delay = 1 if stayed else delay
            self.leaving.wait(max(least, delay * random.uniform(0.5, 1.5)))
            delay = min(40, 2 * delay)

    def stay(self):
        """A connection's life, from the answer to LOGIN to that to QUIT."""
        tcp = self.connection.tcp
        self.heard = self.since = time.monotonic()
        self.datagrams, self.is_checking, self.said_bye = Datagrams(), False, False
        ip, _, *scope = tcp.getsockname()
        with socket.socket(tcp.family, socket.SOCK_DGRAM) as udp:
            udp.bind((ip, self.udp_port, *scope))  # so answers come from the address that was asked
            while not self.said_bye:
                ready, _, _ = select.select([tcp, udp], [], [], 0.1)
                self.now = time.monotonic()
                if tcp in ready:
                    for line in self.connection.lines():
                        self.take(*line.partition(" ")[::2])
                    self.heard = self.since = self.now
                if udp in ready:
                    self.datagrams.receive(udp)
                self.speak()

    def take(self, verb, rest):
        """A line. Answers come in the order in which was asked."""
        is_mistake = self.listed_at and rest.split(" ")[0] in MISTAKES
        self.error = rest if verb == "ERR" and not is_mistake else ""  # why, if it hangs up now
        if verb == "PING":
            self.connection.send("PONG " + rest)
        if verb == "CHALLENGE" and "LOGIN" in self.asked:
            self.introduce(rest.split(" ")[0])
        if verb not in ("OK", "ERR") or self.asked[:1] in ([], ["LOGIN"]):
            return
        what, words = self.asked.pop(0), (rest + " ").split(" ")  # two words at least
        if words[0] == "listed":
            self.listed_at = self.listed_at or self.now
            self.say(f"listed {words[1]}")
        if what == "update" and verb == "ERR":
            self.fields = self.fields_before
            self.say("not taken: " + rest)
        if what == "number" and verb == "OK":
            self.say("checked")
        if verb == "OK":
            self.is_checking, self.said_bye = words[0] == "checking", what == "QUIT"

    def introduce(self, number):
        fields = {key: value for key, value in self.fields.items() if value}
        if self.key:
            fields["mac"] = mac(self.password, f"{number} {self.key} {fields['port']}")
        self.asked.pop(0)
        self.ask("first INFOS", f"INFOS {number}{spelled(fields.items())}")

    def speak(self):
        """Says what there is to say, unless the tracker is gone."""
        silence = 90 if self.is_checking else 45
        if self.now > self.heard + silence or self.asked and self.now > self.since + 15:
            raise TimeoutError("the tracker says nothing")
        if number := self.asked[:1] != ["LOGIN"] and self.datagrams.number_to_return(self.now):
            self.ask("number", "INFOS " + number)
        if self.changes and self.listed_at and "update" not in self.asked:
            with self.lock:
                changes, self.changes = self.changes, {}
            self.fields_before, self.fields = self.fields, {**self.fields, **changes}
            self.ask("update", "INFOS" + spelled(changes.items()))
        if self.leaving.is_set() and "QUIT" not in self.asked:
            self.ask("QUIT", "QUIT")

    def ask(self, what, line):
        self.since = self.since if self.asked else self.now
        self.asked.append(what)
        self.connection.send(line)


def main():
    if len(sys.argv) < 3 or "GLTRACKER_PASSWORD" not in os.environ:
        sys.exit(print(__doc__, file=sys.stderr) or 2)
    fields = {"port": sys.argv[2], **dict(word.partition("=")[::2] for word in sys.argv[3:])}
    login = os.environ["GLTRACKER_PASSWORD"], os.environ.get("GLTRACKER_KEY")
    server = GameServer(sys.argv[1], fields, *login, say=lambda line: print(line, flush=True))
    server.start()

    def read_input():
        for line in sys.stdin:
            if line.strip() == "quit":
                server.leaving.set()
            server.update(fields_of(line.strip()))

    threading.Thread(target=read_input, daemon=True).start()
    server.join()
    sys.exit(0 if server.leaving.is_set() else 1)


main()
