"""The oracle of every campaign: joins the load's log, the fakes' logs and what the server says.

I1 every id answered 202 ends in one final state or is visibly open; none is absent. I2 what was
not accepted is not delivered, unless only the answer was lost. I3 duplicates only where an attempt
was begun and not settled when the server died. I4 at_most_once is never sent after it may have been
sent. I5 nothing after its ttl, or to a suppressed address. I6 payload, credentials and app belong
together. I7 events are gapless and legal. I8 counters equal rows. Each finding names the invariant,
the ids and the log lines.
"""
import base64
import collections
import json
import re

import logs

FINAL = {"sent", "delivered", "opened", "clicked", "failed", "dead", "suppressed", "expired",
         "cancelled", "unknown"}
OPEN = {"scheduled", "queued", "sending"}
# What an event may follow, by the state that each leads to.
AFTER = {"queued": {None, "queued", "dead", "scheduled"}, "scheduled": {None},
         "suppressed": {None, "queued", "scheduled"},
         **{state: {"queued"} for state in ("sent", "failed", "dead", "unknown")},
         "expired": {"queued", "scheduled"}, "cancelled": {"queued", "scheduled"},
         "delivered": {"sent"}, "opened": {"sent", "delivered"},
         "clicked": {"sent", "delivered", "opened"}}
TTL_SLACK_US = 1_000_000   # from the first byte to the fake's line, on a busy machine
CUT_US = 300_000           # answers on a connection that was cut within it may be lost
CANARY = re.compile(r"\b([0-9a-f]{16})\b")
ACCOUNT = "AC%032x"
FINDINGS_MAX = 200


