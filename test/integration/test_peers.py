"""The fakes are faithful: the vendors' own clients understand each of their answers."""
import json
import tempfile
import time
import unittest

import h2c
import peers
import pki
from fakes import TWILIO_SID, TWILIO_TOKEN, jwt, start_apns, start_fcm, start_twilio


class ApnsFake(unittest.TestCase):
    """Our fake of Apple's service, as its clients see it."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.pki = pki.Pki(cls.temporary.name)
        cls.fake = start_apns(cls.temporary.name, cls.pki)
        cls.addClassCleanup(cls.fake.stop)

    def certify(self, *tokens):
        made = self.pki
        return peers.node("certify_apns.mjs", self.fake.port, made.apns_key, made.ca, pki.KID,
                          pki.TEAM, pki.TOPIC, *tokens, ca=made.ca,
                          targets={"api.push.apple.com": self.fake.port})

    def test_both_clients_succeed_and_name_each_error(self):
        reasons = ["BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered", "TooManyRequests",
                   "ServiceUnavailable", "Shutdown", "PayloadTooLarge", "TopicDisallowed"]
        status = {"Unregistered": 410, "TooManyRequests": 429, "ServiceUnavailable": 503,
                  "Shutdown": 503, "PayloadTooLarge": 413}
        tokens = {reason: f"e{i:063x}" for i, reason in enumerate(reasons)}
        self.fake.rules(*({"address": token, "act": {"reason": reason, "timestamp": 1700000000123}}
                          for reason, token in tokens.items()))
        good = "ab" * 32
        result = self.certify(good, *tokens.values())
        self.assertEqual(result["silent"], "sent")
        for client in ("node_apn", "apns2"):
            with self.subTest(client=client):
                self.assertEqual(result[client][good], "sent")
                for reason, token in tokens.items():
                    self.assertEqual(result[client][token]["reason"], reason)
        for reason, token in tokens.items():
            self.assertEqual(int(result["node_apn"][token]["status"]), status.get(reason, 400))
        gone = result["node_apn"][tokens["Unregistered"]]
        self.assertEqual(gone["timestamp"], 1700000000123)

    def test_a_hang_and_a_reset_reach_the_client_as_failures(self):
        hang, reset = "aa01" * 16, "aa02" * 16
        self.fake.rules({"address": hang, "act": {"hang": True}},
                        {"address": reset, "act": {"reset": 7}})
        result = self.certify(hang, reset)
        for client in ("node_apn", "apns2"):
            for token in (hang, reset):
                with self.subTest(client=client, token=token):
                    self.assertIn("error", result[client][token])

    def test_it_refuses_what_apple_refuses(self):
        self.fake.rules()
        token = jwt(self.pki, {"iss": pki.TEAM, "iat": int(time.time())})
        good = {"authorization": f"bearer {token}", "apns-topic": pki.TOPIC,
                "apns-push-type": "alert", "apns-priority": "10"}
        body = json.dumps({"aps": {"alert": "x"}})
        path = "/3/device/" + "ab" * 32
        old = jwt(self.pki, {"iss": pki.TEAM, "iat": int(time.time()) - 3700})
        other = jwt(self.pki, {"iss": "ZZZZZ12345", "iat": int(time.time())})
        der = jwt(self.pki, {"iss": pki.TEAM, "iat": int(time.time())}, der=True)
        cases = [
            ({}, body, path, "POST", 200, None),
            ({}, body, path, "GET", 405, "MethodNotAllowed"),
            ({}, body, "/3/devices/ab", "POST", 404, "BadPath"),
            ({}, body, "/3/device/", "POST", 400, "MissingDeviceToken"),
            ({}, body, "/3/device/xyz", "POST", 400, "BadDeviceToken"),
            ({"authorization": f"Bearer {token}"}, body, path, "POST", 403,
             "MissingProviderToken"),
            ({"authorization": f"bearer {old}"}, body, path, "POST", 403, "ExpiredProviderToken"),
            ({"authorization": f"bearer {other}"}, body, path, "POST", 403,
             "InvalidProviderToken"),
            ({"authorization": f"bearer {der}"}, body, path, "POST", 403, "InvalidProviderToken"),
            ({"apns-topic": ""}, body, path, "POST", 400, "MissingTopic"),
            ({"apns-topic": "com.other"}, body, path, "POST", 400, "TopicDisallowed"),
            ({"apns-push-type": "Alert"}, body, path, "POST", 400, "InvalidPushType"),
            ({"apns-push-type": "background"}, body, path, "POST", 400, "BadPriority"),
            ({"apns-priority": "7"}, body, path, "POST", 400, "BadPriority"),
            ({"apns-id": "ABCDEF00-0000-0000-0000-000000000000"}, body, path, "POST", 400,
             "BadMessageId"),
            ({"apns-expiration": "soon"}, body, path, "POST", 400, "BadExpirationDate"),
            ({"apns-collapse-id": "c" * 65}, body, path, "POST", 400, "BadCollapseId"),
            ({"apns-collapse-id": "c" * 64}, body, path, "POST", 200, None),
            ({}, "", path, "POST", 400, "PayloadEmpty"),
            ({}, "{}", path, "POST", 400, "PayloadEmpty"),
            ({}, json.dumps({"aps": {}, "x": "y" * 4096}), path, "POST", 413, "PayloadTooLarge"),
        ]
        client = h2c.Client(self.fake.port, self.pki.ca)
        self.addCleanup(client.close)
        for extra, text, target, method, status, reason in cases:
            with self.subTest(extra=extra, path=target, method=method):
                answer = client.request(method, target, {**good, **extra}, text.encode())
                self.assertEqual(answer.status, status)
                if reason:
                    self.assertEqual(json.loads(answer.body)["reason"], reason)

    def test_goaway_names_the_last_stream_that_it_took(self):
        token = "cd" * 32
        self.fake.rules({"address": token, "act": {"goaway": "before"}})
        auth = jwt(self.pki, {"iss": pki.TEAM, "iat": int(time.time())})
        good = {"authorization": f"bearer {auth}", "apns-topic": pki.TOPIC,
                "apns-push-type": "alert"}
        client = h2c.Client(self.fake.port, self.pki.ca)
        self.addCleanup(client.close)
        body = b'{"aps":{}}'
        self.assertEqual(client.request("POST", "/3/device/ab", good, body).status, 200)
        with self.assertRaises(h2c.Gone) as gone:
            client.request("POST", f"/3/device/{token}", good, body)
        self.assertEqual(gone.exception.last_stream_id, 1)


class FcmFake(unittest.TestCase):
    """Our fake of Firebase Cloud Messaging, as Google's own client sees it."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.pki = pki.Pki(cls.temporary.name)
        cls.fake = start_fcm(cls.temporary.name, cls.pki)
        cls.addClassCleanup(cls.fake.stop)

    def test_the_client_succeeds_and_names_each_error(self):
        codes = {"UNREGISTERED": "messaging/registration-token-not-registered",
                 "INVALID_ARGUMENT": "messaging/invalid-argument",
                 "SENDER_ID_MISMATCH": "messaging/mismatched-credential",
                 "THIRD_PARTY_AUTH_ERROR": "messaging/third-party-auth-error",
                 "QUOTA_EXCEEDED": "messaging/message-rate-exceeded",
                 "INTERNAL": "messaging/internal-error"}
        self.fake.rules(*({"address": code, "act": {"reason": code}} for code in codes))
        account = self.pki.service_account("https://oauth2.googleapis.com/token")
        port = self.fake.ports["tls"]
        result = peers.node("certify_fcm.mjs", account, "good", *codes, ca=self.pki.ca,
                            targets={host: port for host in pki.VENDORS if "google" in host})
        self.assertRegex(result["good"], r"^projects/p1/messages/\d+$")
        for reason, code in codes.items():
            with self.subTest(reason=reason):
                self.assertEqual(result[reason]["code"], code)
        self.assertEqual(self.fake.stats()["tokens"], 1)


