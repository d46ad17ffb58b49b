"""A1, A2 and A3: the server is killed or told to end, under load and while it drains."""
import os
import signal
import subprocess
import time

from oracle import account
from stage import Load, Stage

LIVES = 25          # of one store, before all is settled and accounted for
READY_MAX_S = 1.0
DRAIN_MAX_S = 30.0
MIX = {"kinds": "ios:8,sms:1,email:1", "priority": "mixed", "recipients": "1-3", "repeat": 40,
       "mismatch": 10, "suppressed": 5, "short_ttl": 20, "batch": 10, "batched": 100}


def faults(stage):
    """Answers take a while, and a few are bad."""
    for fake in stage.fakes.values():
        fake.set(latency_min=0, latency_max=40)
        fake.act("status", share=15, status=500 if fake.role != "mail" else 451,
                 word="InternalServerError" if fake.role == "push" else "20500"
                 if fake.role == "sms" else "4.3.0")
        fake.act("cut", share=2)


def a1(directory, count, seed, result, guarantee=""):
    """kill -9 at 0.2 to 3 s, one in four while it drains."""
    stage = Stage(directory, seed)
    try:
        faults(stage)
        Load(stage, rate=300, guarantee=guarantee, **MIX)
        for _ in range(count):
            time.sleep(stage.rng.uniform(0.2, 3))
            if stage.rng.random() < 0.25:
                stage.signal(signal.SIGTERM)
                time.sleep(stage.rng.uniform(0, 0.3))
            stage.kill()
            stage.start()
            result.passed += 1
        result.times("ready_s", stage.readys[1:])
        slow = [one for one in stage.readys[1:] if one > READY_MAX_S]
        if slow and os.environ.get("CAMPAIGN_TIMED"):  # the machine is all ours
            result.find(f"A1 {len(slow)} of {count} starts took more than {READY_MAX_S} s, the "
                        f"longest {max(slow):.2f} s")
        account(stage, result)
    finally:
        stage.close()


def a2(directory, count, seed, result):
    """The same with every notification at_most_once: no duplicate at all."""
    a1(directory, count, seed, result, "at_most_once")


def a3(directory, count, seed, result):
    """SIGTERM at 0.2 to 2 s: it ends by itself with 0; nothing lost, nothing sent twice."""
    stage = Stage(directory, seed)
    try:
        for fake in stage.fakes.values():
            fake.set(latency_min=0, latency_max=200)
        Load(stage, rate=300, **{**MIX, "short_ttl": 0})
        drains = []
        for _ in range(count):
            time.sleep(stage.rng.uniform(0.2, 2))
            try:
                code, seconds = stage.terminate(DRAIN_MAX_S + 5)
            except subprocess.TimeoutExpired:
                result.find(f"A3 it did not end within {DRAIN_MAX_S + 5:.0f} s of SIGTERM")
                break
            drains.append(seconds)
            if code:
                result.find(f"A3 it ended with {code}:\n{stage.server.tail(1500)}")
            if seconds > DRAIN_MAX_S:
                result.find(f"A3 the drain took {seconds:.1f} s")
            stage.start()
            result.passed += 1
        result.times("drain_s", drains)
        result.times("ready_s", stage.readys[1:])
        stage.kills = []  # an orderly end excuses no repeat
        account(stage, result)
    finally:
        stage.close()
