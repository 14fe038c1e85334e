"""Ids, codes, secrets and tokens out of random bytes, in the forms that AWS gives them.

Every function takes the source of bytes, so nothing here decides about chance.
"""

import base64
import hashlib
from collections.abc import Callable
from uuid import UUID

RandomBytes = Callable[[int], bytes]

TOKEN_BYTES = 32
"""Bytes of chance in a channel token."""


def uuid_text(random_bytes: RandomBytes) -> str:
    """A random UUID (RFC 9562, version 4)."""
    return str(UUID(bytes=random_bytes(16), version=4))


def user_id(random_bytes: RandomBytes) -> str:
    """`AIDA` and 17 characters."""
    return "AIDA" + _base32(random_bytes, 17)


def role_id(random_bytes: RandomBytes) -> str:
    """`AROA` and 17 characters."""
    return "AROA" + _base32(random_bytes, 17)


def group_id(random_bytes: RandomBytes) -> str:
    """`AGPA` and 17 characters."""
    return "AGPA" + _base32(random_bytes, 17)


def managed_policy_id(random_bytes: RandomBytes) -> str:
    """`ANPA` and 17 characters."""
    return "ANPA" + _base32(random_bytes, 17)


def access_key_id(random_bytes: RandomBytes) -> str:
    """`AKIA` and 16 characters: a long-lived key."""
    return "AKIA" + _base32(random_bytes, 16)


def temporary_access_key_id(random_bytes: RandomBytes) -> str:
    """`ASIA` and 16 characters: a key that comes with a session token."""
    return "ASIA" + _base32(random_bytes, 16)


def secret_access_key(random_bytes: RandomBytes) -> str:
    """40 characters of base64: 240 bits."""
    return base64.b64encode(random_bytes(30)).decode()


def activation_code(random_bytes: RandomBytes) -> str:
    """20 characters of base64: 120 bits."""
    return base64.b64encode(random_bytes(15)).decode()


def node_id(random_bytes: RandomBytes) -> str:
    """`mi-` and 17 hexadecimal digits."""
    return "mi-" + random_bytes(9).hex()[:17]


def session_id(name: str, random_bytes: RandomBytes) -> str:
    """The caller's name and 26 characters; at most 91 together, as names have at most 64."""
    return f"{name}-{_base32(random_bytes, 26).lower()}"


def channel_token(random_bytes: RandomBytes) -> str:
    """A token that opens one channel once: base64url, without padding."""
    return base64.urlsafe_b64encode(random_bytes(TOKEN_BYTES)).rstrip(b"=").decode()


def digest(secret: str) -> bytes:
    """What is kept of a token or code: its SHA-256. They hold too much chance to need a slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _base32(random_bytes: RandomBytes, characters: int) -> str:
    return base64.b32encode(random_bytes(-(-characters * 5 // 8))).decode()[:characters]
