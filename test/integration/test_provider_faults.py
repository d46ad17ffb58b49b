"""A provider that errs, throttles, hangs, resets or goes away: the right events in the timeline,
and no lane but its own affected."""
import email.utils
import tempfile
import time
import unittest

import pki as keys
from bongsu import wait_for
from case import PUSH, SMS, ServerCase
from fakes import start_twilio
from world import World


class Faults(ServerCase):
    """iOS, Android, web and SMS, with fast retries and a deadline of two seconds."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-faults-")
        cls.addClassCleanup(directory.cleanup)
        quick = {"timeout": "2s"}
        cls.world = World(directory.name, ("ios", "android", "web", "sms"), ios=quick,
                          android=quick, web=quick, sms=quick)
        cls.addClassCleanup(cls.world.stop)
        cls.server, cls.app = cls.world.server, cls.world.app
        cls.numbers = iter(range(1, 10_000))

    def token(self):
        return f"{next(self.numbers):064x}"

    def phone(self):
        return f"+1415555{next(self.numbers):04d}"

    def push(self, token, seconds=20, platform="ios", **more):
        return self.delivery({"to": [{"platform": platform, "token": token,
                                      "bundle_id": keys.TOPIC}], "content": PUSH, **more}, seconds)

    def sms(self, phone, seconds=20, **more):
        return self.delivery({"to": [{"phone": phone}], "content": SMS, **more}, seconds)

    def timeline(self, one):
        return [(e["type"], e.get("code")) for e in self.app.events(one["notification_id"])]

    def test_a_500_is_tried_again_with_every_attempt_on_record(self):
        for fake, send, address in [(self.world.apns, self.push, self.token()),
                                    (self.world.sms, self.sms, self.phone())]:
            with self.subTest(address=address):
                fake.rule({"status": 500}, address=address, times=2)
                one = send(address)
                self.assertEqual((one["state"], one["attempts"]), ("sent", 3))
                self.assertEqual(len(fake.requests(address)), 3)
                codes = [code for kind, code in self.timeline(one) if code]
                self.assertEqual(codes.count("500"), 2, self.timeline(one))

    def test_attempts_that_run_out_make_a_dead_letter(self):
        phone = self.phone()
        self.world.sms.rule({"reason": 20500}, address=phone)
        one = self.sms(phone)
        self.assertEqual((one["state"], one["attempts"]), ("dead", 4))
        self.assertEqual(len(self.world.sms.requests(phone)), 4)

    def test_retry_after_is_a_floor_in_both_its_forms(self):
        for form in ("seconds", "date"):
            with self.subTest(form=form):
                phone = self.phone()
                due = time.time() + 2
                value = "2" if form == "seconds" else email.utils.formatdate(due, usegmt=True)
                self.world.sms.rule({"reason": 20429, "headers": {"retry-after": value}},
                                    address=phone, times=1)
                one = self.sms(phone)
                first, second = self.world.sms.requests(phone)
                floor = first["at"] + 2000 if form == "seconds" else int(due) * 1000
                self.assertGreaterEqual(second["at"], floor)
                self.assertEqual(one["state"], "sent")

    def test_being_throttled_uses_up_no_attempt(self):
        phone = self.phone()
        self.world.sms.rule({"reason": 20429, "headers": {"retry-after": "1"}}, address=phone,
                            times=6)
        one = self.sms(phone, 30)
        self.assertEqual(one["state"], "sent", one)
        self.assertEqual(len(self.world.sms.requests(phone)), 7)

    def test_a_hang_ends_at_the_deadline_and_is_tried_again(self):
        token = self.token()
        self.world.apns.rule({"hang": True}, address=token, times=1)
        one = self.push(token)
        self.assertEqual(one["state"], "sent")
        first, second = self.world.apns.requests(token)
        self.assertGreaterEqual(second["at"] - first["at"], 1900)

    def test_a_hang_does_not_hold_others_of_its_own_lane(self):
        stuck = self.token()
        self.world.apns.rule({"hang": True}, address=stuck, times=1)
        accepted = self.app.send({"to": [{"platform": "ios", "token": stuck,
                                          "bundle_id": keys.TOPIC}], "content": PUSH})
        wait_for(lambda: self.world.apns.requests(stuck))
        begun = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.push(self.token())["state"], "sent")
        self.assertLess(time.monotonic() - begun, 1.9)
        self.app.settled(accepted["id"])

    def test_a_reset_stream_is_tried_again(self):
        for code, name in [(7, "REFUSED_STREAM"), (2, "INTERNAL_ERROR"), (8, "CANCEL")]:
            with self.subTest(code=name):
                token = self.token()
                self.world.apns.rule({"reset": code}, address=token, times=1)
                one = self.push(token)
                self.assertEqual(one["state"], "sent")
                self.assertEqual(len(self.world.apns.requests(token)), 2)

    def test_a_connection_cut_in_the_middle_is_tried_again_once(self):
        phone = self.phone()
        self.world.sms.rule({"reset": 1}, address=phone, times=1)
        self.assertEqual(self.sms(phone)["state"], "sent")
        self.assertEqual(len(self.world.sms.requests(phone)), 2)

    def test_goaway_is_obeyed(self):
        """Above the last stream id: sent again. At it: answered, and not sent again."""
        for when, count in (("after", 1), ("before", 2)):
            with self.subTest(when=when):
                self.push(self.token())
                token = self.token()
                self.world.apns.rule({"goaway": when}, address=token, times=1)
                one = self.push(token)
                self.assertEqual(one["state"], "sent")
                self.assertEqual(len(self.world.apns.requests(token)), count)
                self.assertEqual(self.push(self.token())["state"], "sent")

    def test_other_lanes_do_not_notice(self):
        self.world.sms.rule({"hang": True}, prefix="+1416")
        stuck = self.app.send({"to": [{"phone": f"+1416555{i:04d}"} for i in range(300)],
                               "content": SMS, "ttl": "20s"})
        wait_for(lambda: self.world.sms.requests())
        begun = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.push(self.token())["state"], "sent")
            self.assertEqual(self.push(f"fcm:{next(self.numbers)}", platform="android")["state"],
                             "sent")
        self.assertLess(time.monotonic() - begun, 4)
        self.app.must("POST", f"/v1/notifications/{stuck['id']}/cancel")
        self.world.sms.rules()
        self.app.settled(stuck["id"], 30)

    def test_a_refusal_for_good_is_not_tried_again(self):
        phone = self.phone()
        self.world.sms.rule({"reason": 21617}, address=phone)
        one = self.sms(phone)
        self.assertEqual((one["state"], one["attempts"]), ("failed", 1))
        self.assertIn("21617", str(self.app.events(one["notification_id"])))

    def test_stop_suppresses_the_number(self):
        phone = self.phone()
        self.world.sms.rule({"reason": 21610}, address=phone)
        self.sms(phone)
        one = self.sms(phone)
        self.assertEqual((one["state"], one["reason"]), ("suppressed", "suppression_list"))
        self.assertEqual(len(self.world.sms.requests(phone)), 1)

    def test_an_expired_access_token_is_fetched_anew_once(self):
        token = f"fcm:{next(self.numbers)}"
        self.push(f"fcm:{next(self.numbers)}", platform="android")
        before = self.world.fcm.stats()["tokens"]
        self.world.fcm.rule({"status": 401, "body": {"error": {
            "code": 401, "message": "expired", "status": "UNAUTHENTICATED"}}},
            address=token, times=1)
        self.assertEqual(self.push(token, platform="android")["state"], "sent")
        self.assertEqual(self.world.fcm.stats()["tokens"], before + 1)


class NarrowDoor(ServerCase):
    """Apple's fake allows one stream at a time on a connection."""

    def test_the_stream_limit_is_obeyed_and_everything_is_sent(self):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-narrow-")
        self.addCleanup(directory.cleanup)
        world = World(directory.name, ("ios",), fake={"streams": 1})
        self.addCleanup(world.stop)
        sent = world.app.send({"to": [{"platform": "ios", "token": f"{i:064x}",
                                       "bundle_id": keys.TOPIC} for i in range(300)],
                               "content": PUSH})
        found = world.app.settled(sent["id"], 30)
        self.assertEqual({(d["state"], d["attempts"]) for d in found}, {("sent", 1)})
        self.assertEqual(len(world.apns.requests()), 300)


