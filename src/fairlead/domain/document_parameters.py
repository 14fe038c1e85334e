"""Parameters that a Session document declares, and how values are checked against them.

Source: Systems Manager User Guide, "SSM document syntax", section on parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from fairlead.aws.errors import excerpt
from fairlead.domain.document_patterns import matches
from fairlead.domain.errors import InvalidParameters

ParameterValue: TypeAlias = str | list[str]
"""A list for parameters of type StringList."""


class ParameterType(Enum):
    """The types that the API can describe."""

    STRING = "String"
    STRING_LIST = "StringList"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One declared parameter. Without a default it is required; the whole value must match the pattern.

    Limits on characters, the pattern and the allowed values hold for each entry of a list.
    """

    description: str = ""
    type: ParameterType = ParameterType.STRING
    default: ParameterValue | None = None
    allowed_pattern: str | None = None
    allowed_values: tuple[str, ...] = ()
    min_chars: int | None = None
    max_chars: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    display_type: str | None = None

    def value_of(self, name: str, given: Sequence[str] | None) -> ParameterValue:
        """What the parameter stands for when these values are given, the default when none are.

        Raises InvalidParameters.
        """
        if given is None:
            if self.default is None:
                raise InvalidParameters(f'Parameter "{name}" requires a value.')
            return self.default
        if self.type is ParameterType.STRING_LIST:
            self.check(name, given)
            return list(given)
        if len(given) != 1:
            raise InvalidParameters(f'Parameter "{name}" takes exactly one value, {len(given)} were given.')
        self.check(name, given)
        return given[0]

    def check(self, name: str, values: Sequence[str]) -> None:
        """Raise InvalidParameters unless these may be the values of this parameter."""
        if self.type is ParameterType.STRING_LIST:
            self._check_count(name, len(values))
        for value in values:
            self._check_text(name, value)

    def _check_count(self, name: str, count: int) -> None:
        if self.min_items is not None and count < self.min_items:
            raise InvalidParameters(
                f'Parameter "{name}" has {count} values and needs {self.min_items} or more.'
            )
        if self.max_items is not None and count > self.max_items:
            raise InvalidParameters(
                f'Parameter "{name}" has {count} values and can have {self.max_items} at most.'
            )

    def _check_text(self, name: str, value: str) -> None:
        said = f'Parameter "{name}" has value "{excerpt(value)}"'
        if self.allowed_pattern is not None and not matches(self.allowed_pattern, value):
            raise InvalidParameters(f'{said} not matching "{self.allowed_pattern}".')
        if self.allowed_values and value not in self.allowed_values:
            raise InvalidParameters(f"{said} not in [{', '.join(self.allowed_values)}].")
        if self.min_chars is not None and len(value) < self.min_chars:
            raise InvalidParameters(f"{said} with fewer than {self.min_chars} characters.")
        if self.max_chars is not None and len(value) > self.max_chars:
            raise InvalidParameters(f"{said} with more than {self.max_chars} characters.")

    def content(self) -> dict[str, Any]:
        """The declaration as it stands in a document."""
        members = {
            "type": self.type.value,
            "description": self.description or None,
            "default": self.default,
            "allowedPattern": self.allowed_pattern,
            "allowedValues": list(self.allowed_values) or None,
            "minChars": self.min_chars,
            "maxChars": self.max_chars,
            "minItems": self.min_items,
            "maxItems": self.max_items,
            "displayType": self.display_type,
        }
        return {name: value for name, value in members.items() if value is not None}
