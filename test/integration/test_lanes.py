"""Lanes on the real binary: paused under load, resumed, moved, and saying what holds them."""
import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

import fakes
from bongsu import BINARY, ROOT_KEY, Server, wait_for
from case import SMS, ServerCase, unique

RETRY = {"normal": {"first": "1h", "max": "1h", "attempts": 3}}


def lanes(client, kind="sms", priority="normal"):
    """The one lane."""
    return [row for row in client.must("GET", "/v1/queues?limit=200")["data"]
            if row["kind"] == kind and row["priority"] == priority][0]


def run(server, *arguments):
    """The command line as the operator: (exit code, standard output, standard error)."""
    done = subprocess.run([BINARY, *arguments], capture_output=True, timeout=30, check=False,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent",
                               "BONGSU_URL": f"http://127.0.0.1:{server.port}",
                               "BONGSU_ROOT_KEY": ROOT_KEY})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class TwoProviders(unittest.TestCase):
    """Two providers of text messages, one behind the other."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="bongsu-lanes-")
        self.addCleanup(directory.cleanup)
        self.fakes = {name: fakes.start_twilio(directory.name, name=name)
                      for name in ("first", "second")}
        for fake in self.fakes.values():
            self.addCleanup(fake.stop)
        self.server = Server({
            "providers": {
                **{name: {"driver": "twilio", "account_sid": fakes.TWILIO_SID,
                          "auth_token": fakes.TWILIO_TOKEN, "from": "+15005550006",
                          "timeout": "20s", "in_flight": 4,
                          "url": f"http://127.0.0.1:{fake.port}"}
                   for name, fake in self.fakes.items()},
                "pushes": {"driver": "sandbox"}},
            "routes": [{"kind": "sms", "providers": ["first"]},
                       {"kind": "ios", "providers": ["pushes"]}],
            "retry": RETRY}, directory=directory.name)
        self.addCleanup(self.server.stop)
        self.root = self.server.root()
        self.app = self.server.app("shop")
        self.addCleanup(self.root.close)

    def send(self, number):
        return self.app.send({"to": [{"phone": f"+1415555{number:04}"}],
                              "content": {"sms": {"text": "x"}}})["id"]

    def seen(self, name="first"):
        return len(self.fakes[name].requests())

    def one(self, notification):
        return self.root.must("GET", "/v1/deliveries/" +
                              self.app.deliveries(notification)[0]["id"])

    def test_nothing_begins_while_a_pause_stands_under_load(self):
        self.fakes["first"].rules({"act": {"delay_ms": 20}})
        stop, ids = threading.Event(), []

        def post():
            client, number = self.server.client("shop", self.app.app_key, self.app.app_secret), 0
            while not stop.is_set():
                ids.append(client.send({"to": [{"phone": f"+1415555{number % 10000:04}"}],
                                        "content": {"sms": {"text": "x"}}})["id"])
                number += 1
            client.close()

        thread = threading.Thread(target=post)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.set)
        wait_for(lambda: self.seen() > 20)
        answer = self.root.must("POST", "/v1/queues/sms/pause",
                                {"reason": "wrong text", "expires_in": "1h"})
        self.assertEqual(answer["paused"]["reason"], "wrong text")
        # What had begun is open at the fake by now, or has been answered.
        begun, accepted = self.seen(), len(ids)
        wait_for(lambda: len(ids) > accepted + 50)
        self.assertLessEqual(self.seen(), begun + 4)
        lane = lanes(self.root)
        self.assertEqual(lane["blocked"]["by"], "paused")
        self.assertIn("wrong text", lane["blocked"]["detail"])
        self.assertGreater(lane["depth"], 40)
        stop.set()
        thread.join()
        # Through a kill and a clean restart.
        begun = self.seen()
        for end in (self.server.kill, self.server.terminate):
            end()
            self.server.start()
            self.root.close()
            lane = lanes(self.root)
            self.assertEqual(lane["paused"]["reason"], "wrong text")
            self.assertEqual(lane["blocked"]["by"], "paused")
        self.assertEqual(self.seen(), begun)
        self.root.must("POST", "/v1/queues/sms/resume")
        self.app.close()
        wait_for(lambda: lanes(self.root)["depth"] == 0 and not lanes(self.root)["in_flight"],
                 seconds=60, what=lambda: lanes(self.root))
        for one in ids:
            self.assertEqual(self.app.deliveries(one)[0]["state"], "sent")

    def test_a_pause_ends_by_itself_also_over_a_restart(self):
        self.root.must("POST", "/v1/queues/sms/pause", {"expires_in": "4s"})
        one = self.send(1)
        self.server.restart()
        self.root.close()
        self.app.close()
        self.assertEqual(lanes(self.root)["blocked"]["by"], "paused")
        self.assertEqual(self.seen(), 0)
        self.app.settled(one)
        self.assertIsNone(lanes(self.root)["paused"])

    def test_critical_is_paused_and_other_kinds_go_on(self):
        self.root.must("POST", "/v1/queues/sms/pause")
        one = self.app.send({"to": [{"phone": "+14155550100"}], "priority": "critical",
                             "content": {"sms": {"text": "x"}}})["id"]
        push = self.app.send({"to": [{"platform": "ios", "token": "ab" * 32, "bundle_id": "a.b"}],
                              "content": {"push": {"title": "x"}}})["id"]
        self.app.settled(push)
        self.assertEqual(lanes(self.root, priority="critical")["blocked"]["by"], "paused")
        detail = self.one(one)
        self.assertEqual(detail["state"], "queued")
        self.assertEqual(detail["blocked"]["by"], "paused")
        code, out, _ = run(self.server, "doctor")
        self.assertEqual(code, 1, out)
        self.assertIn("bongsu queue resume sms", out)
        code, out, _ = run(self.server, "queue", "resume", "sms")
        self.assertEqual((code, out), (0, "sms goes on\n"))
        self.app.settled(one)
        wait_for(lambda: run(self.server, "doctor")[0] == 0)

    def test_what_waits_for_a_slow_provider_is_moved_to_another(self):
        self.fakes["first"].rules({"act": {"hang": True}})
        ids = [self.send(number) for number in range(20)]
        wait_for(lambda: self.seen() == 4)  # the rest waits at its desk
        code, out, err = run(self.server, "queue", "move", "sms", "first", "second",
                             "--reason", "it hangs", "--expires-in", "1h")
        self.assertEqual(code, 0, err)
        self.assertIn("until 20", out)
        wait_for(lambda: self.seen("second") == 16)
        after = self.send(99)
        self.app.settled(after)
        self.assertEqual(self.seen(), 4)
        history = self.one(after)["attempt_history"]
        self.assertEqual(history[0]["provider"], "second")
        self.assertIn("moved from first", history[0]["route"])
        self.assertEqual(lanes(self.root)["moves"][0]["to"], "second")
        self.server.restart()
        self.root.close()
        self.app.close()
        again = self.send(98)
        self.app.settled(again)
        self.assertEqual(self.one(again)["provider"], "second")
        code, out, err = run(self.server, "queue", "unmove", "sms", "first")
        self.assertEqual(code, 0, err)
        self.fakes["first"].rules()
        back = self.send(97)
        self.app.settled(back)
        self.assertEqual(self.one(back)["provider"], "first")
        self.assertEqual(len(ids), 20)

    def test_a_move_to_what_cannot_serve_is_refused(self):
        for body, pointer in [({"from": "first", "to": "nobody"}, "/to"),
                              ({"from": "nobody", "to": "first"}, "/from")]:
            answer = self.root.post("/v1/queues/sms/move", body)
            self.assertEqual(answer.status, 422, answer)
            self.assertEqual(answer.json["errors"][0]["pointer"], pointer)
        answer = self.root.post("/v1/queues/push/move", {"from": "pushes", "to": "first"})
        self.assertEqual(answer.status, 422, answer)

    def test_a_provider_that_says_wait_throttles_its_lane(self):
        self.fakes["first"].rules({"act": {"status": 429, "headers": {"Retry-After": "600"}}})
        one = self.send(1)
        wait_for(lambda: self.root.must("GET", "/v1/providers/first")["throttled_until"])
        self.send(2)
        wait_for(lambda: (lanes(self.root)["blocked"] or {}).get("by") == "throttled",
                 what=lambda: lanes(self.root))
        blocked = lanes(self.root)["blocked"]
        self.assertIn("first takes nothing before", blocked["detail"])
        self.assertTrue(blocked["next_due_at"])
        self.assertIn("Its lane waits", self.one(one)["explanation"])
        mine = lanes(self.app)["blocked"]
        self.assertEqual(mine["by"], "throttled")
        self.assertNotIn("first", mine["detail"])
        _, out, _ = run(self.server, "queue")
        self.assertIn("throttled", out)

    def test_a_provider_that_fails_opens_its_breaker_and_holds_its_lane(self):
        self.fakes["first"].rules({"act": {"status": 500}})
        for number in range(40):
            self.send(number)
        wait_for(lambda: self.root.must("GET", "/v1/providers/first")["breaker"] == "open",
                 what=lambda: self.root.get("/v1/providers"))
        one = self.send(99)
        wait_for(lambda: (lanes(self.root)["blocked"] or {}).get("by") == "breaker_open",
                 what=lambda: lanes(self.root))
        provider = self.root.must("GET", "/v1/providers/first")
        self.assertIn("500", provider["last_error"]["text"])
        self.assertTrue(provider["next_probe_at"])
        self.assertEqual(self.one(one)["blocked"]["by"], "breaker_open")
        metrics = self.server.anonymous().get("/metrics").body.decode()
        self.assertIn('bongsu_provider_available{provider="first"} 0', metrics)
        self.assertIn('bongsu_queue_blocked{kind="sms",priority="normal"} 1', metrics)
        code, out, _ = run(self.server, "doctor")
        self.assertEqual(code, 1)
        self.assertIn("provider first", out)
        _, out, _ = run(self.server, "provider")
        self.assertIn("open", out)

    def test_what_is_not_answered_is_slow(self):
        self.fakes["first"].rules({"act": {"hang": True}})
        self.send(1)
        wait_for(lambda: (lanes(self.root)["blocked"] or {}).get("by") == "slow",
                 what=lambda: lanes(self.root))
        self.assertIn("first has 1 of", lanes(self.root)["blocked"]["detail"])


class Copied(unittest.TestCase):
    """A copy of a store, whose original may still be sending."""

    def test_an_unconfirmed_copy_holds_every_lane_that_has_something(self):
        server = Server({"retry": RETRY})
        self.addCleanup(server.stop)
        app, root = server.app("shop"), server.root()
        app.send({"to": [{"phone": "+14155550101"}], "content": SMS})
        wait_for(lambda: lanes(root)["depth"] == 1 and not lanes(root)["in_flight"])
        self.assertEqual(lanes(root)["blocked"]["by"], "not_due")
        server.terminate()
        root.close()
        store = server.directory / "store"
        store.rename(server.directory / "before")
        shutil.copytree(server.directory / "before", store)
        server.start()
        self.assertEqual(lanes(root)["blocked"]["by"], "epoch")
        self.assertIsNone(lanes(root, kind="email")["blocked"])
        code, out, _ = run(server, "doctor")
        self.assertEqual(code, 1)
        self.assertIn("bongsu store confirm-epoch", out)
        root.must("POST", "/v1/store/confirm-epoch")
        self.assertEqual(lanes(root)["blocked"]["by"], "not_due")
        self.assertEqual(run(server, "doctor")[0], 0)


class Explained(ServerCase):
    """One sentence for people."""

    config = {"retry": RETRY}

    def test_a_delivery_explains_itself(self):
        user = self.user(email="ok@shop.example", phone="+14155550100")
        self.app.must("PUT", "/v1/categories/marketing", {})
        self.app.must("PUT", f"/v1/users/{user}/preferences", {"channels": {"sms": False}})
        sent = self.app.send({"to": [{"user_id": user}], "category": "marketing",
                              "channels": ["sms"], "content": {"sms": {"text": "x"}}})
        one = self.app.deliveries(sent["id"])[0]["id"]
        shown = self.app.must("GET", f"/v1/deliveries/{one}")
        self.assertEqual(shown["explanation"],
                         "Not sent: the user has opted out of sms for category marketing.")
        self.assertIsNone(shown["blocked"])
        waits = self.app.send({"to": [{"phone": "+14155550101"}], "content": SMS})["id"]
        wait_for(lambda: [(d["attempts"], d["state"]) for d in self.app.deliveries(waits)] ==
                 [(1, "queued")])
        one = self.app.deliveries(waits)[0]["id"]
        shown = self.app.must("GET", f"/v1/deliveries/{one}")
        self.assertTrue(shown["explanation"].startswith("Waiting for attempt 2, due at "), shown)
        code, out, err = run(self.server, "status", one)
        self.assertEqual(code, 0, err)
        self.assertIn(shown["explanation"], out)
        row = lanes(self.app)
        self.assertEqual(row["blocked"]["by"], "not_due")
        # What is only due later is no finding.
        self.assertEqual(run(self.server, "doctor")[0], 0)
        self.assertTrue(json.loads(run(self.server, "provider", "--json")[1])["data"])


if __name__ == "__main__":
    unittest.main()
