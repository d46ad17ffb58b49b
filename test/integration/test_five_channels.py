"""A user with an iPhone, an Android phone, a browser, a phone number and an e-mail address: one
POST, five deliveries, each received by its counterpart with the right content."""
import json
import tempfile
import unittest

import pki as keys
import peers
from case import ServerCase, unique
from postfix import DOMAIN
from world import CONTENT, World


class FiveChannels(ServerCase):
    """Every counterpart is strict: what it would refuse fails the test."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-five-")
        cls.addClassCleanup(directory.cleanup)
        cls.world = World(directory.name)
        cls.addClassCleanup(cls.world.stop)
        cls.server, cls.app = cls.world.server, cls.world.app
        cls.app.must("PUT", "/v1/templates/order", CONTENT)

    def send(self, user, **more):
        accepted = self.app.send({"to": [{"user_id": user}], "template": "order",
                                  "data": {"order": {"id": 42}}, **more})
        return accepted, self.app.settled(accepted["id"])

    def test_one_post_reaches_all_five_in_the_users_locale(self):
        web = self.world.full_user("u1", token="a1" * 32)
        accepted, found = self.send("u1", collapse_key="order-42", priority="high", ttl="1h")
        self.assertEqual(accepted["deliveries"], 5)
        self.assertEqual(sorted((d["kind"], d["state"]) for d in found),
                         [(kind, "sent") for kind in ("android", "email", "ios", "sms", "web")],
                         found)
        self.assert_ios("a1" * 32)
        self.assert_android("fcm:u1")
        self.assert_web(web)
        self.assert_sms("+821012345678")
        self.assert_mail("u1")
        for one in found:
            self.assertTrue(one["provider_message_id"] or one["kind"] == "email", one)
            self.assertEqual(one["attempts"], 1)

    def assert_ios(self, token):
        request, = self.world.apns.requests(token)
        self.assertEqual(request["status"], 200, request)
        headers = peers.headers(request)
        self.assertEqual(headers["apns-topic"], keys.TOPIC)
        self.assertEqual(headers["apns-push-type"], "alert")
        self.assertEqual(headers["apns-priority"], "10")
        self.assertEqual(headers["apns-collapse-id"], "order-42")
        self.assertGreater(int(headers["apns-expiration"]), 1_700_000_000)
        payload = json.loads(request["body"])
        self.assertEqual(payload["aps"]["alert"], {"title": "주문 42", "body": "안나 & <Co> 님"})

    def assert_android(self, token):
        request, = self.world.fcm.requests(token)
        self.assertNotIn("fault", request)
        self.assertEqual(request["version"], "2.0")
        message = json.loads(request["body"])["message"]
        text = json.dumps(message, ensure_ascii=False)
        self.assertIn("주문 42", text)
        self.assertIn("안나 & <Co> 님", text)
        self.assertEqual(message["android"]["priority"], "HIGH")
        self.assertEqual(message["android"]["collapseKey"], "order-42")
        self.assertRegex(message["android"]["ttl"], r"^\d+s$")

    def assert_web(self, address):
        request, = self.world.web.requests(address)
        self.assertNotIn("fault", request)
        self.assertIn("주문 42", request["text"])
        self.assertIn("안나 & <Co> 님", request["text"])
        headers = peers.headers(request)
        self.assertEqual(headers["urgency"], "high")
        self.assertLessEqual(int(headers["ttl"]), 3600)
        self.assertIn("topic", headers)

    def assert_sms(self, number):
        request, = self.world.sms.requests(number)
        self.assertNotIn("fault", request)
        self.assertEqual(request["form"]["Body"], "주문 42 배송 시작")
        self.assertEqual(request["form"]["From"], "+15005550006")

    def assert_mail(self, user):
        mail = self.world.mail.mail(user)[0]
        self.assertEqual(mail["subject"], "주문 42 배송 시작")
        self.assertEqual(mail["to"].strip("<>"), f"{user}@{DOMAIN}")
        self.assertEqual(mail["from"], f"Shop <no-reply@{DOMAIN}>")
        self.assertTrue(mail["message-id"] and mail["date"] and mail["mime-version"])
        self.assertEqual(mail.get_content_type(), "multipart/alternative")
        self.assertEqual([part.get_content_type() for part in mail.iter_parts()],
                         ["text/plain", "text/html"])
        self.assertEqual(mail.get_body(("plain",)).get_content().strip(), "주문 42")
        self.assertIn("<p>주문 42</p>", mail.get_body(("html",)).get_content())

    def test_another_locale_gets_the_default_and_html_is_escaped_only_in_html(self):
        web = self.world.full_user("u2", token="a2" * 32, locale="de-DE", phone="+4915112345678")
        _, found = self.send("u2")
        self.assertEqual({d["state"] for d in found}, {"sent"})
        text = self.world.mail.mail("u2")[0]
        self.assertEqual(text["subject"], "Order 42 – ready")
        self.assertEqual(text.get_body(("plain",)).get_content().rstrip("\n"),
                         "Order 42 for 안나 & <Co>\n.\nEnd")
        self.assertIn("안나 &amp; &lt;Co&gt;", text.get_body(("html",)).get_content())
        sms, = self.world.sms.requests("+4915112345678")
        self.assertEqual(sms["form"]["Body"], "Order 42 & more for 안나 & <Co>")
        self.assertIn("for 안나 & <Co>", self.world.web.requests(web)[0]["text"])

    def test_opted_out_channels_are_suppressed_and_nobody_is_called(self):
        web = self.world.full_user("u3", token="a3" * 32, phone="+14155550133")
        self.app.must("PUT", "/v1/users/u3/preferences",
                      {"channels": {"push": False, "sms": False, "email": False}})
        _, found = self.send("u3")
        self.assertEqual({(d["channel"], d["state"], d["reason"]) for d in found},
                         {(c, "suppressed", "opted_out") for c in ("push", "sms", "email")})
        self.assertEqual(self.world.apns.requests("a3" * 32), [])
        self.assertEqual(self.world.fcm.requests("fcm:u3"), [])
        self.assertEqual(self.world.web.requests(web), [])
        self.assertEqual(self.world.sms.requests("+14155550133"), [])

    def test_each_recipient_gets_only_its_own(self):
        """A canary a recipient: nothing of one is ever seen by another."""
        to = [{"phone": f"+1415556{i:04d}", "data": {"canary": f"canary-{i}-x"}}
              for i in range(200)]
        accepted = self.app.send({"to": to, "content": {"sms": {"text": "for {{canary}}"}}})
        self.app.settled(accepted["id"])
        for i in range(200):
            request, = self.world.sms.requests(f"+1415556{i:04d}")
            self.assertEqual(request["form"]["Body"], f"for canary-{i}-x")

    def test_credentials_are_made_once_and_reused(self):
        name = unique("many")
        self.app.must("PUT", f"/v1/templates/{name}", {"push": {"title": "t", "body": "b"}})
        to = [{"platform": "ios", "token": f"{i:064x}", "bundle_id": keys.TOPIC}
              for i in range(300)]
        to += [{"platform": "android", "token": f"fcm:{i}", "bundle_id": keys.TOPIC}
               for i in range(300)]
        accepted = self.app.send({"to": to, "template": name})
        found = self.app.settled(accepted["id"], 30)
        self.assertEqual({d["state"] for d in found}, {"sent"})
        self.assertEqual(self.world.apns.stats()["tokens"], 1)
        self.assertEqual(self.world.fcm.stats()["tokens"], 1)
        self.assertLessEqual(self.world.apns.stats()["connections"], 8)


if __name__ == "__main__":
    unittest.main()
