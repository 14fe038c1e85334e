"""A cloud's issuer of instance identity documents, with a key of its own, and its metadata service."""

import base64
import json
import threading
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509.oid import NameOID

INSTANCE_ID = "i-0123456789abcdef0"
CLOUD_ACCOUNT = "210987654321"
CLOUD_REGION = "eu-central-1"
TOKEN = "a-session-token=="
POLL_S = 0.05


def document(pending_at: datetime, **changes: object) -> bytes:
    """A document as EC2 writes it."""
    members: dict[str, object] = {
        "accountId": CLOUD_ACCOUNT,
        "architecture": "x86_64",
        "availabilityZone": f"{CLOUD_REGION}a",
        "billingProducts": None,
        "imageId": "ami-5fb8c835",
        "instanceId": INSTANCE_ID,
        "instanceType": "t2.micro",
        "pendingTime": pending_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "privateIp": "10.158.112.84",
        "region": CLOUD_REGION,
        "version": "2017-09-30",
    }
    return json.dumps({**members, **changes}, indent=2).encode()


class Issuer:
    """Signs documents. `certificate` is what a server pins (PEM), `public_key` its key in DER."""

    def __init__(self, key_bits: int = 2048) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=key_bits)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test cloud")])
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2021, 1, 1, tzinfo=UTC))
            .sign(self._key, SHA256())
        )
        self.certificate = self._certificate.public_bytes(Encoding.PEM)
        self.public_key = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def pkcs7(self, content: bytes, *more: PKCS7Options, encoded: bool = True) -> bytes:
        """A SignedData in base64 with line breaks, as EC2's `rsa2048`, or as it is."""
        options = [PKCS7Options.Binary, *more]
        builder = PKCS7SignatureBuilder().set_data(content)
        der = builder.add_signer(self._certificate, self._key, SHA256()).sign(Encoding.DER, options)
        return base64.encodebytes(der).strip() if encoded else der

    def bare(self, content: bytes) -> bytes:
        """A signature over the document itself, in base64, as EC2's `signature`."""
        return base64.encodebytes(self._key.sign(content, PKCS1v15(), SHA256())).strip()


@cache
def an_issuer(number: int = 0) -> Issuer:
    """The same issuer each time it is asked for by number: keys take long to make."""
    return Issuer()


def write_settings(directory: Path, issuer: Issuer, *entries: str, region: str = CLOUD_REGION) -> Path:
    """A file for `--instance-identity-file` that trusts the issuer; `entries` are more lines of it."""
    certificate = directory / f"{region}.pem"
    certificate.write_bytes(issuer.certificate)
    lines = [f'account_ids = ["{CLOUD_ACCOUNT}"]', *entries]
    lines += ["[[issuer]]", f'region = "{region}"', f'certificate_file = "{certificate}"', ""]
    path = directory / "instance-identity.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


class MetadataServiceOfTests:
    """IMDSv2 on loopback within the `with` block: `answers` by path, `seen` are methods and paths in order.

    An answer is a body, or status, body and headers. Without the session token nothing is told.
    """

    def __init__(self, answers: dict[str, bytes | tuple[int, bytes, dict[str, str]]]) -> None:
        prefix = "/latest/dynamic/instance-identity/"
        self.answers = {path if path.startswith("/") else prefix + path: answers[path] for path in answers}
        self.answers.setdefault("/latest/api/token", TOKEN.encode())
        self.seen: list[str] = []
        handler = type("Handler", (_Handler,), {"service": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "MetadataServiceOfTests":
        threading.Thread(target=self._server.serve_forever, args=(POLL_S,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    service: MetadataServiceOfTests

    def do_PUT(self) -> None:
        lifetime = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        self._answer(lifetime.isdigit() and self.path == "/latest/api/token")

    def do_GET(self) -> None:
        self._answer(self.headers.get("X-aws-ec2-metadata-token") == TOKEN)

    def _answer(self, is_allowed: bool) -> None:
        self.service.seen.append(f"{self.command} {self.path}")
        answer = self.service.answers.get(self.path, (404, b"", {})) if is_allowed else (401, b"", {})
        status, body, headers = answer if isinstance(answer, tuple) else (200, answer, {})
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""
