"""At most once: a provider that takes the request and cuts, hangs or fails hears of it once, and the
delivery ends as `unknown`; only what is proven unprocessed is sent again."""
import tempfile
import unittest

import pki as keys
from bongsu import wait_for
from case import PUSH, SMS, ServerCase, unique
from world import World

ONCE = {"guarantee": "at_most_once"}


class AtMostOnce(ServerCase):
    """iOS, Android and SMS, with fast retries and a deadline of two seconds."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-once-")
        cls.addClassCleanup(directory.cleanup)
        quick = {"timeout": "2s"}
        cls.world = World(directory.name, ("ios", "android", "sms"), ios=quick, android=quick,
                          sms=quick)
        cls.addClassCleanup(cls.world.stop)
        cls.server, cls.app = cls.world.server, cls.world.app
        cls.numbers = iter(range(1, 10_000))

    def push(self, token, **more):
        return self.delivery({"to": [{"platform": "ios", "token": token,
                                      "bundle_id": keys.TOPIC}], "content": PUSH, **more})

    def sms(self, phone, **more):
        return self.delivery({"to": [{"phone": phone}], "content": SMS, **more})

    def token(self):
        return f"{next(self.numbers):064x}"

    def phone(self):
        return f"+1415556{next(self.numbers):04d}"

    def assert_unknown(self, fake, address, one, reason, code=None):
        """One request, no attempt after it, and a timeline that says why."""
        self.assertEqual((one["state"], one["reason"], one["attempts"]), ("unknown", reason, 1), one)
        self.assertEqual(len(fake.requests(address)), 1)
        last = self.app.events(one["notification_id"])[-1]
        self.assertEqual((last["type"], last["reason"], last.get("code")),
                         ("unknown", reason, code), last)
        shown = self.app.must("GET", f"/v1/notifications/{one['notification_id']}")
        self.assertEqual((shown["guarantee"], shown["status"], shown["counts"].get("unknown")),
                         ("at_most_once", "done", 1))
        skipped = self.app.must("POST", "/v1/dead-letters/redrive", {"ids": [one["id"]]})
        self.assertEqual(skipped["skipped"], [one["id"]])

    def test_sent_it_is_sent_like_any_other(self):
        token = self.token()
        one = self.push(token, **ONCE)
        self.assertEqual((one["state"], one["attempts"]), ("sent", 1))
        self.assertEqual(len(self.world.apns.requests(token)), 1)

    def test_a_connection_cut_after_the_request_is_unknown(self):
        phone = self.phone()
        self.world.sms.rule({"reset": 1}, address=phone)
        self.assert_unknown(self.world.sms, phone, self.sms(phone, **ONCE), "cut_off")

    def test_a_reset_that_proves_nothing_is_unknown(self):
        for code in (2, 8):
            with self.subTest(code=code):
                token = self.token()
                self.world.apns.rule({"reset": code}, address=token)
                self.assert_unknown(self.world.apns, token, self.push(token, **ONCE), "cut_off")

    def test_no_answer_in_time_is_unknown(self):
        for fake, send, address in [(self.world.apns, self.push, self.token()),
                                    (self.world.sms, self.sms, self.phone())]:
            with self.subTest(address=address):
                fake.rule({"hang": True}, address=address)
                self.assert_unknown(fake, address, send(address, **ONCE), "cut_off")

    def test_a_fault_of_the_service_is_unknown_with_its_word(self):
        token, phone = self.token(), self.phone()
        self.world.apns.rule({"reason": "ServiceUnavailable"}, address=token)
        self.assert_unknown(self.world.apns, token, self.push(token, **ONCE),
                            "ServiceUnavailable", "503")
        self.world.sms.rule({"reason": 20500}, address=phone)
        self.assert_unknown(self.world.sms, phone, self.sms(phone, **ONCE), "unavailable", "20500")
        address = f"fcm:{next(self.numbers)}"
        self.world.fcm.rule({"reason": "UNAVAILABLE"}, address=address)
        one = self.delivery({"to": [{"platform": "android", "token": address,
                                     "bundle_id": keys.TOPIC}], "content": PUSH, **ONCE})
        self.assert_unknown(self.world.fcm, address, one, "unavailable", "UNAVAILABLE")

    def test_a_refused_stream_is_sent_again(self):
        token = self.token()
        self.world.apns.rule({"reset": 7}, address=token, times=2)
        one = self.push(token, **ONCE)
        self.assertEqual((one["state"], one["attempts"]), ("sent", 3))
        self.assertEqual(len(self.world.apns.requests(token)), 3)

    def test_goaway_decides_by_the_last_stream(self):
        for when, state, count in (("after", "sent", 1), ("before", "sent", 2)):
            with self.subTest(when=when):
                self.push(self.token())
                token = self.token()
                self.world.apns.rule({"goaway": when}, address=token, times=1)
                self.assertEqual(self.push(token, **ONCE)["state"], state)
                self.assertEqual(len(self.world.apns.requests(token)), count)

    def test_a_refusal_is_the_providers_word_that_it_did_not_take_it(self):
        phone = self.phone()
        self.world.sms.rule({"reason": 20429, "headers": {"retry-after": "1"}}, address=phone,
                            times=1)
        one = self.sms(phone, **ONCE)
        self.assertEqual(one["state"], "sent")
        self.assertEqual(len(self.world.sms.requests(phone)), 2)

    def test_attempts_that_were_all_refused_make_a_dead_letter(self):
        token = self.token()
        self.world.apns.rule({"reset": 7}, address=token, times=4)
        one = self.push(token, **ONCE)
        self.assertEqual((one["state"], one["attempts"]), ("dead", 4))
        again = self.app.must("POST", "/v1/dead-letters/redrive", {"ids": [one["id"]]})
        self.assertEqual(again["redriven"], 1)
        wait_for(lambda: self.app.settled(one["notification_id"])[0]["state"] == "sent")
        self.assertEqual(len(self.world.apns.requests(token)), 5)

    def test_a_category_says_it_and_a_notification_says_otherwise(self):
        once, often = unique("once"), unique("often")
        self.app.must("PUT", f"/v1/categories/{once}", ONCE)
        self.assertEqual(self.app.must("GET", f"/v1/categories/{once}")["guarantee"],
                         "at_most_once")
        self.app.must("PUT", f"/v1/categories/{often}", {"guarantee": "at_least_once"})
        rows = [({"category": once}, "unknown", 1),
                ({"category": once, "guarantee": "at_least_once"}, "sent", 2),
                ({"category": often}, "sent", 2), ({"category": often, **ONCE}, "unknown", 1),
                ({}, "sent", 2)]
        for more, state, count in rows:
            with self.subTest(more=more):
                phone = self.phone()
                self.world.sms.rule({"reset": 1}, address=phone, times=1)
                self.assertEqual(self.sms(phone, **more)["state"], state)
                self.assertEqual(len(self.world.sms.requests(phone)), count)


class NarrowDoor(ServerCase):
    """One stream at a time on a connection: what waits for its turn is in no doubt."""

    def test_everything_is_sent_once(self):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-once-narrow-")
        self.addCleanup(directory.cleanup)
        world = World(directory.name, ("ios",), fake={"streams": 1})
        self.addCleanup(world.stop)
        sent = world.app.send({"to": [{"platform": "ios", "token": f"{i:064x}",
                                       "bundle_id": keys.TOPIC} for i in range(300)],
                               "content": PUSH, **ONCE})
        found = world.app.settled(sent["id"], 30)
        self.assertEqual({(d["state"], d["attempts"]) for d in found}, {("sent", 1)})
        self.assertEqual(len(world.apns.requests()), 300)


if __name__ == "__main__":
    unittest.main()
