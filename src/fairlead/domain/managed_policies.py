"""Managed policies: policies with an ARN and versions that users, groups and roles are attached to.

Those of the account are kept in the repository. Those of AWS (`arn:aws:iam::aws:policy/…`) are the constants
in `aws_managed_policies`; attachments name either by ARN.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

MAX_VERSIONS = 5
MAX_ATTACHED = 10
"""Managed policies attached to one user, group or role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """A managed policy without its documents. `id` is `ANPA…`; the name is unique whatever its case."""

    id: str
    account_id: str
    """12 digits; `aws` for a policy of AWS."""
    name: str
    path: str
    default_version: int
    created_at: datetime
    updated_at: datetime
    description: str | None = None

    @property
    def arn(self) -> str:
        """`arn:aws:iam::<account>:policy/<path><name>`."""
        return f"arn:aws:iam::{self.account_id}:policy{self.path}{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One text of a managed policy. Numbers count from 1 and are never used again."""

    number: int
    document: str
    created_at: datetime

    @property
    def id(self) -> str:
        """`v1`, `v2`, …"""
        return f"v{self.number}"


class ManagedPolicyRepository(Protocol):
    """Where managed policies of accounts and all attachments are kept."""

    def add(self, policy: ManagedPolicy, document: str) -> None:
        """Store a policy with its first version. Raises EntityAlreadyExists when the name is taken."""
        ...

    def get(self, arn: str, *, to_change: bool = False) -> ManagedPolicy | None:
        """`to_change`: until the transaction ends nobody else gets the policy to change it."""
        ...

    def page(
        self, account_id: str, path_prefix: str, after_name: str | None, limit: int
    ) -> list[ManagedPolicy]: ...
    def delete(self, policy_id: str) -> None:
        """With all its versions."""
        ...

    def versions(self, policy_id: str) -> list[PolicyVersion]:
        """Newest first."""
        ...

    def add_version(self, policy_id: str, document: str, at: datetime) -> PolicyVersion:
        """Store a text under the next number."""
        ...

    def delete_version(self, policy_id: str, number: int) -> None: ...
    def set_default_version(self, policy_id: str, number: int, at: datetime) -> None: ...

    def default_documents(self, arns: Collection[str]) -> dict[str, str]:
        """The texts in force of those of the policies that there are, by ARN."""
        ...

    def attach(self, identity_id: str, arn: str) -> None:
        """Attach to a user, group or role, named by its unique id; once is enough."""
        ...

    def detach(self, identity_id: str, arn: str) -> bool:
        """False if the policy was not attached."""
        ...

    def attached_to(self, identity_ids: Collection[str]) -> Sequence[tuple[str, str]]:
        """Identity and policy ARN of each attachment of the identities, ordered by these."""
        ...

    def attachment_count(self, arn: str) -> int: ...
    def boundary_count(self, arn: str) -> int:
        """How many users and roles have the policy as their permissions boundary."""
        ...
