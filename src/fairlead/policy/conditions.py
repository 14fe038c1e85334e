"""The `Condition` block of a statement, and whether it holds for a request.

Operators are ANDed, the keys of one operator are ANDed, the values of one key are ORed; for a negated
operator none of the values may match. The block holds as a whole or not at all, for Allow and Deny alike.
Source: IAM User Guide, "IAM JSON policy elements: Condition" and "Multivalued context keys".
"""

from dataclasses import dataclass, field
from enum import Enum

from fairlead.policy.context import Context
from fairlead.policy.operators import NULL, OPERATORS, Operator, PolicyValue, null_value

_IF_EXISTS = "IfExists"
_NULL_SET = ("",)
"""An empty text is no value to the set qualifiers: the guide calls it a null data set."""


class SetQualifier(Enum):
    """How many of the request's values have to satisfy the operator."""

    ALL = "ForAllValues"
    ANY = "ForAnyValue"


@dataclass(frozen=True, slots=True)
class OperatorName:
    """An operator as a document spells it. `operator` is None for `Null`."""

    text: str
    operator: Operator | None
    qualifier: SetQualifier | None
    if_exists: bool

    def value(self, text: str, *, with_variables: bool) -> PolicyValue:
        """Compile one value of the condition. Raises UnreadableValue or MalformedPolicy."""
        if self.operator is None:
            return null_value(text)
        return self.operator.compile(text, with_variables)


def operator_name(text: str) -> OperatorName | None:
    """Take an operator's name apart; None if there is no such operator."""
    qualifier = None
    prefix, colon, name = text.partition(":")
    if colon:
        qualifier = next((each for each in SetQualifier if each.value == prefix), None)
        if qualifier is None:
            return None
    else:
        name = prefix
    if name == NULL and qualifier is None:
        return OperatorName(text, None, None, False)
    plain = name.removesuffix(_IF_EXISTS)
    operator = OPERATORS.get(plain)
    return None if operator is None else OperatorName(text, operator, qualifier, plain != name)


@dataclass(frozen=True, slots=True)
class ConditionTest:
    """One key under one operator, with the values of the policy."""

    name: OperatorName
    key: str
    values: tuple[PolicyValue, ...]

    @property
    def is_plain(self) -> bool:
        """Is the key required to be there, with one of the values? Not so for a negated operator, `Null`,
        `IfExists` and `ForAllValues`, which may all hold without the key."""
        operator = self.name.operator
        return (
            operator is not None
            and not operator.negated
            and not self.name.if_exists
            and self.name.qualifier is not SetQualifier.ALL
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """Every context key that is looked at."""
        return (self.key, *(key for value in self.values for key in value.keys))

    def holds(self, context: Context) -> bool:
        """Is it true of the request?"""
        found = context.values(self.key)
        operator, qualifier = self.name.operator, self.name.qualifier
        if operator is None:
            return self._matches("false" if found else "true", context)
        if not found:
            return self._holds_without(operator)
        if qualifier is not None and found == _NULL_SET:
            return qualifier is SetQualifier.ALL
        if qualifier is SetQualifier.ALL:
            return all(self._matches(value, context) is not operator.negated for value in found)
        return any(self._matches(value, context) is not operator.negated for value in found)

    def _holds_without(self, operator: Operator) -> bool:
        if self.name.if_exists or self.name.qualifier is SetQualifier.ALL:
            return True
        return operator.negated and self.name.qualifier is None

    def _matches(self, value: str, context: Context) -> bool:
        for wanted in self.values:  # noqa: SIM110 -- a loop costs half of what a generator does
            if wanted.matches(value, context):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Condition:
    """All tests of a statement; without any it always holds."""

    tests: tuple[ConditionTest, ...] = ()
    keys: tuple[str, ...] = field(init=False)
    """Every context key that is looked at, each once. Kept, because every evaluation asks for them."""

    def __post_init__(self) -> None:
        keys = tuple(dict.fromkeys(key for test in self.tests for key in test.keys))
        object.__setattr__(self, "keys", keys)

    def holds(self, context: Context) -> bool:
        """Is all of it true of the request?"""
        for test in self.tests:  # noqa: SIM110 -- a loop costs half of what a generator does
            if not test.holds(context):
                return False
        return True


ALWAYS = Condition()
