"""SIGTERM at bad moments, and what becomes of deliveries whose provider never answers."""
import http.client
import json
import os
import signal
import socket
import time
import unittest

import bongsu
from bongsu import wait_for
from case import SMS

ACCOUNT = "AC" + "0" * 32
LAST_S = 10  # of a drain: the provider's timeout, and some


class DrainTest(unittest.TestCase):
    """A server before a provider that takes connections and says nothing."""

    def setUp(self):
        hole = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.addCleanup(hole.close)
        provider = {"driver": "twilio", "account_sid": ACCOUNT, "auth_token": "x" * 32,
                    "from": "+14155550100", "in_flight": 4, "timeout": "5s",
                    "url": f"http://127.0.0.1:{hole.getsockname()[1]}"}
        self.server = bongsu.Server({"providers": {"hole": provider},
                                     "routes": [{"kind": "sms", "providers": ["hole"]}]})
        self.addCleanup(self.server.stop)
        self.app = self.server.app("shop")

    def post(self, ttl):
        """One text message; its id."""
        body = {"to": [{"phone": "+14155550199"}], "content": SMS, "ttl": ttl}
        return self.app.must("POST", "/v1/notifications", body, status=202)["id"]

    def counts(self, notification):
        return self.app.must("GET", f"/v1/notifications/{notification}")["counts"]

    def cpu_s(self):
        """What the server has used so far."""
        with open(f"/proc/{self.server.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def in_flight(self):
        rows = self.app.must("GET", "/v1/queues")["data"]
        return sum(row["in_flight"] for row in rows)

    def test_a_drain_waits_without_spinning_and_loses_nothing(self):
        ids = [self.post("1h") for _ in range(20)]
        wait_for(lambda: self.in_flight() == 20, 10, lambda: "they are not in hand")
        child = self.server.process.child
        before, begun = self.cpu_s(), time.monotonic()
        child.send_signal(signal.SIGTERM)
        with self.assertRaises(Exception):
            child.wait(2.5)  # four are with the provider
        used = self.cpu_s() - before
        child.send_signal(signal.SIGTERM)  # a second one changes nothing
        self.assertEqual(child.wait(LAST_S), 0)
        self.assertLess(time.monotonic() - begun, LAST_S)
        self.assertLess(used, 0.6, "it spins while it waits")
        self.server.process.stop()
        self.server.start()
        for one in ids:
            self.assertEqual(sum(self.counts(one).values()), 1)

    def test_signals_to_the_last_moment_change_nothing(self):
        for _ in range(10):
            child = self.server.process.child
            child.send_signal(signal.SIGHUP)  # which has threads of its own
            while child.poll() is None:
                child.send_signal(signal.SIGTERM)
            self.assertEqual(child.returncode, 0)
            self.server.process.stop()
            self.server.start()

    def test_what_waits_for_a_full_provider_expires_in_time(self):
        for _ in range(4):
            self.post("1h")
        late = [self.post("1s") for _ in range(8)]
        for one in late:
            wait_for(lambda one=one: self.counts(one).get("expired") == 1, 4,
                     lambda one=one: f"{one}: {self.counts(one)}")

    def test_clients_that_left_do_not_trouble_the_end(self):
        body = json.dumps({"to": [{"user_id": f"nobody{i}"} for i in range(200)],
                           "content": SMS}).encode()
        for _ in range(5):
            for _ in range(30):
                one = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=5)
                one.request("POST", "/v1/notifications", body,
                            {"Authorization": self.app.authorization,
                             "Content-Type": "application/json"})
                one.close()
            self.server.process.child.send_signal(signal.SIGTERM)
            self.assertEqual(self.server.process.child.wait(LAST_S), 0, self.server.tail())
            self.server.process.stop()
            self.server.start()


if __name__ == "__main__":
    unittest.main()
