"""Dead letters: listed, redriven, deleted."""
import tempfile
import unittest

from bongsu import wait_for
from case import SMS, ServerCase, unique
from world import World


class DeadLetters(ServerCase):
    """Attempts run out at a provider that is down, and the provider comes back."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-dead-")
        cls.addClassCleanup(directory.cleanup)
        cls.world = World(directory.name, ("sms",), config={
            "retry": {"normal": {"first": "1ms", "max": "1ms", "attempts": 2}}})
        cls.addClassCleanup(cls.world.stop)
        cls.server, cls.root = cls.world.server, cls.world.root

    def setUp(self):
        self.app = self.server.app(unique("app"))
        self.world.sms.rules({"act": {"reason": 21611}})  # this message only, not an outage

    def dead(self, count=1):
        sent = self.app.send({"to": [{"phone": f"+1415555{i:04d}"} for i in range(count)],
                              "content": SMS})
        found = self.app.settled(sent["id"])
        self.assertEqual({d["state"] for d in found}, {"dead"}, found)
        return found

    def listed(self, query=""):
        return [d["id"] for d in self.app.must("GET", f"/v1/dead-letters{query}")["data"]]

    def test_they_are_listed_and_a_redrive_delivers_them(self):
        dead = [d["id"] for d in self.dead(3)]
        self.assertEqual(sorted(self.listed()), sorted(dead))
        self.assertEqual(self.listed("?channel=email"), [])
        self.assertEqual(sorted(self.listed("?channel=sms")), sorted(dead))
        self.world.sms.rules()
        answer = self.app.post("/v1/dead-letters/redrive", {"ids": dead[:2] + ["dlv_unknown"]})
        self.assertIn(answer.status, (200, 202), answer)
        self.assertIn("dlv_unknown", str(answer.json["skipped"]))
        for one in dead[:2]:
            wait_for(lambda one=one: self.app.must("GET", f"/v1/deliveries/{one}")["state"]
                     == "sent")
        self.assertEqual(self.listed(), dead[2:])
        again = self.app.must("POST", "/v1/dead-letters/redrive", {"ids": dead[:1]})
        self.assertIn(dead[0], str(again["skipped"]))

    def test_a_redrive_starts_attempts_afresh(self):
        one = self.dead()[0]
        self.app.must("POST", "/v1/dead-letters/redrive", {"ids": [one["id"]]})
        wait_for(lambda: len(self.app.must("GET", f"/v1/deliveries/{one['id']}")["events"])
                 > 5 and self.listed() == [one["id"]])
        self.assertEqual(self.app.must("GET", f"/v1/deliveries/{one['id']}")["state"], "dead")

    def test_a_filter_redrives_all_that_it_finds(self):
        dead = self.dead(5)
        self.world.sms.rules()
        self.app.must("POST", "/v1/dead-letters/redrive", {"filter": {"channel": "email"}})
        self.assertEqual(len(self.listed()), 5)
        self.app.must("POST", "/v1/dead-letters/redrive", {"filter": {"channel": "sms"}})
        found = self.app.settled(dead[0]["notification_id"], states={"sent"})
        self.assertEqual(len(found), 5)
        self.assertEqual(self.listed(), [])

    def test_policy_is_asked_again(self):
        one = self.dead()[0]
        self.world.sms.rules()
        self.app.must("PUT", "/v1/suppressions/sms/+14155550000", {})
        before = len(self.world.sms.requests())
        self.app.must("POST", "/v1/dead-letters/redrive", {"ids": [one["id"]]})
        found = self.app.settled(one["notification_id"], states={"suppressed"})
        self.assertEqual(found[0]["reason"], "suppression_list")
        self.assertEqual(len(self.world.sms.requests()), before)

    def test_a_preview_counts_and_changes_nothing(self):
        dead = self.dead(4)
        for body, count in (({"filter": {}}, 4), ({"filter": {"channel": "email"}}, 0),
                            ({"ids": [dead[0]["id"], "dlv_unknown"]}, 1)):
            answer = self.app.must("POST", "/v1/dead-letters/redrive", body | {"preview": True})
            self.assertEqual(answer, {"matching": count, "exact": True})
        self.assertEqual(len(self.listed()), 4)

    def test_a_rate_spreads_them(self):
        dead = self.dead(3)
        self.world.sms.rules()
        answer = self.app.must("POST", "/v1/dead-letters/redrive", {"filter": {}, "rate": 4})
        self.assertEqual((answer["redriven"], answer["more"]), (3, False))
        self.assertIsNone(answer["next_cursor"])
        found = self.app.settled(dead[0]["notification_id"], states={"sent"})
        began = sorted(self.app.must("GET", f"/v1/deliveries/{one['id']}")["attempts_made"][-1]
                       ["began_at"] if "attempts_made" in one else one["updated_at"]
                       for one in found)
        self.assertEqual(len(set(began)), 3)
        self.assertGreaterEqual(answer["last_due_at"][:19], dead[0]["updated_at"][:19])

    def test_a_limit_goes_on_by_its_cursor(self):
        dead = self.dead(5)
        self.world.sms.rules()
        body, redriven = {"filter": {}, "limit": 2}, []
        while True:
            answer = self.app.must("POST", "/v1/dead-letters/redrive", body)
            redriven.append(answer["redriven"])
            if not answer["more"]:
                break
            body["cursor"] = answer["next_cursor"]
        self.assertEqual(redriven, [2, 2, 1])
        self.assertEqual(len(self.app.settled(dead[0]["notification_id"], states={"sent"})), 5)
        self.assert_problem(self.app.post("/v1/dead-letters/redrive",
                                          {"filter": {"channel": "sms"}, "cursor":
                                           body["cursor"]}), 400)

    def test_a_deleted_one_says_who_and_why_and_stays_dead(self):
        first, second = self.dead(2)
        answer = self.app.call("DELETE", "/v1/dead-letters", {"ids": [first["id"]], "reason": "a test"})
        self.assertEqual(answer.status, 204, answer)
        self.assertEqual(self.listed(), [second["id"]])
        shown = self.app.must("GET", f"/v1/deliveries/{first['id']}")
        self.assertEqual(shown["state"], "dead")
        self.assertEqual(shown["reason"], first["reason"])
        last = shown["events"][-1]
        self.assertEqual((last["type"], last["state"]), ("deleted", "dead"))
        self.assertRegex(last["detail"], "^by .+: a test$")
        self.assertIn("deleted", shown["explanation"])
        again = self.app.must("POST", "/v1/dead-letters/redrive", {"ids": [first["id"]]})
        self.assertEqual((again["redriven"], again["skipped"]), (0, [first["id"]]))
        self.assertEqual(self.app.call("DELETE", "/v1/dead-letters", {"ids": [first["id"]]}).status, 404)
        answer = self.app.call("DELETE", "/v1/dead-letters", {"filter": {}, "preview": True})
        self.assertEqual(answer.json, {"matching": 1, "exact": True})

    def test_faults_are_listed(self):
        for body in ({}, {"ids": []}, {"ids": ["x"], "filter": {}}, {"ids": "x"},
                     {"filter": {"channel": "fax"}}, {"filter": {}, "x": 1},
                     {"filter": {}, "rate": 0}, {"filter": {}, "limit": 100001},
                     {"ids": ["dlv_0"], "limit": 4}, {"ids": ["dlv_0"], "cursor": "c"},
                     {"filter": {}, "cursor": "x"}, {"filter": {}, "reason": "x"},
                     {"ids": ["dlv_x"] * 1001}):
            with self.subTest(body=str(body)[:60]):
                self.assert_problem(self.app.post("/v1/dead-letters/redrive", body), 400)

    def test_another_app_sees_nothing_of_them(self):
        one = self.dead()[0]
        other = self.server.app(unique("app"))
        self.assertEqual(other.must("GET", "/v1/dead-letters")["data"], [])
        answer = other.must("POST", "/v1/dead-letters/redrive", {"ids": [one["id"]]})
        self.assertIn(one["id"], str(answer["skipped"]))
        self.assertEqual(self.listed(), [one["id"]])


if __name__ == "__main__":
    unittest.main()
