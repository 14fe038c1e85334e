"""Shapes of API members: types and constraints as data.

An operation's input or output is a frozen, keyword-only dataclass whose fields are made by `member`. The
wire protocols (`json_protocol`, `query_protocol`) and the validation read the same description, and a test
compares it with the service models that AWS publishes.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class StartSessionRequest:
        target: str = member("Target", String(min=1, max=400), required=True)
        reason: str | None = member("Reason", String(min=1, max=256))

Numbers are inclusive bounds: characters for `String`, entries for `ListOf` and `MapOf`, the value itself
for `Integer`. `None` means "no bound".
"""

from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class String:
    """Text; `pattern` is a regular expression that the whole value must match, `enum` the allowed values."""

    min: int | None = None
    max: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    sensitive: bool = False
    """A secret: never repeated in an error text, a log or an audit record."""


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number."""

    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A moment; an aware `datetime` in Python, epoch seconds (JSON) or ISO 8601 (Query) on the wire."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes; base64 on the wire. A record of a call never repeats them."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list; a tuple in Python."""

    item: "Shape"
    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map with text keys; a `dict` in Python that nobody changes."""

    key: String
    value: "Shape"
    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True)
class Structure:
    """A nested structure, described by a dataclass whose fields are made by `member`."""

    of: type


Shape = String | Integer | Boolean | Timestamp | Blob | ListOf | MapOf | Structure


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a structure: its Python name, its name on the wire and what may stand in it."""

    name: str
    wire_name: str
    shape: Shape
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One API operation: `service` as in a credential scope (`ssm`, `iam`), `name` as in the API."""

    service: str
    name: str
    input: type
    output: type

    @property
    def action(self) -> str:
        """The IAM action, such as `ssm:StartSession`."""
        return f"{self.service}:{self.name}"


def member(wire_name: str, shape: Shape, *, required: bool = False) -> Any:
    """Describe one dataclass field. Optional members default to None: absent on the wire.

    Any: what it returns stands where the field's default stands, and has the field's own type there.
    """
    metadata = {"member": (wire_name, shape, required)}
    return field(default=MISSING if required else None, metadata=metadata)


def members_of(structure: type) -> tuple[Member, ...]:
    """The members of a structure in the order of their definition."""
    return _members(structure)


@cache
def _members(structure: type) -> tuple[Member, ...]:
    return tuple(Member(item.name, *item.metadata["member"]) for item in fields(structure))
