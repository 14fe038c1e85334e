"""CMS SignedData: what is read, and what is refused."""

import hashlib
from itertools import count

import pytest
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options

from fairlead.aws.errors import MalformedSignedData
from fairlead.aws.signed_data import MAX_BYTES, parse_signed_data
from tests.support.ber import encoded, indefinite, loosely, split
from tests.support.identity_issuer import an_issuer

CONTENT = b'{"instanceId": "i-0123456789abcdef0"}'
OID_SHA256 = bytes.fromhex("0609608648016503040201")
OID_SHA512 = bytes.fromhex("0609608648016503040203")
OID_DATA = bytes.fromhex("06092a864886f70d010701")
OID_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
OID_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
OID_RSA = bytes.fromhex("06092a864886f70d010101")


def message(*options: PKCS7Options) -> bytes:
    return an_issuer().pkcs7(CONTENT, *options, encoded=False)


@pytest.mark.parametrize("form", [bytes, loosely])
def test_content_digest_and_signature_are_found_with_definite_and_indefinite_lengths(form) -> None:
    found = parse_signed_data(form(message()))
    assert found.content == CONTENT
    assert found.attributes is not None
    assert found.attributes.content_sha256 == hashlib.sha256(CONTENT).digest()
    assert found.attributes.der[0] == 0x31
    assert len(found.signature) == 256
    assert found == parse_signed_data(message(PKCS7Options.NoCerts))


def test_the_content_may_be_outside_and_attributes_may_be_missing() -> None:
    assert parse_signed_data(message(PKCS7Options.DetachedSignature)).content is None
    assert parse_signed_data(message(PKCS7Options.NoAttributes)).attributes is None


def test_unsigned_attributes_are_passed_over() -> None:
    def with_unsigned(signer: bytes) -> bytes:
        return signer + encoded(0xA1, b"")

    assert parse_signed_data(_with_signer(with_unsigned)) == parse_signed_data(message())


def _with_signer(change) -> bytes:
    """The message with the body of its one signer changed."""
    [(_, info)] = split(message(PKCS7Options.NoCerts))
    kind, (_, wrapped) = split(info)
    [(_, signed)] = split(wrapped)
    *members, (_, signers) = split(signed)
    [(tag, signer)] = split(signers)
    body = b"".join(encoded(*each) for each in members) + encoded(0x31, encoded(tag, change(signer)))
    return encoded(0x30, encoded(*kind) + encoded(0xA0, encoded(0x30, body)))


def _with_attributes(change) -> bytes:
    """The message with the list of its signed attributes changed."""

    def changed(signer: bytes) -> bytes:
        members = split(signer)
        tag, attributes = members[3]
        members[3] = (tag, b"".join(encoded(*each) for each in change(split(attributes))))
        return b"".join(encoded(*each) for each in members)

    return _with_signer(changed)


def _with_short_digest(attributes: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    digest = encoded(0x31, encoded(0x04, hashlib.sha256(CONTENT).digest()))
    return [(tag, body.replace(digest, encoded(0x31, encoded(0x04, b"short")))) for tag, body in attributes]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut short"),
        (b"\x30", "cut short"),
        (b"\0\0", "not the structure"),
        (message()[:-1], "cut short"),
        (loosely(message())[:-1], "cut short"),
        (message() + b"\0", "follows"),
        (b"\0" * (MAX_BYTES + 1), "longer"),
        (b"\x30\x80" * 40, "too deeply"),
        (b"\x1f\x81\x01\x00", "more than one byte"),
        (b"\x04\x80\0\0", "indefinite length"),
        (b"\x30\x85\x01\x01\x01\x01\x01", "impossible length"),
        (b"\x30\x84\xff\xff\xff\xff", "cut short"),
        (message().replace(OID_SIGNED_DATA, OID_DATA, 1), "not signed data"),
        (message(PKCS7Options.NoAttributes).replace(OID_DATA, OID_SIGNED_DATA), "not plain data"),
        (message().replace(OID_SHA256, OID_SHA512), "digest is not SHA-256"),
        (_with_signer(lambda signer: signer.replace(OID_RSA, OID_SHA256)), "not RSA"),
        (_with_signer(lambda signer: b""), "not the members of a signer"),
        (_with_signer(lambda signer: signer + encoded(0x04, b"")), "not the members of a signer"),
        (_with_attributes(lambda found: []), "missing, or there twice"),
        (_with_attributes(lambda found: found + found[-1:] + found), "missing, or there twice"),
        (_with_attributes(lambda found: [(0x31, body) for _, body in found]), "not the structure"),
        (
            _with_signer(lambda signer: signer.replace(OID_MESSAGE_DIGEST, OID_DATA)),
            "missing, or there twice",
        ),
        (_with_attributes(_with_short_digest), "not of plain data with SHA-256"),
    ],
    ids=count(),
)
def test_what_is_not_such_a_message_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(MalformedSignedData, match=words):
        parse_signed_data(data)


def test_signed_attributes_with_an_indefinite_length_are_refused() -> None:
    def changed(signer: bytes) -> bytes:
        members = split(signer)
        parts = [indefinite(*each) if each[0] == 0xA0 else encoded(*each) for each in members]
        return b"".join(parts)

    with pytest.raises(MalformedSignedData, match="not DER"):
        parse_signed_data(_with_signer(changed))


def test_two_signers_are_refused() -> None:
    [(_, info)] = split(message(PKCS7Options.NoCerts))
    kind, (_, wrapped) = split(info)
    [(_, signed)] = split(wrapped)
    *members, (_, signers) = split(signed)
    body = b"".join(encoded(*each) for each in members) + encoded(0x31, signers + signers)
    with pytest.raises(MalformedSignedData, match="one signer"):
        parse_signed_data(encoded(0x30, encoded(*kind) + encoded(0xA0, encoded(0x30, body))))
