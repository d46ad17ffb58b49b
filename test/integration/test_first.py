"""Strategy `first`: one channel after another until one reaches the user."""
import unittest

from bongsu import wait_for
from case import CONTENT, EMAIL, PUSH, SMS, ServerCase, unique

OK, DEAD, REFUSED, DOWN = "ok", "dead", "refused", "transient"
PHONES = {OK: "+14155550100", DEAD: "+14155550103", REFUSED: "+14155550104", DOWN: "+14155550101"}


class First(ServerCase):
    """The sandbox driver gives each address its outcome; two attempts make a dead letter."""

    config = {"retry": {"normal": {"first": "1ms", "max": "1ms", "attempts": 2}}}

    def reachable(self, push=(), sms=None, email=None, preferences=None):
        """A user with a device for each outcome in `push`, and a phone and an address if given."""
        record = {}
        if sms:
            record["phone"] = PHONES[sms]
        if email:
            record["email"] = f"{unique('m')}-{email}@x.example"
        user = self.user(**record)
        for number, outcome in enumerate(push):
            self.app.must("PUT", f"/v1/users/{user}/devices/d{number}",
                          {"platform": "ios", "bundle_id": "com.example.shop",
                           "token": f"{unique('t')}-{outcome}"})
        if preferences:
            self.app.must("PUT", f"/v1/users/{user}/preferences", {"channels": preferences})
        return user

    def done(self, notification, seconds=20):
        """Waits until it is done; what its deliveries came to, in order."""
        path = f"/v1/notifications/{notification}"
        wait_for(lambda: self.app.must("GET", path)["status"] == "done", seconds,
                 lambda: self.app.must("GET", path))
        return [f"{d['channel']} {d['state']}" for d in self.app.deliveries(notification)]

    def first(self, user, **more):
        return self.app.send({"to": [{"user_id": user}], "content": CONTENT, "strategy": "first",
                              **more})

    def test_each_reason_goes_on_to_the_next_channel(self):
        for what, user, expected in [
                ("reached", {"push": [OK], "sms": OK}, ["push sent"]),
                ("one of two devices", {"push": [DEAD, OK], "sms": OK},
                 ["push failed", "push sent"]),
                ("no device", {"sms": OK, "email": OK}, ["push suppressed", "sms sent"]),
                ("no address before the last", {"email": OK},
                 ["push suppressed", "sms suppressed", "email sent"]),
                ("opted out", {"push": [OK], "sms": OK, "email": OK,
                               "preferences": {"push": False, "sms": False}},
                 ["push suppressed", "sms suppressed", "email sent"]),
                ("dead token, dead number, e-mail", {"push": [DEAD], "sms": DEAD, "email": OK},
                 ["push failed", "sms failed", "email sent"]),
                ("refused for good", {"push": [REFUSED], "sms": OK}, ["push failed", "sms sent"]),
                ("dead letter", {"push": [DOWN], "sms": OK, "email": OK},
                 ["push dead", "sms sent"]),
                ("dead letters to the end", {"push": [DOWN, DOWN], "sms": DOWN, "email": REFUSED},
                 ["push dead", "push dead", "sms dead", "email failed"]),
        ]:
            with self.subTest(what):
                self.assertEqual(self.done(self.first(self.reachable(**user))["id"]), expected)

    def test_a_category_says_it_and_a_notification_overrules(self):
        category, user = unique("cat"), self.reachable([OK], OK, OK)
        self.app.must("PUT", f"/v1/categories/{category}",
                      {"strategy": "first", "channels": ["email", "push"]})
        body = {"to": [{"user_id": user}], "content": CONTENT, "category": category}
        sent = self.app.send(body)
        self.assertEqual(sent["deliveries"], 1)
        self.assertEqual(self.done(sent["id"]), ["email sent"])
        sent = self.app.send({**body, "strategy": "all"})
        self.assertEqual(self.done(sent["id"]), ["email sent", "push sent"])

    def test_events_say_why_there_is_another_delivery(self):
        sent = self.first(self.reachable([DEAD], None, OK))
        self.assertEqual(self.done(sent["id"]), ["push failed", "sms suppressed", "email sent"])
        push, sms, email = self.app.deliveries(sent["id"])
        why = f"push: failed {push['reason']}"
        self.assertEqual(sms["reason"], "no_address")
        one = self.app.must("GET", f"/v1/deliveries/{email['id']}")
        self.assertEqual([e["type"] for e in one["events"]], ["queued", "sent"])
        self.assertEqual(one["events"][0]["reason"], why)
        self.assertEqual(one["events"][0]["at"], one["created_at"])
        one = self.app.must("GET", f"/v1/deliveries/{sms['id']}")
        self.assertEqual([(e["type"], e["detail"]) for e in one["events"]], [("suppressed", why)])
        events = self.app.events(sent["id"])
        self.assertEqual([e["type"] for e in events],
                         ["queued", "failed", "suppressed", "queued", "sent"])
        self.assertEqual([e["at"] for e in events], sorted(e["at"] for e in events))

    def test_a_replay_answers_as_the_first_time(self):
        user, event = self.reachable([DEAD], OK), unique("event")
        sent = self.first(user, event_id=event)
        self.assertEqual(self.done(sent["id"]), ["push failed", "sms sent"])
        self.assertEqual(self.app.must("GET", f"/v1/notifications/{sent['id']}")["counts"]["sent"],
                         1)
        again = self.app.post("/v1/notifications",
                              {"to": [{"user_id": user}], "content": CONTENT, "strategy": "first",
                               "event_id": event})
        self.assertEqual(again.status, 200)
        self.assertEqual(again.json, sent)

    def test_a_redriven_dead_letter_makes_no_second_set(self):
        sent = self.first(self.reachable([DOWN], OK))
        self.assertEqual(self.done(sent["id"]), ["push dead", "sms sent"])
        dead = self.app.deliveries(sent["id"])[0]["id"]
        self.app.must("POST", "/v1/dead-letters/redrive", {"ids": [dead]})
        wait_for(lambda: len(self.app.must("GET", f"/v1/deliveries/{dead}")["events"]) > 5)
        self.assertEqual(self.done(sent["id"]), ["push dead", "sms sent"])

    def test_an_address_in_to_is_meant_as_it_is(self):
        sent = self.app.send({"to": [{"phone": PHONES[REFUSED]}], "content": {**SMS, **EMAIL},
                              "strategy": "first"})
        self.assertEqual(self.done(sent["id"]), ["sms failed"])

    def test_a_killed_server_goes_on_where_it_was(self):
        users = [self.reachable([DEAD], OK) for _ in range(60)]
        sent = [self.app.send({"to": [{"user_id": user} for user in users[i:i + 3]],
                               "content": {**PUSH, **SMS}, "strategy": "first"})["id"]
                for i in range(0, len(users), 3)]
        self.server.restart()
        for one in sent:
            found = sorted(self.done(one))
            self.assertEqual(found, ["push failed"] * 3 + ["sms sent"] * 3)


if __name__ == "__main__":
    unittest.main()
