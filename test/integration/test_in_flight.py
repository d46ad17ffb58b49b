"""What is committed while sends wait: from the answer on, nothing begins that it forbids.

Apple's fake takes one stream at a time on a connection and answers slowly, so that nearly all
sends wait inside the transport, after the server has handed them over.
"""
import tempfile
import unittest

import pki as keys
from bongsu import wait_for
from case import PUSH, ServerCase, unique
from world import World

COUNT = 120


class InFlight(ServerCase):
    """One user with one iPhone, and many notifications for it under way."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-flight-")
        cls.addClassCleanup(directory.cleanup)
        cls.world = World(directory.name, ("ios",), fake={"streams": 1})
        cls.addClassCleanup(cls.world.stop)
        cls.server, cls.app, cls.fake = cls.world.server, cls.world.app, cls.world.apns
        cls.fake.rules({"act": {"delay_ms": 150}})

    def begin(self, token):
        """A user, and COUNT pushes of which few have begun: (user, ids)."""
        user = self.user()
        self.app.must("PUT", f"/v1/users/{user}/devices/d",
                      {"platform": "ios", "token": token, "bundle_id": keys.TOPIC})
        batch = {"notifications": [{"to": [{"user_id": user}], "channels": ["push"],
                                    "content": PUSH} for _ in range(COUNT)]}
        results = self.app.must("POST", "/v1/notifications/batch", batch)["results"]
        wait_for(lambda: self.fake.requests(token))
        return user, [result["body"]["id"] for result in results]

    def nothing_begins_after(self, token, ids, state, reason=None):
        """Call it at once after the answer."""
        begun = len(self.fake.requests(token))
        found = [self.app.settled(one)[0] for one in ids]
        # What had begun may still be on its way to the fake's log: one a connection.
        self.assertLessEqual(len(self.fake.requests(token)), begun + 8)
        ends = {(d["state"], d["reason"]) for d in found if d["state"] != "sent"}
        self.assertEqual(ends, {(state, reason)} if reason else ends)
        self.assertEqual({one for one, _ in ends}, {state})
        sent = sum(d["state"] == "sent" for d in found)
        self.assertEqual(sent, len(self.fake.requests(token)))
        self.assertLess(sent, COUNT)

    def token(self):
        return unique("").rjust(64, "a")

    def test_an_opt_out(self):
        token = self.token()
        user, ids = self.begin(token)
        self.app.must("PUT", f"/v1/users/{user}/preferences", {"channels": {"push": False}})
        self.nothing_begins_after(token, ids, "suppressed", "opted_out")

    def test_a_device_that_is_removed(self):
        token = self.token()
        user, ids = self.begin(token)
        self.app.must("DELETE", f"/v1/users/{user}/devices/d")
        self.nothing_begins_after(token, ids, "suppressed")

    def test_a_user_who_is_deleted(self):
        token = self.token()
        user, ids = self.begin(token)
        self.app.must("DELETE", f"/v1/users/{user}")
        self.nothing_begins_after(token, ids, "cancelled")

    def test_a_cancel(self):
        others = [{"platform": "ios", "token": f"{i:063x}c", "bundle_id": keys.TOPIC}
                  for i in range(COUNT)]
        sent = self.app.send({"to": others, "content": PUSH})
        wait_for(lambda: any(r["address"].endswith("c") for r in self.fake.requests()))
        self.app.must("POST", f"/v1/notifications/{sent['id']}/cancel")
        begun = sum(r["address"].endswith("c") for r in self.fake.requests())
        found = self.app.settled(sent["id"])
        after = sum(r["address"].endswith("c") for r in self.fake.requests())
        self.assertLessEqual(after, begun + 8)
        states = [d["state"] for d in found]
        self.assertEqual((states.count("sent"), states.count("cancelled")),
                         (after, COUNT - after))


if __name__ == "__main__":
    unittest.main()