class Oracle:
    """`findings` after `check`; `figures` for the record."""

    def __init__(self, sent, requests, said, kills=(), apps=(), settled=True, shared=False):
        self.sent, self.requests, self.said = sent, requests, said
        self.kills, self.apps, self.settled = sorted(kills), list(apps), settled
        self.asked = None     # of which notifications; None: of all
        self.shared = shared  # one account for all apps
        self.findings, self.figures = [], collections.Counter()
        self.by_canary = collections.defaultdict(list)
        self._auths = {}
        self._cuts = collections.defaultdict(list)

    def find(self, invariant, what):
        """Notes a violation."""
        self.figures[invariant] += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(f"{invariant} {what}")

    def check(self):
        """All of it; the findings."""
        for odd in self.sent.odd:
            self.find("I1", f"an answer that should not be: {odd}")
        for request in self.requests:
            if request.act in ("cut", "reset", "half", "cut_body"):
                self._cuts[request.role, request.connection].append(
                    request.at + request.latency_ms * 1000)
            self._belongs(request)
        accepted = self._accepted()
        for canary, found in self.by_canary.items():
            self._was_accepted(canary, found)
        for app, event, telling, told, one in accepted:
            if self.asked is None or one in self.asked:
                self._account(app, event, telling, told, one)
        self.figures["notifications"] = len(accepted)
        self.figures["requests"] = len(self.requests)
        return self.findings

    # I6: what came at a fake.

    def _belongs(self, request):
        if request.role == "sms":
            found = CANARY.search(request.body)
            canary = found[1] if found else ""
        else:
            canary = request.address.split("@")[0]
        if not re.fullmatch(r"[0-9a-f]{16}", canary):
            self.find("I6", f"no canary: {request}")
            return
        app = f"a{int(canary[:2], 16)}"
        self.by_canary[canary].append(request)
        if request.act == "cut_body" or not request.body:
            return
        marks = set(CANARY.findall(_plain(request.body)))
        if marks != {canary}:
            self.find("I6", f"{request}: address of {canary}, content of {sorted(marks)}")
        if not re.search(rf"app-{app}\b", _plain(request.body)):
            self.find("I6", f"{request}: {canary} without the mark of {app}")
        if request.role == "sms":
            told, recipient = int(canary[2:12], 16), int(canary[12:], 16)
            number = int(app[1:])
            if request.address.startswith("+1999"):
                self.find("I5", f"{request}: {canary} to a suppressed address")
            elif request.address != f"+1{number + 20:02d}{told:09d}{recipient % 100:02d}":
                self.find("I6", f"{request}: {canary} to {request.address}")
        if request.role != "mail" and not self.shared and self._account_of(request) != app:
            self.find("I6", f"{request}: {canary} with the credentials of "
                            f"{self._account_of(request)}")
        if request.role == "push" and f"com.example.{app}" not in request.extra:
            self.find("I6", f"{request}: {canary} under {request.extra}")

    def _account_of(self, request):
        """Whose credentials these are."""
        known = self._auths.get(request.auth)
        if known is None:
            known = _account(request.auth, self.apps)
            self._auths[request.auth] = known
        return known

    # I1, I2: what was accepted.

    def _accepted(self):
        """(app, event, telling, told, notification id) of each that was accepted."""
        found, self._known = [], {}
        for (app, event), said in self.sent.said.items():
            if len(said.ids) > 1:
                self.find("I1", f"{app}/{event}: one event id, {sorted(said.ids)}")
            for one, tellings in said.ids.items():
                if len(tellings) > 1:
                    self.find("I1", f"{app}/{event}: {one} answers two different bodies")
                told = min(tellings)
                found.append((app, event, said.tellings[told], told, one))
            taken = {told for tellings in said.ids.values() for told in tellings}
            for told, telling in said.tellings.items():
                others = any(other != told and (other in taken or one.doubt)
                             for other, one in said.tellings.items())
                if telling.statuses[422] and not others:
                    self.find("I1", f"{app}/{event}: 422, though the id is new to its app "
                                    f"({telling.lines})")
                known = self._known.setdefault((app, told), [False, False])
                known[0] |= told in taken
                known[1] |= telling.doubt > 0
        return found

    def _was_accepted(self, canary, found):
        app, told = f"a{int(canary[:2], 16)}", int(canary[2:12], 16)
        accepted, doubt = self._known.get((app, told), (False, False))
        if not accepted and not doubt:
            self.find("I2", f"{canary} was never accepted, but sent: {_lines(found)}")

    # One notification.

    def _account(self, app, event, telling, told, one):
        base = f"/v1/notifications/{one}"
        status, page = self.said.get(base + "/deliveries?limit=200", (0, None))
        where = f"{app}/{event} {one}"
        if status != 200:
            self.find("I1", f"{where}: answered {telling.statuses}, but now {status} "
                            f"({telling.lines[0]})")
            return
        rows = sorted(page["data"], key=lambda row: row["id"])
        if len(rows) != telling.recipients:
            self.find("I1", f"{where}: {len(rows)} deliveries for {telling.recipients}")
        status, events = self.said.get(base + "/events?limit=200", (0, None))
        if status != 200:
            self.find("I7", f"{where}: its events answer {status}")
            return
        by_row = collections.defaultdict(list)
        for event_row in events["data"]:
            by_row[event_row["delivery_id"]].append(event_row)
        tally = collections.Counter(row["state"] for row in rows)
        _, view = self.said.get(base, (0, None))
        if view:
            counts = {state: n for state, n in view["counts"].items() if n}
            if counts != dict(tally) and self.settled:
                self.find("I8", f"{where}: counts {counts}, rows {dict(tally)}")
        for number, row in enumerate(rows):
            canary = f"{int(app[1:]):02x}{told:010x}{number:04x}"
            self.figures[row["state"]] += 1
            seen = sorted(by_row[row["id"]], key=lambda e: e["id"])
            self._delivery(f"{where} {row['id']} {canary}", telling, row, seen,
                           self.by_canary.get(canary, []))

    def _delivery(self, where, telling, row, events, requests):
        state = row["state"]
        if state not in FINAL | OPEN:
            self.find("I1", f"{where}: state {state}")
        if state in OPEN and self.settled:
            self.find("I1", f"{where}: still {state} though nothing is on its way")
        processed = [one for one in requests if not one.unprocessed]
        if state in ("sent", "delivered") and not any(one.took for one in processed):
            self.find("I1", f"{where}: {state}, but no request was taken: {_lines(requests)}")
        if state == "unknown" and requests and not processed and not self.kills:
            self.find("I4", f"{where}: unknown, though nothing was processed: {_lines(requests)}")
        if state == "unknown" and not requests:
            self.figures[f"unknown_never_received_{telling.kind}"] += 1
        if telling.flavor == "suppressed" and (state, row["reason"]) != (
                "suppressed", "suppression_list"):
            self.find("I5", f"{where}: {state} {row['reason']}, its address is suppressed")
        if state in ("suppressed", "cancelled") and telling.flavor == "suppressed" and requests:
            self.find("I5", f"{where}: {state}, but sent: {_lines(requests)}")
        self._events(where, row, events)
        self._repeats(where, telling, events, processed)
        if telling.ttl_ms and telling.first_accepted is not None:
            last = telling.first_accepted + telling.ttl_ms * 1000 + TTL_SLACK_US
            late = [one for one in requests if one.at > last]
            if late and not telling.doubt:
                self.find("I5", f"{where}: sent after its ttl of {telling.ttl_ms} ms: "
                                f"{_lines(late)}")

    def _events(self, where, row, events):
        """I7."""
        before, attempt = None, 0
        for seq, event in enumerate(events):
            if _seq(event["id"]) != seq:
                self.find("I7", f"{where}: event {event['id']} is not number {seq}")
                return
            state = event["state"]
            if before not in AFTER.get(state, ()):
                self.find("I7", f"{where}: {state} after {before}")
            if (event["attempt"] or attempt) < attempt and before != "dead":
                self.find("I7", f"{where}: attempt {event['attempt']} after {attempt}")
            attempt = event["attempt"] or attempt
            before = state
        if events and row["state"] not in (before, "sending") and self.settled:
            self.find("I7", f"{where}: is {row['state']}, last event {before}")

    def _repeats(self, where, telling, events, processed):
        """I3, I4."""
        settled = sum(1 for event in events
                      if event["attempt"] and event["provider"] and event["type"] != "delivered")
        extra = len(processed) - settled
        epochs = {_epoch(self.kills, one.at) for one in processed}
        ended = sum(1 for epoch in epochs if epoch < len(self.kills))
        # The server gave up waiting for an answer that the fake did give.
        doubts = sum(1 for event in events if event["reason"] == "cut_off")
        self.figures["repeats"] += max(0, len(processed) - 1)
        if extra > ended:
            self.find("I3", f"{where}: {len(processed)} requests, {settled} settled, {ended} "
                            f"ends of the server: {_lines(processed)}")
        for one, after in zip(processed, processed[1:]):
            again = _epoch(self.kills, one.at) == _epoch(self.kills, after.at)
            if one.took and again and not self._lost(one):
                doubts -= 1
            if doubts < 0:
                self.find("I3", f"{where}: sent again after it was taken: {_lines((one, after))}")
            if one.took:
                self.figures["duplicates"] += 1
            if telling.guarantee == "at_most_once" and not one.refused:
                self.find("I4", f"{where}: at most once, but {_lines((one, after))}")

    def counters(self, metrics):
        """I8: what one life of the server counted, against its rows."""
        def value(name):
            found = re.search(rf"^{re.escape(name)} (\d+)", metrics, re.M)
            return int(found[1]) if found else None
        accepted = value("bongsu_notifications_accepted_total")
        if accepted != self.figures["notifications"]:
            self.find("I8", f"{accepted} notifications counted as accepted, "
                            f"{self.figures['notifications']} are there")
        for state in FINAL:
            counted = value(f'bongsu_deliveries_ended_total{{state="{state}"}}')
            if counted != self.figures[state]:
                self.find("I8", f"{counted} deliveries counted as {state}, "
                                f"{self.figures[state]} are there")

    def _lost(self, request):
        """Its answer may not have arrived: the connection was cut about then."""
        if request.unanswered:
            return True
        answered = request.at + request.latency_ms * 1000
        return any(answered - CUT_US <= cut <= answered + CUT_US
                   for cut in self._cuts[request.role, request.connection])


