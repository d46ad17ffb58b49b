"""POST /v1/notifications: what is accepted, what is refused with every fault, what is shown."""
import datetime
import unittest

from bongsu import wait_for
from case import EMAIL, GOOD, IOS, PHONE, PUSH, SMS, ServerCase, unique


class Validation(ServerCase):
    """Every fault has its pointer, and what is refused leaves nothing behind."""

    def faults(self, change, pointers):
        answer = self.app.post("/v1/notifications", {**GOOD, **change})
        return self.assert_faults(answer, pointers)

    def test_each_wrong_member_is_named(self):
        past = (datetime.datetime.now(datetime.timezone.utc)
                - datetime.timedelta(hours=1)).isoformat()
        for change, pointers in [
                ({"to": []}, ["/to"]),
                ({"to": None}, ["/to"]),
                ({"to": {"phone": "+14155550100"}}, ["/to"]),
                ({"to": PHONE * 1001}, ["/to"]),
                ({"to": [{}]}, ["/to/0"]),
                ({"to": ["u1"]}, ["/to/0"]),
                ({"to": [{"user_id": 5}]}, ["/to/0/user_id"]),
                ({"to": [{"user_id": "no spaces"}]}, ["/to/0/user_id"]),
                ({"to": [{"user_id": ""}]}, ["/to/0/user_id"]),
                ({"to": PHONE + [{"email": "nobody"}]}, ["/to/1/email"]),
                ({"to": [{"phone": "0123"}]}, ["/to/0/phone"]),
                ({"to": [{"user": "u1"}]}, None),
                ({"to": [{"user_id": "u1", "usr": 1}]}, ["/to/0/usr"]),
                ({"to": [{"user_id": "u1", "data": 5}]}, ["/to/0/data"]),
                ({"to": [{"platform": "palm", "token": "x"}]}, ["/to/0/platform"]),
                ({"to": [{"platform": "android"}]}, None),
                ({"channels": []}, ["/channels"]),
                ({"channels": "sms"}, ["/channels"]),
                ({"channels": ["sms", "fax"]}, ["/channels/1"]),
                ({"priority": "urgent"}, ["/priority"]),
                ({"strategy": "some"}, ["/strategy"]),
                ({"guarantee": "exactly_once"}, ["/guarantee"]),
                ({"ttl": "1 hour"}, ["/ttl"]),
                ({"ttl": 3600}, ["/ttl"]),
                ({"ttl": "0s"}, ["/ttl"]),
                ({"ttl": "-1s"}, ["/ttl"]),
                ({"collapse_key": "k" * 65}, ["/collapse_key"]),
                ({"collapse_key": ""}, ["/collapse_key"]),
                ({"event_id": ""}, ["/event_id"]),
                ({"event_id": "e" * 257}, ["/event_id"]),
                ({"event_id": 42}, ["/event_id"]),
                ({"data": []}, ["/data"]),
                ({"data": "x"}, ["/data"]),
                ({"content": "hello"}, ["/content"]),
                ({"content": {"sms": {"txt": "x"}}}, None),
                ({"content": {"sms": {"text": "x"}, "fax": {}}}, ["/content/fax"]),
                ({"content": {"sms": {"text": "x"}, "locales": {}}}, ["/content/locales"]),
                ({"category": "no spaces"}, ["/category"]),
                ({"category": 1}, ["/category"]),
                ({"sendat": past}, ["/sendat"])]:
            with self.subTest(change=str(change)[:80]):
                if pointers is None:
                    self.assert_problem(self.app.post("/v1/notifications", {**GOOD, **change}), 400)
                else:
                    self.faults(change, pointers)

    def test_all_faults_come_at_once(self):
        self.faults({"to": [{"email": "x"}, {"phone": "y"}], "priority": "p", "ttl": "t",
                     "Channels": ["sms"]},
                    ["/to/0/email", "/to/1/phone", "/priority", "/ttl", "/Channels"])

    def test_pointers_are_escaped(self):
        self.faults({"a/b~c": 1}, ["/a~1b~0c"])

    def test_either_template_or_content_not_both_nor_neither(self):
        self.app.must("PUT", "/v1/templates/both", {"sms": {"text": "x"}})
        self.assert_problem(self.app.post("/v1/notifications", {**GOOD, "template": "both"}), 400)
        self.assert_problem(self.app.post("/v1/notifications", {"to": PHONE}), 400)

    def test_what_is_not_built_yet_is_refused_by_name(self):
        future = (datetime.datetime.now(datetime.timezone.utc)
                  + datetime.timedelta(hours=1)).isoformat()
        for change, pointer in [({"send_at": future}, "/send_at"),
                                ({"to": [{"topic": "news"}]}, "/to/0/topic"),
                                ({"dry_run": True}, "/dry_run"),
                                ({"confirm_recipients": 5}, "/confirm_recipients")]:
            with self.subTest(change=change):
                details = self.faults(change, [pointer])
                self.assertIn("not supported yet", details[pointer])

    def test_references_to_nothing_are_422(self):
        self.app.must("PUT", "/v1/templates/exists", {"sms": {"text": "x"}})
        for change in ({"template": "missing"}, {"template": {"name": "exists", "version": 9}},
                       {"template": {"name": "missing", "version": 1}}):
            with self.subTest(change=change):
                self.assert_problem(self.app.post("/v1/notifications", {"to": PHONE, **change}),
                                    422)
        self.assert_problem(self.app.post("/v1/notifications", {**GOOD, "category": "none"}), 422)

    def test_what_is_no_json_is_malformed(self):
        for body in (b"", b"{", b"[]", b"null", b'"x"', b"{}x", b'{"to":1,"to":2}',
                     b'{"a":"\xff"}', b'{"a":"\\ud800"}', b'{"a":01}', b"{'a':1}", b'{"a":1,}',
                     b"\xef\xbb\xbf{}", b'{"a":"\n"}', b"[" * 100 + b"]" * 100, b'{"a":NaN}',
                     b'{"a":"\\u0000"}'):
            with self.subTest(body=body):
                self.assert_problem(self.app.post("/v1/notifications", body), 400)

    def test_the_media_type_must_be_json(self):
        for kind, ok in [(None, False), ("text/plain", False), ("application/jsonx", False),
                         ("application/x-www-form-urlencoded", False),
                         ("application/json; charset=utf-8", True), ("Application/JSON", True)]:
            with self.subTest(kind=kind):
                answer = self.app.post("/v1/notifications", GOOD, headers={"Content-Type": kind})
                if ok:
                    self.assertEqual(answer.status, 202, answer)
                else:
                    self.assert_problem(answer, 415)

    def test_nothing_is_stored_of_what_was_refused(self):
        app = self.server.app(unique("app"))
        for change in ({"priority": "p"}, {"category": "none"}, {"template": "x"}, {"to": []}):
            answer = app.post("/v1/notifications", {**GOOD, "event_id": "once", **change})
            self.assertIn(answer.status, (400, 422))
        self.assertEqual(app.must("GET", "/v1/notifications")["data"], [])
        self.assertEqual(app.post("/v1/notifications", {**GOOD, "event_id": "once"}).status, 202)


