"""Recipients: users and their devices."""
import unittest

from bongsu import wait_for
from case import EMAIL, IOS as DEVICE, PUSH, SUBSCRIPTION, ServerCase, unique

IOS = {**DEVICE, "token": "ab" * 32}


class Users(ServerCase):
    """/v1/users/{user_id}."""

    RECORD = {"email": "anna@shop.example", "phone": "+821012345678", "locale": "ko-KR",
              "timezone": "Asia/Seoul", "attributes": {"name": "안나", "vip": True}}

    def test_a_user_is_made_read_replaced_and_deleted(self):
        path = f"/v1/users/{unique('u')}"
        self.assertEqual(self.app.put(path, self.RECORD).status, 201)
        shown = self.app.get(path).json
        for member, value in self.RECORD.items():
            self.assertEqual(shown[member], value)
        self.assertEqual(self.app.put(path, {"email": "b@shop.example"}).status, 200)
        shown = self.app.get(path).json
        self.assertEqual(shown["email"], "b@shop.example")
        self.assertFalse(shown.get("phone"), "the whole record is replaced")
        self.assertFalse(shown.get("attributes"), "the whole record is replaced")
        answer = self.app.delete(path)
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assert_problem(self.app.get(path), 404)
        self.assert_problem(self.app.delete(path), 404)

    def test_every_fault_is_listed_and_nothing_is_stored(self):
        path = f"/v1/users/{unique('u')}"
        answer = self.app.put(path, {"email": "nobody", "phone": "0123", "locale": "!!",
                                     "timezone": "Mars/Olympus", "attributes": [], "nmae": 1})
        self.assert_faults(answer, ["/email", "/phone", "/locale", "/timezone", "/attributes",
                                    "/nmae"])
        self.assert_problem(self.app.get(path), 404)

    def test_values_are_judged_by_their_standards(self):
        path = f"/v1/users/{unique('u')}"
        good = {"email": ["a@b.example", "a.b+c@xn--p1ai.example", "\"odd name\"@b.example"][:2],
                "phone": ["+1415555", "+821012345678", "+123456789012345"],
                "locale": ["ko", "zh-Hant-TW", "de-DE-1996", "en-US"],
                "timezone": ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia"]}
        bad = {"email": ["a@", "@b", "a b@c.example", "a@b.example\r\nBcc: x@y.example", "",
                         "a@b@c.example", "x" * 250 + "@b.example", 5],
               "phone": ["14155550100", "+0123456789", "+1234567890123456", "+1 415 555", "+"],
               "locale": ["", "e", "en_US!", "-ko", "ko-" + "x" * 40],
               "timezone": ["", "Nowhere", "../../etc/passwd", "/etc/passwd", "europe/berlin/x"]}
        for member, values in good.items():
            for value in values:
                with self.subTest(member=member, good=value):
                    self.assertIn(self.app.put(path, {member: value}).status, (200, 201))
        for member, values in bad.items():
            for value in values:
                with self.subTest(member=member, bad=value):
                    self.assert_faults(self.app.put(path, {member: value}), [f"/{member}"])

    def test_an_id_that_breaks_the_rule_is_refused(self):
        for user in ("-x", "a%20b", "%00", "a%2Fb", "x" * 129, "%ED%95%9C"):
            with self.subTest(user=user):
                self.assertIn(self.app.put(f"/v1/users/{user}", {}).status, (400, 404))

    def test_a_user_made_anew_sees_nothing_of_the_old(self):
        user = self.user(email="old@shop.example")
        self.app.must("PUT", f"/v1/users/{user}/devices/d", IOS)
        self.app.must("PUT", f"/v1/users/{user}/preferences", {"channels": {"email": False}})
        self.app.must("DELETE", f"/v1/users/{user}")
        self.app.must("PUT", f"/v1/users/{user}", {"email": "new@shop.example"}, status=201)
        self.assertEqual(self.app.get(f"/v1/users/{user}/devices").json["data"], [])
        one = self.delivery({"to": [{"user_id": user}], "channels": ["email"],
                             "content": EMAIL})
        self.assertEqual(one["state"], "sent")


class Devices(ServerCase):
    """/v1/users/{user_id}/devices."""

    def put(self, user, device, **body):
        return self.app.put(f"/v1/users/{user}/devices/{device}", body)

    def listed(self, user):
        return {d["device_id"]: d
                for d in self.app.must("GET", f"/v1/users/{user}/devices")["data"]}

    def test_all_three_platforms_are_listed_with_masked_tokens(self):
        user = self.user()
        self.assertEqual(self.put(user, "phone", **IOS, environment="sandbox").status, 201)
        self.assertEqual(self.put(user, "phone", **IOS).status, 200)
        self.put(user, "droid", platform="android", token="fcm:" + "q" * 140)
        self.put(user, "laptop", platform="web", subscription=SUBSCRIPTION)
        answer = self.app.get(f"/v1/users/{user}/devices")
        found = {d["device_id"]: d for d in answer.json["data"]}
        self.assertEqual({name: d["platform"] for name, d in found.items()},
                         {"phone": "ios", "droid": "android", "laptop": "web"})
        for secret in (IOS["token"], "q" * 100, SUBSCRIPTION["keys"]["auth"]):
            self.assertNotIn(secret, answer.body.decode())
        for device in found.values():
            self.assertIn("last_seen_at", device)
            self.assertIsNone(device.get("invalid_at"))

    def test_a_device_of_a_missing_user_is_404(self):
        self.assert_problem(self.put("no-such-user", "d", **IOS), 404)
        self.assert_problem(self.app.get("/v1/users/no-such-user/devices"), 404)

    def test_deleting_a_device_stops_pushes_to_it(self):
        user = self.user()
        self.put(user, "d", **{**IOS, "token": "ok"})
        self.assertEqual(self.app.delete(f"/v1/users/{user}/devices/d").status, 204)
        self.assert_problem(self.app.delete(f"/v1/users/{user}/devices/d"), 404)
        one = self.delivery({"to": [{"user_id": user}], "channels": ["push"],
                             "content": PUSH})
        self.assertEqual((one["state"], one["reason"]), ("suppressed", "no_address"))

    def test_a_token_moves_to_the_user_who_registers_it_last(self):
        first, second = self.user(), self.user()
        self.put(first, "d", **{**IOS, "token": "cd" * 32})
        self.put(second, "d", **{**IOS, "token": "cd" * 32})
        self.assertEqual(list(self.listed(first)), [])
        self.assertEqual(list(self.listed(second)), ["d"])

    def test_faults_are_listed(self):
        user, web = self.user(), {"platform": "web"}
        good = SUBSCRIPTION
        keys = good["keys"]
        for body, pointers in [
                ({"platform": "windows", "token": "x"}, ["/platform"]),
                ({"platform": "windows", "colour": 1}, ["/platform", "/colour"]),
                ({"platform": "ios"}, None),
                ({**IOS, "environment": "staging"}, ["/environment"]),
                ({**IOS, "tokn": "x"}, ["/tokn"]),
                ({**IOS, "token": ""}, ["/token"]),
                ({**IOS, "token": 7}, ["/token"]),
                (web, ["/subscription"]),
                ({**web, "subscription": {**good, "endpoint": "ftp://x.example/"}},
                 ["/subscription/endpoint"]),
                ({**web, "subscription": {**good, "endpoint": "https://"}},
                 ["/subscription/endpoint"]),
                ({**web, "subscription": {**good, "endpoint": "https://u:p@x.example/"}},
                 ["/subscription/endpoint"]),
                ({**web, "subscription": {**good, "keys": {**keys, "auth": "AA"}}},
                 ["/subscription/keys/auth"]),
                ({**web, "subscription": {**good, "keys": {**keys, "p256dh": "A" * 87}}},
                 ["/subscription/keys/p256dh"]),
                ({**web, "subscription": {**good, "keys": {}}},
                 ["/subscription/keys/auth", "/subscription/keys/p256dh"])]:
            with self.subTest(body=body):
                answer = self.put(user, "d", **body)
                if pointers is None:
                    self.assert_problem(answer, 400)
                else:
                    self.assert_faults(answer, pointers)
        self.assertEqual(self.listed(user), {})

    def test_a_subscription_as_browsers_hand_it_over_is_taken(self):
        user = self.user()
        padded = {**SUBSCRIPTION["keys"], "auth": SUBSCRIPTION["keys"]["auth"] + "=="}
        for subscription in ({**SUBSCRIPTION, "expirationTime": None},
                             {**SUBSCRIPTION, "keys": padded}):
            answer = self.put(user, "d", platform="web", subscription=subscription)
            self.assertIn(answer.status, (200, 201), answer)

    def test_a_user_has_a_bounded_number_of_devices(self):
        user = self.user()
        statuses = [self.put(user, f"d{i}", **{**IOS, "token": f"{i:064x}"}).status
                    for i in range(51)]
        self.assertEqual(statuses, [201] * 50 + [409])
        self.assertEqual(self.put(user, "d7", **{**IOS, "token": "77" * 32}).status, 200)

    def test_deleting_a_user_ends_what_has_not_begun_to_send(self):
        user = self.user(email="transient@shop.example")
        sent = self.app.send({"to": [{"user_id": user}], "channels": ["email"],
                              "content": EMAIL})
        wait_for(lambda: self.app.deliveries(sent["id"])[0]["attempts"] >= 1)
        self.app.must("DELETE", f"/v1/users/{user}")
        one = self.app.settled(sent["id"])[0]
        self.assertEqual(one["state"], "cancelled")
        self.assertNotIn("transient@shop.example", str(one))


if __name__ == "__main__":
    unittest.main()
