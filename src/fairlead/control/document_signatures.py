"""Whether a cloud has signed an instance identity document: the signature checked under pinned keys."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from fairlead.aws.errors import MalformedSignedData
from fairlead.aws.signed_data import SignedData, parse_signed_data
from fairlead.domain.errors import InstanceIdentityRefused
from fairlead.domain.operations.instance_identity import PKCS7


def check_signature(document: bytes, signature: str, signature_type: str, keys: Sequence[bytes]) -> None:
    """Raise InstanceIdentityRefused unless one of the keys (DER) has signed the document.

    `signature` is base64 of what `signature_type` says (`operations.instance_identity`); line breaks in it do
    not matter.
    """
    try:
        raw = base64.b64decode("".join(signature.split()), validate=True)
    except (ValueError, binascii.Error):
        raise _refused("it is not base64") from None
    signed, bare = document, raw
    if signature_type == PKCS7:
        message = _message(raw)
        if message.content is not None and message.content != document:
            raise _refused("it is of another document")
        if message.attributes is not None:
            if not hmac.compare_digest(message.attributes.content_sha256, sha256(document).digest()):
                raise _refused("it is of another document")
            signed = message.attributes.der
        bare = message.signature
    if not any(_is_signed(signed, bare, key) for key in keys):
        raise _refused("no key of the region's issuer has made it")


def _message(raw: bytes) -> SignedData:
    try:
        return parse_signed_data(raw)
    except MalformedSignedData as error:
        raise _refused(f"it is no PKCS #7 message that is taken here ({error})") from None


def _is_signed(signed: bytes, signature: bytes, der: bytes) -> bool:
    key = load_der_public_key(der)
    assert isinstance(key, RSAPublicKey)
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _refused(reason: str) -> InstanceIdentityRefused:
    return InstanceIdentityRefused(f"The signature of the instance identity document is not valid: {reason}.")