class Accepted(ServerCase):
    """The 202, and all that can be looked up afterwards."""

    def test_the_202_names_the_notification(self):
        answer = self.app.post("/v1/notifications", GOOD)
        self.assertEqual(answer.status, 202, answer)
        self.assertRegex(answer.json["id"], r"^ntf_[a-z0-9]+$")
        self.assertEqual((answer.json["status"], answer.json["deliveries"]), ("accepted", 1))
        self.assertTrue(answer.headers["location"].endswith(
            f"/v1/notifications/{answer.json['id']}"))

    def test_the_timeline_of_a_delivery_explains_it(self):
        one = self.delivery({**GOOD, "data": {"order": 1}, "event_id": unique("e"),
                             "collapse_key": "order-1", "priority": "high", "ttl": "1h"})
        self.assertRegex(one["id"], r"^dlv_")
        expected = {"channel": "sms", "kind": "sms", "provider": "demo", "state": "sent",
                    "attempts": 1, "next_attempt_at": None}
        for member, value in expected.items():
            self.assertEqual(one[member], value, member)
        self.assertNotIn("4155550100", one["address"])
        shown = self.app.must("GET", f"/v1/notifications/{one['notification_id']}")
        self.assertEqual(shown["status"], "done")
        self.assertEqual({k: v for k, v in shown["counts"].items() if v}, {"sent": 1})
        self.assertEqual(shown["deliveries"]["data"][0]["id"], one["id"])
        self.assertEqual(shown["priority"], "high")
        events = self.app.events(one["notification_id"])
        self.assertEqual([e["type"] for e in events][0], "queued")
        self.assertEqual([e["type"] for e in events][-1], "sent")
        self.assertEqual([e["at"] for e in events], sorted(e["at"] for e in events))
        for event in events:
            self.assertRegex(event["id"], r"^evt_")
            self.assertEqual(event["delivery_id"], one["id"])
        whole = self.app.must("GET", f"/v1/deliveries/{one['id']}")
        self.assertEqual(whole["id"], one["id"])
        self.assertEqual([e["id"] for e in whole["events"]], [e["id"] for e in events])
        content = self.app.must("GET", f"/v1/deliveries/{one['id']}/content")
        self.assertIn("hello", str(content))

    def test_deliveries_are_counted_with_the_suppressed_ones(self):
        user = self.user(phone="+14155550100")
        accepted = self.app.send({
            "to": [{"user_id": user}, {"user_id": "nobody-here"}, {"email": "ok@shop.example"}],
            "channels": ["push", "sms", "email"],
            "content": {**SMS, **PUSH}})
        found = self.app.settled(accepted["id"])
        self.assertEqual(accepted["deliveries"], len(found))
        seen = sorted((d["user_id"] or "", d["channel"], d["state"], d["reason"]) for d in found)
        user_rows = [row[1:] for row in seen if row[0] == user]
        self.assertEqual(user_rows, [("push", "suppressed", "no_address"), ("sms", "sent", None)])
        nobody = [row[1:] for row in seen if row[0] == "nobody-here"]
        self.assertEqual([row[1:] for row in nobody], [("suppressed", "no_address")])
        self.assertNotIn("email", [d["channel"] for d in found])

    def test_a_user_gets_one_push_a_device(self):
        user = self.user()
        for device, token in (("a", "1ok"), ("b", "2ok")):
            self.app.must("PUT", f"/v1/users/{user}/devices/{device}", {**IOS, "token": token})
        accepted = self.app.send({"to": [{"user_id": user}], "channels": ["push"],
                                  "content": PUSH})
        found = self.app.settled(accepted["id"])
        self.assertEqual(sorted((d["device_id"], d["state"]) for d in found),
                         [("a", "sent"), ("b", "sent")])

    def test_direct_addresses_of_every_kind(self):
        accepted = self.app.send({
            "to": [IOS, {"platform": "android", "token": "ok", "bundle_id": "com.example.shop"},
                   {"phone": "+14155550100"}, {"email": "ok@shop.example"}],
            "content": {**SMS, **PUSH, **EMAIL}})
        found = self.app.settled(accepted["id"])
        self.assertEqual(sorted((d["kind"], d["state"]) for d in found),
                         [("android", "sent"), ("email", "sent"), ("ios", "sent"),
                          ("sms", "sent")])

    def test_the_sandbox_gives_each_outcome_by_the_address(self):
        for who, state in [("ok", "sent"), ("delivered", "delivered"), ("dead", "failed"),
                           ("refused", "failed"), ("anything", "sent")]:
            with self.subTest(who=who):
                body = {"to": [{"email": f"{unique('x')}-{who}@shop.example"}],
                        "content": EMAIL}
                accepted = self.app.send(body)
                found = self.app.settled(accepted["id"], states={state})
                self.assertEqual(found[0]["state"], state)

    def test_ttl_ends_what_no_provider_took(self):
        one = self.delivery({"to": [{"email": "transient@shop.example"}], "ttl": "1s",
                             "content": EMAIL})
        self.assertEqual(one["state"], "expired")
        self.assertGreaterEqual(one["attempts"], 1)

    def test_missing_things_are_404(self):
        for path in ("/v1/notifications/ntf_0000000000000", "/v1/notifications/x",
                     "/v1/notifications/dlv_1", "/v1/deliveries/dlv_0000000000000",
                     "/v1/deliveries/ntf_1", "/v1/deliveries/dlv_1/content",
                     "/v1/notifications/ntf_0000000000000/events", "/v1/nothing", "/"):
            with self.subTest(path=path):
                self.assert_problem(self.app.get(path), 404)

    def test_a_request_id_is_kept_if_it_is_sane(self):
        for given, kept in [("abc-123", True), ("x" * 129, False), ("a b", False), (None, False)]:
            answer = self.app.get("/v1/notifications", headers={"X-Request-Id": given})
            self.assertEqual(answer.headers["x-request-id"] == given, kept, given)
            self.assertTrue(answer.headers["x-request-id"])


