"""Checking the members of an operation's input against their documented constraints, in AWS's words.

Works on an instance of a `shapes` dataclass whose values already have the right types (the protocols see
to that) and which may still lack required members. What depends on more than one member, or on the state
of the system, is left to the operations.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from fairlead.aws.errors import ConstraintFailure, ValidationFailed, excerpt
from fairlead.aws.patterns import compile_pattern
from fairlead.aws.shapes import Integer, ListOf, MapOf, Shape, String, Structure, members_of

MAX_FAILURES = 20
"""Failures that one error lists; checking stops there."""

_NOT_NULL = "Member must not be null"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One constraint: its text as AWS puts it, and the test."""

    text: str
    # Any: the value has the Python type of the shape that the rule was made from.
    holds: Callable[[Any], bool]


def validate(instance: object) -> None:
    """Raise ValidationFailed with every constraint that a member of the structure breaks.

    `instance` is made from a dataclass of `shapes.member` fields; an absent member is None.
    """
    failures = tuple(islice(_failures(instance, ""), MAX_FAILURES))
    if failures:
        raise ValidationFailed(failures)


def _failures(structure: object, prefix: str) -> Iterator[ConstraintFailure]:
    for member in members_of(type(structure)):
        path = prefix + member.wire_name[:1].lower() + member.wire_name[1:]
        value = getattr(structure, member.name)
        if value is not None:
            yield from _failures_of_value(member.shape, value, path)
        elif member.required:
            yield ConstraintFailure(path, None, _NOT_NULL)


# Any: the value has the Python type of `shape`.
def _failures_of_value(shape: Shape, value: Any, path: str) -> Iterator[ConstraintFailure]:
    for rule in _rules(shape):
        if not rule.holds(value):
            masked = _is_sensitive(shape)
            yield ConstraintFailure(path, excerpt(_rendered(value)), rule.text, masked=masked)
    match shape:
        case Structure():
            yield from _failures(value, f"{path}.")
        case ListOf(item=item) if _holds_structures(item):
            for number, entry in enumerate(value, 1):
                yield from _failures_of_value(item, entry, f"{path}.{number}.member")
        case MapOf(value=item) if _holds_structures(item):
            for key, entry in value.items():
                yield from _failures_of_value(item, entry, f"{path}.{excerpt(key)}.member")


@cache
def _rules(shape: Shape) -> tuple[_Rule, ...]:
    match shape:
        case String():
            return (*_bounds("length", shape, len), *_text_rules(shape))
        case Integer():
            return tuple(_bounds("value", shape, int))
        case ListOf(item=item):
            return (
                *_bounds("length", shape, len),
                *_entry_rule("Member must satisfy constraint", item, lambda value: value),
            )
        case MapOf(key=key, value=item):
            return (
                *_bounds("length", shape, len),
                *_entry_rule("Map keys must satisfy constraint", key, lambda value: value.keys()),
                *_entry_rule("Map value must satisfy constraint", item, lambda value: value.values()),
            )
        case _:
            return ()


def _text_rules(shape: String) -> Iterator[_Rule]:
    if shape.enum:
        allowed = frozenset(shape.enum)
        yield _Rule(f"Member must satisfy enum value set: [{', '.join(shape.enum)}]", allowed.__contains__)
    if shape.pattern is not None:
        matches = compile_pattern(shape.pattern).fullmatch
        yield _Rule(
            f"Member must satisfy regular expression pattern: {shape.pattern}",
            lambda value: matches(value) is not None,
        )


# Any: the measured value has the Python type of `shape`.
def _bounds(
    noun: str, shape: String | Integer | ListOf | MapOf, measure: Callable[[Any], int]
) -> Iterator[_Rule]:
    least, most = shape.min, shape.max
    if most is not None:
        yield _Rule(
            f"Member must have {noun} less than or equal to {most}", lambda value: measure(value) <= most
        )
    if least is not None:
        yield _Rule(
            f"Member must have {noun} greater than or equal to {least}", lambda value: measure(value) >= least
        )


# Any: what the entries are taken from has the Python type of the list or map.
def _entry_rule(label: str, item: Shape, entries: Callable[[Any], Any]) -> Iterator[_Rule]:
    """AWS names all constraints of simple entries in one; structures are reported member by member."""
    rules = () if _holds_structures(item) else _rules(item)
    if rules:
        yield _Rule(
            f"{label}: [{', '.join(rule.text for rule in rules)}]",
            lambda value: all(rule.holds(entry) for entry in entries(value) for rule in rules),
        )


@cache
def _holds_structures(shape: Shape) -> bool:
    match shape:
        case Structure():
            return True
        case ListOf(item=item) | MapOf(value=item):
            return _holds_structures(item)
        case _:
            return False


@cache
def _is_sensitive(shape: Shape) -> bool:
    """Whether a value of this shape is secret, or has something secret in it."""
    match shape:
        case String():
            return shape.sensitive
        case ListOf(item=item):
            return _is_sensitive(item)
        case MapOf(key=key, value=item):
            return _is_sensitive(key) or _is_sensitive(item)
        case Structure(of=structure):
            return any(_is_sensitive(member.shape) for member in members_of(structure))
        case _:
            return False


def _rendered(value: object) -> str:
    """A value as a message repeats it: `text`, `[a, b]`, `{key=value}`, `Filter(key=a)`."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case datetime():
            return value.isoformat()
        case tuple():
            return f"[{', '.join(map(_rendered, value))}]"
        case Mapping():
            return "{" + ", ".join(f"{key}={_rendered(entry)}" for key, entry in value.items()) + "}"
        case _:
            inner = (
                f"{member.wire_name}={_rendered(getattr(value, member.name))}"
                for member in members_of(type(value))
                if getattr(value, member.name) is not None
            )
            return f"{type(value).__name__}({', '.join(inner)})"