def _epoch(kills, at):
    """How many times the server had died before."""
    low, high = 0, len(kills)
    while low < high:
        middle = (low + high) // 2
        if kills[middle] <= at:
            low = middle + 1
        else:
            high = middle
    return low


def _lines(requests):
    return "; ".join(map(str, requests)) or "none"


def _plain(body):
    """A mail's text stands in base64 or quoted-printable; the rest as it is."""
    text = body.replace("\\r\\n", "\n")
    if "\n\n" not in text:
        return body
    head, rest = text.split("\n\n", 1)
    if "base64" in head:
        try:
            rest += base64.b64decode(rest.split("\n.\n")[0]).decode(errors="replace")
        except ValueError:
            pass
    subject = re.search(r"^Subject: (.*)$", head, re.M)
    return (subject[1] if subject else "") + "\n" + rest


def _account(auth, apps):
    """The app whose provider made these credentials."""
    kind, _, token = auth.partition(" ")
    try:
        if kind == "bearer":
            head = token.split(".")[0]
            kid = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
            return f"a{int(kid[-5:])}" if kid.startswith("KEYID") else kid
        account = base64.b64decode(token).decode().split(":")[0]
        return next((app for number, app in enumerate(apps) if account == ACCOUNT % number), account)
    except (ValueError, KeyError):
        return "nobody"


_DIGITS = {digit: value for value, digit in enumerate("0123456789abcdefghjkmnpqrstvwxyz")}


def _seq(event_id):
    """The number that an event's id ends in."""
    value = 0
    for digit in event_id[-4:]:
        value = value * 32 + _DIGITS[digit]
    return value


def judge(stage, settled=True, part=1):
    """Reads everything of a stage back and checks it: (findings, figures). `part`: of very many
    notifications only every so manieth is asked for."""
    for fake in stage.fakes.values():
        fake.stats()
    sent = logs.Sent([load.log for load in stage.loads if load.log.exists()])
    asked = {app: set(sorted(ids)[::part]) for app, ids in sent.accepted().items()}
    back = logs.read_back(stage.read_back(asked))
    requests = logs.received({role: fake.requests for role, fake in stage.fakes.items()})
    oracle = Oracle(sent, requests, back, stage.kills, stage.apps, settled, stage.shared)
    oracle.asked = None if part == 1 else set().union(*asked.values())
    oracle.check()
    if len(stage.readys) == 1 and part == 1 and settled:
        oracle.counters(stage.clients[stage.apps[0]].get("/metrics").body.decode())
    findings = oracle.findings
    oracle.figures["sends"] = sent.requests
    oracle.figures["replayed"] = sent.replayed
    return findings, oracle.figures


def account(stage, result, seconds=60):
    """Ends the loads, lets everything settle under good weather, and judges it."""
    for load in stage.loads:
        load.stop()
    for fake in stage.fakes.values():
        fake.clear()
    left = stage.settle(seconds)
    if left:
        result.find(f"I1 {left} deliveries still on their way {seconds} s after the load")
    findings, figures = judge(stage, settled=not left)
    result.add(findings, figures)
