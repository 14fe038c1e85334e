"""The condition operators: what each makes of a policy's value, and what it compares it with.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators". A negated operator is its positive
counterpart with the answer turned round by `conditions`, so that a value which cannot be read, or a variable
without a value, makes a positive operator false and a negated one true.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any, TypeVar

from fairlead.policy import condition_values as values
from fairlead.policy.context import Context
from fairlead.policy.variables import Template, fill_in, keys_of, parse_template
from fairlead.policy.wildcards import Token, Wildcard, compile_glob, tokens_of

Value = TypeVar("Value")

Matches = Callable[[str, Context], bool]
"""Does this value of the request match the policy's value?"""


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """One value of a condition, compiled, and the context keys that it refers to by variables."""

    text: str
    matches: Matches
    keys: tuple[str, ...] = ()


class UnreadableValue(ValueError):
    """A value that does not have the form its operator needs; the text says which form."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator without `IfExists` and set qualifier.

    `compile(text, with_variables)` raises UnreadableValue, or MalformedPolicy for an unreadable variable.
    """

    name: str
    negated: bool
    compile: Callable[[str, bool], PolicyValue]


NULL = "Null"
"""The operator that asks whether there is a value; `conditions` answers it."""


def null_value(text: str) -> PolicyValue:
    """The value of `Null`: the key must be absent (`true`) or present (`false`). Raises UnreadableValue."""
    wanted = values.read_boolean(text)
    if wanted is None:
        raise UnreadableValue("true or false")
    return PolicyValue(text, lambda is_absent, _: values.read_boolean(is_absent) is wanted)


def _text(tokens: list[Token]) -> str:
    """Tokens as text: here `*` and `?` are characters like others."""
    return "".join(token.value if isinstance(token, Wildcard) else token for token in tokens)


def _pattern(
    make: Callable[[list[Token]], Value | None],
    matches: Callable[[Value, str], bool],
    form: str,
) -> Callable[[str, bool], PolicyValue]:
    """The compiler of an operator whose values may have variables. `make` gives None for a wrong form."""

    def compiled(text: str, with_variables: bool) -> PolicyValue:
        if with_variables and "${" in text:
            return _filled_in(text, parse_template(text))
        made = make(list(tokens_of(text)))
        if made is None:
            raise UnreadableValue(form)
        return PolicyValue(text, lambda value, _: matches(made, value))

    def _filled_in(text: str, template: Template) -> PolicyValue:
        def filled_in_matches(value: str, context: Context) -> bool:
            tokens = fill_in(template, context)
            made = make(tokens) if tokens is not None else None
            return made is not None and matches(made, value)

        return PolicyValue(text, filled_in_matches, keys_of(template))

    return compiled


def _typed(
    read_policy: Callable[[str], Any],
    read_request: Callable[[str], Any],
    matches: Callable[[Any, Any], bool],
    form: str,
) -> Callable[[str, bool], PolicyValue]:
    """The compiler of an operator whose values have no variables."""

    def compiled(text: str, _: bool) -> PolicyValue:
        wanted = read_policy(text)
        if wanted is None:
            raise UnreadableValue(form)

        def read_matches(value: str, _: Context) -> bool:
            found = read_request(value)
            return found is not None and matches(found, wanted)

        return PolicyValue(text, read_matches)

    return compiled


def _pair(positive: str, negated: str, compiled: Callable[[str, bool], PolicyValue]) -> Iterator[Operator]:
    yield Operator(positive, False, compiled)
    yield Operator(negated, True, compiled)


def _ordered(family: str, read: Callable[[str], Any], form: str) -> Iterator[Operator]:
    yield from _pair(f"{family}Equals", f"{family}NotEquals", _typed(read, read, eq, form))
    for name, compare in (
        ("LessThan", lt),
        ("LessThanEquals", le),
        ("GreaterThan", gt),
        ("GreaterThanEquals", ge),
    ):
        yield Operator(f"{family}{name}", False, _typed(read, read, compare, form))


def _same_boolean(wanted: str, value: str) -> bool:
    read = values.read_boolean(value)
    return read is not None and read is values.read_boolean(wanted)


def _boolean_text(tokens: list[Token]) -> str | None:
    text = _text(tokens)
    return None if values.read_boolean(text) is None else text


def _in_network(address: Any, network: Any) -> bool:
    return address in network


def _all() -> Iterator[Operator]:
    exact = _pattern(_text, eq, "a string")
    folded = _pattern(
        lambda tokens: _text(tokens).casefold(), lambda text, value: text == value.casefold(), ""
    )
    like = _pattern(compile_glob, lambda glob, value: glob.matches(value), "a string")
    arn = _pattern(
        values.arn_pattern,
        lambda pattern, value: pattern.matches(value),
        "an ARN of six fields, arn:partition:service:region:account:resource",
    )
    network = _typed(
        values.read_network, values.read_address, _in_network, "an address or a network in CIDR form"
    )
    yield from _pair("StringEquals", "StringNotEquals", exact)
    yield from _pair("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", folded)
    yield from _pair("StringLike", "StringNotLike", like)
    yield from _ordered("Numeric", values.read_number, "a number")
    yield from _ordered("Date", values.read_moment, "a date in ISO 8601 form, or seconds since 1970")
    yield Operator("Bool", False, _pattern(_boolean_text, _same_boolean, "true or false"))
    yield Operator("BinaryEquals", False, _typed(values.read_binary, values.read_binary, eq, "base64"))
    yield from _pair("IpAddress", "NotIpAddress", network)
    yield from _pair("ArnEquals", "ArnNotEquals", arn)
    yield from _pair("ArnLike", "ArnNotLike", arn)


OPERATORS = {operator.name: operator for operator in _all()}
"""Every operator but `Null`, by name."""
