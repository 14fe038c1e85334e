"""Signing keys and ID tokens of an OpenID Connect issuer, good ones and forged ones."""

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from fairlead.server.oidc_settings import OidcIssuer
from tests.support.control_world import rsa_key
from tests.support.factories import NOW

ISSUER = OidcIssuer(url="https://login.example/realms/staff", audiences=frozenset({"fairlead"}))


@cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """The same P-256 key each time it is asked for by number."""
    return ec.generate_private_key(ec.SECP256R1())


class SigningKey:
    """A key of an issuer. `jwk` is its public half."""

    def __init__(self, key_id: str = "first", algorithm: str = "RS256", number: int = 0) -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self._private: Any = ec_key(number) if algorithm == "ES256" else rsa_key(number)

    @property
    def jwk(self) -> dict[str, Any]:
        convert = ECAlgorithm.to_jwk if self.algorithm == "ES256" else RSAAlgorithm.to_jwk
        public = json.loads(convert(self._private.public_key()))
        public.pop("key_ops", None)
        return {**public, "kid": self.key_id, "use": "sig", "alg": self.algorithm}

    @property
    def public_pem(self) -> bytes:
        return self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, members: dict[str, Any], **header: Any) -> str:
        headers = {"kid": self.key_id, **header}
        return jwt.encode(members, self._private, self.algorithm, headers=headers)


def claims(now_s: float | None = None, **changes: Any) -> dict[str, Any]:
    """The claims of a good token, issued now; None takes one out."""
    issued = int(NOW.timestamp() if now_s is None else now_s)
    good = {"iss": ISSUER.url, "sub": "ada-0001", "aud": "fairlead", "iat": issued, "exp": issued + 300}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def segment(data: bytes) -> str:
    """One part of a token."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_token(header: dict[str, Any], members: Any, secret: bytes | None = None) -> str:
    """A token that no library would make: signed with a shared secret, or with nothing to speak of."""
    body = members if isinstance(members, bytes) else json.dumps(members).encode()
    signed = f"{segment(json.dumps(header).encode())}.{segment(body)}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b"nothing"
    return f"{signed}.{segment(signature)}"


def key_set(*keys: SigningKey) -> bytes:
    """The issuer's JWK set."""
    return json.dumps({"keys": [key.jwk for key in keys]}).encode()


def discovery(**changes: Any) -> bytes:
    """The issuer's discovery document."""
    document = {"issuer": ISSUER.url, "jwks_uri": f"{ISSUER.url}/keys", **changes}
    return json.dumps(document).encode()
