"""Routes: the first rule that matches wins; a recipient's fault ends the channel."""
import tempfile
import unittest

from bongsu import Server
from case import ServerCase, unique
from fakes import TWILIO_SID, TWILIO_TOKEN, start_twilio
from world import RETRY


class Routes(ServerCase):
    """Three SMS providers: one for Korea, one for one app, and a pair for the rest."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-routes-")
        cls.addClassCleanup(directory.cleanup)
        cls.fakes = {name: start_twilio(directory.name, name=name)
                     for name in ("korea", "special", "first", "second")}
        for fake in cls.fakes.values():
            cls.addClassCleanup(fake.stop)
        cls.server = Server({
            "providers": {name: {"driver": "twilio", "account_sid": TWILIO_SID,
                                 "auth_token": TWILIO_TOKEN, "from": "+15005550006",
                                 "url": f"http://127.0.0.1:{fake.port}"}
                          for name, fake in cls.fakes.items()},
            "routes": [
                {"kind": "sms", "match": {"country": ["KR", "JP"]}, "providers": ["korea"]},
                {"kind": "sms", "match": {"app": ["special"]}, "providers": ["special"]},
                {"kind": "sms", "match": {"category": ["codes"]}, "providers": ["special"]},
                {"kind": "sms", "providers": ["first", "second"]}],
            "retry": RETRY}, directory=directory.name)
        cls.addClassCleanup(cls.server.stop)
        cls.app = cls.server.app("shop")

    def setUp(self):
        for fake in self.fakes.values():
            fake.rules()

    def sms(self, phone, **more):
        return self.delivery({"to": [{"phone": phone}], "content": {"sms": {"text": "x"}}, **more})

    def test_the_first_rule_that_matches_wins(self):
        self.app.must("PUT", "/v1/categories/codes", {})
        special = self.server.app("special")
        asia, rest = "rule 1 (country KR, JP)", "rule 4"
        for phone, more, provider, route in [
                ("+821012345678", {}, "korea", asia), ("+819012345678", {}, "korea", asia),
                ("+14155550100", {}, "first", rest),
                ("+14155550100", {"category": "codes"}, "special", "rule 3 (category codes)"),
                ("+14155550100", {"client": special}, "special", "rule 2 (app special)"),
                ("+821012345678", {"client": special}, "korea", asia)]:
            with self.subTest(phone=phone, more=more):
                client = more.pop("client", None)
                one = self.delivery({"to": [{"phone": phone}], "content": {"sms": {"text": "x"}},
                                     **more}, client=client)
                self.assertEqual((one["state"], one["provider"]), ("sent", provider))
                events = (client or self.app).events(one["notification_id"])
                self.assertEqual([e["route"] for e in events if e["attempt"]], [route])

    def test_a_recipients_fault_ends_the_channel(self):
        phone = "+14155550202"
        self.fakes["first"].rule({"reason": 21614}, address=phone)
        self.assertEqual(self.sms(phone)["state"], "failed")
        self.assertEqual(self.fakes["second"].requests(phone), [])

    def test_a_providers_fault_goes_on_at_once_to_the_next_of_the_rule(self):
        phone = "+14155550303"
        self.fakes["first"].rule({"status": 500}, address=phone)
        one = self.sms(phone)
        self.assertEqual((one["state"], one["provider"], one["attempts"]), ("sent", "second", 2))
        self.assertEqual(len(self.fakes["first"].requests(phone)), 1)
        events = [e for e in self.app.events(one["notification_id"]) if e["attempt"]]
        self.assertEqual([e["provider"] for e in events][:1], ["first"])
        self.assertEqual(events[-1]["provider"], "second")
        self.assertEqual([e["route"] for e in events],
                         ["rule 4", "rule 4, past first: tried before"])


class Unrouted(ServerCase):
    """A kind that no rule leads anywhere."""

    config = {"routes": [{"kind": "sms", "providers": ["demo"]}]}

    def test_it_does_not_vanish(self):
        sent = self.app.send({"to": [{"email": "a@b.example"}], "ttl": "2s", "content": {
            "email": {"from": "a@b.example", "subject": unique("s"), "text": "t"}}})
        found = self.app.settled(sent["id"])
        self.assertEqual(len(found), sent["deliveries"])
        for one in found:
            self.assertIn(one["state"], ("failed", "expired", "dead"))


if __name__ == "__main__":
    unittest.main()
