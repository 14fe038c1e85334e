"""Readers of what an identity provider publishes, and of tokens that anybody may have made."""

from fairlead.domain.errors import WebIdentityRefused
from fairlead.server.oidc_keys import find_key, parse_discovery, parse_key_set
from fairlead.server.oidc_tokens import look, verify
from tests.fuzz.target import as_json
from tests.support.factories import NOW
from tests.support.oidc_tokens import ISSUER, SigningKey, claims, discovery, key_set

REFUSALS = (WebIdentityRefused,)


def read_discovery(data: bytes) -> None:
    """Whatever is accepted leads to keys over TLS."""
    assert parse_discovery(data, ISSUER).startswith("https://")


def read_keys(data: bytes) -> None:
    """Every key of the set, for each algorithm."""
    for key in parse_key_set(data, ISSUER):
        for algorithm in ("RS256", "ES256", "EdDSA"):
            key_id = key.get("kid")
            find_key((key,), key_id if isinstance(key_id, str) else None, algorithm)


def read_token(data: bytes) -> None:
    """One token, to the verdict; no signature made by chance is right."""
    token = data.decode("latin-1")
    look(token)
    signer = SigningKey()
    key = find_key((signer.jwk,), signer.key_id, signer.algorithm)
    assert key is not None
    verify(token, ISSUER, key, NOW)


def discovery_seeds() -> list[bytes]:
    return [discovery(), discovery(jwks_uri="http://127.0.0.1/k"), b"[]"]


def key_seeds() -> list[bytes]:
    return [key_set(SigningKey(), SigningKey("curve", "ES256")), *as_json({"keys": [{"kty": "OKP"}]})]


def token_seeds() -> list[bytes]:
    return [SigningKey().sign(claims()).encode(), SigningKey("first", number=1).sign(claims()).encode()]
