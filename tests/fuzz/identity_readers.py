"""Readers of instance identity documents and of the messages that sign them: anybody may send either."""

import base64

from fairlead.aws.errors import MalformedSignedData
from fairlead.aws.signed_data import parse_signed_data
from fairlead.control.document_signatures import check_signature
from fairlead.domain.errors import InstanceIdentityRefused
from fairlead.domain.instance_identity import parse_identity
from fairlead.domain.operations.instance_identity import PKCS7
from tests.support.ber import loosely
from tests.support.factories import NOW
from tests.support.identity_issuer import an_issuer, document

REFUSALS = (MalformedSignedData, InstanceIdentityRefused)


def read_document(data: bytes) -> None:
    """Whatever is taken has an instance's id and can be printed."""
    assert parse_identity(data).instance_id.startswith("i-")


def read_message(data: bytes) -> None:
    """Whatever is taken is of the document that was signed, or does not verify."""
    parse_signed_data(data)
    text = document(NOW)
    other = text.replace(b"i-0123456789abcdef0", b"i-ffffffffffffffff0")
    message = base64.b64encode(data).decode()
    try:
        check_signature(other, message, PKCS7, (an_issuer().public_key,))
    except InstanceIdentityRefused:
        return
    raise AssertionError("a document that nobody signed was taken")


def document_seeds() -> list[bytes]:
    return [document(NOW), document(NOW, instanceId="i-0123abcd"), b"[]"]


def message_seeds() -> list[bytes]:
    der = an_issuer().pkcs7(document(NOW), encoded=False)
    return [der, loosely(der)]
