"""E-mail to a real Postfix, and to smtp-sink where a server must misbehave."""
import tempfile
import unittest

from bongsu import Server
from case import ServerCase, unique
from pki import Pki
from postfix import DOMAIN, PASSWORD, USER, Sink
from world import RETRY, World

EMAIL = {"email": {"from": f"Shop <no-reply@{DOMAIN}>", "subject": "{{s}}", "text": "{{t}}",
                   "html": "<p>{{t}}</p>"}}


class MailCase(ServerCase):
    """Sends one mail and waits for its end."""

    def mail(self, to, subject="Hi", text="Hello", seconds=20, server=None, **more):
        client = server.app(unique("app")) if server else self.app
        sent = client.send({"to": [{"email": to}], "content": EMAIL,
                            "data": {"s": subject, "t": text}, **more})
        found = client.settled(sent["id"], seconds)
        self.assertEqual(len(found), 1)
        found[0]["events"] = client.events(sent["id"])
        return found[0]


class RealPostfix(MailCase):
    """A real MTA's judgement."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-mail-")
        cls.addClassCleanup(directory.cleanup)
        cls.world = World(directory.name, ("email",))
        cls.addClassCleanup(cls.world.stop)
        cls.server, cls.app, cls.postfix = cls.world.server, cls.world.app, cls.world.mail
        cls.postfix.access(grey="450 4.7.1 come back later", policy="550 5.7.1 not from you",
                           full="452 4.2.2 mailbox full")

    def server_with(self, **mail):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-mail-")
        self.addCleanup(directory.cleanup)
        server = Server({"providers": {"mail": {
            "driver": "smtp", "url": f"smtp://127.0.0.1:{self.postfix.port}",
            "ca": str(self.world.pki.ca), **mail}}, "retry": RETRY,
            "routes": [{"kind": "email", "providers": ["mail"]}]}, directory=directory.name)
        self.addCleanup(server.stop)
        return server

    def test_texts_arrive_exactly(self):
        text = ("First\n.\n..two dots\nFrom the start\n" + "long " * 400 + "\n"
                + "한국어 ünïcödé 🎉\ttab\n trailing \n= equals =20\n")
        subject = "Ümläut 한국어 🎉 " + "very " * 40 + "long"
        one = self.mail(f"u1@{DOMAIN}", subject, text)
        self.assertEqual(one["state"], "sent", one)
        mail = self.postfix.mail_about("u1", subject)
        self.assertEqual(mail.get_body(("plain",)).get_content().rstrip("\n"), text.rstrip("\n"))
        self.assertEqual(mail["return-path"].strip("<>"), f"no-reply@{DOMAIN}")
        self.assertRegex(mail["message-id"], r"^<[^@<>]+@[^@<>]+>$")
        raw = bytes(mail)
        self.assertTrue(all(len(line) <= 998 for line in raw.split(b"\n")))

    def test_header_injection_is_impossible(self):
        for subject in ("Hi\r\nBcc: u2@shop.example", "Hi\nX-Evil: 1", "Hi\rX-Evil: 1",
                        "Hi\u2028X-Evil: 1", "Hi\x0bX-Evil: 1"):
            with self.subTest(subject=subject):
                before = len(self.postfix.mails("u2"))
                one = self.mail(f"u1@{DOMAIN}", subject)
                self.assertIn(one["state"], ("sent", "failed"))
                self.assertEqual(len(self.postfix.mails("u2")), before)
                for mail in self.postfix.mails("u1"):
                    self.assertIsNone(mail["x-evil"])
                    self.assertIsNone(mail["bcc"])

    def test_an_unknown_user_fails_for_good_and_is_suppressed(self):
        one = self.mail(f"nobody@{DOMAIN}")
        self.assertEqual((one["state"], one["attempts"]), ("failed", 1))
        self.assertIn("550", str(one["events"]))
        one = self.mail(f"nobody@{DOMAIN}")
        self.assertEqual((one["state"], one["reason"]), ("suppressed", "suppression_list"))

    def test_a_policy_refusal_never_suppresses(self):
        self.assertIn(self.mail(f"policy@{DOMAIN}", ttl="2s")["state"],
                      ("failed", "dead", "expired"))
        again = self.mail(f"policy@{DOMAIN}", ttl="2s")
        self.assertNotEqual(again["state"], "suppressed")

    def test_a_temporary_refusal_is_tried_again(self):
        one = self.mail(f"grey@{DOMAIN}")
        self.assertEqual((one["state"], one["attempts"]), ("dead", 4))
        self.assertEqual(str(one["events"]).count("'code': '450"), 4, one["events"])

    def test_the_stream_is_encrypted(self):
        self.mail(f"u1@{DOMAIN}", "encrypted")
        mail = self.postfix.mail_about("u1", "encrypted")
        self.assertIn("with ESMTPS", mail["received"])

    def test_auth_after_starttls(self):
        server = self.server_with(url=f"smtp://127.0.0.1:{self.postfix.submission}", user=USER,
                                  password=PASSWORD)
        one = self.mail(f"u1@{DOMAIN}", "with AUTH", server=server)
        self.assertEqual(one["state"], "sent", one)
        mail = self.postfix.mail_about("u1", "with AUTH")
        self.assertIn("with ESMTPSA", mail["received"])

    def test_a_wrong_password_is_the_accounts_fault_not_the_recipients(self):
        server = self.server_with(url=f"smtp://127.0.0.1:{self.postfix.submission}", user=USER,
                                  password="wrong")
        one = self.mail(f"u1@{DOMAIN}", server=server, ttl="2s")
        self.assertIn(one["state"], ("expired", "dead"))
        self.assertIn("535", str(one["events"]))
        self.assertNotIn("wrong", server.tail(100_000))

    def test_a_certificate_of_another_ca_is_refused(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        server = self.server_with(ca=str(Pki(directory.name).ca))
        before = len(self.postfix.mails("u2"))
        one = self.mail(f"u2@{DOMAIN}", server=server, ttl="2s")
        self.assertIn(one["state"], ("expired", "dead"))
        self.assertEqual(len(self.postfix.mails("u2")), before)

    def test_sessions_are_reused(self):
        before = self.connections()
        for i in range(20):
            self.assertEqual(self.mail(f"u1@{DOMAIN}", f"pooled {i}")["state"], "sent")
        self.assertLess(self.connections() - before, 10)

    def connections(self):
        return self.postfix.log().count(": connect from ")

    def test_a_large_mail_passes(self):
        one = self.mail(f"u1@{DOMAIN}", text="x" * 500_000)
        self.assertEqual(one["state"], "sent", one)


class Misbehaving(MailCase):
    """smtp-sink: one fault a server."""

    def run_against(self, *options, seconds=20, smtp=None, **more):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-sink-")
        self.addCleanup(directory.cleanup)
        sink = Sink(directory.name, *options)
        self.addCleanup(sink.stop)
        server = Server({"providers": {"mail": {
            "driver": "smtp", "url": f"smtp://127.0.0.1:{sink.port}", "starttls": "off",
            "timeout": "2s", **(smtp or {})}}, "retry": RETRY,
            "routes": [{"kind": "email", "providers": ["mail"]}]}, directory=directory.name)
        self.addCleanup(server.stop)
        one = self.mail("u1@shop.example", seconds=seconds, server=server, **more)
        return one, sink

    def test_a_plain_server_takes_it(self):
        one, sink = self.run_against()
        self.assertEqual((one["state"], one["attempts"]), ("sent", 1))
        self.assertIn(b"Subject: Hi", sink.mails()[0])

    def test_soft_errors_are_tried_again_at_every_step(self):
        for step in ("ehlo,helo", "mail", "rcpt", "data", "."):
            with self.subTest(step=step):
                one, _ = self.run_against("-r", step)
                self.assertEqual((one["state"], one["attempts"]), ("dead", 4), one["events"])

    def test_hard_errors_end_it_at_once(self):
        for step in ("rcpt", "data", "."):
            with self.subTest(step=step):
                one, _ = self.run_against("-f", step, ttl="3s")
                self.assertEqual((one["state"], one["attempts"]), ("failed", 1), one["events"])

    def test_a_drop_before_the_final_dot_is_tried_again(self):
        one, sink = self.run_against("-q", "data")
        self.assertEqual((one["state"], one["attempts"]), ("dead", 4), one["events"])
        self.assertFalse(any(b"Subject: Hi" in mail for mail in sink.mails()))

    def test_a_drop_after_the_final_dot_repeats_under_the_same_message_id(self):
        one, sink = self.run_against("-q", ".")
        self.assertEqual(one["state"], "dead", one["events"])
        mails = [mail for mail in sink.mails() if b"Message-ID" in mail or b"Message-Id" in mail]
        self.assertEqual(len(mails), one["attempts"])
        ids = {line for mail in mails for line in mail.split(b"\n")
               if line.lower().startswith(b"message-id:")}
        self.assertEqual(len(ids), 1, "receivers could not tell a repeat")

    def test_421_and_slowness_are_outages(self):
        one, _ = self.run_against("-Q", "mail")
        self.assertEqual(one["state"], "dead", one["events"])
        one, _ = self.run_against("-p", "-W", "mail:30", seconds=40, ttl="4s")
        self.assertIn(one["state"], ("expired", "dead"), one["events"])

    def test_without_starttls_nothing_is_sent_where_it_is_required(self):
        one, sink = self.run_against(smtp={"starttls": "required"}, ttl="3s")
        self.assertIn(one["state"], ("expired", "dead", "failed"))
        self.assertEqual(sink.mails(), [])
        one, sink = self.run_against(smtp={"starttls": "offered"})
        self.assertEqual(one["state"], "sent")


if __name__ == "__main__":
    unittest.main()
