"""Starts each fake with the keys of one Pki, and makes a provider token as Apple wants it."""
import base64
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

import pki
from peers import Fake

TWILIO_SID = "AC" + "0123456789abcdef" * 2
TWILIO_TOKEN = "twilio-auth-token-of-the-tests"


def start_apns(directory, made, name="apns", **options):
    """The fake with the keys of `made`."""
    return Fake("apns_fake", directory, name=name, cert=made.cert, key=made.key,
                public=made.apns_public, kid=pki.KID, team=pki.TEAM,
                topics=f"{pki.TOPIC},com.example.other", **options)


def start_fcm(directory, made, **options):
    """The fake that accepts tokens of the service account of `made`."""
    return Fake("fcm_fake", directory, public=made.google_public, project=pki.PROJECT,
                account=f"bongsu@{pki.PROJECT}.iam.gserviceaccount.com", cert=made.cert,
                key=made.key, **options)


def start_twilio(directory, **options):
    """The fake of one account."""
    return Fake("twilio_fake", directory, sid=TWILIO_SID, token=TWILIO_TOKEN, **options)


def jwt(made, claims, der=False):
    """A provider token; `der` signs it as OpenSSL does by default, which JWS forbids."""
    key = serialization.load_pem_private_key(made.apns_key.read_bytes(), None)
    parts = [b64(json.dumps(part).encode()) for part in ({"alg": "ES256", "kid": pki.KID}, claims)]
    signature = key.sign(".".join(parts).encode(), ec.ECDSA(hashes.SHA256()))
    if not der:
        r, s = utils.decode_dss_signature(signature)
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return ".".join([*parts, b64(signature)])


def b64(data):
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def start_webpush(directory, made, **options):
    """The push service, over http and https."""
    return Fake("webpush_fake", directory, cert=made.cert, key=made.key, **options)
