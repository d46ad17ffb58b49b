"""Keys and certificates for one run: a test CA, a server certificate, each provider's secrets.

Everything is made new in the directory given, so that no key stands in the tree.
"""
import base64
import datetime
import ipaddress
import json
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

TEAM = "ABCDE12345"
KID = "FGHIJ67890"
TOPIC = "com.example.shop"
PROJECT = "p1"
# The names that vendors' own clients insist on, so that they accept the fakes.
VENDORS = ["localhost", "fcm.googleapis.com", "oauth2.googleapis.com", "www.googleapis.com",
           "api.push.apple.com", "api.sandbox.push.apple.com", "api.twilio.com"]


class Pki:
    """Paths of what was made: ca, cert, key, apns_key, apns_public, vapid, service_account."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _certificate("Test CA", ca_key, None, None)
        key = ec.generate_private_key(ec.SECP256R1())
        self.ca = self._write("ca.pem", _pem(ca))
        self.key = self._write("server.key", _private(key))
        self.cert = self._write("server.pem", _pem(_certificate("127.0.0.1", key, ca, ca_key)))
        apns = ec.generate_private_key(ec.SECP256R1())
        self.apns_key = self._write("AuthKey.p8", _private(apns))
        self.apns_public = self._write("apns.pub", _public(apns))
        vapid = ec.generate_private_key(ec.SECP256R1())
        self.vapid = self._write("vapid.pem", _private(vapid))
        point = vapid.public_key().public_bytes(serialization.Encoding.X962,
                                                serialization.PublicFormat.UncompressedPoint)
        self.vapid_public = base64.urlsafe_b64encode(point).rstrip(b"=").decode()
        self._google = rsa.generate_private_key(65537, 2048)
        self.google_public = self._write("google.pub", _public(self._google))

    def service_account(self, token_uri):
        """Writes a service account whose tokens come from `token_uri`; returns its path."""
        return self._write("fcm.json", json.dumps({
            "type": "service_account", "project_id": PROJECT, "private_key_id": "kid-1",
            "private_key": _private(self._google),
            "client_email": f"bongsu@{PROJECT}.iam.gserviceaccount.com", "client_id": "1",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": token_uri}))

    def _write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path


def _certificate(name, key, issuer, issuer_key):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(subject)
               .issuer_name(issuer.subject if issuer else subject).public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(days=1))
               .not_valid_after(now + datetime.timedelta(days=30))
               .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True))
    if issuer:
        names = [x509.DNSName(vendor) for vendor in VENDORS]
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    return builder.sign(issuer_key or key, hashes.SHA256())


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _private(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def _public(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
