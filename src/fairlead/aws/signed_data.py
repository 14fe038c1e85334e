"""Reading a CMS SignedData (RFC 5652 §5, PKCS#7): the form in which EC2 signs instance identity documents.

Only reading: bytes in, what has to be verified out. Who verifies it has the one key that he trusts, so
nothing here needs to be believed: certificates in the message are passed over, and bytes that the key did not
sign will not verify, wherever in the message they were found.

EC2's messages are BER with indefinite lengths around the content, and DER inside the signer's part (RFC 5652
§5.4 asks for that). What one signer with SHA-256 and RSA (PKCS#1 v1.5) needs is taken, everything else is
refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fairlead.aws.errors import MalformedSignedData

MAX_BYTES = 16 * 1024
"""Longest message that is read; one of EC2 has about 1,300 bytes."""
MAX_DEPTH = 32

_INTEGER, _OCTET_STRING, _OID, _SEQUENCE, _SET = 0x02, 0x04, 0x06, 0x30, 0x31
_CONSTRUCTED = 0x20
_CONSTRUCTED_OCTET_STRING = _OCTET_STRING | _CONSTRUCTED
_CONTEXT_0, _CONTEXT_1 = 0xA0, 0xA1
_LONG_TAG = 0x1F
_INDEFINITE = 0x80
_MAX_LENGTH_BYTES = 4
_SHA256_BYTES = 32

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_DATA = bytes.fromhex("2a864886f70d010701")
_SHA256 = bytes.fromhex("608648016503040201")
_RSA_ALGORITHMS = (bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01010b"))
"""rsaEncryption and sha256WithRSAEncryption: with SHA-256 as digest they mean the same signature."""
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")


@dataclass(frozen=True, slots=True)
class SignedAttributes:
    """What was signed in place of the content: `der` are the signed bytes, and they hold the SHA-256 of the
    content."""

    der: bytes
    content_sha256: bytes


@dataclass(frozen=True, slots=True)
class SignedData:
    """A message of one signer: RSASSA-PKCS1-v1_5 with SHA-256, over `attributes` or, without, the content.

    `content` is None where it is not inside the message.
    """

    content: bytes | None
    attributes: SignedAttributes | None
    signature: bytes


@dataclass(frozen=True, slots=True)
class _Element:
    """One BER element. `encoded` is all of it; a constructed one has `children`, another one `value`."""

    tag: int
    encoded: bytes
    value: bytes
    children: tuple["_Element", ...]
    is_definite: bool


def parse_signed_data(message: bytes) -> SignedData:
    """Take a message apart. Raises MalformedSignedData."""
    if len(message) > MAX_BYTES:
        raise MalformedSignedData(f"longer than {MAX_BYTES} bytes")
    info, end = _read(message, 0, len(message), 0)
    if end != len(message):
        raise MalformedSignedData("something follows the message")
    content_type, wrapped = _parts(info, _SEQUENCE, (_OID, _CONTEXT_0))
    if content_type.value != _SIGNED_DATA:
        raise MalformedSignedData("not signed data")
    (signed,) = _parts(wrapped, _CONTEXT_0, (_SEQUENCE,))
    members = [child for child in signed.children if child.tag not in (_CONTEXT_0, _CONTEXT_1)]
    if [child.tag for child in members] != [_INTEGER, _SET, _SEQUENCE, _SET]:
        raise MalformedSignedData("not the members of signed data")
    _, _, encapsulated, signers = members
    if len(signers.children) != 1:
        raise MalformedSignedData("not exactly one signer")
    attributes, signature = _signer(signers.children[0])
    return SignedData(_content(encapsulated), attributes, signature)


def _content(encapsulated: _Element) -> bytes | None:
    """The content, if it is inside; it is plain data."""
    kind, *rest = encapsulated.children or (None,)
    if kind is None or kind.tag != _OID or kind.value != _DATA or len(rest) > 1:
        raise MalformedSignedData("what is signed is not plain data")
    if not rest:
        return None
    (octets,) = _parts(rest[0], _CONTEXT_0, (None,))
    return _octets(octets)


def _octets(element: _Element) -> bytes:
    """An octet string, which BER allows to be made of pieces."""
    if element.tag == _OCTET_STRING:
        return element.value
    if element.tag != _CONSTRUCTED_OCTET_STRING:
        raise MalformedSignedData("the content is not an octet string")
    return b"".join(_octets(piece) for piece in element.children)


def _signer(signer: _Element) -> tuple[SignedAttributes | None, bytes]:
    """The signed attributes and the signature. Who signed is not looked at: the verifier's key tells."""
    members = list(signer.children) if signer.tag == _SEQUENCE else []
    if members and members[-1].tag == _CONTEXT_1:
        members.pop()  # unsigned attributes
    tags = [member.tag for member in members]
    has_attributes = tags[3:4] == [_CONTEXT_0]
    tail = [_CONTEXT_0, _SEQUENCE, _OCTET_STRING] if has_attributes else [_SEQUENCE, _OCTET_STRING]
    if tags[:1] != [_INTEGER] or tags[2:] != [_SEQUENCE, *tail]:
        raise MalformedSignedData("not the members of a signer")
    if _algorithm(members[2]) != _SHA256:
        raise MalformedSignedData("its digest is not SHA-256")
    if _algorithm(members[-2]) not in _RSA_ALGORITHMS:
        raise MalformedSignedData("its signature is not RSA (PKCS#1 v1.5) with SHA-256")
    attributes = _signed_attributes(members[3]) if has_attributes else None
    return attributes, members[-1].value


