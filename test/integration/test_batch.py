"""POST /v1/notifications/batch: items succeed or fail alone."""
import unittest

from case import GOOD, ServerCase, unique


class Batch(ServerCase):
    """Results stand in the order of the items."""

    def batch(self, *items):
        return self.app.post("/v1/notifications/batch", {"notifications": list(items)})

    def test_items_succeed_or_fail_alone(self):
        event = unique("e")
        answer = self.batch(GOOD, {**GOOD, "priority": "p"}, {**GOOD, "event_id": event},
                            {**GOOD, "category": "none"}, {**GOOD, "event_id": event},
                            {**GOOD, "event_id": event, "data": {"other": 1}}, 5)
        self.assertEqual(answer.status, 200, answer)
        results = answer.json["results"]
        self.assertEqual([r["status"] for r in results], [202, 400, 202, 422, 200, 422, 400])
        self.assertEqual(results[4]["body"]["id"], results[2]["body"]["id"])
        pointer = results[1]["body"]["errors"][0]["pointer"]
        self.assertIn(pointer, ("/priority", "/notifications/1/priority"))
        for result in results:
            if result["status"] == 202:
                self.assertEqual(self.app.settled(result["body"]["id"])[0]["state"], "sent")

    def test_a_thousand_items(self):
        answer = self.batch(*[{**GOOD, "event_id": unique("e")} for _ in range(1000)])
        self.assertEqual(answer.status, 200)
        ids = {r["body"]["id"] for r in answer.json["results"]}
        self.assertEqual(len(ids), 1000)

    def test_the_whole_is_refused_only_for_json_and_count(self):
        self.assert_faults(self.batch(), ["/notifications"])
        self.assert_faults(self.batch(*[GOOD] * 1001), ["/notifications"])
        self.assert_problem(self.app.post("/v1/notifications/batch", b"{"), 400)
        self.assert_problem(self.app.post("/v1/notifications/batch", {}), 400)
        self.assert_faults(self.app.post("/v1/notifications/batch",
                                         {"notifications": [GOOD], "x": 1}), ["/x"])

    def test_an_idempotency_key_on_a_batch_is_refused(self):
        answer = self.app.post("/v1/notifications/batch", {"notifications": [GOOD]},
                               headers={"Idempotency-Key": "k"})
        self.assert_problem(answer, 400)


if __name__ == "__main__":
    unittest.main()
