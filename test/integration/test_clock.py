"""The wall clock is set while the server runs: durations do not move, and what is shown does."""
import datetime
import os
import pathlib
import tempfile
import time
import unittest

from bongsu import Server, wait_for
from case import SMS

DAY = 86400
TRANSIENT = "+14155550101"  # the sandbox: never taken, and tried again


def library():
    """Debian's libfaketime."""
    return next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


def parse(text):
    """A time of the API, in seconds."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Clock(unittest.TestCase):
    """One server under a clock that the test sets; the monotonic one is the machine's."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-clock-")
        self.addCleanup(directory.cleanup)
        self.file = pathlib.Path(directory.name) / "clock"
        self.set(0)
        retry = {"first": "3s", "max": "3s", "attempts": 3}
        self.server = Server({"retry": {"normal": retry, "low": {**retry, "first": "1h",
                                                                "max": "1h"}}},
                             directory=directory.name, start=False)
        self.addCleanup(self.server.stop)
        self.start()
        self.app = self.server.app("shop")

    def start(self):
        """Under the clock."""
        faked = {"LD_PRELOAD": str(library()), "FAKETIME_TIMESTAMP_FILE": str(self.file),
                 "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1"}
        before = {name: os.environ.get(name) for name in faked}
        os.environ.update(faked)
        try:
            self.server.start()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def set(self, seconds):
        """So far from the machine's clock."""
        self.file.write_text(f"{seconds:+d}\n")

    def waiting(self, priority="normal", **more):
        """One that has been tried once and waits for its next attempt."""
        sent = self.app.send({"to": [{"phone": TRANSIENT}], "content": SMS, "priority": priority,
                              **more})
        one = wait_for(lambda: next((d for d in self.app.deliveries(sent["id"])
                                     if d["attempts"] == 1 and d["next_attempt_at"]), None))
        return self.app.must("GET", f"/v1/deliveries/{one['id']}")

    def tried(self, one, attempts):
        """Has it come to so many attempts?"""
        return self.app.must("GET", f"/v1/deliveries/{one['id']}")["attempts"] >= attempts

    def test_a_retry_comes_when_it_would_have_come(self):
        at = 0
        for step in (DAY, -3600):
            with self.subTest(step=step):
                one = self.waiting()
                wait = parse(one["next_attempt_at"]) - parse(one["events"][-1]["at"])
                began = time.monotonic()
                at += step
                self.set(at)
                time.sleep(0.3)  # the step is seen at the next look; the view follows
                moved = self.app.must("GET", f"/v1/deliveries/{one['id']}")
                if moved["attempts"] == 1:
                    self.assertAlmostEqual(parse(moved["next_attempt_at"]) -
                                           parse(one["next_attempt_at"]), step, delta=1.5)
                wait_for(lambda one=one: self.tried(one, 2), wait + 10)
                passed = time.monotonic() - began
                self.assertGreater(passed, wait - 1)
                self.assertLess(passed, wait + 5)

    def test_a_ttl_ends_when_it_would_have_ended(self):
        at = 0
        for step in (DAY, -DAY):
            with self.subTest(step=step):
                one = self.waiting("low", ttl="5s")
                began = time.monotonic()
                at += step
                self.set(at)
                wait_for(lambda one=one: self.app.must(
                    "GET", f"/v1/deliveries/{one['id']}")["state"] == "expired", 15)
                passed = time.monotonic() - began
                self.assertGreater(passed, 2)
                self.assertLess(passed, 11)

    def test_the_calendar_goes_on_after_a_restart(self):
        one = self.waiting("low", ttl="1d")
        self.set(DAY)
        time.sleep(1.5)  # the next commit keeps it
        self.server.stop()
        self.start()
        shown = self.app.must("GET", f"/v1/deliveries/{one['id']}")
        self.assertEqual(shown["state"], "queued")
        self.assertAlmostEqual(parse(shown["next_attempt_at"]) - parse(one["next_attempt_at"]),
                               DAY, delta=5)
        again = self.app.must("GET", f"/v1/notifications/{one['notification_id']}")
        self.assertAlmostEqual(parse(again["expires_at"]) - parse(again["created_at"]), 2 * DAY,
                               delta=10)


if __name__ == "__main__":
    unittest.main()
