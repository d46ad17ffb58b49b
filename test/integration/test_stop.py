"""SIGTERM under load: what was accepted is sent once, and whoever still calls is told so."""
import http.client
import itertools
import os
import random
import signal
import threading
import time
import unittest

import bongsu
from bongsu import wait_for
from texts import Texts

STOPS, SEED, THREADS = int(os.environ.get("BONGSU_STOPS", "5")), 20261123, 4
PROMISED_S = 30
PHONE = [{"phone": "+14155550199"}]


class Load(threading.Thread):
    """Posts texts, each with an event id and a body of its own, and repeats what had no answer."""

    numbers = itertools.count(1)

    def __init__(self, app, stop):
        super().__init__()
        self.app, self.stopping, self.accepted, self.odd = app, stop, {}, []

    def run(self):
        while not self.stopping.is_set():
            self.post(f"text {next(self.numbers)}")

    def post(self, text):
        body = {"to": PHONE, "content": {"sms": {"text": text}}, "event_id": text}
        for _ in range(2000):
            try:
                answer = self.app.post("/v1/notifications", body)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # it is away; nothing tells when it is back
                continue
            if answer.status in (200, 202):
                self.accepted[text] = answer.json["id"]
                return
            if answer.status != 503 or "retry-after" not in answer.headers:
                self.odd.append(answer)
                return
            time.sleep(0.01)


class Case(unittest.TestCase):
    """A server before one provider of texts."""

    provider, routes = {"in_flight": 8}, ["texts"]

    def setUp(self):
        self.texts = Texts()
        self.addCleanup(self.texts.stop)
        self.server = bongsu.Server({
            "providers": {"texts": self.texts.provider(**self.provider)},
            "routes": [{"kind": "sms", "providers": self.routes}]})
        self.addCleanup(self.server.stop)
        self.app = self.server.app("shop")

    def post(self, text):
        """One text; its id."""
        return self.app.send({"to": PHONE, "content": {"sms": {"text": text}}})["id"]

    def signal_stop(self):
        """SIGTERM, and when it was."""
        self.server.process.child.send_signal(signal.SIGTERM)
        return time.monotonic()

    def await_stop(self, begun):
        """Its end; exit code 0 within the time that is promised."""
        code = self.server.process.child.wait(PROMISED_S + 5)
        took = time.monotonic() - begun
        self.assertEqual(code, 0, self.server.tail())
        self.assertLessEqual(took, PROMISED_S)
        self.server.process.stop()
        return took

    def ask(self, connection, path):
        """A request on a connection that is open."""
        connection.request("GET", path, headers={"Authorization": self.app.authorization})
        response = connection.getresponse()
        return response, response.read()


class GoodbyeTest(Case):
    """What callers see while it stops."""

    def open(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        self.assertEqual(self.ask(connection, "/readyz")[0].status, 200)
        return connection

    def test_open_connections_hear_that_it_stops(self):
        self.texts.delay = 1.5
        first = self.post("slow")
        wait_for(self.texts.seen)
        ready, alive, work = self.open(), self.open(), self.open()
        begun = self.signal_stop()
        wait_for(lambda: "what=draining" in self.server.tail())
        for connection, path, status in ((ready, "/readyz", 503), (work, "/v1/queues", 503),
                                         (alive, "/healthz", 200)):
            response, body = self.ask(connection, path)
            self.assertEqual(response.status, status, body)
            self.assertEqual(response.getheader("connection"), "close")
            if status == 503:
                self.assertIn(b"problems/draining", body)
                self.assertTrue(response.getheader("retry-after").isdigit())
        with self.assertRaises(ConnectionRefusedError):
            http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10).connect()
        self.server.process.child.send_signal(signal.SIGTERM)
        self.server.process.child.send_signal(signal.SIGINT)
        self.server.process.child.send_signal(signal.SIGHUP)
        self.await_stop(begun)
        self.server.start()
        self.assertEqual(self.app.settled(first)[0]["attempts"], 1)
        self.assertEqual(self.texts.counts(), {"slow": 1})

    def test_a_request_half_sent_does_not_hold_it_up(self):
        connection = self.open()
        connection.putrequest("POST", "/v1/notifications")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"{")
        self.assertLess(self.await_stop(self.signal_stop()), 10)


class HandBackTest(Case):
    """What had not begun is no attempt."""

    provider = {"in_flight": 1, "timeout": "60s"}

    def test_what_waits_goes_back_and_what_is_in_flight_is_waited_for(self):
        self.texts.delay = 1
        ids = [self.post(f"text {i}") for i in range(20)]
        wait_for(self.texts.seen)
        self.assertLess(self.await_stop(self.signal_stop()), 10)
        self.assertLessEqual(len(self.texts.seen()), 2)
        self.texts.delay = 0
        self.server.start()
        for one in ids:
            delivery, = self.app.settled(one)
            self.assertEqual((delivery["state"], delivery["attempts"]), ("sent", 1))
        self.assertEqual(set(self.texts.counts().values()), {1})

    def test_a_crash_costs_an_attempt_only_to_what_had_begun(self):
        self.texts.delay = 45
        ids = [self.post(f"text {i}") for i in range(6)]
        wait_for(self.texts.seen)
        self.server.kill()
        self.texts.delay = 0
        self.server.start()
        self.assertIn("what=recovered deliveries=6 suspects=0 dead=0", self.server.tail())
        attempts = [self.app.settled(one)[0]["attempts"] for one in ids]
        self.assertEqual(attempts, [2] + [1] * 5)

    def test_a_provider_that_never_answers_is_left_in_time(self):
        self.texts.delay = 45
        one, other = self.post("never"), self.post("waits")
        wait_for(self.texts.seen)
        took = self.await_stop(self.signal_stop())
        self.assertGreater(took, 25)
        self.texts.delay = 0
        self.server.start()
        self.assertEqual(self.app.settled(one)[0]["attempts"], 2)
        self.assertEqual(self.app.settled(other)[0]["attempts"], 1)
        self.assertEqual(self.texts.counts(), {"never": 2, "waits": 1})


class StopTest(Case):
    """Campaign A3 of the promises; BONGSU_STOPS says how often."""

    def test_stops_under_load_lose_and_repeat_nothing(self):
        self.texts.delay = 0.02
        rng, stop, longest = random.Random(SEED), threading.Event(), 0
        loads = [Load(self.app, stop) for _ in range(THREADS)]
        for load in loads:
            load.start()
        try:
            for _ in range(STOPS):
                time.sleep(rng.uniform(0.1, 0.6))  # the moment is the seed's
                longest = max(longest, self.await_stop(self.signal_stop()))
                self.server.start()
        finally:
            stop.set()
            for load in loads:
                load.join(60)
        self.assertEqual([one for load in loads for one in load.odd], [])
        accepted = {text: one for load in loads for text, one in load.accepted.items()}
        for one in accepted.values():
            delivery, = self.app.settled(one, seconds=60)
            self.assertEqual((delivery["state"], delivery["attempts"]), ("sent", 1))
        self.assertEqual(self.texts.counts(), dict.fromkeys(accepted, 1))
        print(f"seed {SEED}: {len(accepted)} accepted, {STOPS} stops, {longest:.2f} s at most, "
              "0 lost, 0 repeated")


if __name__ == "__main__":
    unittest.main()