class Lists(ServerCase):
    """GET /v1/notifications with filters, pages and cursors."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lister = cls.server.app("lister")
        cls.lister.must("PUT", "/v1/users/u1", {"phone": "+14155550100"})
        cls.lister.must("PUT", "/v1/categories/news", {})
        cls.lister.must("PUT", "/v1/templates/tpl", SMS)
        cls.ids = []
        for i in range(23):
            body = {"to": [{"user_id": "u1"}] if i % 2 else PHONE, "channels": ["sms"]}
            body.update({"template": "tpl"} if i % 3 == 0 else {"content": SMS})
            if i % 5 == 0:
                body["category"] = "news"
            cls.ids.append(cls.lister.send(body)["id"])
        for one in cls.ids:
            cls.lister.settled(one)

    def pages(self, query, limit):
        found, cursor = [], ""
        for _ in range(100):
            page = self.lister.must("GET", f"/v1/notifications?limit={limit}{query}{cursor}")
            self.assertLessEqual(len(page["data"]), limit)
            found += [one["id"] for one in page["data"]]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"
        raise AssertionError("the pages do not end")

    def test_newest_first_and_each_once(self):
        for limit in (1, 7, 23, 200):
            with self.subTest(limit=limit):
                self.assertEqual(self.pages("", limit), self.ids[::-1])

    def test_filters(self):
        newest = self.ids[::-1]
        for query, wanted in [("user_id=u1", lambda i: i % 2), ("category=news", lambda i: i % 5 == 0),
                              ("template=tpl", lambda i: i % 3 == 0), ("state=sent", lambda i: 1),
                              ("state=dead", lambda i: 0), ("user_id=none", lambda i: 0),
                              ("user_id=u1&category=news", lambda i: i % 2 and i % 5 == 0)]:
            with self.subTest(query=query):
                self.assertEqual(self.pages(f"&{query}", 5),
                                 [one for n, one in enumerate(newest) if wanted(22 - n)])

    def test_since_and_until(self):
        at = self.lister.must("GET", f"/v1/notifications/{self.ids[10]}")["created_at"]
        later = self.pages(f"&since={at}", 50)
        earlier = self.pages(f"&until={at}", 50)
        self.assertIn(self.ids[22], later)
        self.assertIn(self.ids[0], earlier)
        self.assertNotIn(self.ids[0], later)
        self.assertNotIn(self.ids[22], earlier)

    def test_a_new_one_does_not_disturb_the_pages(self):
        app = self.server.app(unique("app"))
        ids = [app.send(GOOD)["id"] for _ in range(6)]
        page = app.must("GET", "/v1/notifications?limit=3")
        app.send(GOOD)
        rest = app.must("GET", f"/v1/notifications?limit=3&cursor={page['next_cursor']}")
        self.assertEqual([n["id"] for n in page["data"] + rest["data"]], ids[::-1])

    def test_bad_queries_are_refused(self):
        cursor = self.lister.must("GET", "/v1/notifications?limit=3")["next_cursor"]
        for query in ("limit=0", "limit=201", "limit=x", "limit=-1", "cursor=x", "state=lost",
                      "since=yesterday", "colour=red", f"category=news&cursor={cursor}",
                      f"cursor={cursor[:-2]}", "limit=1&limit=2"):
            with self.subTest(query=query):
                self.assert_problem(self.lister.get(f"/v1/notifications?{query}"), 400)

    def test_pages_of_deliveries(self):
        many = self.lister.send({"to": [{"phone": f"+1415555{i:04d}0"} for i in range(120)],
                                 "content": SMS})
        self.assertEqual(many["deliveries"], 120)
        found = self.lister.settled(many["id"])
        self.assertEqual(len({d["id"] for d in found}), 120)
        shown = self.lister.must("GET", f"/v1/notifications/{many['id']}")
        self.assertEqual(len(shown["deliveries"]["data"]), 50)
        self.assertIsNotNone(shown["deliveries"]["next_cursor"])
        failed = self.lister.must("GET", f"/v1/notifications/{many['id']}/deliveries?state=failed")
        self.assertEqual(failed["data"], [])
        self.assertEqual(len(self.lister.events(many["id"])) % 120, 0)
        wait_for(lambda: self.lister.must("GET", f"/v1/notifications/{many['id']}")["status"]
                 == "done")


if __name__ == "__main__":
    unittest.main()
