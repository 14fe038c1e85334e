"""JSON as policy documents need it: every deviation is refused, nothing is guessed.

Two readers that disagree about a document would let a Deny be hidden from one of them; so a key that occurs
twice, `NaN` and characters outside the documented set are errors here, although `json` would take them.
"""

import json
import re
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from fairlead.policy.errors import SYNTAX, MalformedPolicy, shown
from fairlead.policy.limits import DOCUMENT_MAX_CHARACTERS


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written. Converting could fail (4,300 digits) or lose what was written."""

    text: str


Json: TypeAlias = "bool | str | Number | list[Json] | dict[str, Json] | None"

_OUTSIDE = re.compile(r"[^\t\n\r\x20-\xff]")


def read_object(text: str) -> dict[str, Json]:
    """The JSON object that is the whole of `text`.

    Raises MalformedPolicy for anything else; for characters other than tab, LF, CR and U+0020 to U+00FF; and
    for a text longer than `DOCUMENT_MAX_CHARACTERS`.
    """
    if len(text) > DOCUMENT_MAX_CHARACTERS:
        raise MalformedPolicy(SYNTAX, f"longer than {DOCUMENT_MAX_CHARACTERS} characters")
    outside = _OUTSIDE.search(text)
    if outside:
        position = outside.start()
        raise MalformedPolicy(
            SYNTAX, f"character U+{ord(outside[0]):04X} at position {position} is not allowed"
        )
    value = _decode(text)
    if not isinstance(value, dict):
        raise MalformedPolicy(SYNTAX, "a policy is a JSON object")
    return value


def _decode(text: str) -> Json:
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        detail = f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise MalformedPolicy(SYNTAX, detail) from None
    except RecursionError:
        raise MalformedPolicy(SYNTAX, "nested too deeply") from None
    return value


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members: dict[str, Json] = {}
    for key, value in pairs:
        if key in members:
            raise MalformedPolicy(SYNTAX, f'"{shown(key)}" occurs twice in one object')
        members[key] = value
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedPolicy(SYNTAX, f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=Number, parse_float=Number, parse_constant=_refuse_constant
)
