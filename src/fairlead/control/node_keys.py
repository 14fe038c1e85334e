"""The RSA keys of managed nodes: taking a public key in, and judging what the private half signed."""

import base64
import binascii
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from fairlead.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from fairlead.aws.sigv4 import Scope, Verifier

MIN_KEY_BITS = 2048
MAX_KEY_BITS = 4096
"""Agents make keys of 2048 bits; the work of checking a signature grows with the length."""
SALT_BYTES = 32


def parse_public_key(text: str) -> bytes:
    """The DER SubjectPublicKeyInfo out of its base64 form. Raises InvalidRequest."""
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise InvalidRequest(
            "The public key cannot be read; expected base64 of a DER SubjectPublicKeyInfo."
        ) from None
    if not isinstance(key, RSAPublicKey) or not MIN_KEY_BITS <= key.key_size <= MAX_KEY_BITS:
        raise InvalidRequest(f"The public key must be an RSA key of {MIN_KEY_BITS} to {MAX_KEY_BITS} bits.")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def rsa_verifier(public_key: bytes) -> "Verifier":
    """A verifier for `aws.sigv4.verify`: what `is_signed_by` says."""

    def verifier(_scope: "Scope", text: str, signature: str) -> bool:
        return is_signed_by(public_key, text, signature)

    return verifier


def is_signed_by(public_key: bytes, text: str, signature: str) -> bool:
    """Whether a signature is of the text and by this key (DER).

    It is base64 of RSASSA-PSS, SHA-256, salt of 32 bytes (RFC 8017).
    """
    key = load_der_public_key(public_key)
    assert isinstance(key, RSAPublicKey)
    try:
        signed = base64.b64decode(signature, validate=True)
        key.verify(signed, text.encode("utf-8"), PSS(MGF1(SHA256()), SALT_BYTES), SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True
