"""SIGHUP: another configuration is taken whole, or refused whole, and no request notices."""
import http.client
import itertools
import os
import pathlib
import signal
import socket
import ssl
import tempfile
import threading
import unittest
from unittest import mock

import bongsu
import pki
from bongsu import wait_for
from texts import Texts

PHONE = [{"phone": "+14155550199"}]
OTHER_KEY = "another-root-key-of-the-integration-tests-0123"


class Case(unittest.TestCase):
    """A server before two providers of texts; all goes to the first."""

    def setUp(self):
        self.one, self.two = Texts(), Texts()
        self.addCleanup(self.two.stop)
        self.addCleanup(self.one.stop)
        self.server = bongsu.Server(self.config(), start=False)
        self.addCleanup(self.server.stop)
        self.begin()

    def config(self):
        return {"providers": {"one": self.one.provider(), "two": self.two.provider()},
                "routes": [{"kind": "sms", "providers": ["one"]}]}

    def begin(self):
        self.server.start()
        self.app = self.server.app("shop")
        self.texts = itertools.count(1)

    def post(self, text=None):
        """One text; its id."""
        text = text or f"text {next(self.texts)}"
        return self.app.send({"to": PHONE, "content": {"sms": {"text": text}}})["id"]

    def reload(self, result="ok"):
        """SIGHUP after the file was written; what the log says of it."""
        before = len(self.server.log.read_text())
        self.server.write()
        self.server.process.child.send_signal(signal.SIGHUP)
        said = lambda: self.server.log.read_text()[before:]
        wait_for(lambda: "what=reload result=" in said(), 10, said)
        self.assertIn(f"what=reload result={result} ", said())
        return said()


class SwapTest(Case):
    """What may change, and from when on."""

    def test_nothing_is_dropped_while_a_provider_changes(self):
        stop, ids, odd = threading.Event(), [], []

        def load():
            client = self.server.client(self.app.app, self.app.app_key, self.app.app_secret)
            while not stop.is_set():
                text = f"load {next(self.texts)}"
                answer = client.post("/v1/notifications",
                                     {"to": PHONE, "content": {"sms": {"text": text}}})
                (ids if answer.status == 202 else odd).append((text, answer))

        self.one.delay = self.two.delay = 0.01
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: len(self.one.seen()) > 30)
            for i in range(10):
                texts = (self.one, self.two)[i % 2]
                seen = len(self.one.seen()) + len(self.two.seen())
                self.server.config["providers"]["one"] = texts.provider(token=f"{i}" * 32)
                said = self.reload()
                self.assertIn('changed="providers"', said)
                wait_for(lambda seen=seen: len(self.one.seen() + self.two.seen()) > seen + 30)
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)
        self.assertEqual(odd, [])
        for _, answer in ids:
            delivery, = self.app.settled(answer.json["id"])
            self.assertEqual((delivery["state"], delivery["attempts"]), ("sent", 1))
        counts = self.one.counts() + self.two.counts()
        self.assertEqual(counts, dict.fromkeys((text for text, _ in ids), 1))
        tokens = {text.token for text in self.one.seen() + self.two.seen()}
        self.assertEqual(tokens, {f"{i}" * 32 for i in range(10)} | {"x" * 32})

    def test_the_next_text_goes_by_the_new_route(self):
        first = self.post("first")
        self.app.settled(first)
        self.server.config["routes"] = [{"kind": "sms", "match": {"app": ["shop"]},
                                         "providers": ["two"]},
                                        {"kind": "sms", "providers": ["one"]}]
        self.assertIn('changed="routes"', self.reload())
        delivery, = self.app.settled(self.post("second"))
        self.assertEqual(delivery["provider"], "two")
        self.assertEqual((dict(self.one.counts()), dict(self.two.counts())),
                         ({"first": 1}, {"second": 1}))
        self.assertIn('changed="nothing"', self.reload())

    def test_a_removed_provider_finishes_what_is_in_the_air(self):
        self.server.config["providers"]["one"]["in_flight"] = 3
        self.reload()
        self.one.delay = 1.5
        ids = [self.post() for _ in range(10)]
        wait_for(lambda: len(self.one.seen()) == 3)
        del self.server.config["providers"]["one"]
        self.server.config["routes"] = [{"kind": "sms", "providers": ["two"]}]
        self.reload()
        wait_for(lambda: len(self.two.seen()) == 7)
        self.assertFalse(any(text.answered for text in self.one.seen()), "it waited for them")
        by = [self.app.settled(one)[0] for one in ids]
        self.assertEqual({one["attempts"] for one in by}, {1})
        self.assertEqual(sorted(one["provider"] for one in by), ["one"] * 3 + ["two"] * 7)
        self.server.config["providers"]["one"] = self.one.provider()
        self.reload()

    def test_limits_retries_and_the_root_key(self):
        self.server.config["limits"].update(body_bytes="2KiB", memory="32MiB")
        self.server.config["retry"] = {"normal": {"attempts": 1}}
        self.server.config["root_key"] = OTHER_KEY
        self.server.config["public_url"] = "http://127.0.0.1:9"
        said = self.reload()
        self.assertIn('changed="providers,retry,limits,root_key,public_url"', said)
        self.assertEqual(self.server.root().get("/v1/apps").status, 401)
        root = bongsu.Client(self.server.port, f"Bearer {OTHER_KEY}")
        self.assertEqual(root.get("/v1/apps").status, 200)
        self.assertEqual(self.app.post("/v1/notifications", b" " * 3000).status, 413)
        self.one.status = 500
        delivery, = self.app.settled(self.post())
        self.assertEqual((delivery["state"], delivery["attempts"]), ("dead", 1))


