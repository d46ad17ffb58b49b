"""Web Push to what others wrote: a real Firefox, web-push-testing, http_ece, and a strict fake."""
import json
import os
import tempfile
import unittest
import urllib.request

import peers
from bongsu import free_port, wait_for
from case import ServerCase, unique
from firefox import Firefox
from peers import Process
from world import World


class WebPushCase(ServerCase):
    """A server whose only way is web push."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-web-")
        cls.addClassCleanup(directory.cleanup)
        cls.world = World(directory.name, ("web",))
        cls.addClassCleanup(cls.world.stop)
        cls.server, cls.app, cls.fake = cls.world.server, cls.world.app, cls.world.web

    def subscriber(self, subscription):
        user = self.user()
        self.app.must("PUT", f"/v1/users/{user}/devices/d",
                      {"platform": "web", "subscription": subscription})
        return user

    def push(self, user, seconds=20, **more):
        body = {"to": [{"user_id": user}], "channels": ["push"],
                "content": {"push": {"title": "Hi 안녕 {{n}}", "body": "there & then",
                                     "url": "https://shop.example/"}}, "data": {"n": 1}, **more}
        return self.delivery(body, seconds)


class Browser(WebPushCase):
    """Firefox subscribes, we send, Firefox decrypts, acknowledges and shows."""

    def test_firefox_shows_what_was_posted(self):
        home = tempfile.TemporaryDirectory(prefix="bongsu-firefox-")
        self.addCleanup(home.cleanup)
        browser = Firefox(home.name, self.fake, self.world.pki.vapid_public)
        self.addCleanup(browser.stop)
        self.assertIsNone(browser.error)
        one = self.push(self.subscriber(browser.subscription))
        self.assertEqual(one["state"], "sent", one)
        ack = wait_for(lambda: browser.said("ack"), 20)[0]
        self.assertEqual(ack["code"], 100, "it could not decrypt")
        said = wait_for(lambda: browser.said("worker"), 20)[0]
        self.assertIsNone(said["error"], said)
        self.assertEqual(said["shown"], {"title": "Hi 안녕 1", "body": "there & then"})


class Strict(WebPushCase):
    """What the big services refuse and web-push-testing lets pass."""

    def subscription(self, **wishes):
        return self.fake.subscribe(vapid=self.world.pki.vapid_public, **wishes)

    def last(self, subscription):
        return self.fake.requests(subscription["endpoint"].rsplit("/", 1)[1])[-1]

    def test_headers_for_each_priority(self):
        for priority, urgency in [("critical", "high"), ("high", "high"), ("normal", "normal"),
                                  ("low", "low")]:
            with self.subTest(priority=priority):
                wanted = self.subscription()
                one = self.push(self.subscriber(wanted), priority=priority, ttl="90s",
                                collapse_key="order 42/ä")
                self.assertEqual(one["state"], "sent", self.last(wanted))
                request = self.last(wanted)
                self.assertNotIn("fault", request)
                headers = peers.headers(request)
                self.assertEqual(headers["urgency"], urgency)
                self.assertTrue(80 <= int(headers["ttl"]) <= 90, headers["ttl"])
                self.assertRegex(headers["topic"], r"^[A-Za-z0-9_-]{1,32}$")

    def test_https_endpoints_are_checked_against_the_ca(self):
        wanted = self.subscription(tls=True)
        self.assertEqual(self.push(self.subscriber(wanted))["state"], "sent")
        self.assertIn("Hi 안녕 1", self.last(wanted)["text"])

    def test_each_message_has_a_key_and_salt_of_its_own(self):
        wanted = self.subscription()
        user = self.subscriber(wanted)
        for _ in range(3):
            self.push(user)
        heads = {request["body"][:115] for request in
                 self.fake.requests(wanted["endpoint"].rsplit("/", 1)[1])}
        self.assertEqual(len(heads), 3)

    def test_the_largest_message_passes_and_a_larger_one_fails_for_good(self):
        wanted = self.subscription()
        user = self.subscriber(wanted)
        content = {"push": {"title": "t", "body": "{{b}}"}}
        low, high = 3000, 4100
        while low < high:
            middle = (low + high + 1) // 2
            one = self.push(user, content=content, data={"b": "x" * middle})
            low, high = (middle, high) if one["state"] == "sent" else (low, middle - 1)
            if one["state"] != "sent":
                self.assertEqual((one["state"], one["attempts"]), ("failed", 1))
        text = max(len(r["text"]) for r in
                   self.fake.requests(wanted["endpoint"].rsplit("/", 1)[1]) if r.get("text"))
        self.assertEqual(text, 3993)

    def test_a_subscription_under_another_key_is_retired(self):
        other = self.fake.subscribe(vapid="B" + "A" * 86)
        user = self.subscriber(other)
        self.assertEqual(self.push(user)["state"], "failed")
        self.assertTrue(self.app.must("GET", f"/v1/users/{user}/devices")["data"][0]["invalid_at"])

    def test_redirects_are_never_followed(self):
        wanted, trap = self.subscription(), self.subscription()
        address = wanted["endpoint"].rsplit("/", 1)[1]
        self.fake.rule({"status": 307, "headers": {"location": trap["endpoint"]}}, address=address)
        user = self.subscriber(wanted)
        sent = self.app.send({"to": [{"user_id": user}], "channels": ["push"], "ttl": "2s",
                              "content": {"push": {"title": "t", "body": "b"}}})
        found = self.app.settled(sent["id"])
        self.assertNotEqual(found[0]["state"], "sent")
        self.assertEqual(self.fake.requests(trap["endpoint"].rsplit("/", 1)[1]), [])


class Endpoints(ServerCase):
    """Subscribers choose endpoints; they must not choose what is inside our network."""

    def test_addresses_inside_are_never_called(self):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-ssrf-")
        self.addCleanup(directory.cleanup)
        world = World(directory.name, ("web",), web={"allow_endpoints": None})
        self.addCleanup(world.stop)
        inside = world.web.subscribe(tls=True)
        port = world.web.ports["tls"]
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433",
                     "0x7f.1", "127.1", "0.0.0.0", "169.254.169.254", "10.0.0.1"):
            with self.subTest(host=host):
                endpoint = f"https://{host}:{port}/p/x"
                user = unique("u")
                world.app.must("PUT", f"/v1/users/{user}", {})
                answer = world.app.put(f"/v1/users/{user}/devices/d", {
                    "platform": "web", "subscription": {**inside, "endpoint": endpoint}})
                if answer.status >= 400:
                    continue
                sent = world.app.send({"to": [{"user_id": user}], "channels": ["push"],
                                       "ttl": "2s",
                                       "content": {"push": {"title": "t", "body": "b"}}})
                found = world.app.settled(sent["id"])
                self.assertIn(found[0]["state"], ("failed", "expired", "dead"))
        self.assertEqual(world.web.stats()["connections"], 0)


class WebPushTesting(WebPushCase):
    """npm web-push-testing: another author's idea of a push service."""

    def test_it_decrypts_what_we_sent_and_410_retires(self):
        port, home = free_port(), tempfile.TemporaryDirectory(prefix="bongsu-wpt-")
        self.addCleanup(home.cleanup)
        service = Process(
            ["node", "--require", peers.PEERS / "loopback.cjs",
             peers.ROOT / "node_modules/web-push-testing/src/bin/server.js", port],
            os.path.join(home.name, "log"), cwd=home.name)
        self.addCleanup(service.stop)
        self.addCleanup(service.child.terminate)
        service.wait_for_line("Server running")

        def call(path, body):
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}",
                                             json.dumps(body).encode(),
                                             {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.read()

        made = json.loads(call("/subscribe", {"userVisibleOnly": "true", "applicationServerKey":
                                              self.world.pki.vapid_public}))["data"]
        made["endpoint"] = made["endpoint"].replace("localhost", "127.0.0.1")
        client = made.pop("clientHash")
        user = self.subscriber(made)
        one = self.push(user)
        self.assertEqual(one["state"], "sent", service.output())
        seen = json.loads(call("/get-notifications", {"clientHash": client}))["data"]["messages"]
        self.assertEqual(json.loads(seen[0])["title"], "Hi 안녕 1")
        call(f"/expire-subscription/{client}", {})
        self.assertEqual(self.push(user)["state"], "failed")
        self.assertEqual(self.push(user)["reason"], "invalid_token")


if __name__ == "__main__":
    unittest.main()
