"""Breakers and pacing on the real binary: what fails is left alone and comes back, what a recipient
or a limit decides moves nothing."""
import itertools
import tempfile
import time
import unittest

import pki as keys
from bongsu import Server, wait_for
from case import PUSH, SMS, ServerCase
from fakes import TWILIO_SID, TWILIO_TOKEN, start_twilio, start_webpush
from world import RETRY

SECONDS = 90  # for what takes a cool-down, probes and a ramp


class Pair(ServerCase):
    """Two SMS providers in one rule, in order; a server of its own for each test."""

    @classmethod
    def setUpClass(cls):
        cls.numbers = itertools.count(1)

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-failover-")
        self.addCleanup(directory.cleanup)
        self.fakes = {name: start_twilio(directory.name, name=name)
                      for name in ("first", "second")}
        for fake in self.fakes.values():
            self.addCleanup(fake.stop)
        self.server = Server({
            "providers": {name: {"driver": "twilio", "account_sid": TWILIO_SID,
                                 "auth_token": TWILIO_TOKEN, "from": "+15005550006",
                                 "url": f"http://127.0.0.1:{fake.port}", "in_flight": 20}
                          for name, fake in self.fakes.items()},
            "routes": [{"kind": "sms", "providers": ["first", "second"]}],
            "retry": RETRY}, directory=directory.name)
        self.addCleanup(self.server.stop)
        self.app = self.server.app("shop")

    def asked(self, name):
        return self.fakes[name].stats()["requests"]

    def burst(self, count, seconds=30):
        """Sends to so many numbers; the deliveries when all have ended, and who was asked."""
        before = {name: self.asked(name) for name in self.fakes}
        accepted = self.app.send({"content": SMS, "to": [
            {"phone": f"+1415{next(self.numbers):07d}"} for _ in range(count)]})
        found = self.app.settled(accepted["id"], seconds)
        return found, {name: self.asked(name) - before[name] for name in self.fakes}

    def states(self, found):
        return {(one["state"], one["provider"]) for one in found}

    def events(self, one):
        return [e for e in self.app.must("GET", f"/v1/deliveries/{one['id']}")["events"]
                if e["attempt"]]

    def test_traffic_moves_within_seconds_and_comes_back(self):
        found, asked = self.burst(100)
        self.assertEqual((self.states(found), asked),
                         ({("sent", "first")}, {"first": 100, "second": 0}))
        self.assertEqual(self.events(found[0])[0]["route"], "rule 1")

        self.fakes["first"].rule({"status": 500}, prefix="+")
        begun = time.monotonic()
        for _ in range(20):
            found, asked = self.burst(200)
            self.assertEqual(self.states(found), {("sent", "second")})
            if asked["first"] <= 2:
                break
        self.assertLessEqual(asked["first"], 2)  # it has opened: single probes
        self.assertLess(time.monotonic() - begun, 20)
        routes = {self.events(one)[-1]["route"] for one in found}
        self.assertIn("rule 1, past first: breaker open", routes)

        probes = 0
        for _ in range(10):
            found, asked = self.burst(300)
            probes += asked["first"]
            self.assertEqual(self.states(found), {("sent", "second")})
        self.assertLessEqual(probes, 30)  # of 3,000: one in a hundred

        self.fakes["first"].rules()
        shares = []
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and (not shares or shares[-1] < 300):
            found, asked = self.burst(300)
            self.assertEqual(len(found), 300)
            self.assertEqual({one["state"] for one in found}, {"sent"})
            shares.append(asked["first"])
        self.assertEqual(shares[-1], 300, shares)
        self.assertTrue(any(3 < share < 200 for share in shares), shares)  # by a ramp
        for _ in range(5):
            _, asked = self.burst(300)
            self.assertEqual(asked, {"first": 300, "second": 0})  # without flapping

    def test_a_burst_of_invalid_numbers_moves_nothing(self):
        self.fakes["first"].rule({"reason": 21211}, prefix="+")
        for _ in range(3):
            found, asked = self.burst(200)
            self.assertEqual({one["state"] for one in found}, {"failed"})
            self.assertEqual(asked, {"first": 200, "second": 0})
        self.fakes["first"].rules()
        found, asked = self.burst(50)
        self.assertEqual(self.states(found), {("sent", "first")})

    def test_whom_one_cannot_reach_the_next_is_asked_for_and_nobody_else(self):
        self.fakes["first"].rule({"reason": 21612}, prefix="+")
        found, asked = self.burst(50)
        self.assertEqual(self.states(found), {("sent", "second")})
        self.assertEqual(asked, {"first": 50, "second": 50})
        self.fakes["second"].rule({"reason": 21612}, prefix="+")
        found, _ = self.burst(5)
        self.assertEqual({(one["state"], one["reason"]) for one in found},
                         {("failed", "unroutable")})
        self.fakes["first"].rules()
        found, asked = self.burst(50)  # it moved nothing
        self.assertEqual(asked, {"first": 50, "second": 0})

    def test_a_wish_to_wait_goes_beyond_the_longest_backoff(self):
        for fake in self.fakes.values():
            fake.rule({"status": 503, "headers": {"retry-after": "6"}}, prefix="+", times=1)
        self.burst(1, 60)
        times = sorted(e["at"] for fake in self.fakes.values() for e in fake.requests())
        self.assertEqual({one["max"] for one in RETRY.values()}, {"500ms"})
        self.assertGreaterEqual(times[2] - times[1], 6000)

    def test_an_account_that_is_refused_moves_the_traffic(self):
        self.fakes["first"].rule({"reason": 20003}, prefix="+")
        found, _ = self.burst(300)
        self.assertEqual(self.states(found), {("sent", "second")})
        found, asked = self.burst(300)
        self.assertEqual(self.states(found), {("sent", "second")})
        self.assertLessEqual(asked["first"], 3)

    def test_a_limit_delays_and_moves_nothing(self):
        self.fakes["first"].rule({"reason": 20429, "headers": {"retry-after": "2"}}, prefix="+",
                                 times=5)
        found, asked = self.burst(40, 60)
        self.assertEqual(self.states(found), {("sent", "first")})
        self.assertEqual(asked["second"], 0)
        self.assertEqual({one["attempts"] for one in found}, {1})
        times = sorted(e["at"] for e in self.fakes["first"].requests())
        told = times[0]  # all that follows either was under way or waits two seconds
        early = [at for at in times if told + 300 < at < told + 2000]
        self.assertEqual(early, [])

    def test_what_nobody_can_take_waits_and_uses_no_attempt(self):
        for fake in self.fakes.values():
            fake.rule({"status": 503}, prefix="+")
        stuck = self.app.send({"content": SMS, "to": [
            {"phone": f"+1415{next(self.numbers):07d}"} for _ in range(200)]})
        asked = wait_for(lambda: min(self.asked(name) for name in self.fakes) >= 20)
        self.assertTrue(asked)
        more = self.app.send({"content": SMS, "to": [{"phone": "+14155550177"}]})
        for fake in self.fakes.values():
            fake.rules()
        self.assertEqual(self.app.settled(more["id"], SECONDS)[0]["state"], "sent")
        states = [one["state"] for one in self.app.settled(stuck["id"], SECONDS)]
        self.assertGreater(states.count("sent"), 100)
        self.assertLessEqual(set(states), {"sent", "dead"})