class TwilioFake(unittest.TestCase):
    """Our fake of Twilio, as Twilio's own client sees it."""

    def test_the_client_succeeds_and_names_each_error(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        made = pki.Pki(temporary.name)
        fake = start_twilio(temporary.name, cert=made.cert, key=made.key)
        self.addCleanup(fake.stop)
        codes = {"+15005550001": 21211, "+15005550002": 21612, "+15005550003": 21610,
                 "+15005550004": 20429, "+15005550005": 20500}
        fake.rules(*({"address": number, "act": {"reason": code}}
                     for number, code in codes.items()))
        result = peers.node("certify_twilio.mjs", TWILIO_SID, TWILIO_TOKEN, "+821012345678",
                            *codes, ca=made.ca, targets={"api.twilio.com": fake.ports["tls"]})
        good = result["+821012345678"]
        self.assertRegex(good["sid"], "^SM[0-9a-f]{32}$")
        self.assertEqual((good["status"], good["body"]), ("queued", "Hi + 안녕 & more"))
        for number, code in codes.items():
            self.assertEqual(result[number]["code"], code)
        wrong = peers.node("certify_twilio.mjs", TWILIO_SID, "wrong", "+821012345678", ca=made.ca,
                           targets={"api.twilio.com": fake.ports["tls"]})
        self.assertEqual(wrong["+821012345678"], {"code": 20003, "status": 401})


if __name__ == "__main__":
    unittest.main()
