"""IAM identities: users, access keys, roles, their inline policies and tags, and where they are kept.

Groups are `groups`, policies that stand by themselves `managed_policies`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

MAX_ACCESS_KEYS_PER_USER = 2
MAX_TAGS_PER_IDENTITY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An IAM user. `id` (`AIDA…`) is unique for ever; the name is unique whatever its case."""

    id: str
    account_id: str
    name: str
    path: str
    created_at: datetime
    boundary_arn: str | None = None
    """The managed policy that is the permissions boundary."""
    locked_at: datetime | None = None
    """None if the user is not locked; while he is, no credentials of his are good."""
    void_until: datetime | None = None
    """When the user was last unlocked: temporary credentials of up to then stay void."""

    @property
    def arn(self) -> str:
        """`arn:aws:iam::<account>:user/<path><name>`."""
        return f"arn:aws:iam::{self.account_id}:user{self.path}{self.name}"

    def voids(self, issued_at: datetime | None) -> bool:
        """Whether a lock takes away credentials that were issued then; None for an access key's."""
        if self.locked_at is not None:
            return True
        return issued_at is not None and self.void_until is not None and issued_at <= self.void_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """An IAM role. `trust_policy` is the document's text as it was stored."""

    id: str
    account_id: str
    name: str
    path: str
    trust_policy: str
    created_at: datetime
    description: str | None = None
    max_session_duration_s: int = 3600
    boundary_arn: str | None = None

    @property
    def arn(self) -> str:
        """`arn:aws:iam::<account>:role/<path><name>`."""
        return f"arn:aws:iam::{self.account_id}:role{self.path}{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A long-lived access key. The secret is sealed at rest and is not part of `repr`."""

    id: str
    user_id: str
    user_name: str
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinePolicy:
    """A named policy that belongs to one identity; `document` is the text as it was stored."""

    name: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Somebody or something that policies hang on, by its unique id."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What hangs on one user, group or role, and on the groups of a user.

    The texts of managed policies are not among it: they are shared, and those of AWS are not stored.
    """

    holder: Holder
    boundary_arn: str | None = None
    """The permissions boundary of a user or role."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of a user or role."""
    groups: Sequence[Holder] = ()
    """Of a user, by name."""
    inline: Sequence[tuple[str, InlinePolicy]] = ()
    """Inline policies with the id of the holder or group they belong to, ordered by id and name."""
    attached: Sequence[tuple[str, str]] = ()
    """ARNs of managed policies with the id they are attached to, ordered by id and ARN."""


class IdentityRepository(Protocol):
    """Where identities are kept. Names are looked up whatever their case, and come back as created."""

    def add_user(self, user: User) -> None:
        """Raises EntityAlreadyExists when the name is taken."""
        ...

    def get_user(self, account_id: str, name: str, *, to_change: bool = False) -> User | None:
        """`to_change`: until the transaction ends nobody else gets the user to change it, or what belongs to
        it, and what is counted meanwhile stays true."""
        ...

    def get_user_by_id(self, user_id: str, *, to_change: bool = False) -> User | None:
        """`to_change` as for `get_user`."""
        ...

    def list_users(
        self, account_id: str, path_prefix: str, after_name: str | None, limit: int
    ) -> list[User]: ...
    def set_user_boundary(self, user_id: str, policy_arn: str | None) -> None: ...
    def delete_user(self, user_id: str) -> None:
        """With its tags."""
        ...

    def lock_user(self, user_id: str, at: datetime) -> int:
        """Lock a user and turn his active keys off; how many. The moment of an earlier lock stays."""
        ...

    def unlock_user(self, user_id: str, at: datetime) -> int:
        """Turn on again what the lock turned off; how many keys."""
        ...

    def add_access_key(self, key: AccessKey, secret: str) -> None: ...
    def get_access_key(self, key_id: str) -> tuple[AccessKey, str] | None:
        """The key and its secret in clear."""
        ...

    def get_key_and_user(self, key_id: str) -> tuple[AccessKey, str, User] | None:
        """The key, its secret in clear and who has it, for the verification of a signature."""
        ...

    def list_access_keys(self, user_id: str) -> list[AccessKey]: ...
    def set_access_key_active(self, key_id: str, is_active: bool) -> None:
        """What a lock remembers of the key is forgotten."""
        ...

    def delete_access_key(self, key_id: str) -> None: ...

    def add_role(self, role: Role) -> None:
        """Raises EntityAlreadyExists when the name is taken."""
        ...

    def get_role(self, account_id: str, name: str, *, to_change: bool = False) -> Role | None:
        """`to_change` as for `get_user`."""
        ...

    def get_role_by_id(self, role_id: str) -> Role | None: ...
    def list_roles(
        self, account_id: str, path_prefix: str, after_name: str | None, limit: int
    ) -> list[Role]: ...
    def set_trust_policy(self, role_id: str, document: str) -> None: ...
    def set_role_details(
        self, role_id: str, description: str | None, max_session_duration_s: int
    ) -> None: ...
    def set_role_boundary(self, role_id: str, policy_arn: str | None) -> None: ...
    def delete_role(self, role_id: str) -> None:
        """With its tags."""
        ...

    def put_policy(self, identity_id: str, policy: InlinePolicy) -> None:
        """Store or replace a policy of a user, group or role, named by its unique id."""
        ...

    def get_policy(self, identity_id: str, name: str) -> InlinePolicy | None: ...
    def list_policies(self, identity_id: str) -> Sequence[InlinePolicy]:
        """Ordered by name."""
        ...

    def delete_policy(self, identity_id: str, name: str) -> None: ...

    def grants_of(self, identity_id: str) -> Grants | None:
        """All that hangs on a user, group or role and decides what it may do; None if it is gone."""
        ...

    def get_tags(self, identity_id: str) -> Mapping[str, str]:
        """The tags of a user or role, ordered by key."""
        ...

    def put_tags(self, identity_id: str, tags: Mapping[str, str]) -> None:
        """Add or overwrite tags; keys are alike whatever their case."""
        ...

    def delete_tags(self, identity_id: str, keys: Collection[str]) -> None: ...
