"""The command line says to the server what the options mean, and to its user what the server said.

The server here is a fake of the API that keeps what it was asked and answers what it is told; the
real server's answers are checked by test_cli.
"""
import base64
import http.server
import json
import os
import subprocess
import tempfile
import threading
import unittest

from bongsu import BINARY

NTF, DLV = "ntf_00000000000001", "dlv_00000000000001aaaaaaa"


class Api(http.server.ThreadingHTTPServer):
    """Answers each (method, path) by a table; keeps every request."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.answers = [], {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def on(self, method, path, *answers):
        """Each answer is (status, body[, headers]); the last one is repeated."""
        self.answers[method, path] = list(answers)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.server.asked.append({"method": self.command, "path": self.path, "body": body,
                                  "headers": dict(self.headers)})
        rows = self.server.answers.get((self.command, self.path), [(404, {"title": "Not found"})])
        status, answer, *headers = rows.pop(0) if len(rows) > 1 else rows[0]
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (headers[0] if headers else {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, *args):
        pass


def delivery(**more):
    return {"id": DLV, "notification_id": NTF, "user_id": "u1", "channel": "push", "kind": "ios",
            "provider": "demo", "address": "ab…cd", "state": "sent", "reason": None,
            "attempts": 1, "updated_at": "2026-12-01T09:00:00.000Z"} | more


def page(*items, cursor=None):
    return {"data": list(items), "next_cursor": cursor}


class Cli(unittest.TestCase):
    def setUp(self):
        self.api = Api()
        self.addCleanup(self.api.server_close)
        self.addCleanup(self.api.shutdown)
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.home.name,
                    "BONGSU_URL": f"http://127.0.0.1:{self.api.server_address[1]}",
                    "BONGSU_APP_KEY": "key_1", "BONGSU_APP_SECRET": "secret"}

    def run_cli(self, *args, stdin="", **env):
        return subprocess.run([BINARY, *args], input=stdin, capture_output=True, text=True,
                              env=self.env | env, timeout=60)

    def good(self, *args, **more):
        done = self.run_cli(*args, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def sent(self):
        return json.loads(self.api.asked[-1]["body"])


class Send(Cli):
    def setUp(self):
        super().setUp()
        self.api.on("POST", "/v1/notifications", (202, {"id": NTF, "deliveries": 2}))

    def test_options_become_one_request_as_the_app(self):
        out = self.good("send", "--user", "u1", "--user", "u2", "--phone", "+14155550123",
                        "--template", "order_shipped@3", "--data", '{"order": {"id": 42}}',
                        "--channel", "push", "--channel", "sms", "--category", "orders",
                        "--event-id", "e1", "--ttl", "1h", "--priority", "high")
        asked = self.api.asked[-1]
        self.assertEqual(self.sent(), {
            "to": [{"user_id": "u1"}, {"user_id": "u2"}, {"phone": "+14155550123"}],
            "template": {"name": "order_shipped", "version": 3}, "data": {"order": {"id": 42}},
            "channels": ["push", "sms"], "category": "orders", "event_id": "e1", "ttl": "1h",
            "priority": "high"})
        self.assertEqual(asked["headers"]["Authorization"],
                         "Basic " + base64.b64encode(b"key_1:secret").decode())
        self.assertEqual(asked["headers"]["Content-Type"], "application/json")
        self.assertEqual(out, f"{NTF} accepted, deliveries: 2\n")

    def test_content_goes_to_its_channels(self):
        with open(f"{self.home.name}/mail.html", "w", encoding="utf-8") as file:
            file.write("<p>안녕</p>")
        self.good("send", "--email", "a@b.example", "--title", "T", "--body", "B", "--link",
                  "https://x.example", "--text", "plain", "--subject", "S", "--html",
                  f"@{self.home.name}/mail.html", "--data", "-", stdin='{"a": 1}')
        self.assertEqual(self.sent(), {
            "to": [{"email": "a@b.example"}], "data": {"a": 1},
            "content": {"push": {"title": "T", "body": "B", "url": "https://x.example"},
                        "sms": {"text": "plain"},
                        "email": {"subject": "S", "html": "<p>안녕</p>", "text": "plain"}}})

    def test_what_makes_no_sense_is_refused_before_anyone_is_asked(self):
        for code, *args in (
                (64, "--user", "u1"),
                (64, "--template", "t"),
                (64, "--user", "u1", "--template", "t", "--text", "x"),
                (64, "--user", "u1", "--template", "t@x"),
                (65, "--user", "u1", "--template", "t", "--data", '{"a": }'),
                (66, "--user", "u1", "--template", "t", "--data", "@/no/such/file")):
            with self.subTest(args=args):
                done = self.run_cli("send", *args)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertTrue(done.stderr.startswith("bongsu: "))
        self.assertEqual(self.api.asked, [])

    def test_json_is_the_answer_as_it_came(self):
        self.assertEqual(json.loads(self.good("send", "--user", "u", "--text", "x", "--json")),
                         {"id": NTF, "deliveries": 2})

    def follow(self, *states):
        rows = [(200, {"id": NTF, "status": "accepted", "counts": {"queued": 1}}),
                (200, {"id": NTF, "status": "done", "counts": dict(states)})]
        self.api.on("GET", f"/v1/notifications/{NTF}", *rows)
        self.api.on("GET", f"/v1/notifications/{NTF}/deliveries?limit=200",
                    (200, page(delivery())))
        self.api.on("GET", f"/v1/notifications/{NTF}/events?limit=200",
                    (200, page({"delivery_id": DLV, "at": "2026-12-01T09:00:00.000Z",
                                "type": "queued"}, cursor="c1")))
        self.api.on("GET", f"/v1/notifications/{NTF}/events?limit=200&cursor=c1",
                    (200, page({"delivery_id": DLV, "at": "2026-12-01T09:00:00.100Z",
                                "type": "sent", "attempt": 1, "provider": "demo",
                                "code": "200"})))

    def test_wait_follows_to_the_end_and_prints_the_timeline(self):
        self.follow(("sent", 1))
        lines = self.good("send", "--user", "u", "--text", "x", "--wait").splitlines()
        self.assertEqual(lines[1].split(), ["AT", "CHANNEL", "KIND", "ADDRESS", "PROVIDER",
                                            "EVENT", "ATTEMPT", "CODE", "REASON"])
        self.assertEqual(lines[2].split(), ["2026-12-01T09:00:00.000Z", "push", "ios", "ab…cd",
                                            "-", "queued", "-", "-", "-"])
        self.assertEqual(lines[3].split(), ["2026-12-01T09:00:00.100Z", "push", "ios", "ab…cd",
                                            "demo", "sent", "1", "200", "-"])

    def test_wait_fails_if_a_delivery_did(self):
        self.follow(("sent", 1), ("failed", 1))
        done = self.run_cli("send", "--user", "u", "--text", "x", "--wait")
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_wait_gives_up_in_time(self):
        self.api.on("GET", f"/v1/notifications/{NTF}",
                    (200, {"id": NTF, "status": "accepted", "counts": {"queued": 1}}))
        done = self.run_cli("send", "--user", "u", "--text", "x", "--wait", "--timeout", "100ms",
                            "--json")
        self.assertEqual(done.returncode, 75)
        self.assertIn(f"bongsu status {NTF}", done.stderr)
        self.assertEqual(json.loads(done.stdout)["counts"], {"queued": 1})


class Problems(Cli):
    def test_every_fault_is_shown_with_its_place(self):
        self.api.on("POST", "/v1/notifications", (400, {
            "title": "Invalid request", "status": 400, "detail": "2 faults",
            "errors": [{"pointer": "/to/0/user_id", "detail": "too long\x1b[2J"},
                       {"pointer": "", "detail": "odd"}]}))
        done = self.run_cli("send", "--user", "u", "--text", "x")
        self.assertEqual(done.returncode, 65)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr, "bongsu: 400 Invalid request: 2 faults\n"
                                      "  /to/0/user_id: too long?[2J\n  (the whole): odd\n")

    def test_each_status_has_its_exit_code(self):
        for status, code in ((401, 77), (403, 77), (404, 66), (409, 65), (413, 65), (415, 65),
                             (422, 65), (429, 75), (500, 70), (503, 75), (301, 76)):
            with self.subTest(status=status):
                self.api.on("GET", "/v1/queues?limit=200", (status, {"title": "No"}))
                self.assertEqual(self.run_cli("queue").returncode, code)

    def test_retry_after_is_told(self):
        self.api.on("GET", "/v1/queues?limit=200", (503, {"title": "Busy"}, {"Retry-After": "7"}))
        self.assertEqual(self.run_cli("queue").stderr, "bongsu: 503 Busy\n  try again after 7 s\n")

    def test_an_answer_that_is_no_json_is_no_server_of_ours(self):
        self.api.on("GET", "/v1/queues?limit=200", (200, b"<html>"))
        self.assertEqual(self.run_cli("queue").returncode, 76)
        self.api.on("GET", "/v1/queues?limit=200", (502, b"<html>"))
        self.assertEqual(self.run_cli("queue").returncode, 70)

    def test_nobody_there_and_nobody_known(self):
        self.assertEqual(self.run_cli("queue", "--url", "http://127.0.0.1:1").returncode, 69)
        done = self.run_cli("queue", BONGSU_APP_KEY="", BONGSU_APP_SECRET="")
        self.assertEqual(done.returncode, 77)
        self.assertIn("BONGSU_ROOT_KEY", done.stderr)
        self.assertEqual(self.run_cli("app", "list").returncode, 77)
        self.assertEqual(self.run_cli("queue", BONGSU_APP_KEY="").returncode, 78)


class Operating(Cli):
    ROOT = {"BONGSU_ROOT_KEY": "r" * 32}

    def test_apps_and_keys_are_the_root_keys(self):
        self.api.on("POST", "/v1/apps", (201, {"id": "shop"}))
        self.api.on("POST", "/v1/apps/a%20b/keys", (201, {"app_key": "key_2", "app_secret": "s"}))
        self.api.on("GET", "/v1/apps/shop/keys?limit=200", (200, page(
            {"app_key": "key_2", "mode": "test", "scopes": ["send", "read"], "created_at": "now",
             "expires_at": None})))
        self.api.on("DELETE", "/v1/apps/shop/keys/key_2", (204, b""))
        self.api.on("DELETE", "/v1/apps/shop", (202, {}))
        self.assertEqual(self.good("app", "create", "shop", **self.ROOT), "app shop is made\n")
        self.assertEqual(self.sent(), {"name": "shop"})
        self.assertEqual(self.api.asked[-1]["headers"]["Authorization"], "Bearer " + "r" * 32)
        self.assertEqual(self.good("key", "create", "a b", "--mode", "test", "--scope", "send,read",
                                   **self.ROOT),
                         "BONGSU_APP_KEY=key_2\nBONGSU_APP_SECRET=s\n")
        self.assertEqual(self.sent(), {"scopes": ["send", "read"], "mode": "test"})
        self.assertEqual(self.good("key", "list", "shop", **self.ROOT).splitlines()[1].split(),
                         ["key_2", "test", "send,read", "now", "-"])
        self.good("key", "revoke", "shop", "key_2", **self.ROOT)
        self.assertEqual(self.run_cli("app", "delete", "shop", **self.ROOT).returncode, 64)
        self.good("app", "delete", "shop", "--yes", **self.ROOT)

    def test_the_root_key_names_the_app_that_is_meant(self):
        self.api.on("GET", "/v1/queues?limit=200&app=shop", (200, page()))
        self.good("queue", "--app", "shop", BONGSU_APP_KEY="", BONGSU_APP_SECRET="", **self.ROOT)
        self.good("queue", "--app", "shop", **self.ROOT)  # whose key it would be otherwise
        asked = len(self.api.asked)
        refused = self.run_cli("dlq", "delete", "--all", "--app", "shop")
        self.assertEqual((refused.returncode, "BONGSU_ROOT_KEY" in refused.stderr), (77, True))
        self.assertEqual(len(self.api.asked), asked)

    def test_a_server_that_is_named_needs_no_configuration(self):
        self.api.on("POST", "/v1/store/confirm-epoch", (200, {"was_confirmed": False}))
        self.assertIn("confirmed", self.good("store", "confirm-epoch", **self.ROOT))

    def test_lanes_are_paused_resumed_and_moved(self):
        root = {"BONGSU_APP_KEY": "", "BONGSU_APP_SECRET": "", **self.ROOT}
        self.api.on("POST", "/v1/queues/sms/pause",
                    (200, {"paused": {"reason": "r", "expires_at": "t9"}}))
        self.assertEqual(self.good("queue", "pause", "sms", "--reason", "r", "--expires-in", "1h",
                                   **root), "sms is paused, critical work too until t9\n")
        self.assertEqual(self.sent(), {"reason": "r", "expires_in": "1h"})
        self.api.on("POST", "/v1/queues/sms/resume", (200, {"paused": None}))
        self.assertEqual(self.good("queue", "resume", "sms", **root), "sms goes on\n")
        self.api.on("POST", "/v1/queues/sms/move", (200, {"moved": {"expires_at": None}}))
        self.assertEqual(self.good("queue", "move", "sms", "a", "b", **root),
                         "sms: what goes to a goes to b, until it is ended\n")
        self.assertEqual(self.sent(), {"from": "a", "to": "b"})
        self.api.on("DELETE", "/v1/queues/sms/move?from=a", (204, b""))
        self.good("queue", "unmove", "sms", "a", **root)
        # Without the root key nothing is asked.
        self.assertEqual(self.run_cli("queue", "pause", "sms").returncode, 77)
        self.api.on("GET", "/v1/queues?limit=200", (200, page(
            {"kind": "sms", "priority": "low", "depth": 3,
             "blocked": {"by": "slow", "detail": "nobody answers", "since": "t1"}})))
        out = self.good("queue", **root)
        self.assertIn("sms low: nobody answers; since t1", out)

    def test_the_doctor_says_what_is_held_and_what_to_do(self):
        root = {"BONGSU_APP_KEY": "", "BONGSU_APP_SECRET": "", **self.ROOT}
        lane = {"kind": "sms", "depth": 3, "blocked": {
            "by": "breaker_open", "detail": "twilio is left alone", "since": "t1",
            "next_due_at": "t2"}}
        self.api.on("GET", "/readyz", (200, {"status": "ready"}))
        self.api.on("GET", "/v1/queues?limit=200", (200, page(
            {**lane, "priority": "high"}, {**lane, "priority": "low"},
            {"kind": "ios", "priority": "low", "depth": 9,
             "blocked": {"by": "not_due", "detail": "later"}})))
        self.api.on("GET", "/v1/providers?limit=200", (200, page(
            {"name": "mail", "breaker": "closed"})))
        self.api.on("GET", "/v1/dead-letters?limit=1", (200, page()))
        done = self.run_cli("doctor", **root)
        self.assertEqual(done.returncode, 1, done)
        self.assertEqual(done.stdout.splitlines()[:2], [
            "sms (high, low), 6 waiting: twilio is left alone (since t1)", "  next: t2"])
        self.assertIn("bongsu queue move sms FROM TO", done.stdout)
        self.assertNotIn("later", done.stdout)
        self.api.on("GET", "/v1/queues?limit=200", (200, page()))
        self.assertEqual(self.good("doctor", **root),
                         "healthy: everything that is due moves\n")
        self.api.on("GET", "/readyz", (503, {"detail": "the store refuses writes"}))
        done = self.run_cli("doctor", **root)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "not ready: the store refuses writes\n")

    def test_status_tells_notifications_from_deliveries(self):
        self.api.on("GET", f"/v1/deliveries/{DLV}", (200, delivery(events=[
            {"at": "t0", "type": "queued"},
            {"at": "t1", "type": "failed", "attempt": 1, "provider": "demo", "code": "400",
             "reason": "BadTopic", "detail": "한국어", "route": None}],
            explanation="Failed: it was refused for good.")))
        lines = self.good("status", DLV).splitlines()
        self.assertEqual(lines[:2], ["Failed: it was refused for good.", ""])
        self.assertIn(f"notification_id      {NTF}", lines)
        self.assertEqual(lines[-1].split(),
                         ["t1", "failed", "1", "demo", "400", "BadTopic", "한국어", "-"])
        self.assertEqual(self.run_cli("status", "x").returncode, 64)
        self.api.on("GET", f"/v1/notifications/{NTF}",
                    (200, {"id": NTF, "status": "done", "counts": {"sent": 2, "dead": 0}}))
        self.api.on("GET", f"/v1/notifications/{NTF}/deliveries?limit=200",
                    (200, page(delivery(), cursor="a b")))
        self.api.on("GET", f"/v1/notifications/{NTF}/deliveries?limit=200&cursor=a%20b",
                    (200, page(delivery(state="delivered"))))
        lines = self.good("status", NTF).splitlines()
        self.assertIn("counts               2 sent", lines)
        self.assertIn("delivered", lines[-1])

    def test_dead_letters_are_listed_and_redriven(self):
        self.api.on("GET", "/v1/dead-letters?limit=200&channel=sms&reason=x%26y",
                    (200, page(delivery(state="dead"))))
        self.assertIn(DLV, self.good("dlq", "list", "--channel", "sms", "--reason", "x&y"))
        self.api.on("POST", "/v1/dead-letters/redrive",
                    (200, {"redriven": 1, "skipped": ["a"], "more": False}))
        out = self.good("dlq", "redrive", DLV, "a")
        self.assertEqual(self.sent(), {"ids": [DLV, "a"]})
        self.assertEqual(out, "a: not a dead letter\n1 redriven\n")
        self.api.on("POST", "/v1/dead-letters/redrive",
                    (200, {"redriven": 5000, "skipped": [], "more": True, "next_cursor": "c"}),
                    (200, {"redriven": 7, "skipped": [], "more": False, "next_cursor": None,
                           "last_due_at": "t9"}))
        out = self.good("dlq", "redrive", "--all", "--channel", "sms", "--rate", "50")
        self.assertEqual(self.sent(), {"filter": {"channel": "sms"}, "rate": 50, "limit": 5000,
                                       "cursor": "c"})
        self.assertEqual(out, "5007 redriven, the last of them due at t9\n")
        self.api.on("POST", "/v1/dead-letters/redrive",
                    (200, {"matching": 100000, "exact": False}))
        out = self.good("dlq", "redrive", "--all", "--preview", "--until", "t")
        self.assertEqual(self.sent(), {"filter": {"until": "t"}, "preview": True})
        self.assertEqual(out, "more than 100000 matching\n")
        self.assertEqual(self.run_cli("dlq", "redrive", DLV, "--rate", "0").returncode, 64)
        for args in ((), (DLV, "--all"), ("--channel", "sms")):
            self.assertEqual(self.run_cli("dlq", "redrive", *args).returncode, 64, args)
            self.assertEqual(self.run_cli("dlq", "delete", *args).returncode, 64, args)

    def test_dead_letters_are_deleted_until_there_are_none(self):
        self.api.on("DELETE", "/v1/dead-letters",
                    (200, {"matching": 100000, "exact": False}), (204, b""),
                    (200, {"matching": 3, "exact": True}), (204, b""))
        out = self.good("dlq", "delete", "--all", "--why", "an outage")
        self.assertEqual(self.sent(), {"filter": {}, "reason": "an outage"})
        self.assertEqual(out, "100003 deleted\n")
        self.api.on("DELETE", "/v1/dead-letters", (200, {"matching": 0, "exact": True}))
        self.assertEqual(self.good("dlq", "delete", DLV), "0 deleted\n")

    def test_a_template_is_pushed_under_its_files_name(self):
        self.api.on("PUT", "/v1/templates/order_shipped", (201, {"version": 4}))
        path = f"{self.home.name}/order_shipped.json"
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"sms": {"text": "hi"}}')
        self.assertEqual(self.good("template", "push", path),
                         "template order_shipped, version 4\n")
        self.good("template", "push", "-", "--name", "order_shipped", stdin="{}")
        self.assertEqual(self.run_cli("template", "push", "-").returncode, 64)
        self.assertEqual(self.run_cli("template", "push", path, stdin="{").returncode, 0)


class Offline(Cli):
    def test_help_stands_everywhere(self):
        self.assertIn("usage: bongsu COMMAND", self.good("--help"))
        for words in ("serve", "check", "send", "status", "queue", "dlq list", "dlq redrive", "dlq delete",
                      "template push", "app create", "app list", "app delete", "key create",
                      "key list", "key revoke", "openapi", "completion", "version"):
            out = self.good(*words.split(), "--help")
            self.assertTrue(out.startswith(f"usage: bongsu {words}"), out)

    def test_completions_are_programs_of_their_shells(self):
        script = self.good("completion", "bash") + """
            try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _bongsu
                    echo "${COMPREPLY[*]}"; }
            try bongsu st; try bongsu dlq ''; try bongsu send --prio; try bongsu serve --config /et
        """
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.splitlines(), ["status store", "list redrive delete", "--priority", "/etc"])
        self.assertIn("#compdef bongsu", self.good("completion", "zsh"))
        self.assertIn("complete -c bongsu", self.good("completion", "fish"))
        self.assertEqual(self.run_cli("completion", "tcsh").returncode, 64)

    def test_check_lists_every_fault_with_its_place(self):
        path = f"{self.home.name}/bongsu.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write("root_key: short\nstore: sqlite:/proc/x\nlimts: {}\n"
                       "providers:\n  p: {driver: sandbox}\n")
        done = self.run_cli("check", "-c", path)
        self.assertEqual(done.returncode, 1)
        self.assertEqual([line.split(": ")[0] for line in done.stderr.splitlines()],
                         [f"{path}:1:11", f"{path}:3:1"])
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"root_key: {'k' * 32}\nstore: sqlite:{self.home.name}/a/b\n"
                       "providers:\n  p: {driver: sandbox}\n"
                       "routes:\n  - {kind: sms, providers: p}\n")
        self.assertEqual(self.good("check", "-c", path),
                         f"{path} is good: listeners=1 providers=1 routes=1\n")
        self.assertEqual(os.listdir(self.home.name), ["bongsu.yaml"], "check makes nothing")

    def test_serve_refuses_a_bad_configuration(self):
        done = self.run_cli("serve", "-c", "/no/such/file")
        self.assertEqual(done.returncode, 78)
        self.assertIn("/no/such/file: No such file", done.stderr)


if __name__ == "__main__":
    unittest.main()
