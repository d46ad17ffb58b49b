"""Who may call: the operator's root key, apps and their keys, scopes, rotation, revocation."""
import datetime
import pathlib
import unittest

from bongsu import Client, wait_for
from case import ServerCase, unique


class Apps(ServerCase):
    """/v1/apps, which only the root key reaches."""

    def test_an_app_is_made_listed_and_deleted(self):
        name = unique("app")
        made = self.root.post("/v1/apps", {"name": name})
        self.assertEqual(made.status, 201, made)
        self.assertEqual(made.json["id"], name)
        self.assertRegex(made.json["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertIn(name, [app["id"] for app in self.root.get("/v1/apps?limit=200").json["data"]])
        self.assertEqual(self.root.delete(f"/v1/apps/{name}").status, 202)
        wait_for(lambda: name not in [app["id"] for app in
                                      self.root.get("/v1/apps?limit=200").json["data"]])
        self.assert_problem(self.root.delete(f"/v1/apps/{name}"), 404)

    def test_the_same_name_twice_is_a_conflict(self):
        name = unique("app")
        self.root.must("POST", "/v1/apps", {"name": name}, status=201)
        self.assert_problem(self.root.post("/v1/apps", {"name": name}), 409)

    def test_a_bad_name_and_an_unknown_member_are_both_listed(self):
        answer = self.root.post("/v1/apps", {"name": "no spaces", "nmae": 1})
        self.assert_faults(answer, ["/name", "/nmae"])

    def test_nobody_else_reaches_them(self):
        for client in (self.server.anonymous(), Client(self.server.port, "Bearer wrong"),
                       Client(self.server.port, "Bearer " + "x" * 43),
                       Client(self.server.port, "Basic !!!"), Client(self.server.port, "Digest x")):
            with self.subTest(authorization=client.authorization):
                answer = client.get("/v1/apps")
                self.assert_problem(answer, 401)
                self.assertIn("www-authenticate", answer.headers)
        self.assert_problem(self.app.get("/v1/apps"), 403)
        self.assert_problem(self.app.post("/v1/apps", {"name": unique("app")}), 403)

    def test_a_deleted_app_loses_its_keys_at_once(self):
        doomed = self.server.app(unique("app"))
        self.assertEqual(doomed.get("/v1/notifications").status, 200)
        self.root.must("DELETE", f"/v1/apps/{doomed.app}", status=202)
        self.assert_problem(doomed.get("/v1/notifications"), 401)

    def test_the_root_key_acts_for_an_app_that_it_names(self):
        user = unique("u")
        self.root.must("PUT", f"/v1/users/{user}?app=shop", {"email": "a@b.example"})
        self.assertEqual(self.app.get(f"/v1/users/{user}").json["email"], "a@b.example")
        self.assert_problem(self.root.get(f"/v1/users/{user}?app=no-such-app"), 404)


class Keys(ServerCase):
    """/v1/apps/{app}/keys."""

    def make(self, **key):
        return self.root.post("/v1/apps/shop/keys", {"scopes": ["read"], "mode": "live", **key})

    def test_a_key_is_shown_with_its_secret_once(self):
        made = self.make(scopes=["send", "read"])
        self.assertEqual(made.status, 201, made)
        self.assertRegex(made.json["app_key"], r"^key_")
        self.assertGreaterEqual(len(made.json["app_secret"]), 32)
        self.assertEqual(sorted(made.json["scopes"]), ["read", "send"])
        self.assertEqual(made.json["mode"], "live")
        listed = self.root.get("/v1/apps/shop/keys?limit=200")
        self.assertIn(made.json["app_key"], [key["app_key"] for key in listed.json["data"]])
        self.assertNotIn(made.json["app_secret"], listed.body.decode())
        self.assertNotIn("secret", listed.body.decode().replace("app_secret_hint", ""))

    def test_a_secret_is_stored_only_as_a_hash(self):
        secret = self.make().json["app_secret"]
        for path in pathlib.Path(self.server.directory).rglob("*"):
            if path.is_file():
                self.assertNotIn(secret.encode(), path.read_bytes(), path)

    def test_each_scope_opens_its_own_calls_only(self):
        calls = {"send": ("POST", "/v1/notifications", {"to": [{"email": "a@ok.example"}],
                                                        "content": {"sms": {"text": "x"}}}),
                 "manage": ("PUT", f"/v1/users/{unique('u')}", {}),
                 "read": ("GET", "/v1/notifications", None)}
        for scope in calls:
            client = self.server.key("shop", scopes=[scope])
            for needed, (method, path, body) in calls.items():
                with self.subTest(scope=scope, call=path):
                    answer = client.call(method, path, body)
                    if needed == scope:
                        self.assertIn(answer.status, (200, 201, 202), answer)
                    else:
                        self.assert_problem(answer, 403)

    def test_two_keys_are_valid_at_once_and_one_is_revoked_at_once(self):
        old, new = self.server.key("shop"), self.server.key("shop")
        for client in (old, new):
            self.assertEqual(client.get("/v1/notifications").status, 200)
        self.assertEqual(self.root.delete(f"/v1/apps/shop/keys/{old.app_key}").status, 204)
        self.assert_problem(old.get("/v1/notifications"), 401)
        self.assertEqual(new.get("/v1/notifications").status, 200)
        self.assert_problem(self.root.delete(f"/v1/apps/shop/keys/{old.app_key}"), 404)

    def test_a_key_ends_when_it_expires(self):
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
        client = self.server.key("shop", expires_at=soon.isoformat())
        wait_for(lambda: client.get("/v1/notifications").status == 401, 10)

    def test_a_wrong_secret_and_an_unknown_key_look_the_same(self):
        made = self.make().json
        wrong = self.server.client("shop", made["app_key"], "x" * 43).get("/v1/notifications")
        unknown = self.server.client("shop", "key_unknown", "x" * 43).get("/v1/notifications")
        self.assert_problem(wrong, 401)
        self.assertEqual(wrong.body, unknown.body)

    def test_faults_of_a_key_are_listed(self):
        self.assert_faults(self.make(scopes=["read", "fly"], mode="dry", expires_at="tomorrow"),
                           ["/scopes/1", "/mode", "/expires_at"])
        self.assert_faults(self.make(scopes=[]), ["/scopes"])
        self.assert_problem(self.root.post("/v1/apps/none/keys", {"scopes": ["read"]}), 404)


class TestMode(ServerCase):
    """A test key reaches sandbox providers only, whatever the routes say."""

    config = {"providers": {"demo": {"driver": "sandbox"},
                            "sms": {"driver": "twilio", "url": "http://127.0.0.1:1",
                                    "account_sid": "AC" + "0" * 32, "auth_token": "t" * 32,
                                    "from": "+15005550006"}},
              "routes": [{"kind": "sms", "providers": ["sms"]}]}

    def test_its_deliveries_go_to_the_sandbox_and_say_so(self):
        client = self.server.key("shop", mode="test")
        one = self.delivery({"to": [{"phone": "+14155550100"}],
                             "content": {"sms": {"text": "x"}}}, client=client)
        self.assertEqual((one["state"], one["provider"]), ("sent", "demo"))
        shown = client.get(f"/v1/notifications/{one['notification_id']}").json
        self.assertEqual(shown["mode"], "test")

    def test_event_ids_of_the_modes_are_apart(self):
        body = {"to": [{"phone": "+14155550100"}], "content": {"sms": {"text": "x"}},
                "event_id": unique("e")}
        test, live = self.server.key("shop", mode="test"), self.server.key("shop")
        first, second = test.post("/v1/notifications", body), live.post("/v1/notifications", body)
        self.assertEqual((first.status, second.status), (202, 202))
        self.assertNotEqual(first.json["id"], second.json["id"])


class NoSandbox(ServerCase):
    """Without a sandbox provider there is nothing that a test key could reach."""

    config = {"providers": {"sms": TestMode.config["providers"]["sms"]},
              "routes": TestMode.config["routes"]}

    def test_a_test_key_is_told_so(self):
        client = self.server.key("shop", mode="test")
        self.assert_problem(client.post("/v1/notifications", {
            "to": [{"phone": "+14155550100"}], "content": {"sms": {"text": "x"}}}), 422)


if __name__ == "__main__":
    unittest.main()
