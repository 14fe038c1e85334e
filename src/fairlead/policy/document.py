"""An identity policy as a value: what `parser.parse_identity_policy` makes of a document's text."""

from dataclasses import dataclass
from enum import Enum

from fairlead.policy.conditions import Condition
from fairlead.policy.matching import ActionSet, ResourceSet


class Version(Enum):
    """The policy language a document is written in; the default is the old one."""

    V2008 = "2008-10-17"
    V2012 = "2012-10-17"

    @property
    def has_variables(self) -> bool:
        """In the old language `${…}` is plain text."""
        return self is Version.V2012


class Effect(Enum):
    """What a statement does to the requests it applies to."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, compiled. `index` counts from 0; `sid` is None if absent or empty."""

    index: int
    sid: str | None
    effect: Effect
    actions: ActionSet
    resources: ResourceSet
    condition: Condition

    @property
    def keys(self) -> tuple[str, ...]:
        """The context keys that it refers to, in conditions and in variables."""
        return tuple(dict.fromkeys((*self.resources.keys, *self.condition.keys)))


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A parsed identity policy. The text that was stored is kept by whoever stored it."""

    version: Version
    statements: tuple[Statement, ...]
