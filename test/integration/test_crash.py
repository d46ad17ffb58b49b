"""kill -9 under load, twenty times: every 202 is accounted for, and nothing is sent more often than
the attempts on record allow; at most once, never a second time."""
import http.client
import random
import tempfile
import threading
import time
import unittest

import pki as keys
from bongsu import wait_for
from case import PUSH
from world import World

KILLS, KILLS_ONCE, THREADS, SEED, IN_FLIGHT = 20, 10, 4, 20261122, 16
LEGAL_ENDS = {"sent", "dead", "failed", "expired"}


class Load(threading.Thread):
    """Posts one notification after the other, each with an event id and a token of its own, and
    repeats what was cut off until it has an answer."""

    def __init__(self, app, number, stop, more):
        super().__init__()
        self.app, self.number, self.stopping, self.more = app, number, stop, more
        self.accepted, self.ids, self.odd = {}, {}, []

    def run(self):
        count = 0
        while not self.stopping.is_set():
            count += 1
            token = f"{self.number:04x}{count:060x}"
            self.post(token)

    def post(self, token):
        body = {"to": [{"platform": "ios", "token": token, "bundle_id": keys.TOPIC}],
                "content": PUSH, "event_id": f"e-{token}", **self.more}
        for _ in range(600):
            try:
                answer = self.app.post("/v1/notifications", body)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
                continue
            if answer.status in (200, 202):
                self.accepted[token] = answer.json["id"]
                return
            if answer.status != 503:
                self.odd.append(answer)
                return
            time.sleep(0.02)


class Crash(unittest.TestCase):
    """Campaign A1 of the promises, in small."""

    def test_every_202_is_accounted_for(self):
        world, accepted = self.kill_under_load(KILLS, {})
        self.account(world, accepted)

    def test_at_most_once_is_never_sent_twice(self):
        world, accepted = self.kill_under_load(KILLS_ONCE, {"guarantee": "at_most_once"})
        sent = self.count_sent(world)
        self.assertLessEqual(set(sent), set(accepted), "sent, but never accepted")
        self.assertEqual({count for count in sent.values()}, {1})
        unknown = 0
        for token, notification in accepted.items():
            one, = world.app.settled(notification)
            self.assertIn(one["state"], {"sent", "unknown"})
            if one["state"] == "sent":
                self.assertEqual(sent.get(token), 1, one)
            else:
                self.assertEqual((one["reason"], one["attempts"]), ("cut_off", 1))
                unknown += 1
        # What waited at a desk was in no doubt: only what had a place at the provider was.
        self.assertLessEqual(unknown, KILLS_ONCE * IN_FLIGHT)

    def kill_under_load(self, kills, more):
        """Kills and starts the server again and again; (world, {token: notification})."""
        directory = tempfile.TemporaryDirectory(prefix="bongsu-crash-")
        self.addCleanup(directory.cleanup)
        world = World(directory.name, ("ios",), ios={"in_flight": IN_FLIGHT})
        self.addCleanup(world.stop)
        rng, stop = random.Random(SEED), threading.Event()
        loads = [Load(world.app, n, stop, more) for n in range(THREADS)]
        for load in loads:
            load.start()
        starts = []
        try:
            for _ in range(kills):
                time.sleep(rng.uniform(0.1, 0.6))
                begun = time.monotonic()
                world.server.restart()
                starts.append(time.monotonic() - begun)
        finally:
            stop.set()
            for load in loads:
                load.join(60)
        self.assertEqual([one for load in loads for one in load.odd], [])
        accepted = {token: one for load in loads for token, one in load.accepted.items()}
        self.assertGreater(len(accepted), 25 * kills)
        self.assertEqual(len(set(accepted.values())), len(accepted))
        self.settle(world, accepted)
        print(f"seed {SEED}: {len(accepted)} accepted, {kills} kills, restart "
              f"{max(starts):.2f} s at most")
        return world, accepted

    def settle(self, world, accepted):
        """Waits until nothing is on its way any more, by one look at what is open."""
        def depth():
            rows = world.app.must("GET", "/v1/queues?limit=200")["data"]
            return sum(row["depth"] + row["in_flight"] for row in rows)
        wait_for(lambda: depth() == 0, 60, lambda: f"depth {depth()}\n{world.server.tail()}")
        del accepted

    def count_sent(self, world):
        """How often each token was sent to."""
        sent = {}
        for request in world.apns.requests():
            sent[request["address"]] = sent.get(request["address"], 0) + 1
        return sent

    def account(self, world, accepted):
        sent = self.count_sent(world)
        self.assertLessEqual(set(sent), set(accepted), "sent, but never accepted")
        repeats = 0
        for token, notification in accepted.items():
            one, = world.app.settled(notification)
            self.assertIn(one["state"], LEGAL_ENDS)
            if one["state"] == "sent":
                self.assertGreaterEqual(sent.get(token, 0), 1, one)
            self.assertLessEqual(sent.get(token, 0), one["attempts"], one)
            repeats += max(0, sent.get(token, 0) - 1)
        self.assertLessEqual(repeats, KILLS * 1000)
        for notification in list(accepted.values())[::17]:
            events = world.app.events(notification)
            kinds = [event["type"] for event in events]
            self.assertEqual(kinds[0], "queued")
            self.assertEqual(kinds[-1], "sent")
            self.assertEqual(kinds.count("sent"), 1)
            self.assertEqual(len({event["id"] for event in events}), len(events))


if __name__ == "__main__":
    unittest.main()
