"""/openapi.json is valid, complete, and every answer of ours keeps to it."""
import pathlib
import tempfile
import unittest

import peers
from bongsu import Client, free_port
from case import CONTENT, GOOD, IOS, SUBSCRIPTION, ServerCase, unique

PATHS = {
    "/v1/apps": {"get", "post"}, "/v1/apps/{app}": {"delete"},
    "/v1/apps/{app}/keys": {"get", "post"}, "/v1/apps/{app}/keys/{app_key}": {"delete"},
    "/v1/users/{user_id}": {"get", "put", "delete"},
    "/v1/users/{user_id}/devices": {"get"},
    "/v1/users/{user_id}/devices/{device_id}": {"put", "delete"},
    "/v1/users/{user_id}/preferences": {"get", "put"},
    "/v1/suppressions/{channel}/{address}": {"get", "put", "delete"},
    "/v1/categories/{name}": {"put"}, "/v1/templates": {"get"},
    "/v1/templates/{name}": {"get", "put"}, "/v1/templates/{name}/preview": {"post"},
    "/v1/notifications": {"get", "post"}, "/v1/notifications/batch": {"post"},
    "/v1/notifications/{id}": {"get"}, "/v1/notifications/{id}/cancel": {"post"},
    "/v1/notifications/{id}/events": {"get"}, "/v1/notifications/{id}/deliveries": {"get"},
    "/v1/deliveries/{id}": {"get"}, "/v1/deliveries/{id}/content": {"get"},
    "/v1/queues": {"get"}, "/v1/dead-letters": {"get"}, "/v1/dead-letters/redrive": {"post"},
    "/metrics": {"get"}, "/healthz": {"get"}, "/readyz": {"get"},
}


class OpenApi(ServerCase):
    """The document, and prism as the judge of what goes to and fro."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        answer = cls.server.anonymous().get("/openapi.json")
        cls.answer, cls.document = answer, answer.json
        cls.path = pathlib.Path(cls.temporary.name) / "openapi.json"
        cls.path.write_bytes(answer.body)

    def test_it_is_valid(self):
        self.assertEqual(self.answer.status, 200)
        self.assertTrue(self.document["openapi"].startswith("3.1"))
        checked = peers.node("check_openapi.mjs", self.path)
        self.assertTrue(checked["valid"], checked)

    def test_every_call_of_the_contract_is_in_it(self):
        found = {path.replace("{appKey}", "{app_key}"): set(item)
                 for path, item in self.document["paths"].items()}
        for path, methods in PATHS.items():
            with self.subTest(path=path):
                self.assertLessEqual(methods, found.get(path, set()))

    def test_every_answer_keeps_to_it(self):
        prism = peers.Prism(self.path, self.server.port, self.temporary.name, free_port())
        self.addCleanup(prism.stop)
        root = Client(prism.port, self.root.authorization)
        app = Client(prism.port, self.app.authorization)
        name, other = unique("app"), unique("t")
        wrong = []

        def call(client, method, path, status, body=None):
            answer = client.call(method, path, body)
            if answer.status not in (status if isinstance(status, tuple) else (status,)):
                wrong.append(f"{method} {path}: {answer!r}")
            return answer.json

        call(root, "POST", "/v1/apps", 201, {"name": name})
        call(root, "POST", "/v1/apps", 409, {"name": name})
        call(root, "GET", "/v1/apps", 200)
        key = call(root, "POST", f"/v1/apps/{name}/keys", 201,
                   {"scopes": ["read"], "mode": "live", "expires_at": None})
        call(root, "GET", f"/v1/apps/{name}/keys", 200)
        call(root, "DELETE", f"/v1/apps/{name}/keys/{key and key.get('app_key')}", 204)
        call(root, "DELETE", f"/v1/apps/{name}", 202)
        call(root, "DELETE", f"/v1/apps/{name}", 404)
        user = {"email": "ok@shop.example", "phone": "+14155550100", "locale": "ko-KR",
                "timezone": "Asia/Seoul", "attributes": {"a": 1}}
        call(app, "PUT", "/v1/users/u1", 201, user)
        call(app, "PUT", "/v1/users/u1", 200, user)
        call(app, "GET", "/v1/users/u1", 200)
        call(app, "GET", "/v1/users/none", 404)
        call(app, "PUT", "/v1/users/u1/devices/d1", 201, IOS)
        call(app, "PUT", "/v1/users/u1/devices/d2", 201,
             {"platform": "web", "subscription": SUBSCRIPTION})
        call(app, "GET", "/v1/users/u1/devices", 200)
        call(app, "DELETE", "/v1/users/u1/devices/d2", 204)
        call(app, "PUT", "/v1/users/u1/preferences", (200, 201), {"channels": {"push": True}})
        call(app, "GET", "/v1/users/u1/preferences", 200)
        call(app, "PUT", "/v1/suppressions/email/x@y.example", 201, {})
        call(app, "GET", "/v1/suppressions/email/x@y.example", 200)
        call(app, "DELETE", "/v1/suppressions/email/x@y.example", 204)
        call(app, "PUT", "/v1/categories/news", 201, {"channels": ["push", "email"]})
        call(app, "PUT", f"/v1/templates/{other}", 201, CONTENT)
        call(app, "GET", f"/v1/templates/{other}", 200)
        call(app, "GET", "/v1/templates", 200)
        call(app, "POST", f"/v1/templates/{other}/preview", 200, {"data": {}, "locale": "ko"})
        sent = call(app, "POST", "/v1/notifications", 202,
                    {"event_id": unique("e"), "to": [{"user_id": "u1"}], "template": other,
                     "data": {"a": 1}, "priority": "high", "ttl": "1h", "collapse_key": "k"})
        call(app, "POST", "/v1/notifications", 422, {**GOOD, "category": "none"})
        call(app, "POST", "/v1/notifications/batch", 200, {"notifications": [GOOD, GOOD]})
        self.app.settled(sent["id"])
        path = f"/v1/notifications/{sent['id']}"
        for end in ("", "/events", "/deliveries"):
            call(app, "GET", path + end, 200)
        call(app, "POST", f"{path}/cancel", 200)
        one = self.app.deliveries(sent["id"])[0]["id"]
        call(app, "GET", f"/v1/deliveries/{one}", 200)
        call(app, "GET", f"/v1/deliveries/{one}/content", 200)
        call(app, "GET", "/v1/notifications?limit=2&state=sent", 200)
        call(app, "GET", "/v1/queues", 200)
        call(app, "GET", "/v1/dead-letters", 200)
        call(app, "POST", "/v1/dead-letters/redrive", 200, {"ids": [one]})
        call(app, "DELETE", "/v1/users/u1", 204)
        for probe in ("/healthz", "/readyz"):
            call(Client(prism.port), "GET", probe, 200)
        call(Client(prism.port, "Bearer " + "x" * 40), "GET", "/v1/notifications", 401)
        self.assertEqual(wrong, [])
        self.assertEqual(prism.violations(), [])


if __name__ == "__main__":
    unittest.main()
