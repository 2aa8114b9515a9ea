#!/usr/bin/env python3
"""Shows the list of a gltracker. The class ServerList is for copying into a game.

    python3 client.py tracker.example:23471 list|follow|watch [condition...]

list asks once, follow asks every 2 s what has changed, and watch is told.
"""

import random
import re
import sys
import time

from gltracker import Tracker, fields_of, spelled, wait_in


class Refused(Exception):
    """The tracker said ERR."""


class ServerList:
    """The game servers by ip and port. Half an answer changes nothing."""

    def __init__(self, tracker, conditions=()):
        self.tracker, self.servers, self.revision = Tracker(tracker, 23471), {}, ""
        words = [word.split("=", 1) for word in conditions]
        self.conditions = "".join(spelled([w]) if w[1:] else " " + w[0] for w in words)

    def take(self, line):
        """True at the end of an answer, and then it is the list."""
        verb, _, rest = line.partition(" ")
        fields = fields_of(rest)
        if verb == "ERR":
            raise Refused(rest)
        if verb in ("INFOS", "GONE") and {"ip", "port"} <= fields.keys():
            self.news[fields["ip"], fields["port"]] = fields if verb == "INFOS" else None
        if len(self.news) > 100_000:
            raise ConnectionError("this is no tracker: its list does not end")
        if verb != "END":
            return False
        known = {**(self.servers if "since" in fields else {}), **self.news}
        self.servers = {at: server for at, server in known.items() if server}
        self.revision, self.news = fields.get("rev", ""), {}
        return True

    def ask(self):
        """Asks once."""
        self.news = {}
        connection = self.tracker.connect(f"LIST{self.conditions}\nQUIT")
        connection.deadline = time.monotonic() + 15
        with connection.tcp:
            while not any(self.take(line) for line in connection.lines()):
                pass

    def stay(self, verb):
        """Yields after each answer, to LIST every 2 s or to WATCH. Comes back when cut off."""
        delay = 1
        while True:
            self.news, is_list = {}, verb == "LIST"
            try:
                connection = self.tracker.connect(self.question(verb))
                with connection.tcp as tcp:
                    tcp.settimeout(15 if is_list else 45)  # a watcher hears something every 30 s
                    while True:
                        if is_list:
                            connection.deadline = time.monotonic() + 15
                        while not any([self.take(line) for line in connection.lines()]):
                            pass
                        yield
                        delay = 1
                        if is_list:
                            time.sleep(2)
                            connection.send(self.question(verb))
            except OSError as lost:
                print("lost", lost, file=sys.stderr)
                time.sleep(delay * random.uniform(0.5, 1.5))
                delay = min(40, 2 * delay)
            except Refused as error:
                code = str(error).split(" ")[0]
                if code not in ("busy", "too-many"):
                    raise
                verb = "LIST"  # there may be no slot for a watcher
                time.sleep(wait_in(str(error)) or random.uniform(3, 6))

    def question(self, verb):
        return f"{verb} since={self.revision}{self.conditions}"

    def __str__(self):
        """The most players first, and last those that may be gone."""
        def rank(server):
            players = re.fullmatch(r"[0-9]{1,9}", server.get("nbplayers", ""))
            return "stale" in server, -int(players[0] if players else 0), server["ip"], server["port"]
        return "".join(map(shown, sorted(self.servers.values(), key=rank)))


def shown(server):
    host = f"[{server['ip']}]" if ":" in server["ip"] else server["ip"]
    players = f"{server.get('nbplayers', '?')}/{server.get('maxplayers', '?')}"
    stale = " stale" if "stale" in server else ""
    return f"{host}:{server['port']} {players} {server.get('description', '?')}{stale}\n"


def main():
    if len(sys.argv) < 3 or sys.argv[2] not in ("list", "follow", "watch"):
        sys.exit(print(__doc__, file=sys.stderr) or 2)
    tracker, mode, *conditions = sys.argv[1:]
    try:
        servers, last = ServerList(tracker, conditions), None
        if mode == "list":
            servers.ask()
            print(end=str(servers))
            return
        for _ in servers.stay("WATCH" if mode == "watch" else "LIST"):
            if str(servers) != last:
                last = str(servers)
                print(last, flush=True)
    except (OSError, Refused, ValueError) as error:
        sys.exit(f"no list: {error}")


main()
