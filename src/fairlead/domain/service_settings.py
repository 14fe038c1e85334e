"""Service settings: what an administrator decides for one account and region, and where it is kept.

The activation tier is AWS's (Systems Manager User Guide, "Configuring instance tiers"); the others are our
own and default to what AWS does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from fairlead.domain.scope import Scope

ACTIVATION_TIER = "/ssm/managed-instance/activation-tier"
MAX_ACTIVATION_DAYS = "/fairlead/activation/max-lifetime-days"
REMOVE_SILENT_NODES_DAYS = "/fairlead/managed-instance/remove-after-days"

UNLIMITED = "unlimited"
NEVER = "never"
MAX_DAYS = 3650


class ActivationTier(Enum):
    """What hybrid nodes may be used for."""

    STANDARD = "standard"
    """At most 1,000 of them, and no sessions."""
    ADVANCED = "advanced"


@dataclass(frozen=True, slots=True)
class SettingDefinition:
    """One setting that exists: the value without anybody's decision, and which others it takes."""

    default: str
    takes: Callable[[str], bool]
    expected: str
    """What it takes, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSetting:
    """A decision. `value` is None for the one to go back to the default."""

    value: str | None
    modified_at: datetime
    modified_by: str
    """The ARN of who decided."""


class ServiceSettingRepository(Protocol):
    """Where decisions are kept."""

    def get(self, scope: Scope, setting_id: str) -> StoredSetting | None: ...
    def put(self, scope: Scope, setting_id: str, setting: StoredSetting) -> None: ...


def days(value: str) -> timedelta | None:
    """A setting in days as a duration; None for the word that stands for no limit."""
    return None if value in (UNLIMITED, NEVER) else timedelta(days=int(value))


def _days_or(word: str) -> Callable[[str], bool]:
    def takes(value: str) -> bool:
        is_number = value.isascii() and value.isdecimal() and len(value) <= len(str(MAX_DAYS))
        return value == word or (is_number and value[0] != "0" and int(value) <= MAX_DAYS)

    return takes


_TIERS = tuple(tier.value for tier in ActivationTier)

DEFINITIONS: Mapping[str, SettingDefinition] = {
    ACTIVATION_TIER: SettingDefinition(
        ActivationTier.STANDARD.value, _TIERS.__contains__, " or ".join(_TIERS)
    ),
    MAX_ACTIVATION_DAYS: SettingDefinition(
        "30", _days_or(UNLIMITED), f"a number of days from 1 to {MAX_DAYS}, or {UNLIMITED}"
    ),
    REMOVE_SILENT_NODES_DAYS: SettingDefinition(
        NEVER, _days_or(NEVER), f"a number of days from 1 to {MAX_DAYS}, or {NEVER}"
    ),
}
"""Every setting, by its id."""
