"""Reads the logs of the load and the fakes (the formats stand in load.c and fake.h)."""
import collections
import json


class Said:
    """What one event id of one app was sent with: for each body, what became of each try."""

    __slots__ = ("tellings", "ids")

    def __init__(self):
        self.tellings = {}  # told -> Telling
        self.ids = {}       # notification id -> the tellings it was answered to


class Telling:
    """One body under one event id."""

    __slots__ = ("kind", "guarantee", "ttl_ms", "recipients", "flavor", "first_sent",
                 "first_accepted", "statuses", "doubt", "lines")

    def __init__(self, fields, at):
        self.flavor, self.kind = fields[7], fields[8]
        self.guarantee, self.ttl_ms, self.recipients = fields[10], int(fields[11]), int(fields[12])
        self.first_sent, self.first_accepted = at, None
        self.statuses, self.doubt, self.lines = collections.Counter(), 0, []


class Sent:
    """The load's whole log. `said`: (app, event id) -> Said."""

    def __init__(self, paths):
        self.said = collections.defaultdict(Said)
        self.requests = self.replayed = 0
        self.waits_ms, self.odd = [], []
        for path in paths:
            self._read(path)

    def _read(self, path):
        open_tries = {}  # (call, try) -> [(said, telling)]
        due = {}
        for number, line in enumerate(open(path, encoding="ascii"), 1):
            fields = line.rstrip("\n").split("\t")
            if len(fields) < 5:
                continue
            at, call = int(fields[1]), (fields[2], fields[3])
            if fields[0] == "S":
                told = int(fields[7])
                said = self.said[(fields[5], fields[6])]
                telling = said.tellings.get(told)
                if telling is None:
                    telling = said.tellings[told] = Telling(fields[1:], at)
                telling.lines.append(f"{path.name}:{number}")
                open_tries.setdefault(call, []).append((said, told, telling))
                due[fields[2]] = int(fields[15])
                self.requests += 1
            elif fields[0] == "A":
                self._answer(fields, open_tries.get(call), at, due)
            elif fields[0] == "L":
                for one in open_tries.pop(call, ()):
                    if one and int(fields[4]) > 0:
                        one[2].doubt += 1
        for tries in open_tries.values():
            for one in filter(None, tries):
                one[2].doubt += 1  # never answered

    def _answer(self, fields, tries, at, due):
        item, status = int(fields[4]), int(fields[5])
        said, told, telling = tries[item]
        tries[item] = None
        telling.statuses[status] += 1
        if status in (200, 202):
            said.ids.setdefault(fields[6], set()).add(told)
            if telling.first_accepted is None:
                telling.first_accepted = at
            self.replayed += fields[7] == "1"
            self.waits_ms.append((at - due[fields[2]]) / 1000)
        elif status not in (422, 429, 503):
            self.odd.append(f"{fields[2]}: {status} ({telling.lines[-1]})")

    def accepted(self):
        """app -> notification ids."""
        found = collections.defaultdict(set)
        for (app, _), said in self.said.items():
            found[app].update(said.ids)
        return found


class Request:
    """One request as a fake saw it, and what was answered."""

    __slots__ = ("at", "role", "seq", "connection", "stream", "address", "auth", "extra", "act",
                 "latency_ms", "body", "unanswered", "unprocessed")

    def __init__(self, role, fields):
        self.role, self.at, self.seq = role, int(fields[1]), int(fields[2])
        self.connection, self.stream = int(fields[3]), int(fields[4])
        self.address, self.auth, self.extra, self.act = fields[5:9]
        self.latency_ms, self.body = int(fields[9]), fields[10]
        self.unanswered = False
        self.unprocessed = self.act in ("refused", "goaway_above")

    @property
    def took(self):
        """It was accepted, and the answer says so."""
        return self.act in ("ok", "slow", "goaway_at")

    @property
    def refused(self):
        """It was refused in so many words, and the peer knows."""
        return self.act.startswith("status:") and not self.unanswered

    def __str__(self):
        mark = " (unanswered)" if self.unanswered else " (undone)" if self.unprocessed else ""
        return f"{self.role}:{self.seq} at {self.at} {self.act}{mark}"


def received(fakes):
    """Every request of the fakes' logs, by time. `fakes`: role -> path."""
    found = []
    for role, path in fakes.items():
        by_seq = {}
        for line in open(path, encoding="utf-8", errors="replace"):
            fields = line.rstrip("\n").split("\t")
            if fields[0] == "R" and len(fields) == 11:
                by_seq[fields[2]] = Request(role, fields)
            elif fields[0] == "X" and fields[2] in by_seq:
                by_seq[fields[2]].unanswered = True
            elif fields[0] == "U" and fields[2] in by_seq:
                by_seq[fields[2]].unprocessed = True
        found += by_seq.values()
    found.sort(key=lambda one: one.at)
    return found


def read_back(path):
    """What the server said: path -> (status, JSON); the pages of a list put together."""
    found = {}
    for line in open(path, encoding="utf-8"):
        where, status, body = line.split("\t", 2)
        answer = json.loads(body) if body.strip() else None
        before = found.get(where)
        if before and before[0] == 200 and answer and "data" in answer:
            answer["data"] = before[1]["data"] + answer["data"]
        found[where] = (int(status), answer)
    return found