class Absent(ServerCase):
    """A provider that is not there when it is needed, and comes later."""

    def test_what_waits_is_sent_when_it_comes(self):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-absent-")
        self.addCleanup(directory.cleanup)
        world = World(directory.name, ("sms",), config={"retry": {
            "normal": {"first": "200ms", "max": "200ms", "attempts": 100}}})
        self.addCleanup(world.stop)
        port = world.sms.port
        world.sms.stop()
        sent = world.app.send({"to": [{"phone": "+14155550100"}], "content": SMS})
        wait_for(lambda: world.app.deliveries(sent["id"])[0]["attempts"] >= 2)
        again = start_twilio(world.directory, port=port)
        self.addCleanup(again.stop)
        self.assertEqual(world.app.settled(sent["id"])[0]["state"], "sent")
        self.assertEqual(len(again.requests("+14155550100")), 1)


class DeadTokens(ServerCase):
    """A token that the provider says is gone retires its device, unless it came back later."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-dead-")
        cls.addClassCleanup(directory.cleanup)
        cls.world = World(directory.name, ("ios", "android", "web"))
        cls.addClassCleanup(cls.world.stop)
        cls.server, cls.app = cls.world.server, cls.world.app

    def device(self, user, **body):
        self.app.must("PUT", f"/v1/users/{user}/devices/d", body)

    def send(self, user):
        return self.delivery({"to": [{"user_id": user}], "channels": ["push"], "content": PUSH})

    def shown(self, user):
        return self.app.must("GET", f"/v1/users/{user}/devices")["data"][0]

    def subjects(self):
        subscription = self.world.web.subscribe(vapid=self.world.pki.vapid_public)
        return [
            (self.world.apns, "d1" * 32, {"reason": "Unregistered"},
             {"platform": "ios", "token": "d1" * 32, "bundle_id": keys.TOPIC}, "Unregistered"),
            (self.world.fcm, "fcm:dead", {"reason": "UNREGISTERED"},
             {"platform": "android", "token": "fcm:dead", "bundle_id": keys.TOPIC},
             "UNREGISTERED"),
            (self.world.web, subscription["endpoint"].rsplit("/", 1)[1],
             {"status": 410, "body": {"errno": 106}},
             {"platform": "web", "subscription": subscription}, "410")]

    def test_a_dead_token_is_retired_and_not_called_again(self):
        for fake, address, act, body, word in self.subjects():
            with self.subTest(platform=body["platform"]):
                user = self.user()
                self.device(user, **body)
                fake.rule(act, address=address)
                one = self.send(user)
                self.assertEqual(one["state"], "failed", one)
                self.assertIn(word, str(self.app.events(one["notification_id"])))
                wait_for(lambda: self.shown(user).get("invalid_at"))
                one = self.send(user)
                self.assertEqual((one["state"], one["reason"]), ("suppressed", "invalid_token"))
                self.assertEqual(len(fake.requests(address)), 1)
                fake.rules()
                self.device(user, **body)
                self.assertIsNone(self.shown(user).get("invalid_at"))
                self.assertEqual(self.send(user)["state"], "sent")

    def test_a_registration_after_the_providers_time_wins(self):
        user, token = self.user(), "d2" * 32
        self.device(user, platform="ios", token=token, bundle_id=keys.TOPIC)
        self.world.apns.rule({"reason": "Unregistered", "timestamp": 1_600_000_000_000},
                             address=token, times=1)
        self.assertEqual(self.send(user)["state"], "failed")
        self.assertIsNone(self.shown(user).get("invalid_at"))
        self.assertEqual(self.send(user)["state"], "sent")

    def test_a_server_error_never_retires_a_device(self):
        user, token = self.user(), "d3" * 32
        self.device(user, platform="ios", token=token, bundle_id=keys.TOPIC)
        self.world.apns.rule({"reason": "InternalServerError"}, address=token)
        self.assertEqual(self.send(user)["state"], "dead")
        self.assertIsNone(self.shown(user).get("invalid_at"))


if __name__ == "__main__":
    unittest.main()
