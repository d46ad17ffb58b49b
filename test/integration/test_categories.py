"""Categories: what a notification gets that does not say otherwise."""
import unittest

from case import CONTENT, ServerCase, unique


class Categories(ServerCase):
    """/v1/categories/{name}."""

    def channels(self, **more):
        user = self.user(email="ok@shop.example", phone="+14155550100")
        accepted = self.app.send({"to": [{"user_id": user}], "content": CONTENT, **more})
        return sorted(one["channel"] for one in self.app.settled(accepted["id"]))

    def test_a_category_is_made_read_and_changed(self):
        path = f"/v1/categories/{unique('cat')}"
        wanted = {"channels": ["email"], "strategy": "first", "priority": "low", "mandatory": True,
                  "ttl": "2h", "guarantee": "at_least_once"}
        self.assertIn(self.app.put(path, wanted).status, (200, 201))
        shown = self.app.get(path).json
        for member, value in wanted.items():
            self.assertEqual(shown[member], value, member)
        self.assertEqual(self.app.put(path, {}).status, 200)
        self.assertEqual(self.app.get(path).json["channels"], ["push", "sms", "email"])

    def test_its_channels_count_unless_the_notification_says_otherwise(self):
        name = unique("cat")
        self.app.must("PUT", f"/v1/categories/{name}", {"channels": ["email"]})
        self.assertEqual(self.channels(category=name), ["email"])
        self.assertEqual(self.channels(category=name, channels=["sms"]), ["sms"])
        self.assertEqual(self.channels(), ["email", "push", "sms"])

    def test_default_exists_in_every_app_and_may_be_changed(self):
        app = self.server.app(unique("app"))
        shown = app.must("GET", "/v1/categories/default")
        expected = {"channels": ["push", "sms", "email"], "strategy": "all", "priority": "normal",
                    "mandatory": False, "ttl": "24h", "guarantee": "at_least_once"}
        for member, value in expected.items():
            self.assertEqual(shown[member], value, member)
        app.must("PUT", "/v1/categories/default", {"channels": ["sms"]})
        accepted = app.send({"to": [{"phone": "+14155550100"}], "content": CONTENT})
        self.assertEqual([d["channel"] for d in app.settled(accepted["id"])], ["sms"])

    def test_faults_are_listed(self):
        path = f"/v1/categories/{unique('cat')}"
        answer = self.app.put(path, {"channels": ["push", "fax"], "strategy": "best",
                                     "priority": "urgent", "mandatory": "yes", "ttl": "soon",
                                     "guarantee": "exactly_once", "colour": "red"})
        self.assert_faults(answer, ["/channels/1", "/strategy", "/priority", "/mandatory", "/ttl",
                                    "/guarantee", "/colour"])
        self.assertEqual(self.app.get(path).status, 404)

    def test_what_is_not_built_yet_is_refused_by_name(self):
        path = f"/v1/categories/{unique('cat')}"
        for member, value in {"rate_limit": {"limit": 5, "period": "1h"}}.items():
            with self.subTest(member=member):
                details = self.assert_faults(self.app.put(path, {member: value}), [f"/{member}"])
                self.assertIn("not supported yet", details[f"/{member}"])

    def test_a_notification_of_an_unknown_category_is_422(self):
        self.assert_problem(self.app.post("/v1/notifications", {
            "to": [{"phone": "+14155550100"}], "content": CONTENT, "category": "none"}), 422)


if __name__ == "__main__":
    unittest.main()
