"""Activations: the leave for a number of machines to register, and where they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from fairlead.domain.scope import Scope

DEFAULT_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """One activation. `code_digest` is the SHA-256 of the code, which is shown once and not kept."""

    id: str
    scope: Scope
    code_digest: bytes
    iam_role: str
    description: str | None
    default_instance_name: str | None
    registration_limit: int
    registrations_count: int
    expires_at: datetime
    created_at: datetime
    tags: Sequence[tuple[str, str]] = ()

    def has_expired(self, now: datetime) -> bool:
        """True when no machine can register with it any more for its age."""
        return now >= self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationQuery:
    """What DescribeActivations looks for: all given fields must hold, each by any of its values."""

    scope: Scope
    ids: Sequence[str] | None = None
    default_instance_names: Sequence[str] | None = None
    iam_roles: Sequence[str] | None = None
    after_key: tuple[datetime, str] | None = None
    limit: int = 50


class ActivationRepository(Protocol):
    """Where activations are kept."""

    def add(self, activation: Activation) -> None: ...
    def get(self, scope: Scope, activation_id: str) -> Activation | None: ...
    def find(self, activation_id: str) -> Activation | None:
        """Look an activation up by id alone: a registering machine names neither account nor region."""
        ...

    def describe(self, query: ActivationQuery) -> list[Activation]:
        """Newest first, then by id."""
        ...

    def claim_registration(self, activation_id: str) -> bool:
        """Count one registration; False, and nothing counted, when the limit is reached. Safe under races."""
        ...

    def delete(self, activation_id: str) -> None: ...
