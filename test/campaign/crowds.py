"""D1, D5 and D6: more than there is room for."""
import os
import threading
import time

import oracle
from stage import Load, Stage, until
from storms import latencies, percentile

CHUNK = 1000            # recipients of one request
MANY = "50"
SHARE_MIN = 0.95
REFUSAL_MAX_MS = 5.0
OVERLOAD_S = 20


def timed():
    """Figures that depend on the machine are findings only where it is all ours."""
    return bool(os.environ.get("CAMPAIGN_TIMED"))


def d1(directory, count, seed, result):
    """Five times as many requests as the server can take, open loop, `runs` times 20 s.

    Each request is to fifty recipients: of smaller ones the generator, which shares the cores, could
    not send that many; and it gives way to the server, as if it stood elsewhere. The server accepts at least 95 % of its capacity and refuses the rest with
    429 or 503; its memory stays flat, what is critical is let in, and nothing accepted is lost. How
    long a refusal takes is seen by a witness, a client of its own that sends a hundred a second."""
    stage = Stage(directory, seed, apps=1, kinds=("ios",), in_flight=4000)
    try:
        closed = Load(stage, name="closed", rate=0, seconds=OVERLOAD_S, connections=64,
                      resend_ms=0, recipients=MANY).wait()
        capacity = closed["per_second"]
        result.note("capacity_per_s", capacity)
        stage.settle(300)
        grown = [_overload(stage, number, capacity, result) for number in range(count)]
        if len(grown) > 1 and grown[-1] > grown[0] * 1.25 + 16384:
            result.find(f"D1 memory grows from round to round: {grown} KiB")
        findings, totals = oracle.judge(stage, part=20)
        result.add(findings, totals)
    finally:
        stage.close()


def _overload(stage, number, capacity, result):
    """One round; the most memory that it took, in KiB."""
    peak, done = [stage.server.rss_kib()], threading.Event()
    watch = threading.Thread(target=_watch, args=(stage, peak, done))
    watch.start()
    first = (number + 1) * 100_000_000
    over = Load(stage, name=f"over{number}", nice=5, rate=5 * capacity, seconds=OVERLOAD_S,
                connections=500, resend_ms=0, linger=5, recipients=MANY, first=first)
    witness = Load(stage, name=f"witness{number}", rate=100, seconds=OVERLOAD_S - 2, connections=16,
                   resend_ms=0, linger=5, recipients=MANY, first=first + 50_000_000)
    critical = Load(stage, name=f"critical{number}", rate=20, seconds=OVERLOAD_S - 2, connections=16,
                    resend_ms=0, linger=5, priority="critical", first=first + 60_000_000)
    figures, seen, urgent = (load.wait(OVERLOAD_S + 60) for load in (over, witness, critical))
    done.set()
    watch.join()
    accepted = sum(load["accepted"] for load in (figures, seen, urgent)) / OVERLOAD_S
    offered = accepted + figures["refused"] / OVERLOAD_S
    result.note("offered_of_capacity", offered / capacity)
    result.note("accepted_of_capacity", accepted / capacity)
    result.note("refusal_p50_ms", seen["refusal_p50_ms"])
    result.note("refusal_p99_ms", seen["refusal_p99_ms"])
    result.note("critical_accepted", urgent["accepted"] / max(1, urgent["accepted"] + urgent["refused"]))
    result.note("critical_p99_ms", urgent["p99_ms"])
    result.note("refused", figures["refused"])
    result.note("resident_peak_kib", max(peak))
    if figures["other"] or seen["other"] or urgent["other"]:
        result.find(f"D1 answers other than 202, 429, 503: {figures}")
    if timed() and accepted < SHARE_MIN * capacity:
        result.find(f"D1 {accepted:.0f}/s accepted of a capacity of {capacity:.0f}/s")
    if timed() and seen["refused"] and seen["refusal_p99_ms"] > REFUSAL_MAX_MS:
        result.find(f"D1 a refusal took {seen['refusal_p99_ms']} ms (p99)")
    if urgent["refused"]:
        result.find(f"D1 {urgent['refused']} critical notifications were refused")
    left = stage.settle(300)
    if left:
        result.find(f"I1 {left} deliveries still on their way 300 s after the overload")
    result.passed += 1
    return max(peak)


def _watch(stage, peak, done):
    while not done.wait(0.2):
        peak.append(stage.server.rss_kib())


def d5(directory, count, seed, result):
    """20,000 recipients for each run in requests of 1,000, at full speed; a kill -9 for each run.

    Each recipient gets it, more than once only where the server died in between; the notification
    is done only when nothing of it is unsent."""
    stage = Stage(directory, seed, apps=1, kinds=("ios",), in_flight=2000)
    try:
        stage.fakes["push"].set(latency_min=1, latency_max=20)
        load = Load(stage, name="crowd", rate=8, recipients=str(CHUNK), connections=4,
                    seconds=count * 20 / 8)
        for _ in range(count):
            time.sleep(stage.rng.uniform(0.3, 2.5))
            stage.kill()
            stage.start()
            result.passed += 1
        load.wait(count * 20 + 300)
        result.times("ready_s", stage.readys[1:])
        oracle.account(stage, result, 300)
    finally:
        stage.close()


def d6(directory, count, seed, result):
    """One app has `runs` times 10,000 deliveries waiting, another sends ten a second.

    Both share one provider. From request to provider the other's p99 is at most twice that of an
    idle server, or 20 ms."""
    stage = Stage(directory, seed, apps=2, kinds=("ios",), in_flight=20, shared=True)
    try:
        stage.fakes["push"].set(latency_min=40, latency_max=40)
        idle = Load(stage, name="idle", apps=["a1"], rate=10, seconds=10, prefix="idle")
        idle.wait()
        stage.settle(30)
        big = Load(stage, name="big", apps=["a0"], rate=0, connections=4, seconds=600,
                   recipients=str(CHUNK), first=50_000_000)
        want = count * 10_000
        until(lambda: stage.open_work() >= want or big.child.poll() is not None, 600)
        big.stop()
        depth = stage.open_work()
        busy = Load(stage, name="busy", apps=["a1"], rate=10, seconds=20, first=70_000_000)
        busy.wait()
        after = stage.open_work()
        result.note("backlog_before", depth)
        result.note("backlog_after", after)
        quiet, loud = (percentile(latencies(stage, load), 0.99) for load in (idle, busy))
        result.note("idle_p99_ms", quiet)
        result.note("beside_p99_ms", loud)
        if not after:
            result.find(f"D6 the backlog of {depth} was gone too soon to say anything")
        if timed() and loud > max(2 * quiet, 20):
            result.find(f"D6 p99 is {loud:.1f} ms beside a backlog of {after}, {quiet:.1f} ms idle")
        result.passed += count
    finally:
        stage.close()