class PushServices(ServerCase):
    """Two push services behind one provider: each delays its own endpoints only."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-origins-")
        self.addCleanup(directory.cleanup)
        self.pki = keys.Pki(directory.name)
        self.services = {name: start_webpush(directory.name, self.pki, name=name)
                         for name in ("bad", "good")}
        for service in self.services.values():
            self.addCleanup(service.stop)
        self.server = Server({
            "providers": {"web": {"driver": "webpush", "vapid_key": f"file:{self.pki.vapid}",
                                  "subject": "mailto:ops@shop.example", "ca": str(self.pki.ca),
                                  "allow_endpoints": ["127.0.0.0/8"], "in_flight": 20}},
            "routes": [{"kind": "web", "providers": ["web"]}], "retry": RETRY},
            directory=directory.name)
        self.addCleanup(self.server.stop)
        self.app = self.server.app("shop")

    def push(self, name, count):
        to = [{"platform": "web", "subscription": self.services[name].subscribe(
            vapid=self.pki.vapid_public)} for _ in range(count)]
        return self.app.send({"to": to, "content": PUSH})

    def test_an_outage_of_one_delays_its_own_only(self):
        self.services["bad"].rule({"status": 500}, prefix="")
        stuck = self.push("bad", 100)
        wait_for(lambda: self.services["bad"].stats()["requests"] >= 20)
        for _ in range(2):
            sent = self.push("good", 20)
            found = self.app.settled(sent["id"], 10)
            self.assertEqual({(d["state"], d["attempts"]) for d in found}, {("sent", 1)})
        self.assertLess(self.services["bad"].stats()["requests"], 300)
        self.services["bad"].rules()
        wait_for(lambda: "sent" in {d["state"] for d in self.app.deliveries(stuck["id"])}, SECONDS)

    def test_a_limit_of_one_holds_its_own_only(self):
        self.services["bad"].rule({"status": 429, "headers": {"retry-after": "3"}}, prefix="",
                                  times=1)
        first = self.push("bad", 1)
        wait_for(lambda: [e for e in self.app.events(first["id"]) if e["attempt"]])
        held = self.push("bad", 10)
        sent = self.push("good", 10)
        self.assertEqual({d["state"] for d in self.app.settled(sent["id"], 5)}, {"sent"})
        self.assertEqual(self.services["bad"].stats()["requests"], 1)
        for accepted in (first, held):
            found = self.app.settled(accepted["id"], 30)
            self.assertEqual({(d["state"], d["attempts"]) for d in found}, {("sent", 1)})
        times = sorted(e["at"] for e in self.services["bad"].requests())
        self.assertGreaterEqual(times[1] - times[0], 3000)


if __name__ == "__main__":
    unittest.main()
