"""The JSON 1.1 protocol: bodies of requests into typed inputs, outputs and errors into bodies.

Spoken by `ssm` and the other services that name their operation in `X-Amz-Target`. Members that an
operation does not have are ignored, null means absent. Left to others: HTTP, the choice of the operation,
the choice of the error code.
"""

import json
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from fairlead.aws.errors import SerializationFailed, excerpt
from fairlead.aws.scalars import epoch, read_base64, read_epoch, read_integer, read_text, write_base64
from fairlead.aws.shapes import (
    Blob,
    Boolean,
    Integer,
    ListOf,
    MapOf,
    Shape,
    String,
    Structure,
    Timestamp,
    members_of,
)
from fairlead.aws.validation import validate

CONTENT_TYPE = "application/x-amz-json-1.1"

MAX_BODY_BYTES = 256 * 1024
"""Longest body that `decode` looks at; the HTTP edge should stop such a request earlier."""

_KINDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a decimal number",
    bool: "a boolean",
    type(None): "null",
}

T = TypeVar("T")

# The parsed document: what `json.loads` may return.
Document = dict[str, "Document"] | list["Document"] | str | int | float | bool | None


def decode(structure: type[T], body: bytes) -> T:
    """Read and check an operation's input. An empty body counts as an object without members.

    `structure` is a dataclass of `shapes.member` fields. Raises SerializationFailed for a body that cannot
    be read as one, ValidationFailed for members that break their constraints.
    """
    if len(body) > MAX_BODY_BYTES:
        raise SerializationFailed(f"The body is longer than {MAX_BODY_BYTES} bytes.")
    document = _parsed(body) if body else {}
    instance: T = _read_structure(structure, document, "")
    validate(instance)
    return instance


def encode(output: object) -> bytes:
    """The body for an operation's output; absent members are left out."""
    return json.dumps(_structure_document(output), separators=(",", ":")).encode()


def encode_error(code: str, message: str) -> bytes:
    """The body of an error."""
    return json.dumps({"__type": code, "message": message}, separators=(",", ":")).encode()


# --- reading


def _parsed(body: bytes) -> Document:
    try:
        # Decoded here, because json.loads would also accept UTF-16 and UTF-32.
        document: Document = json.loads(body.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise SerializationFailed("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise SerializationFailed(f"The body is not JSON: {error.msg} at character {error.pos}.") from None
    except RecursionError:
        # The parser's own guard. What was parsed is read by its shape, which bounds the depth of that.
        raise SerializationFailed("The body nests too deeply.") from None
    except ValueError as error:
        # A number of thousands of digits, or one of the constants that JSON does not have.
        raise SerializationFailed(f"The body holds a number that cannot be read: {error}.") from None
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Any: the value has the Python type of the shape; a dataclass cannot be typed by its description.
def _read_structure(structure: type, document: Document, path: str) -> Any:
    if not isinstance(document, dict):
        raise _wrong_type(path, "an object", document)
    values = {}
    for member in members_of(structure):
        value = document.get(member.wire_name)
        inner = f"{path}.{member.wire_name}" if path else member.wire_name
        values[member.name] = None if value is None else _read(member.shape, value, inner)
    return structure(**values)


# Any: as above.
def _read(shape: Shape, document: Document, path: str) -> Any:
    match shape:
        case String():
            return _read_text(document, path)
        case Integer():
            return _read_integer(document, path)
        case Boolean():
            return _read_boolean(document, path)
        case Timestamp():
            return _read_timestamp(document, path)
        case Blob():
            return read_base64(_read_text(document, path), path)
        case ListOf(item=item):
            if not isinstance(document, list):
                raise _wrong_type(path, "an array", document)
            return tuple(_read(item, entry, f"{path}[{index}]") for index, entry in enumerate(document))
        case MapOf(value=item):
            return _read_map(item, document, path)
        case Structure(of=structure):
            return _read_structure(structure, document, path)


# Any: as above.
def _read_map(item: Shape, document: Document, path: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise _wrong_type(path, "an object", document)
    return {
        _read_text(key, path): _read(item, entry, f"{path}[{excerpt(key)}]")
        for key, entry in document.items()
        if entry is not None
    }


def _read_text(document: Document, path: str) -> str:
    if not isinstance(document, str):
        raise _wrong_type(path, "a string", document)
    return read_text(document, path)


def _read_integer(document: Document, path: str) -> int:
    # A bool is an int in Python, not in JSON.
    if not isinstance(document, int) or isinstance(document, bool):
        raise _wrong_type(path, "a whole number", document)
    return read_integer(document, path)


def _read_boolean(document: Document, path: str) -> bool:
    if not isinstance(document, bool):
        raise _wrong_type(path, "true or false", document)
    return document


def _read_timestamp(document: Document, path: str) -> datetime:
    if not isinstance(document, int | float) or isinstance(document, bool):
        raise _wrong_type(path, "a number of seconds", document)
    return read_epoch(document, path)


def _wrong_type(path: str, expected: str, document: Document) -> SerializationFailed:
    return SerializationFailed(f"{path or 'The body'} must be {expected}, not {_KINDS[type(document)]}.")


# --- writing


def _structure_document(structure: object) -> Document:
    document: Document = {
        member.wire_name: _document(member.shape, value)
        for member in members_of(type(structure))
        if (value := getattr(structure, member.name)) is not None
    }
    return document


# Any: the value has the Python type of the shape.
def _document(shape: Shape, value: Any) -> Document:
    match shape:
        case Timestamp():
            return epoch(value)
        case Blob():
            return write_base64(value)
        case ListOf(item=item):
            return [_document(item, entry) for entry in value]
        case MapOf(value=item):
            return {key: _document(item, entry) for key, entry in value.items()}
        case Structure():
            return _structure_document(value)
        case String() | Integer() | Boolean():
            scalar: str | int | bool = value
            return scalar
