"""Texts of documents, in JSON or YAML: bounded reading, and writing one as the other.

YAML is read as what JSON can say and no more: one document, no anchors and aliases (which let a short text
stand for a huge value), no tags, no key twice, and plain scalars by the rules of JSON. So a text means the
same here and to whoever converts it first, and nothing in it makes an object.
"""

import json
import math
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, NoReturn, TypeAlias

import yaml

from fairlead.aws.errors import excerpt
from fairlead.domain.errors import InvalidDocumentContent, MaxDocumentSizeExceeded

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_DOCUMENT_BYTES = 64 * 1024
"""AWS's limit for the text of one version."""

MAX_DEPTH = 16
"""Objects and lists within each other. Our agent follows as many."""

_MAX_DIGITS = 32
_PLAIN_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_PLAIN_FRACTION = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_PLAIN_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BASE_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class DocumentFormat(Enum):
    """How a text is written."""

    JSON = "JSON"
    YAML = "YAML"


def read_text(text: str, form: DocumentFormat) -> dict[str, Json]:
    """The object that is the whole of `text`. Raises InvalidDocumentContent or MaxDocumentSizeExceeded."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidDocumentContent("The document contains characters that are not text.") from None
    if size > MAX_DOCUMENT_BYTES:
        raise MaxDocumentSizeExceeded(
            f"The document has {size} bytes; the size limit is {MAX_DOCUMENT_BYTES} bytes."
        )
    value = _read_json(text) if form is DocumentFormat.JSON else _read_yaml(text)
    if not isinstance(value, dict):
        raise InvalidDocumentContent("The document must be one object with members.")
    return value


def write_text(value: Json, form: DocumentFormat) -> str:
    """A text that `read_text` reads as `value`."""
    if form is DocumentFormat.JSON:
        return json.dumps(value, indent=2, ensure_ascii=False)
    written: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return written


def _refuse(what: str) -> NoReturn:
    raise InvalidDocumentContent(f"The document cannot be read: {what}.")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        _refuse("a number has too many digits")
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse("a number is too large")
    return number


# JSON


def _read_json(text: str) -> Json:
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        _refuse(f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}")
    except RecursionError:
        _refuse(f"it is nested more than {MAX_DEPTH} deep")
    _check_depth(value, 1)
    _check_characters(value)
    return value


def _check_depth(value: Json, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            _refuse(f"it is nested more than {MAX_DEPTH} deep")
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, depth + 1)


def _check_characters(value: Json) -> None:
    """JSON can name half a character (a lone surrogate); nothing could store or send it."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        _refuse("it contains half of a surrogate pair")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members: dict[str, Json] = {}
    for key, value in pairs:
        _add_member(members, key, value)
    return members


def _add_member(members: dict[str, Json], key: str, value: Json) -> None:
    if key in members:
        _refuse(f'"{excerpt(key)}" occurs twice in one object')
    members[key] = value


def _refuse_constant(name: str) -> NoReturn:
    _refuse(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_fraction, parse_constant=_refuse_constant
)


# YAML


def _read_yaml(text: str) -> Json:
    try:
        return _read_events(yaml.parse(text, Loader=_LOADER))
    except UnicodeDecodeError:  # of libyaml, for a tag that is escaped as no text is
        _refuse("tags are not served")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        _refuse(f"it is not YAML: {error.problem}{where}")
    except yaml.YAMLError as error:
        _refuse(f"it is not YAML: {excerpt(' '.join(str(error).split()))}")


class _Open:
    """A list or an object that is being read."""

    def __init__(self, value: list[Json] | dict[str, Json]) -> None:
        self.value = value
        self.key: str | None = None

    @property
    def awaits_key(self) -> bool:
        return isinstance(self.value, dict) and self.key is None

    def take(self, item: Json) -> None:
        if isinstance(self.value, list):
            self.value.append(item)
        elif self.key is not None:
            _add_member(self.value, self.key, item)
            self.key = None


def _read_events(events: Iterator[Any]) -> Json:  # Any: events of a library without types; as below
    """The one value of the stream. What is refused is refused at its event, before what follows is read."""
    root: list[Json] = []
    open_values = [_Open(root)]
    for event in events:
        _refuse_beyond_json(event)
        current = open_values[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            if current.awaits_key:
                _refuse("a key must be a text")
            if len(open_values) > MAX_DEPTH:
                _refuse(f"it is nested more than {MAX_DEPTH} deep")
            open_values.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else []))
        elif isinstance(event, yaml.CollectionEndEvent):
            open_values.pop()
            open_values[-1].take(current.value)
        elif isinstance(event, yaml.ScalarEvent):
            if current.awaits_key:
                current.key = event.value
            else:
                current.take(event.value if event.style else _plain(event.value))
        elif isinstance(event, yaml.DocumentStartEvent) and root:
            _refuse("it is more than one YAML document")
    return root[0] if root else None


def _refuse_beyond_json(event: Any) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        _refuse("anchors and aliases are not served")
    if getattr(event, "tag", None) is not None:
        _refuse("tags are not served")


def _plain(text: str) -> Json:
    """What a scalar without quotes says."""
    if text in _PLAIN_WORDS:
        return _PLAIN_WORDS[text]
    if _PLAIN_INTEGER.fullmatch(text):
        return _integer(text)
    if _PLAIN_FRACTION.fullmatch(text):
        return _fraction(text)
    return text


class _Dumper(_BASE_DUMPER):  # type: ignore[misc]  # the library has no types
    """Writes what `_read_yaml` reads: no anchors, and quotes where a text would be read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> Any:
        style = None if isinstance(_plain_or_long(text), str) else "'"
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _plain_or_long(text: str) -> Json:
    """As `_plain`; a number that is too long for it needs quotes too."""
    try:
        return _plain(text)
    except InvalidDocumentContent:
        return None


_Dumper.add_representer(str, _Dumper.represent_text)
