"""One app never sees, counts or infers anything of another: its ids answer as missing ones do."""
import re
import unittest

from case import CONTENT, GOOD, IOS, ServerCase, unique


class Isolation(ServerCase):
    """Every object x operation, with another app's id and with none at all."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner, cls.other = cls.server.app("owner"), cls.server.app("other")
        owner = cls.owner
        owner.must("PUT", "/v1/users/theirs", {"email": "ok@shop.example"})
        owner.must("PUT", "/v1/users/theirs/devices/d", IOS)
        owner.must("PUT", "/v1/users/theirs/preferences", {"channels": {"sms": False}})
        owner.must("PUT", "/v1/categories/theirs", {})
        owner.must("PUT", "/v1/templates/theirs", CONTENT)
        owner.must("PUT", "/v1/suppressions/email/their@shop.example", {})
        cls.notification = owner.send({**GOOD, "event_id": "theirs"})["id"]
        cls.delivery_id = owner.settled(cls.notification)[0]["id"]

    def normal(self, answer, *names):
        """Status, headers and body without what differs by nature: ids asked for, request ids."""
        text = answer.body.decode()
        for name in names:
            text = text.replace(name, "NAME")
        headers = {k: v for k, v in answer.headers.items()
                   if k not in ("x-request-id", "date", "content-length")}
        return answer.status, headers, re.sub(r'"request_id":"[^"]*"', "", text)

    def same(self, method, path, theirs, missing, body=None):
        with self.subTest(method=method, path=path):
            seen = self.other.call(method, path.format(theirs), body)
            nothing = self.other.call(method, path.format(missing), body)
            self.assertEqual(self.normal(seen, theirs), self.normal(nothing, missing))
            return seen

    def test_named_things(self):
        none = unique("none")
        for method, path, body in [
                ("GET", "/v1/users/{}", None), ("DELETE", "/v1/users/{}", None),
                ("GET", "/v1/users/{}/devices", None), ("DELETE", "/v1/users/{}/devices/d", None),
                ("PUT", "/v1/users/{}/devices/d", IOS),
                ("GET", "/v1/users/{}/preferences", None),
                ("PUT", "/v1/users/{}/preferences", {}),
                ("GET", "/v1/categories/{}", None), ("GET", "/v1/templates/{}", None),
                ("GET", "/v1/templates/{}?version=1", None),
                ("POST", "/v1/templates/{}/preview", {"data": {}}),
                ("GET", "/v1/suppressions/email/{}@shop.example", None)]:
            answer = self.same(method, path, "theirs", none, body)
            self.assert_problem(answer, 404)
        self.same("GET", "/v1/suppressions/email/{}@shop.example", "their", none)
        self.assertEqual(self.owner.get("/v1/users/theirs").status, 200)
        self.assertEqual(len(self.owner.must("GET", "/v1/users/theirs/devices")["data"]), 1)

    def test_notifications_and_deliveries(self):
        missing_n = self.server.app(unique("app")).send(GOOD)["id"]
        for method, path in [("GET", "/v1/notifications/{}"),
                             ("GET", "/v1/notifications/{}/events"),
                             ("GET", "/v1/notifications/{}/deliveries"),
                             ("POST", "/v1/notifications/{}/cancel")]:
            unknown = self.notification[:-3] + "zzz"
            self.assert_problem(self.same(method, path, self.notification, unknown), 404)
            self.assert_problem(self.same(method, path, missing_n, unknown), 404)
        for path in ("/v1/deliveries/{}", "/v1/deliveries/{}/content"):
            unknown = self.delivery_id[:-3] + "zzz"
            self.assert_problem(self.same("GET", path, self.delivery_id, unknown), 404)

    def test_references_in_a_notification(self):
        for member in ("template", "category"):
            body = {**GOOD, member: "theirs"}
            if member == "template":
                body.pop("content")
            seen = self.other.post("/v1/notifications", body)
            nothing = self.other.post("/v1/notifications", {**body, member: "absent"})
            self.assert_problem(seen, 422)
            self.assertEqual(self.normal(seen, "theirs"), self.normal(nothing, "absent"))
        sent = self.other.send({"to": [{"user_id": "theirs"}], "content": CONTENT})
        self.assertEqual({(d["state"], d["reason"]) for d in self.other.settled(sent["id"])},
                         {("suppressed", "no_address")})
        self.assertEqual(self.other.post("/v1/notifications",
                                         {**GOOD, "event_id": "theirs"}).status, 202)

    def test_lists_and_counts(self):
        app = self.server.app(unique("app"))
        for path in ("/v1/notifications", "/v1/notifications?user_id=theirs", "/v1/templates",
                     "/v1/dead-letters"):
            self.assertEqual(app.must("GET", path)["data"], [], path)
        for row in app.must("GET", "/v1/queues")["data"]:
            self.assertEqual((row["depth"], row["in_flight"]), (0, 0))

    def test_a_cursor_of_another_app_is_refused(self):
        for _ in range(3):
            self.owner.send(GOOD)
        cursor = self.owner.must("GET", "/v1/notifications?limit=1")["next_cursor"]
        self.assert_problem(self.other.get(f"/v1/notifications?limit=1&cursor={cursor}"), 400)

    def test_an_app_key_cannot_name_another_app(self):
        answer = self.other.get("/v1/users/theirs?app=owner")
        self.assertIn(answer.status, (400, 403, 404))
        self.assertNotIn("ok@shop.example", answer.body.decode())


if __name__ == "__main__":
    unittest.main()
