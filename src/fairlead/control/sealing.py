"""Authenticated encryption under the master key, for secrets at rest and for what clients carry for us.

AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces. A sealed value names the key that made it, so that
the master key can be replaced while old values are readable, and is bound to a place (`bound_to`): moved to
another row or purpose, it does not open. Reading and keeping the key file is left to `server`.
"""

import hashlib
import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_FORMAT = b"\x01"
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEADER_BYTES = len(_FORMAT) + _KEY_ID_BYTES
OVERHEAD_BYTES = _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES
"""How much longer a sealed value is than the plain one."""


class SealBroken(Exception):
    """The value was not sealed here, was changed, belongs elsewhere, or its key is gone."""


class Sealer:
    """Seals with one key and opens with that one and earlier ones."""

    def __init__(
        self, master_key: bytes, random_bytes: Callable[[int], bytes], previous_keys: tuple[bytes, ...] = ()
    ) -> None:
        """Take the keys; ValueError if one is not `KEY_BYTES` long."""
        if any(len(key) != KEY_BYTES for key in (master_key, *previous_keys)):
            raise ValueError(f"a master key has exactly {KEY_BYTES} bytes")
        self._random_bytes = random_bytes
        self._current = _key_id(master_key)
        self._ciphers = {_key_id(key): AESGCM(key) for key in (*previous_keys, master_key)}

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        """Encrypt and bind: format, key id, nonce, then ciphertext with its tag."""
        header = _FORMAT + self._current
        nonce = self._random_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, header + bound_to)
        return header + nonce + sealed

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """The plain value. Raises SealBroken."""
        header, rest = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
        cipher = self._ciphers.get(header[len(_FORMAT) :]) if header[: len(_FORMAT)] == _FORMAT else None
        if cipher is None or len(rest) < _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken("not sealed with a key of this installation")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], header + bound_to)
        except InvalidTag:
            raise SealBroken("changed, or sealed for another place") from None

    def is_current(self, sealed: bytes) -> bool:
        """True if the value need not be sealed again after a change of the master key."""
        return sealed[:_HEADER_BYTES] == _FORMAT + self._current


def _key_id(key: bytes) -> bytes:
    """What names a key without telling it."""
    return hmac.digest(key, b"fairlead master key id", hashlib.sha256)[:_KEY_ID_BYTES]
