"""One way to write a JSON value: the JSON Canonicalization Scheme (RFC 8785).

Only for values without fractions: text, integers within ±(2^53 - 1), `true`, `false`, `null`, lists, and
objects. The rules for other numbers (RFC 8785 §3.2.2.3) are not needed here, and refused.
"""

import json
from typing import Any

MAX_INTEGER = 2**53 - 1
"""Beyond it readers that use doubles would read another number (RFC 8785 §3.2.2.3, RFC 7493 §2.2)."""


def encode(value: Any) -> str:
    """The canonical text. Any: JSON as Python has it; tuples count as lists.

    Halves of surrogate pairs, which UTF-8 has no place for, are written as U+FFFD. Raises ValueError for a
    number that is no integer in range, and TypeError for what is no JSON.
    """
    return _ENCODER.encode(_ordered(value))


# Made once: every event of the audit log goes through here.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False,
    separators=(",", ":"),
    allow_nan=False,
    check_circular=False,  # what `_ordered` made is new throughout
)


def _ordered(value: Any) -> Any:  # Any: as above, in and out
    match value:
        case str():
            return _whole(value)
        case dict():
            if all(map(str.isascii, value)):
                return {key: _ordered(value[key]) for key in sorted(value)}
            return {_whole(key): _ordered(value[key]) for key in sorted(value, key=_utf16)}
        case list() | tuple():
            return [_ordered(item) for item in value]
        case bool() | None:
            return value
        case int():
            if abs(value) > MAX_INTEGER:
                raise ValueError(f"{value} has no exact form in JSON")
            return value
        case float():
            raise ValueError(f"{value} is no integer")
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON")


def _utf16(key: str) -> bytes:
    """What keys are ordered by (RFC 8785 §3.2.3): their UTF-16 code units."""
    return key.encode("utf-16-be", "surrogatepass")


def _whole(text: str) -> str:
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
