"""event_id and Idempotency-Key: one request, one notification, whatever happens in between."""
import http.client
import json
import queue
import threading
import unittest

from bongsu import wait_for
from case import GOOD, PHONE, ServerCase, unique
from fakes import TWILIO_SID, TWILIO_TOKEN, start_twilio


class Replay(ServerCase):
    """The same id again."""

    def test_the_same_body_answers_the_first_result_again(self):
        body = {**GOOD, "event_id": unique("e"), "data": {"a": 1, "b": [1, 2]}}
        first = self.app.post("/v1/notifications", body)
        again = self.app.post("/v1/notifications", body)
        self.assertEqual((first.status, again.status), (202, 200))
        self.assertEqual(again.json["id"], first.json["id"])
        self.assertEqual(again.json["deliveries"], first.json["deliveries"])
        self.assertEqual(again.headers.get("idempotent-replayed"), "true")
        self.assertNotIn("idempotent-replayed", first.headers)
        self.assertEqual(len(self.app.settled(first.json["id"])), 1)

    def test_bodies_are_compared_as_json(self):
        body = {**GOOD, "event_id": unique("e"), "data": {"a": 1.0, "b": "é"}}
        first = self.app.post("/v1/notifications", body)
        turned = json.dumps(dict(reversed(body.items())), indent=3, ensure_ascii=False).encode()
        again = self.app.post("/v1/notifications", turned)
        self.assertEqual((again.status, again.json["id"]), (200, first.json["id"]))

    def test_another_body_is_422_and_sends_nothing(self):
        app, body = self.server.app(unique("app")), {**GOOD, "event_id": "e"}
        app.send(body)
        self.assert_problem(app.post("/v1/notifications", {**body, "priority": "low"}), 422)
        self.assertEqual(len(app.must("GET", "/v1/notifications")["data"]), 1)

    def test_a_replay_is_answered_before_validation(self):
        category = unique("cat")
        self.app.must("PUT", f"/v1/templates/{category}", {"sms": {"text": "x"}})
        body = {"to": PHONE, "template": category, "event_id": unique("e")}
        first = self.app.send(body)
        other = {**body, "priority": "nonsense"}
        self.assert_problem(self.app.post("/v1/notifications", other), 422)
        self.assertEqual(self.app.post("/v1/notifications", body).json["id"], first["id"])

    def test_the_header_is_the_same_as_the_member(self):
        key = unique("e")
        first = self.app.post("/v1/notifications", GOOD, headers={"Idempotency-Key": key})
        self.assertEqual(first.status, 202, first)
        again = self.app.post("/v1/notifications", GOOD, headers={"Idempotency-Key": key})
        self.assertEqual((again.status, again.json["id"]), (200, first.json["id"]))
        both = self.app.post("/v1/notifications", {**GOOD, "event_id": key},
                             headers={"Idempotency-Key": key})
        self.assertEqual(both.json.get("id"), first.json["id"], both)

    def test_header_and_member_that_differ_are_refused(self):
        answer = self.app.post("/v1/notifications", {**GOOD, "event_id": unique("e")},
                               headers={"Idempotency-Key": unique("e")})
        self.assert_problem(answer, 400)

    def test_a_refused_request_reserves_nothing(self):
        event = unique("e")
        bad = {**GOOD, "event_id": event, "category": "none"}
        self.assert_problem(self.app.post("/v1/notifications", bad), 422)
        self.assertEqual(self.app.post("/v1/notifications", {**GOOD, "event_id": event}).status,
                         202)

    def test_apps_do_not_share_event_ids(self):
        other, body = self.server.app(unique("app")), {**GOOD, "event_id": unique("e")}
        self.assertNotEqual(self.app.send(body)["id"], other.send(body)["id"])


class Storm(ServerCase):
    """The same event id 1,000 times at once from 50 connections, across kill -9 and restart."""

    CONNECTIONS, POSTS = 50, 1000

    def setUp(self):
        self.fake = start_twilio(self.server.directory)
        self.addCleanup(self.fake.stop)
        self.server.config.update({
            "providers": {"sms": {"driver": "twilio", "account_sid": TWILIO_SID,
                                  "auth_token": TWILIO_TOKEN, "from": "+15005550006",
                                  "url": f"http://127.0.0.1:{self.fake.port}"}},
            "routes": [{"kind": "sms", "providers": ["sms"]}]})
        self.server.write()
        self.server.restart()

    def test_one_notification_and_one_set_of_deliveries(self):
        body = {"to": [{"phone": f"+1415555010{i}"} for i in range(5)],
                "content": {"sms": {"text": "once"}}, "event_id": unique("storm")}
        work, answers = queue.Queue(), queue.Queue()
        for _ in range(self.POSTS):
            work.put(body)

        def post():
            while True:
                try:
                    one = work.get_nowait()
                except queue.Empty:
                    return
                for _ in range(400):
                    try:
                        answers.put(self.app.post("/v1/notifications", one))
                        break
                    except (OSError, http.client.HTTPException):
                        pause.wait(0.05)

        pause = threading.Event()
        threads = [threading.Thread(target=post) for _ in range(self.CONNECTIONS)]
        for thread in threads:
            thread.start()
        wait_for(lambda: answers.qsize() > self.POSTS // 4)
        self.server.restart()
        for thread in threads:
            thread.join(60)
        statuses, ids = {}, set()
        while not answers.empty():
            answer = answers.get()
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if answer.status in (200, 202):
                ids.add(answer.json["id"])
        self.assertEqual(len(ids), 1, statuses)
        self.assertEqual(sum(statuses.values()), self.POSTS, statuses)
        self.assertLessEqual(set(statuses), {200, 202, 503})
        self.assertLessEqual(statuses.get(202, 0), 1)
        notification = ids.pop()
        found = self.app.settled(notification)
        self.assertEqual([d["state"] for d in found], ["sent"] * 5)
        listed = [n["id"] for n in self.app.must("GET", "/v1/notifications")["data"]]
        self.assertEqual(listed, [notification])
        counts = [len(self.fake.requests(f"+1415555010{i}")) for i in range(5)]
        self.assertGreaterEqual(min(counts), 1)
        # Sent again only if the kill came between a request and its outcome; then it says so.
        self.assertLessEqual(sum(counts), sum(d["attempts"] for d in found))


if __name__ == "__main__":
    unittest.main()
