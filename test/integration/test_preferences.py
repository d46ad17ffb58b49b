"""What a recipient has said: opt-outs per channel and category, and the suppression list."""
import unittest

from case import CONTENT, ServerCase, unique


class Preferences(ServerCase):
    """/v1/users/{user_id}/preferences and what it does to deliveries."""

    def full_user(self):
        user = self.user(email="ok@shop.example", phone="+14155550100")
        self.app.must("PUT", f"/v1/users/{user}/devices/d",
                      {"platform": "ios", "token": "ok", "bundle_id": "com.example.shop"})
        return user

    def outcome(self, user, **more):
        accepted = self.app.send({"to": [{"user_id": user}], "content": CONTENT, **more})
        return {one["channel"]: one["reason"] if one["state"] == "suppressed" else one["state"]
                for one in self.app.settled(accepted["id"])}

    def prefer(self, user, **preferences):
        self.app.must("PUT", f"/v1/users/{user}/preferences", preferences)

    def test_they_are_kept_as_given(self):
        user = self.user()
        wanted = {"channels": {"push": True, "sms": False},
                  "categories": {"marketing": {"email": False}}}
        self.prefer(user, **wanted)
        shown = self.app.must("GET", f"/v1/users/{user}/preferences")
        self.assertEqual(shown["channels"], wanted["channels"])
        self.assertEqual(shown["categories"], wanted["categories"])
        self.prefer(user)
        self.assertFalse(self.app.must("GET", f"/v1/users/{user}/preferences").get("channels"))
        self.assert_problem(self.app.get("/v1/users/no-such-user/preferences"), 404)
        self.assert_problem(self.app.put("/v1/users/no-such-user/preferences", {}), 404)

    def test_an_opt_out_suppresses_its_channel_only(self):
        user = self.full_user()
        self.assertEqual(self.outcome(user), {"push": "sent", "sms": "sent", "email": "sent"})
        self.prefer(user, channels={"sms": False})
        self.assertEqual(self.outcome(user),
                         {"push": "sent", "sms": "opted_out", "email": "sent"})
        self.prefer(user, channels={"sms": True})
        self.assertEqual(self.outcome(user)["sms"], "sent")

    def test_the_more_exact_choice_wins(self):
        user, category = self.full_user(), unique("cat")
        self.app.must("PUT", f"/v1/categories/{category}", {"channels": ["push", "sms", "email"]})
        self.prefer(user, channels={"sms": False, "email": True},
                    categories={category: {"sms": True, "email": False}})
        self.assertEqual(self.outcome(user, category=category),
                         {"push": "sent", "sms": "sent", "email": "opted_out"})
        self.assertEqual(self.outcome(user),
                         {"push": "sent", "sms": "opted_out", "email": "sent"})

    def test_a_mandatory_category_ignores_opt_outs_never_suppressions(self):
        user, category = self.full_user(), unique("cat")
        phone = "+14155550110"
        self.app.must("PUT", f"/v1/users/{user}", {"email": "ok@shop.example", "phone": phone})
        self.app.must("PUT", f"/v1/categories/{category}",
                      {"channels": ["sms", "email"], "mandatory": True})
        self.prefer(user, channels={"sms": False, "email": False})
        self.assertEqual(self.outcome(user, category=category), {"sms": "sent", "email": "sent"})
        self.app.must("PUT", "/v1/suppressions/sms/%2B14155550110", {})
        self.assertEqual(self.outcome(user, category=category),
                         {"sms": "suppression_list", "email": "sent"})

    def test_faults_are_listed(self):
        path = f"/v1/users/{self.user()}/preferences"
        self.assert_faults(self.app.put(path, {"channels": {"pigeon": True, "sms": "no"},
                                               "categories": {"m": {"fax": False}}, "x": 1}),
                           ["/channels/pigeon", "/channels/sms", "/categories/m/fax", "/x"])

    def test_quiet_hours_are_refused_while_they_are_not_kept(self):
        answer = self.app.put(f"/v1/users/{self.user()}/preferences",
                              {"quiet_hours": {"start": "22:00", "end": "08:00"}})
        details = self.assert_faults(answer, ["/quiet_hours"])
        self.assertIn("not supported yet", details["/quiet_hours"])


class Suppressions(ServerCase):
    """/v1/suppressions/{channel}/{address}."""

    def test_an_address_is_listed_obeyed_and_freed(self):
        address = "listed@shop.example"
        path = f"/v1/suppressions/email/{address}"
        self.assertIn(self.app.put(path, {}).status, (200, 201))
        shown = self.app.get(path)
        self.assertEqual(shown.status, 200, shown)
        self.assertEqual(shown.json["channel"], "email")
        body = {"to": [{"email": address}], "content": CONTENT}
        one = self.delivery(body)
        self.assertEqual((one["state"], one["reason"]), ("suppressed", "suppression_list"))
        self.assertEqual(self.app.delete(path).status, 204)
        self.assert_problem(self.app.get(path), 404)
        self.assert_problem(self.app.delete(path), 404)
        self.assertEqual(self.delivery(body)["state"], "sent")

    def test_it_binds_a_user_with_that_address_too(self):
        user = self.user(phone="+14155550120")
        self.app.must("PUT", "/v1/suppressions/sms/+14155550120", {})
        one = self.delivery({"to": [{"user_id": user}], "channels": ["sms"], "content": CONTENT})
        self.assertEqual((one["state"], one["reason"]), ("suppressed", "suppression_list"))

    def test_an_address_of_the_wrong_shape_is_refused(self):
        for path in ("email/nobody", "sms/12", "pigeon/x", "sms/a%40b.example"):
            with self.subTest(path=path):
                self.assertIn(self.app.put(f"/v1/suppressions/{path}", {}).status, (400, 404))


if __name__ == "__main__":
    unittest.main()
