"""All five counterparts at once, and the configuration that leads to them."""
import pki as keys
from bongsu import Server
from fakes import TWILIO_SID, TWILIO_TOKEN, start_apns, start_fcm, start_twilio, start_webpush
from postfix import DOMAIN, Postfix

# Retries that a test can wait for.
RETRY = {name: {"first": "50ms", "max": "500ms", "attempts": 4}
         for name in ("critical", "high", "normal", "low")}
CONTENT = {
    "push": {"title": "Order {{order.id}}", "body": "for {{user.attributes.name}}",
             "url": "https://shop.example/o/{{order.id}}", "data": {"order": "{{order.id}}"}},
    "sms": {"text": "Order {{order.id}} & more for {{user.attributes.name}}"},
    "email": {"from": f"Shop <no-reply@{DOMAIN}>", "subject": "Order {{order.id}} – ready",
              "html": "<p>Order {{order.id}} for <b>{{user.attributes.name}}</b></p>",
              "text": "Order {{order.id}} for {{user.attributes.name}}\n.\nEnd"},
    "locales": {"ko": {
        "push": {"title": "주문 {{order.id}}", "body": "{{user.attributes.name}} 님"},
        "sms": {"text": "주문 {{order.id}} 배송 시작"},
        "email": {"from": f"Shop <no-reply@{DOMAIN}>", "subject": "주문 {{order.id}} 배송 시작",
                  "html": "<p>주문 {{order.id}}</p>", "text": "주문 {{order.id}}\n"}}},
}


class World:
    """Fakes for the kinds asked for, and a server whose routes lead to them.

    `fake` are options of Apple's fake; keywords by kind are settings of that provider.
    Members: apns, fcm, web, sms (fakes), mail (Postfix), server, app. `stop` ends everything.
    """

    def __init__(self, directory, kinds=("ios", "android", "web", "sms", "email"), config=None,
                 fake=None, **providers):
        self.directory = directory
        self.pki = keys.Pki(directory)
        self._started = []
        self._fake = fake or {}
        self.apns = self.fcm = self.web = self.sms = self.mail = None
        made = {}
        try:
            for kind in kinds:
                made[kind] = getattr(self, f"_{kind}")(providers.get(kind, {}))
                made[kind] = {k: v for k, v in made[kind].items() if v is not None}
            self.server = self._keep(Server({
                "providers": made, "retry": RETRY,
                "routes": [{"kind": kind, "providers": [kind]} for kind in kinds],
                **(config or {})}, directory=directory))
            self.root = self.server.root()
            self.app = self.server.app("shop")
        except BaseException:
            self.stop()
            raise

    def _keep(self, started):
        self._started.append(started)
        return started

    def _ios(self, more):
        self.apns = self._keep(start_apns(self.directory, self.pki, **self._fake))
        return {"driver": "apns", "team_id": keys.TEAM, "key_id": keys.KID,
                "key": f"file:{self.pki.apns_key}", "ca": str(self.pki.ca),
                "url": f"https://127.0.0.1:{self.apns.port}",
                "sandbox_url": f"https://127.0.0.1:{self.apns.port}", **more}

    def _android(self, more):
        self.fcm = self._keep(start_fcm(self.directory, self.pki))
        account = self.pki.service_account(f"https://127.0.0.1:{self.fcm.ports['tls']}/token")
        return {"driver": "fcm", "service_account": f"file:{account}", "ca": str(self.pki.ca),
                "url": f"https://127.0.0.1:{self.fcm.ports['tls']}", **more}

    def _web(self, more):
        self.web = self._keep(start_webpush(self.directory, self.pki))
        return {"driver": "webpush", "vapid_key": f"file:{self.pki.vapid}",
                "subject": "mailto:ops@shop.example", "ca": str(self.pki.ca),
                "allow_endpoints": ["127.0.0.0/8"], **more}

    def _sms(self, more):
        self.sms = self._keep(start_twilio(self.directory))
        return {"driver": "twilio", "account_sid": TWILIO_SID, "auth_token": TWILIO_TOKEN,
                "from": "+15005550006", "url": f"http://127.0.0.1:{self.sms.port}", **more}

    def _email(self, more):
        self.mail = self._keep(Postfix(self.directory, self.pki))
        return {"driver": "smtp", "url": f"smtp://127.0.0.1:{self.mail.port}",
                "ca": str(self.pki.ca), "starttls": "required", **more}

    def full_user(self, user_id="u1", token="ab" * 32, **record):
        """A user with an iPhone, an Android phone, a browser, a phone number and a mailbox."""
        self.app.must("PUT", f"/v1/users/{user_id}", {
            "email": f"{user_id}@{DOMAIN}", "phone": "+821012345678", "locale": "ko-KR",
            "timezone": "Asia/Seoul", "attributes": {"name": "안나 & <Co>"}, **record})
        subscription = self.web.subscribe(vapid=self.pki.vapid_public)
        for device, body in {
                "iphone": {"platform": "ios", "token": token, "bundle_id": keys.TOPIC},
                "droid": {"platform": "android", "token": f"fcm:{user_id}",
                          "bundle_id": keys.TOPIC},
                "browser": {"platform": "web", "subscription": subscription}}.items():
            self.app.must("PUT", f"/v1/users/{user_id}/devices/{device}", body)
        return subscription["endpoint"].rsplit("/", 1)[1]

    def stop(self):
        """Ends everything, the last started first."""
        while self._started:
            self._started.pop().stop()
