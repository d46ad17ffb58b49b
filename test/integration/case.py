"""What the suites share: a server for a class of tests, its log when one fails, short data."""
import itertools
import unittest

import bongsu

SUBSCRIPTION = {
    "endpoint": "https://push.example.net/p/ok",
    "keys": {"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6S"
                       "RpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg"},
}
IOS = {"platform": "ios", "token": "ok", "bundle_id": "com.example.shop"}
PUSH = {"push": {"title": "t", "body": "b"}}
SMS = {"sms": {"text": "hello"}}
EMAIL = {"email": {"from": "shop@shop.example", "subject": "s", "text": "t"}}
CONTENT = {**PUSH, **SMS, **EMAIL}
PHONE = [{"phone": "+14155550100"}]
GOOD = {"to": PHONE, "content": SMS}
_numbers = itertools.count(1)


def unique(prefix):
    """A name that no other test of this process uses."""
    return f"{prefix}{next(_numbers)}"


class ServerCase(unittest.TestCase):
    """Tests over one server with the sandbox for every kind; subclasses may give `config`."""

    config = None

    @classmethod
    def setUpClass(cls):
        cls.server = bongsu.Server(cls.config)
        cls.addClassCleanup(cls.server.stop)
        cls.root = cls.server.root()
        cls.app = cls.server.app("shop")

    def run(self, result=None):
        """Adds the end of the server's log to a test that fails."""
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            server = getattr(self, "server", None)
            print(f"--- {self.id()}: the end of the server's log\n{server and server.tail(2000)}")

    # Assertions on the contract's own shapes.

    def assert_problem(self, answer, status, slug=None):
        """RFC 9457: the right media type, all members, and the status twice."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers.get("content-type", "").split(";")[0],
                         "application/problem+json", answer)
        problem = answer.json
        for member in ("type", "title", "status", "detail"):
            self.assertIn(member, problem)
        self.assertEqual(problem["status"], status)
        self.assertRegex(problem["type"], r"[a-z0-9-]+$")
        if slug:
            self.assertTrue(problem["type"].endswith(slug), problem["type"])
        self.assertIn("x-request-id", answer.headers)
        for word in ("sqlite", "SELECT", "src/", ".c:", "/tmp/"):
            self.assertNotIn(word, answer.body.decode())
        return problem

    def assert_faults(self, answer, pointers, status=400):
        """A problem that lists exactly these pointers, in any order."""
        problem = self.assert_problem(answer, status)
        found = sorted({fault["pointer"] for fault in problem.get("errors", [])})
        self.assertEqual(found, sorted(pointers), problem)
        return {fault["pointer"]: fault["detail"] for fault in problem["errors"]}

    def user(self, client=None, **record):
        """Makes a user; its id."""
        name = unique("u")
        (client or self.app).must("PUT", f"/v1/users/{name}", record)
        return name

    def delivery(self, notification, seconds=20, client=None):
        """Sends one, and waits for its only delivery to be final."""
        client = client or self.app
        accepted = client.send(notification)
        found = client.settled(accepted["id"], seconds)
        self.assertEqual(len(found), 1, found)
        return found[0]