class RefusalTest(Case):
    """What is refused leaves everything as it was."""

    def test_faults_and_what_needs_a_restart(self):
        good = {**self.server.config}
        rows = [({"listen": f"127.0.0.1:{bongsu.free_port()}"}, "listen: an address"),
                ({"store": f"sqlite:{self.server.directory}/other"}, "store: it cannot change"),
                ({"limits": {"disk_reserve": "9MiB"}}, "disk_reserve cannot change"),
                ({"speed": "fast"}, "speed"),
                ({"root_key": "short"}, "root_key has 5 characters"),
                ({"providers": {**good["providers"], "one": self.one.provider(from_=1)}}, "from_"),
                ({"providers": {"one": {**self.one.provider(), "ca": "/nowhere.pem"}}},
                 "/nowhere.pem"),
                ({"routes": [{"kind": "sms", "providers": ["three"]}]}, "three")]
        for change, words in rows:
            self.server.config = {**good, "limits": {**good["limits"], "body_bytes": "1KiB"},
                                  **change}
            said = self.reload("refused")
            self.assertIn(words, said)
            self.assertIn(f"{self.server.file}:", said)
            self.assertRegex(said, r'result=refused faults=[1-9]\d* first="')
            self.assertNotIn("short", said)
        self.server.file.write_text("[")
        self.server.write = lambda: None
        self.reload("refused")
        self.assertEqual(self.server.root().get("/v1/apps").status, 200)
        long = {"to": PHONE, "content": {"sms": {"text": "x" * 1200}}}
        self.app.settled(self.app.send(long)["id"])
        self.assertEqual(len(self.one.seen()), 1)
        self.assertEqual(self.one.seen()[0].token, "x" * 32)


class CertificateTest(Case):
    """Old connections stay, new ones see the new certificate."""

    def config(self):
        self.made = tempfile.TemporaryDirectory(prefix="bongsu-reload-")
        self.addCleanup(self.made.cleanup)
        self.old, self.new = (pki.Pki(pathlib.Path(self.made.name) / name) for name in "ab")
        return super().config()

    def begin(self):
        self.secure = bongsu.free_port()
        self.listen(self.old)
        self.server.write()
        super().begin()

    def listen(self, made):
        self.server.config["listen"] = [
            f"127.0.0.1:{self.server.port}",
            {"address": f"127.0.0.1:{self.secure}",
             "tls": {"cert": str(made.cert), "key": str(made.key)}}]

    def connect(self, made):
        context = ssl.create_default_context(cafile=str(made.ca))
        connection = http.client.HTTPSConnection("127.0.0.1", self.secure, context=context,
                                                 timeout=10)
        connection.connect()
        self.addCleanup(connection.close)
        return connection

    @staticmethod
    def alive(connection):
        connection.request("GET", "/healthz")
        return connection.getresponse().read()

    def test_a_certificate_is_renewed(self):
        before = self.connect(self.old)
        self.assertIn(b"alive", self.alive(before))
        self.listen(self.new)
        self.assertIn('changed="certificates"', self.reload())
        self.assertIn(b"alive", self.alive(before))
        self.assertIn(b"alive", self.alive(self.connect(self.new)))
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(self.old)
        self.server.config["listen"][1]["tls"]["key"] = str(self.old.key)  # not its key
        self.reload("refused")
        self.assertIn(b"alive", self.alive(self.connect(self.new)))


class SupervisorTest(Case):
    """What the service manager hears: sd_notify(3)."""

    def begin(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        path = str(self.server.directory / "notify")
        self.socket.bind(path)
        self.socket.settimeout(10)
        heard = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}
        with mock.patch.dict(os.environ, heard):
            super().begin()

    def hear(self, word):
        """The next message that begins with it; signs of life may stand before."""
        while True:
            message = self.socket.recv(4096).decode()
            if message.startswith(word):
                return message
            self.assertEqual(message, "WATCHDOG=1")

    def test_it_is_told_of_start_life_reload_and_stop(self):
        self.hear("READY=1")
        for _ in range(3):
            self.hear("WATCHDOG=1")
        for result in ("ok", "refused"):
            if result == "refused":
                self.server.config["speed"] = "fast"
            self.reload(result)
            self.assertRegex(self.hear("RELOADING=1"), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
            self.hear("READY=1")
        self.server.process.child.send_signal(signal.SIGTERM)
        self.hear("STOPPING=1")


if __name__ == "__main__":
    unittest.main()
