"""The Query protocol: form fields into typed inputs, outputs and errors into XML.

Spoken by `iam` and `sts`. Lists are written `Name.member.1`, maps `Name.entry.1.key` and `.value`, members
of nested structures `Name.Member`. Fields that an operation does not have are ignored. Left to others:
HTTP, the choice of the operation by `Action` and `Version`, the choice of the error code.
"""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fairlead.aws.errors import SerializationFailed, excerpt
from fairlead.aws.scalars import iso8601, read_base64, read_integer, read_iso8601, read_text, write_base64
from fairlead.aws.shapes import (
    Blob,
    Boolean,
    Integer,
    ListOf,
    MapOf,
    Operation,
    Shape,
    String,
    Structure,
    Timestamp,
    members_of,
)
from fairlead.aws.validation import validate

CONTENT_TYPE = "text/xml"

NAMESPACES: Mapping[str, str] = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}
"""XML namespace of each service's answers."""

MAX_BODY_BYTES = 256 * 1024
"""Longest form that `parse_form` reads; the HTTP edge should stop such a request earlier."""

MAX_FIELDS = 2000
"""Most fields in one form."""

MAX_DEPTH = 16
"""Most parts in the name of a field."""

_NUMBER = re.compile(r"-?[0-9]{1,20}")
_POSITION = re.compile(r"[1-9][0-9]{0,5}")
_NOT_XML = re.compile("[^\t\n\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

T = TypeVar("T")


class _Field:
    """A field by one part of its name: its own text, and the fields whose names continue it."""

    __slots__ = ("fields", "text")

    def __init__(self) -> None:
        self.text: str | None = None
        self.fields: dict[str, _Field] = {}


def parse_form(form: bytes) -> dict[str, str]:
    """The fields of a form body, or of a query. Raises SerializationFailed, also for a repeated field."""
    if len(form) > MAX_BODY_BYTES:
        raise SerializationFailed(f"The form is longer than {MAX_BODY_BYTES} bytes.")
    try:
        pairs = parse_qsl(
            form.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except UnicodeDecodeError:
        raise SerializationFailed("The form is not percent-encoded UTF-8.") from None
    except ValueError:
        raise SerializationFailed(f"The form has more than {MAX_FIELDS} fields.") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise SerializationFailed(f"The field {excerpt(name)} must not be repeated.")
        fields[name] = value
    return fields


def decode(structure: type[T], form: Mapping[str, str]) -> T:
    """Read and check an operation's input from the fields of a form.

    `structure` is a dataclass of `shapes.member` fields. Raises SerializationFailed for fields that cannot
    be read, ValidationFailed for members that break their constraints.
    """
    instance: T = _read_structure(structure, _nested(form), "")
    validate(instance)
    return instance


def encode(operation: Operation, output: object, request_id: str) -> bytes:
    """The body for an operation's output; absent members are left out."""
    name = operation.name
    result = f"<{name}Result>{_members_xml(output)}</{name}Result>" if members_of(operation.output) else ""
    return (
        f'<{name}Response xmlns="{NAMESPACES[operation.service]}">{result}'
        f"<ResponseMetadata>{_element('RequestId', request_id)}</ResponseMetadata></{name}Response>"
    ).encode()


def encode_error(
    service: str, code: str, message: str, request_id: str, *, is_senders_fault: bool = True
) -> bytes:
    """The body of an error; `service` as in `NAMESPACES`."""
    fault = "Sender" if is_senders_fault else "Receiver"
    return (
        f'<ErrorResponse xmlns="{NAMESPACES[service]}"><Error><Type>{fault}</Type>'
        f"{_element('Code', code)}{_element('Message', message)}</Error>"
        f"{_element('RequestId', request_id)}</ErrorResponse>"
    ).encode()


# --- reading


def _nested(form: Mapping[str, str]) -> _Field:
    root = _Field()
    for name, value in form.items():
        parts = name.split(".")
        if len(parts) > MAX_DEPTH:
            raise SerializationFailed(
                f"The name of the field {excerpt(name)} has more than {MAX_DEPTH} parts."
            )
        field = root
        for part in parts:
            field = field.fields.setdefault(part, _Field())
        field.text = value
    return root


# Any: the value has the Python type of the shape; a dataclass cannot be typed by its description.
def _read_structure(structure: type, field: _Field, path: str) -> Any:
    values = {}
    for member in members_of(structure):
        inner = field.fields.get(member.wire_name)
        inner_path = f"{path}.{member.wire_name}" if path else member.wire_name
        values[member.name] = None if inner is None else _read(member.shape, inner, inner_path)
    return structure(**values)


# Any: as above.
def _read(shape: Shape, field: _Field, path: str) -> Any:
    match shape:
        case String() | Integer() | Boolean() | Timestamp() | Blob():
            return _read_scalar(shape, field, path)
        case _ if field.text:  # an empty list is sent as its name alone
            raise SerializationFailed(f"{path} must not be a single value.")
        case ListOf(item=item):
            return tuple(_read(item, entry, where) for entry, where in _numbered(field, "member", path))
        case MapOf(key=key, value=item):
            return dict(
                _read_entry(key, item, entry, where) for entry, where in _numbered(field, "entry", path)
            )
        case Structure(of=structure):
            return _read_structure(structure, field, path)


# Any: as above.
def _read_entry(key: String, item: Shape, entry: _Field, path: str) -> tuple[str, Any]:
    if not {"key", "value"} <= entry.fields.keys():
        raise SerializationFailed(f"{path} must have a key and a value.")
    name: str = _read_scalar(key, entry.fields["key"], f"{path}.key")
    return name, _read(item, entry.fields["value"], f"{path}.value")


def _numbered(field: _Field, word: str, path: str) -> Iterator[tuple[_Field, str]]:
    """The entries of a list or map in the order of their numbers, which may have gaps."""
    entries = field.fields.get(word, _Field()).fields
    for position in entries:
        if not _POSITION.fullmatch(position):
            raise SerializationFailed(f"{path}.{word} must be followed by numbers, not {excerpt(position)}.")
    for position in sorted(entries, key=int):
        yield entries[position], f"{path}.{word}.{position}"


# Any: as above.
def _read_scalar(shape: String | Integer | Boolean | Timestamp | Blob, field: _Field, path: str) -> Any:
    if field.text is None:
        raise SerializationFailed(f"{path} must be a single value.")
    text = read_text(field.text, path)
    match shape:
        case String():
            return text
        case Integer():
            if not _NUMBER.fullmatch(text):
                raise SerializationFailed(f"{path} must be a whole number.")
            return read_integer(int(text), path)
        case Boolean():
            if text.lower() not in ("true", "false"):
                raise SerializationFailed(f"{path} must be true or false.")
            return text.lower() == "true"
        case Timestamp():
            return read_iso8601(text, path)
        case Blob():
            return read_base64(text, path)


# --- writing


def _members_xml(structure: object) -> str:
    return "".join(
        f"<{member.wire_name}>{_content(member.shape, value)}</{member.wire_name}>"
        for member in members_of(type(structure))
        if (value := getattr(structure, member.name)) is not None
    )


# Any: the value has the Python type of the shape.
def _content(shape: Shape, value: Any) -> str:
    match shape:
        case String():
            return _escaped(value)
        case Integer():
            return str(value)
        case Boolean():
            return "true" if value else "false"
        case Timestamp():
            return iso8601(value)
        case Blob():
            return write_base64(value)
        case ListOf(item=item):
            return "".join(f"<member>{_content(item, entry)}</member>" for entry in value)
        case MapOf(value=item):
            return "".join(
                f"<entry>{_element('key', key)}<value>{_content(item, entry)}</value></entry>"
                for key, entry in value.items()
            )
        case Structure():
            return _members_xml(value)


def _element(name: str, text: str) -> str:
    return f"<{name}>{_escaped(text)}</{name}>"


def _escaped(text: str) -> str:
    """Text as element content. Parsers turn a bare carriage return into a line feed (XML 1.0 §2.11)."""
    return escape(_NOT_XML.sub("\ufffd", text), quote=False).replace("\r", "&#13;")
