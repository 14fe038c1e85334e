"""Reading JSON that came from another machine, field by field.

The first wrong member ends in MalformedMessage with the member's name and never with its content, which may
be a token. Size limits are the caller's, before the bytes come here.
"""

from __future__ import annotations

import json

from fairlead.protocol.errors import MalformedMessage

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_MAX_INTEGER_DIGITS = 32


def parse_object(text: str | bytes | memoryview, what: str, max_bytes: int) -> dict[str, Any]:
    """The JSON object in `text`; `what` names it in the error. Raises MalformedMessage."""
    if len(text) > max_bytes:
        raise MalformedMessage(f"{what} has {len(text)} bytes, above the limit of {max_bytes}")
    try:
        if not isinstance(text, str):
            data = bytes(text)
            text = data.decode(json.detect_encoding(data), "surrogatepass")
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        # ValueError covers JSONDecodeError and UnicodeDecodeError; deep nesting exhausts the recursion limit.
        raise MalformedMessage(f"{what} is not JSON") from None
    if not isinstance(value, dict):
        raise MalformedMessage(f"{what} is not a JSON object")
    return value


def dump(value: object) -> bytes:
    """Compact JSON in UTF-8, members in the order given."""
    return json.dumps(value, separators=(",", ":")).encode()


def text(members: Mapping[str, Any], name: str, what: str) -> str:
    """A string member that must be there and not be empty."""
    value = optional_text(members, name, what)
    if not value:
        raise MalformedMessage(f"{what} has no {name}")
    return value


def optional_text(members: Mapping[str, Any], name: str, what: str) -> str | None:
    """A string member; None when absent or null."""
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise MalformedMessage(f"{name} of {what} is not a string")
    return value


def integer(members: Mapping[str, Any], name: str, what: str, default: int | None = None) -> int:
    """A whole number (true and false are none); `default` when absent, None: it must be there."""
    value = members.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedMessage(f"{name} of {what} is not a whole number")
    return value


def boolean(members: Mapping[str, Any], name: str, what: str, default: bool = False) -> bool:
    """True or false; `default` when absent."""
    value = members.get(name, default)
    if not isinstance(value, bool):
        raise MalformedMessage(f"{name} of {what} is not true or false")
    return value


def optional_object(members: Mapping[str, Any], name: str, what: str) -> dict[str, Any] | None:
    """A JSON object; None when absent or null."""
    value = members.get(name)
    if value is not None and not isinstance(value, dict):
        raise MalformedMessage(f"{name} of {what} is not an object")
    return value


def objects(members: Mapping[str, Any], name: str, what: str) -> list[dict[str, Any]]:
    """A list of JSON objects; empty when absent or null."""
    value = members.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise MalformedMessage(f"{name} of {what} is not a list of objects")
    return value


def _integer(digits: str) -> int:
    # int() of a long digit string takes quadratic time.
    if len(digits) > _MAX_INTEGER_DIGITS:
        raise ValueError("number too long")
    return int(digits)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


# json.loads with arguments would make a decoder for each call, and acknowledgements are many.
_DECODER = json.JSONDecoder(parse_int=_integer, parse_constant=_no_constant)
