"""Operating: queues, health, metrics, and a node that drains."""
import tempfile
import threading
import unittest

from bongsu import wait_for
from case import EMAIL, GOOD, SMS, ServerCase, unique
from world import World


class Queues(ServerCase):
    """GET /v1/queues."""

    config = {"retry": {"normal": {"first": "1h", "max": "1h", "attempts": 12}}}

    def depth(self, client, kind="email"):
        rows = [row for row in client.must("GET", "/v1/queues?limit=200")["data"]
                if row.get("kind") == kind]
        return sum(row["depth"] for row in rows)

    def test_depth_counts_what_waits_between_attempts(self):
        app, other = self.server.app(unique("app")), self.server.app(unique("app"))
        sent = app.send({"to": [{"email": f"x{i}-transient@shop.example"} for i in range(7)],
                         "content": EMAIL})
        wait_for(lambda: all(d["attempts"] == 1 and d["state"] == "queued"
                             for d in app.deliveries(sent["id"])))
        wait_for(lambda: self.depth(app) == 7, what=lambda: app.get("/v1/queues"))
        self.assertEqual(self.depth(other), 0)
        self.assertGreaterEqual(self.depth(self.root), 7)
        row = [r for r in app.must("GET", "/v1/queues?limit=200")["data"]
               if r.get("kind") == "email" and r["depth"]][0]
        self.assertEqual(row["priority"], "normal")
        for member in ("in_flight", "oldest_age_ms", "rate_1m", "lag"):
            self.assertIn(member, row)
        self.server.restart()
        wait_for(lambda: self.depth(app) == 7, what=lambda: app.get("/v1/queues"))
        app.must("POST", f"/v1/notifications/{sent['id']}/cancel")
        wait_for(lambda: self.depth(app) == 0, what=lambda: app.get("/v1/queues"))

    def test_health_and_metrics(self):
        client = self.server.anonymous()
        self.assertEqual(client.get("/healthz").status, 200)
        self.assertEqual(client.get("/readyz").status, 200)
        self.app.settled(self.app.send(GOOD)["id"])
        answer = client.get("/metrics")
        if answer.status == 401:
            answer = self.root.get("/metrics")
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.headers["content-type"].startswith("text/plain"))
        names = set()
        for line in answer.body.decode().splitlines():
            if line and not line.startswith("#"):
                self.assertRegex(line, r'^[a-z_][a-z0-9_]*(\{[^}]*\})? [-+0-9.eENaInf]+$')
                names.add(line.split("{")[0].split(" ")[0])
        self.assertGreater(len(names), 5, names)


class Drain(unittest.TestCase):
    """SIGTERM: stop taking, finish what has begun, exit 0, lose nothing."""

    def test_sigterm_loses_and_doubles_nothing(self):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-drain-")
        self.addCleanup(directory.cleanup)
        world = World(directory.name, ("sms",))
        self.addCleanup(world.stop)
        world.sms.rules({"act": {"delay_ms": 150}})
        ids, stop = [], threading.Event()

        def post(index):
            number = 0
            while not stop.is_set():
                number += 1
                phone = f"+1415{index:03d}{number:04d}"
                try:
                    answer = world.app.post("/v1/notifications",
                                            {"to": [{"phone": phone}], "content": SMS})
                except (OSError, ValueError) as error:
                    self.assertNotIsInstance(error, AssertionError)
                    return
                if answer.status == 202:
                    ids.append(answer.json["id"])
                elif answer.status == 503:
                    self.assertIn("retry-after", answer.headers)
                    return

        threads = [threading.Thread(target=post, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(ids) > 40)
        self.assertEqual(world.server.terminate(), 0, world.server.tail())
        stop.set()
        for thread in threads:
            thread.join(30)
        world.sms.rules()
        world.server.start()
        for one in ids:
            self.assertEqual(world.app.settled(one)[0]["state"], "sent")
        phones = [r["address"] for r in world.sms.requests()]
        self.assertGreaterEqual(len(phones), len(ids))
        self.assertEqual(len(phones), len(set(phones)), "something was sent twice")


if __name__ == "__main__":
    unittest.main()