def _signed_attributes(element: _Element) -> SignedAttributes:
    """The attributes as they were signed: with the tag of a SET (RFC 5652 §5.4)."""
    if not element.is_definite:
        raise MalformedSignedData("the signed attributes are not DER")
    content_type = _attribute(element.children, _CONTENT_TYPE, _OID)
    digest = _attribute(element.children, _MESSAGE_DIGEST, _OCTET_STRING)
    if content_type != _DATA or len(digest) != _SHA256_BYTES:
        raise MalformedSignedData("the signed attributes are not of plain data with SHA-256")
    return SignedAttributes(bytes((_SET,)) + element.encoded[1:], digest)


def _attribute(attributes: Sequence[_Element], kind: bytes, tag: int) -> bytes:
    """The one value of an attribute that must be there once."""
    found = []
    for attribute in attributes:
        name, values = _parts(attribute, _SEQUENCE, (_OID, _SET))
        if name.value == kind:
            found.append(_parts(values, _SET, (tag,))[0].value)
    if len(found) != 1:
        raise MalformedSignedData("a signed attribute is missing, or there twice")
    return found[0]


def _algorithm(element: _Element) -> bytes:
    """The object identifier of an algorithm."""
    if not element.children or element.children[0].tag != _OID:
        raise MalformedSignedData("an algorithm has no name")
    return element.children[0].value


def _parts(element: _Element, tag: int, tags: Sequence[int | None]) -> tuple[_Element, ...]:
    """The children of an element that has this tag and just these children; None stands for any tag."""
    children = element.children
    if (
        element.tag != tag
        or len(children) != len(tags)
        or any(wanted not in (None, child.tag) for child, wanted in zip(children, tags, strict=True))
    ):
        raise MalformedSignedData("not the structure of signed data")
    return children


def _read(data: bytes, start: int, end: int, depth: int) -> tuple[_Element, int]:
    """The element at `start` and where it ends, which is not beyond `end` (X.690 §8.1)."""
    if depth > MAX_DEPTH:
        raise MalformedSignedData("nested too deeply")
    if end - start < 2:
        raise MalformedSignedData("cut short")
    tag, first = data[start], data[start + 1]
    if tag & _LONG_TAG == _LONG_TAG:
        raise MalformedSignedData("a tag of more than one byte")
    is_constructed = bool(tag & _CONSTRUCTED)
    body = start + 2
    if first == _INDEFINITE:
        if not is_constructed:
            raise MalformedSignedData("an indefinite length where none can be")
        children, after = _read_until_marker(data, body, end, depth + 1)
        return _Element(tag, data[start:after], b"", children, is_definite=False), after
    length = first
    if first > _INDEFINITE:
        count = first - _INDEFINITE
        if count > _MAX_LENGTH_BYTES or end - body < count:
            raise MalformedSignedData("an impossible length")
        length = int.from_bytes(data[body : body + count])
        body += count
    after = body + length
    if after > end:
        raise MalformedSignedData("cut short")
    children = _read_all(data, body, after, depth + 1) if is_constructed else ()
    value = b"" if is_constructed else data[body:after]
    return _Element(tag, data[start:after], value, children, is_definite=True), after


def _read_all(data: bytes, start: int, end: int, depth: int) -> tuple[_Element, ...]:
    elements = []
    while start < end:
        element, start = _read(data, start, end, depth)
        elements.append(element)
    return tuple(elements)


def _read_until_marker(data: bytes, start: int, end: int, depth: int) -> tuple[tuple[_Element, ...], int]:
    """Elements up to the two zero bytes that end an indefinite length, and where those end."""
    elements = []
    while data[start : start + 2] != b"\0\0" or start + 2 > end:
        element, start = _read(data, start, end, depth)
        elements.append(element)
    return tuple(elements), start + 2
