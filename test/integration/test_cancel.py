"""POST /v1/notifications/{id}/cancel: ends what has not begun, always 200, idempotent."""
import tempfile
import unittest

from bongsu import wait_for
from case import EMAIL, GOOD, SMS, ServerCase, unique
from world import World


class Cancel(ServerCase):
    """Over the sandbox, whose `transient` addresses wait between attempts."""

    config = {"retry": {"normal": {"first": "1h", "max": "1h", "attempts": 12}}}

    def waiting(self, app=None):
        """A notification that waits between attempts."""
        app = app or self.app
        sent = app.send({"to": [{"email": f"{unique('w')}-transient@shop.example"},
                                {"email": "ok@shop.example"}], "content": EMAIL})
        wait_for(lambda: sorted(d["state"] for d in app.deliveries(sent["id"])
                                if d["attempts"] == 1) == ["queued", "sent"])
        return sent["id"]

    def test_what_waits_between_attempts_is_cancelled_and_what_was_sent_is_not(self):
        path = f"/v1/notifications/{self.waiting()}"
        answer = self.app.post(f"{path}/cancel")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual({k: v for k, v in answer.json["counts"].items() if v},
                         {"cancelled": 1, "sent": 1})
        again = self.app.post(f"{path}/cancel")
        self.assertEqual((again.status, again.json["counts"]),
                         (200, answer.json["counts"]))
        self.assertEqual(self.app.must("GET", path)["status"], "cancelled")
        self.assertIn("cancelled", [e["type"] for e in self.app.events(path.split("/")[-1])])

    def test_what_is_over_stays_as_it_is(self):
        sent = self.app.send(GOOD)
        self.app.settled(sent["id"])
        answer = self.app.post(f"/v1/notifications/{sent['id']}/cancel")
        self.assertEqual(answer.status, 200)
        self.assertEqual({k: v for k, v in answer.json["counts"].items() if v}, {"sent": 1})

    def test_a_missing_one_is_404(self):
        self.assert_problem(self.app.post("/v1/notifications/ntf_0000000000000/cancel"), 404)

    def test_a_cancelled_one_stays_cancelled_over_a_crash(self):
        notification = self.waiting()
        self.app.must("POST", f"/v1/notifications/{notification}/cancel")
        self.server.restart()
        states = sorted(d["state"] for d in self.app.deliveries(notification))
        self.assertEqual(states, ["cancelled", "sent"])


class Window(ServerCase):
    """Before a provider that takes one at a time."""

    config = {"providers": {"demo": {"driver": "sandbox", "in_flight": 1}}}

    def test_the_answer_counts_what_it_has_stopped(self):
        sent = self.app.send({"to": [{"email": f"{unique('w')}-slow@shop.example"}
                                     for _ in range(20)], "content": EMAIL})
        wait_for(lambda: any(d["attempts"] for d in self.app.deliveries(sent["id"])))
        answer = self.app.must("POST", f"/v1/notifications/{sent['id']}/cancel")
        self.assertGreaterEqual(answer["counts"]["cancelled"], 19, answer["counts"])


class InFlight(ServerCase):
    """What is `sending` ends by its answer, and is not tried again."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-cancel-")
        cls.addClassCleanup(directory.cleanup)
        cls.world = World(directory.name, ("sms",), sms={"timeout": "5s", "in_flight": 4})
        cls.addClassCleanup(cls.world.stop)
        cls.server, cls.app = cls.world.server, cls.world.app

    def cancelled(self, act):
        phone = f"+1415777{len(self.world.sms.requests()):04d}"
        self.world.sms.rules({"address": phone, "act": act})
        sent = self.app.send({"to": [{"phone": phone}], "content": SMS})
        wait_for(lambda: self.world.sms.requests(phone))
        self.app.must("POST", f"/v1/notifications/{sent['id']}/cancel")
        one = self.app.settled(sent["id"])[0]
        self.assertEqual(len(self.world.sms.requests(phone)), 1)
        return one["state"]

    def test_an_answer_that_takes_it_makes_it_sent(self):
        self.assertEqual(self.cancelled({"delay_ms": 700}), "sent")

    def test_an_answer_that_would_be_tried_again_ends_it(self):
        self.assertEqual(self.cancelled({"delay_ms": 700, "status": 500}), "cancelled")

    def test_what_waits_behind_a_slow_provider_is_never_sent(self):
        self.world.sms.rules({"prefix": "+1418", "act": {"delay_ms": 500}})
        to = [{"phone": f"+1418555{i:04d}"} for i in range(200)]
        sent = self.app.send({"to": to, "content": SMS})
        wait_for(lambda: any(r["address"].startswith("+1418") for r in self.world.sms.requests()))
        self.app.must("POST", f"/v1/notifications/{sent['id']}/cancel")
        seen = len([r for r in self.world.sms.requests() if r["address"].startswith("+1418")])
        found = self.app.settled(sent["id"])
        states = [d["state"] for d in found]
        after = len([r for r in self.world.sms.requests() if r["address"].startswith("+1418")])
        self.assertEqual(after, seen, "a send began after the cancel was answered")
        self.assertEqual((states.count("sent"), states.count("cancelled")), (seen, 200 - seen))


if __name__ == "__main__":
    unittest.main()
