"""C1, C2, C3 and C5: providers that hang, close, refuse, throttle and recover."""
import collections
import email.utils
import os
import time

import logs
import oracle
from oracle import account
from stage import ACCOUNT, RETRY, Fake, Load, Stage, micros, until

PLAIN = {"priority": "mixed", "recipients": "1-2"}


def arrivals(stage, role):
    """canary -> when it first came to the fake, in us."""
    stage.fakes[role].stats()
    found = {}
    for one in logs.received({role: stage.fakes[role].requests}):
        found.setdefault(one.address, one.at)
    return found


def latencies(stage, load, role="push"):
    """From the sending of each request of a load to its arrival at the fake, in ms."""
    came, found = arrivals(stage, role), []
    for line in open(load.log, encoding="ascii"):
        fields = line.rstrip("\n").split("\t")
        if fields[0] == "S" and fields[3] == "0":
            canary = f"{int(fields[5][1:]):02x}{int(fields[7]):010x}0000"
            if canary in came and fields[8] == "fresh":
                found.append((came[canary] - int(fields[1])) / 1000)
    return found


def percentile(values, part):
    """Of a list that need not be sorted."""
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0.0


# C3

STORM_WINDOW_S = 60  # of counting the ramp


def c3(directory, count, seed, result):
    """A provider answers 500 to everything for `runs` minutes, then recovers, under 50 a second.

    Requests at the provider are at most 1.1 times the deliveries; after the recovery they come by a
    ramp, not in a burst; nothing is lost."""
    stage = Stage(directory, seed, apps=1, kinds=("ios",), in_flight=200,
                  config={"retry": {name: {"first": "5s", "max": "10m", "attempts": 100}
                                    for name in RETRY}})
    try:
        push = stage.fakes["push"]
        push.set(latency_min=2, latency_max=10)
        load = Load(stage, rate=50)
        time.sleep(5)
        push.act("status", status=503, word="ServiceUnavailable")
        begun = push.stats()["requests"], time.monotonic()
        for _ in range(count):
            time.sleep(60)
            result.passed += 1
        stormed = push.stats()["requests"] - begun[0]
        push.clear()
        over = time.monotonic_ns() // 1000
        load.stop()
        left = stage.settle(1200)
        back = (time.monotonic_ns() // 1000 - over) / 1e6
        if left:
            result.find(f"C3 {left} deliveries still open 20 minutes after the storm")
        findings, figures = oracle.judge(stage, settled=not left)
        result.add(findings, figures)
        amplification = figures["requests"] / max(1, figures["sent"])
        result.note("amplification", amplification)
        result.note("requests_in_storm", stormed)
        result.note("recovered_after_s", back)
        if amplification > 1.1:
            result.find(f"C3 {figures['requests']} requests for {figures['sent']} deliveries: "
                        f"{amplification:.2f}, at most 1.1")
        rates = collections.Counter((one.at - over) // 1_000_000 for one in
                                    logs.received({"push": push.requests}) if one.at >= over)
        ramp = [rates[second] for second in range(STORM_WINDOW_S)]
        result.note("first_second_after", ramp[0])
        result.note("busiest_second_after", max(ramp))
        first = next((second for second, n in enumerate(ramp) if n > 1), 0)
        if max(ramp) > 400 and ramp[first] > max(ramp) / 2:
            result.find(f"C3 a burst after the recovery: {ramp[first:first + 10]} a second")
    finally:
        stage.close()


# C3S

CALM_S = 20          # before the storm, and after all has come back
MOVED_MAX_S = 10
BACK_MAX_S = 300
PROBES_MAX = 0.01    # of the attempts while it fails


class Pair(Stage):
    """Two accounts of one SMS provider in one rule, in order."""

    def _config(self, in_flight, timeout, more):
        self.fakes["second"] = Fake("sms", self._second(), self.pki, self.seed)
        one = {"driver": "twilio", "auth_token": "t" * 32, "from": "+15005550006",
               "in_flight": in_flight, "timeout": timeout}
        return {"providers": {name: {**one, "account_sid": ACCOUNT % number,
                                     "url": f"http://127.0.0.1:{self.fakes[role].port}"}
                              for number, (name, role) in
                              enumerate((("first", "sms"), ("second", "second")))},
                "routes": [{"kind": "sms", "providers": ["first", "second"]}],
                "retry": RETRY, **more}

    def _second(self):
        directory = self.directory / "second"
        directory.mkdir(exist_ok=True)
        return directory

    def requests(self):
        """Those of both, by time; role: first or second."""
        for fake in self.fakes.values():
            fake.stats()
        return logs.received({"first": self.fakes["sms"].requests,
                              "second": self.fakes["second"].requests})


def c3s(directory, count, seed, result):
    """The first of two SMS providers answers 500 for `runs` minutes, then recovers, under 100 a second.

    Traffic moves to the second within seconds, at most one attempt in a hundred goes on asking the
    first, and after the recovery all of it moves back and stays. A burst of invalid numbers before
    moves nothing. Each recipient gets one message."""
    stage = Pair(directory, seed, apps=1, kinds=("sms",), in_flight=100)
    first = stage.fakes["sms"]
    try:
        for fake in stage.fakes.values():
            fake.set(latency_min=5, latency_max=20)
        load = Load(stage, rate=100, kinds="sms:1")
        first.act("status", status=400, word="21211")
        time.sleep(CALM_S)
        first.clear()
        invalid = micros()
        time.sleep(5)
        first.act("status", status=500, word="20500")
        storm = micros()
        for _ in range(count):
            time.sleep(60)
            result.passed += 1
        first.clear()
        over = micros()
        until(lambda: _is_back(stage), BACK_MAX_S)
        back = micros()
        time.sleep(CALM_S)
        figures = load.stop()
        left = stage.settle(60)
        if left:
            result.find(f"C3S {left} deliveries still open a minute after the end")
        _judge_pair(stage, (invalid, storm, over, back), figures, result)
    finally:
        stage.close()


def _is_back(stage):
    """All of the last three seconds went to the first again."""
    since = micros() - 3_000_000
    latest = [one.role for one in stage.requests() if one.at >= since]
    time.sleep(1)
    return len(latest) > 100 and "second" not in latest


def _judge_pair(stage, moments, figures, result):
    invalid, storm, over, back = moments
    requests = stage.requests()
    taken = collections.Counter(one.address for one in requests if one.took)
    result.figures.update(requests=len(requests), taken=len(taken), accepted=figures["accepted"])
    for address, times in taken.items():
        if times > 1:
            result.find(f"C3S {address} got it {times} times")
    if any(one.role == "second" and one.at < invalid for one in requests):
        result.find("C3S invalid numbers moved traffic to the second")
    in_storm = [one for one in requests if storm <= one.at < over]
    by_second = collections.Counter((one.at - storm) // 1_000_000 for one in in_storm
                                    if one.role == "first")
    moved = next((s for s in range(60) if max(by_second[s + i] for i in range(5)) <= 5), 60)
    after = [one for one in in_storm if one.at >= storm + (moved + 1) * 1_000_000]
    probes = sum(one.role == "first" for one in after) / max(1, len(after))
    late = sum(one.role == "second" and one.at > back for one in requests)
    result.note("moved_after_s", moved)
    result.note("probes", probes)
    result.note("back_after_s", (back - over) / 1e6)
    result.note("to_the_second_after_that", late)
    if moved > MOVED_MAX_S:
        result.find(f"C3S traffic moved after {moved} s")
    if probes > PROBES_MAX:
        result.find(f"C3S {probes:.1%} of the attempts went on asking the first")
    if (back - over) / 1e6 > BACK_MAX_S:
        result.find(f"C3S traffic was not back {BACK_MAX_S} s after the recovery")
    if late:
        result.find(f"C3S {late} messages went to the second after all had come back")


# C5

RETRY_AFTER_S = 3
RETRY_MAX_S = 2  # a wish goes beyond it
EARLY_S = 0.02


def forms(now):
    """(text of Retry-After, its seconds or None for no wish)."""
    until = int(now) + RETRY_AFTER_S + 1
    gmt = time.gmtime(until)
    return [("2", 2.0), ("0", 0.0), (" 2 ", 2.0), ("002", 2.0), ("", None), ("soon", None),
            ("-5", None), ("1.5", None), ("99999999999999999999", None),
            (email.utils.formatdate(until, usegmt=True), until),
            (time.strftime("%A, %d-%b-%y %H:%M:%S GMT", gmt), until),
            (time.asctime(gmt), until),
            (email.utils.formatdate(0, usegmt=True), 0.0)]


def c5(directory, count, seed, result):
    """429 with Retry-After in every form, twice for each address, from APNs and Twilio.

    No request comes before the time that was asked for, and no attempt is consumed."""
    retry = {name: {"first": "100ms", "max": f"{RETRY_MAX_S}s", "attempts": 2} for name in RETRY}
    stage = Stage(directory, seed, apps=2, kinds=("ios", "sms"), config={"retry": retry})
    try:
        wishes = {}
        for number in range(count):
            now = time.time()
            text, seconds = forms(now)[(number + 4 * seed) % len(forms(now))]
            word = text.strip() or "-"
            wishes[number] = (text, seconds, now)
            for role, code in (("push", "TooManyRequests"), ("sms", "20429")):
                fields = {"status": 429, "word": code, "first": 2}
                if text and role == "push":  # no white space around a value (RFC 9113 8.2.1)
                    fields["retry"] = text.strip()
                elif text and len(text) < 15 or seconds and seconds > 1e9:
                    fields["retry"] = text  # without measure it would block the provider for an hour
                stage.fakes[role].act("status", **fields)
            load = Load(stage, name=f"c5n{number}", rate=30, kinds="ios:1,sms:1", seconds=0.2,
                        first=number * 1000)
            load.wait()
            if stage.settle(90):
                result.find(f"C5 deliveries still open 90 s after 429 with Retry-After {word!r}")
            for fake in stage.fakes.values():
                fake.clear()
            result.passed += 1
        _, figures = _waited(stage, wishes, result)
        result.figures.update(figures)
        account(stage, result)
    finally:
        stage.close()


def _waited(stage, wishes, result):
    """Compares what was asked for with when requests came."""
    offset = time.time() - time.monotonic()
    by_address, figures = collections.defaultdict(list), collections.Counter()
    holds = collections.defaultdict(list)  # (role, credentials) -> (from, until)
    paths = {role: fake.requests for role, fake in stage.fakes.items()}
    for one in logs.received(paths):
        by_address[one.role, one.address].append(one)
    for (role, address), found in by_address.items():
        for one, after in zip(found, found[1:]):
            if not one.act.startswith("status:429"):
                result.find(f"C5 sent again after {one}: {after}")
                continue
            canary = address if role == "push" else one.body.split()[0]
            text, seconds, _ = wishes[int(canary[2:12], 16) // 1000]
            figures["throttled"] += 1
            answered = one.at / 1e6 + one.latency_ms / 1e3
            if seconds is None or one.act.endswith(":"):
                continue
            until = seconds - offset if seconds > 1e9 else answered + seconds
            if after.at / 1e6 < until - EARLY_S:
                result.find(f"C5 Retry-After {text!r}: {one}, again {until - after.at / 1e6:.3f} s "
                            f"too early: {after}")
            if role == "sms":
                holds[one.auth].append((answered + 0.3, until, one))
        if len(found) < 3:
            result.find(f"C5 {role} {address}: {len(found)} requests, the first two were refused")
    for (role, address), found in by_address.items():
        for one in found if role == "sms" else ():
            for since, until, by in holds[one.auth]:
                if since < one.at / 1e6 < until - EARLY_S:
                    result.find(f"C5 the provider was told to wait by {by}, but {one}")
                    break
    del address
    return None, figures


# C1

FAULTS = [("hang", {}), ("half", {}), ("reset", {}), ("cut", {}), ("cut_body", {}),
          ("slow", {"ms": 200}), ("deaf", None), ("stall", None)]
ROUND_S = 0.6
SEEN_MAX_S = 15.0


def _fault(fake, what, fields):
    if what == "deaf":
        fake.command("deaf")
    elif what == "stall":
        fake.set(stall=1)
        fake.command("drop")
    else:
        fake.act(what, **fields)


def _mend(fake, what):
    fake.clear()
    fake.set(stall=0)
    if what in ("deaf", "stall"):
        fake.command("drop")


def c1(directory, count, seed, result):
    """A provider hangs, half-opens, resets in the body, dribbles, stalls in TLS: round by round.

    Another lane goes on as before, nothing leaks, nothing is lost; a connection that went deaf is
    noticed within 15 s."""
    stage = Stage(directory, seed, apps=1, kinds=("ios", "sms"), timeout="1s",
                  config={"retry": {name: {"first": "100ms", "max": "500ms", "attempts": 100}
                                    for name in RETRY}})
    try:
        Load(stage, name="calm", rate=60, kinds="ios:1,sms:1", seconds=3, **PLAIN).wait()
        stage.settle(20)
        before = _resources(stage)
        storm = Load(stage, name="storm", rate=60, kinds="ios:1,sms:1", first=10_000_000, **PLAIN)
        begun = []
        for number in range(count):
            what, fields = FAULTS[number % len(FAULTS)]
            role = "push" if number // len(FAULTS) % 2 else "sms"
            _fault(stage.fakes[role], what, fields)
            begun.append(what)
            time.sleep(ROUND_S)
            _mend(stage.fakes[role], what)
            result.passed += 1
        storm.stop()
        left = stage.settle(60)
        if left:
            result.find(f"C1 {left} deliveries still open 60 s after the last fault")
        time.sleep(1)
        after = _resources(stage)
        result.note("descriptors_more", after[0] - before[0])
        result.note("resident_more_kib", after[1] - before[1])
        if after[0] > before[0] + 40:
            result.find(f"C1 {after[0]} descriptors after {count} rounds, {before[0]} before")
        _isolated(stage, result)
        account(stage, result)
    finally:
        stage.close()


def _isolated(stage, result):
    """APNs' fake is deaf, with the server's own timeouts as they are: seen when, and Twilio's lane?"""
    quiet = Load(stage, name="quiet", rate=100, kinds="sms:1", seconds=4, first=20_000_000)
    quiet.wait()
    fake = stage.fakes["push"]
    fake.command("deaf")
    begun = time.monotonic()
    Load(stage, name="deaf", rate=20, kinds="ios:1", seconds=0.5, first=30_000_000).wait()
    beside = Load(stage, name="beside", rate=100, kinds="sms:1", seconds=4, first=40_000_000)
    beside.wait()
    left = stage.settle(SEEN_MAX_S)
    result.note("deaf_seen_s", time.monotonic() - begun)
    if left:
        result.find(f"C1 a deaf connection was not noticed within {SEEN_MAX_S} s: {left} wait")
    idle, busy = (percentile(_sms_latencies(stage, load), 0.99) for load in (quiet, beside))
    result.note("other_lane_p99_ms", busy)
    result.note("other_lane_idle_p99_ms", idle)
    if os.environ.get("CAMPAIGN_TIMED") and busy > max(1.2 * idle, idle + 5):
        result.find(f"C1 the other lane's p99 is {busy:.1f} ms, {idle:.1f} ms without the fault")


def _sms_latencies(stage, load):
    stage.fakes["sms"].stats()
    came = {}
    for one in logs.received({"sms": stage.fakes["sms"].requests}):
        came.setdefault(one.body.split()[0], one.at)
    found = []
    for line in open(load.log, encoding="ascii"):
        fields = line.split("\t")
        if fields[0] == "S":
            canary = f"{int(fields[5][1:]):02x}{int(fields[7]):010x}0000"
            if canary in came:
                found.append((came[canary] - int(fields[1])) / 1000)
    return found


def _resources(stage):
    """(descriptors, resident KiB) of the server."""
    pid = stage.server.pid
    return len(os.listdir(f"/proc/{pid}/fd")), stage.server.rss_kib()


# C2

H2 = ["goaway_above", "goaway_at", "refused", "rst", "streams", "window"]


def c2(directory, count, seed, result):
    """HTTP/2: GOAWAY, REFUSED_STREAM, RST_STREAM, one stream at a time, a window of 0.

    What the peer did not process is sent again once and counts as no repeat; what it may have
    processed is sent again only at at_least_once."""
    stage = Stage(directory, seed, apps=2, kinds=("ios",), timeout="2s",
                  config={"retry": {name: {"first": "100ms", "max": "1s", "attempts": 50}
                                    for name in RETRY}})
    push = stage.fakes["push"]
    try:
        for number in range(count):
            what = H2[number % len(H2)]
            push.set(latency_min=0, latency_max=30)
            if what == "streams":
                push.set(streams=1)
                push.command("drop")
            elif what == "window":
                push.set(window=0)
                push.command("drop")
            else:
                push.act(what, share=60)
            load = Load(stage, name=f"c2n{number}", rate=300, seconds=0.7, guarantee="mixed",
                        first=number * 100_000, **PLAIN)
            load.wait()
            push.clear()
            push.set(streams=1000, window=1 << 20)
            if what in ("streams", "window"):
                time.sleep(0.3)
                push.command("drop")
            if stage.settle(30):
                result.find(f"C2 deliveries still open 30 s after {what}")
            result.passed += 1
        account(stage, result)
        undone = sum(one.unprocessed for one in logs.received({"push": push.requests}))
        result.figures["unprocessed"] += undone
    finally:
        stage.close()
