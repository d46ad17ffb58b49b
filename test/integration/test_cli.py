"""The command line: serve, check, app, key, send, status, queue, dlq, template push."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from bongsu import BINARY, ROOT_KEY, Server
from case import ServerCase, unique


def run(*arguments, env=None, text=None):
    """Runs the binary: (exit code, standard output, standard error)."""
    done = subprocess.run([BINARY, *arguments], capture_output=True, timeout=30, check=False,
                          input=text and text.encode(),
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(env or {})})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Commands(ServerCase):
    """What talks to a server."""

    def setUp(self):
        url = f"http://127.0.0.1:{self.server.port}"
        self.as_root = {"BONGSU_URL": url, "BONGSU_ROOT_KEY": ROOT_KEY}
        self.as_app = {"BONGSU_URL": url, "BONGSU_APP_KEY": self.app.app_key,
                       "BONGSU_APP_SECRET": self.app.app_secret}

    def ok(self, *arguments, env=None, **more):
        code, out, err = run(*arguments, env=env or self.as_app, **more)
        self.assertEqual(code, 0, out + err)
        return out

    def test_an_app_and_a_key_are_made_and_the_secret_is_shown(self):
        name = unique("cli")
        self.assertIn(name, self.ok("app", "create", name, env=self.as_root))
        out = self.ok("key", "create", name, "--scope", "send,read", "--json", env=self.as_root)
        key = json.loads(out)
        client = self.server.client(name, key["app_key"], key["app_secret"])
        self.assertEqual(client.get("/v1/notifications").status, 200)
        self.assertEqual(client.put("/v1/users/u", {}).status, 403)
        code, _, err = run("app", "create", name, env=self.as_root)
        self.assertNotEqual(code, 0)
        self.assertTrue(err)

    def test_send_wait_and_status_show_the_timeline(self):
        out = self.ok("send", "--phone", "+14155550100", "--text", "hello", "--wait")
        self.assertIn("sent", out)
        out = self.ok("send", "--email", "ok@shop.example", "--subject", "s", "--text", "t",
                      "--from", "a@b.example", "--json")
        one = json.loads(out)["id"]
        self.app.settled(one)
        for arguments in (("status", one), ("status", one, "--timeline")):
            self.assertIn("sent", self.ok(*arguments))
        self.assertEqual(json.loads(self.ok("status", one, "--json"))["id"], one)

    def test_a_template_is_pushed_from_a_file_and_from_standard_input(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "greeting.json"
            path.write_text(json.dumps({"sms": {"text": "Hi {{n}}"}}))
            self.ok("template", "push", str(path))
            self.assertEqual(self.app.must("GET", "/v1/templates/greeting")["version"], 1)
            self.ok("template", "push", "-", "--name", "greeting", text=path.read_text())
            self.assertEqual(self.app.must("GET", "/v1/templates/greeting")["version"], 2)
            path.write_text('{"sms":{"text":"{{#x}}"}}')
            code, _, err = run("template", "push", str(path), env=self.as_app)
            self.assertNotEqual(code, 0)
            self.assertIn("line", err)

    def test_queue_and_dead_letters_are_tables(self):
        self.ok("queue")
        self.ok("dlq", "list")
        json.loads(self.ok("queue", "--json"))

    def test_secrets_never_stand_in_errors(self):
        code, out, err = run("status", "ntf_x", env={**self.as_app, "BONGSU_APP_SECRET": "s" * 43})
        self.assertNotEqual(code, 0)
        self.assertNotIn("s" * 43, out + err)

    def test_usage(self):
        self.assertEqual(run("--help")[0], 0)
        self.assertEqual(run("send", "--help")[0], 0)
        self.assertEqual(run("sned")[0], 64)
        self.assertEqual(run("send", "--colour")[0], 64)


class Check(unittest.TestCase):
    """bongsu check -c FILE, and what serve refuses to start with."""

    def setUp(self):
        self.server = Server(start=False)
        self.addCleanup(self.server.stop)

    def check(self, **config):
        self.server.config = {**self.server.config, **config}
        self.server.write()
        return run("check", "-c", str(self.server.file))

    def test_a_good_file_is_good(self):
        code, out, err = self.check()
        self.assertEqual(code, 0, out + err)

    def test_every_fault_is_named_with_file_and_line(self):
        for change, word in [({"lissten": "x"}, "lissten"), ({"root_key": "short"}, "root_key"),
                             ({"root_key": "env:NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE"),
                             ({"listen": "nowhere"}, "nowhere"),
                             ({"store": "mysql:x"}, "store"),
                             ({"limits": {"disk_reserve": "1024GiB"}}, "disk_reserve"),
                             ({"routes": [{"kind": "sms", "providers": ["none"]}]}, "none"),
                             ({"providers": {"a": {"driver": "apns", "team_id": "ABCDE12345",
                                                   "key_id": "FGHIJ67890",
                                                   "key": "file:/nonexistent.p8"}}},
                              "/nonexistent.p8"),
                             ({"providers": {"a": {"driver": "pigeon"}}}, "pigeon"),
                             ({"providers": {"m": {"driver": "smtp", "starttls": "off",
                                                   "url": "smtp://mail.example:25"}}}, "starttls"),
                             ({"providers": {"t": {
                                 "driver": "twilio", "account_sid": "AC" + "0" * 32,
                                 "auth_token": "x" * 32, "from": "+15005550006",
                                 "url": "http://api.example/"}}}, "http"),
                             ({"retry": {"normal": {"first": "soon"}}}, "soon")]:
            with self.subTest(change=change):
                self.setUp()
                if "providers" in change:
                    change = {"routes": [], **change}
                code, out, err = self.check(**change)
                self.assertEqual(code, 1, out + err)
                self.assertIn(word, out + err)
                self.assertRegex(out + err, r"bongsu\.yaml:\d+")

    def test_duplicate_keys_and_broken_yaml(self):
        for text in ("listen: a\nlisten: b\n", "listen: [", "\tx: y\n", "- a\n", ""):
            with self.subTest(text=text):
                self.server.file.write_text(text)
                self.assertEqual(run("check", "-c", str(self.server.file))[0], 1)

    def test_serve_refuses_what_check_refuses(self):
        self.server.file.write_text("lissten: x\n")
        code, _, err = run("serve", "-c", str(self.server.file))
        self.assertEqual(code, 78)
        self.assertIn("lissten", err)

    def test_a_second_server_is_kept_out_of_the_store(self):
        self.server.start()
        other = self.server.directory / "other.yaml"
        config = {**self.server.config, "listen": "127.0.0.1:0"}
        other.write_text(json.dumps(config))
        code, _, err = run("serve", "-c", str(other))
        self.assertNotEqual(code, 0)
        self.assertTrue(err)


class Port(unittest.TestCase):
    """The listening address is said when it is ready."""

    def test_port_0_takes_a_free_one_and_says_which(self):
        server = Server(listen="127.0.0.1:0")
        self.addCleanup(server.stop)
        found = server.process.wait_for_line(r"listening.*127\.0\.0\.1:(\d+)").group(1)
        server.port = int(found)
        self.assertNotEqual(server.port, 0)
        self.assertEqual(server.anonymous().get("/healthz").status, 200)


if __name__ == "__main__":
    unittest.main()
