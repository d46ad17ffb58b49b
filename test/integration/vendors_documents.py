"""Twilio's and Google's own OpenAPI documents judge each request, by prism in proxy mode before a
fault-injecting upstream. They stand beside the tree (SHARED/specs), so .ci/run runs this, not
make test."""
import tempfile
import unittest

import pki as keys
from bongsu import Server, free_port
from case import PUSH, ServerCase
from fakes import TWILIO_SID, TWILIO_TOKEN, start_fcm, start_twilio
from peers import SPECS, Prism
from world import RETRY


class VendorsDocuments(ServerCase):
    """The strict copies refuse members that the vendor does not know."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-prism-")
        cls.addClassCleanup(directory.cleanup)
        made = keys.Pki(directory.name)
        cls.fcm, cls.twilio = start_fcm(directory.name, made), start_twilio(directory.name)
        cls.prisms = []
        for fake, document in ((cls.fcm, "fcm-send"), (cls.twilio, "twilio-messages")):
            cls.addClassCleanup(fake.stop)
            prism = Prism(SPECS / f"{document}.strict.json", fake.port, directory.name,
                          free_port())
            cls.addClassCleanup(prism.stop)
            cls.prisms.append(prism)
        account = made.service_account(f"http://127.0.0.1:{cls.fcm.port}/token")
        cls.server = Server({"providers": {
            "fcm": {"driver": "fcm", "service_account": f"file:{account}",
                    "url": f"http://127.0.0.1:{cls.prisms[0].port}"},
            "sms": {"driver": "twilio", "account_sid": TWILIO_SID, "auth_token": TWILIO_TOKEN,
                    "from": "+15005550006", "url": f"http://127.0.0.1:{cls.prisms[1].port}"}},
            "routes": [{"kind": "android", "providers": ["fcm"]},
                       {"kind": "sms", "providers": ["sms"]}],
            "retry": RETRY}, directory=directory.name)
        cls.addClassCleanup(cls.server.stop)
        cls.app = cls.server.app("shop")

    def tearDown(self):
        for prism in self.prisms:
            # The documents name no errors, so that answers of the fakes are not theirs to judge.
            self.assertEqual(prism.violations("request"), [])

    def android(self, token, content=None, **more):
        return self.delivery({"to": [{"platform": "android", "token": token,
                                      "bundle_id": keys.TOPIC}],
                              "content": content or PUSH, **more}, 30)

    def test_every_shape_of_a_push_is_valid(self):
        full = {"push": {"title": "t", "body": "b", "url": "https://shop.example/",
                         "image": "https://shop.example/i.png", "data": {"k": "v"}}}
        for number, more in enumerate([{}, {"content": full},
                                       {"priority": "critical", "ttl": "1h"},
                                       {"priority": "low", "collapse_key": "k"},
                                       {"content": {"push": {"body": "only a body"}}}]):
            with self.subTest(more=more):
                one = self.android(f"t{number}", **more)
                self.assertEqual(one["state"], "sent", self.app.events(one["notification_id"]))

    def test_every_shape_of_a_message_is_valid(self):
        for number, text in enumerate(["hi", "& = + % ?", "안녕 🎉", "x" * 1600, "a\nb"]):
            with self.subTest(text=text[:10]):
                one = self.delivery({"to": [{"phone": f"+1415555{number:04d}"}],
                                     "content": {"sms": {"text": text}}, "ttl": "1h"}, 30)
                self.assertEqual(one["state"], "sent", self.app.events(one["notification_id"]))
                self.assertEqual(self.twilio.requests(f"+1415555{number:04d}")[0]["form"]["Body"],
                                 text)

    def test_faults_of_the_upstream_come_through(self):
        self.twilio.rule({"reason": 20429, "headers": {"retry-after": "1"}},
                         address="+14155559001", times=1)
        self.twilio.rule({"reason": 20500}, address="+14155559002", times=2)
        for phone, count in (("+14155559001", 2), ("+14155559002", 3)):
            one = self.delivery({"to": [{"phone": phone}], "content": {"sms": {"text": "x"}}}, 30)
            self.assertEqual(one["state"], "sent")
            self.assertEqual(len(self.twilio.requests(phone)), count)
        self.fcm.rule({"reason": "UNAVAILABLE", "headers": {"retry-after": "1"}}, address="slow",
                      times=1)
        self.assertEqual(self.android("slow")["attempts"], 2)


if __name__ == "__main__":
    unittest.main()
