"""IAM identities: users, access keys, roles, inline policies, and where they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

MAX_ACCESS_KEYS_PER_USER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An IAM user. `id` (`AIDA…`) is unique for ever; the name is unique whatever its case."""

    id: str
    account_id: str
    name: str
    path: str
    created_at: datetime

    @property
    def arn(self) -> str:
        """`arn:aws:iam::<account>:user/<path><name>`."""
        return f"arn:aws:iam::{self.account_id}:user{self.path}{self.name}"


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


class IdentityRepository(Protocol):
    """Where identities are kept. Names are looked up whatever their case, and come back as created."""

    def add_user(self, user: User) -> None:
        """Raises EntityAlreadyExists when the name is taken."""
        ...

    def get_user(self, account_id: str, name: str, *, to_change: bool = False) -> User | None:
        """`to_change`: until the transaction ends nobody else gets the user to change it, or what belongs to
        it, and what is counted meanwhile stays true."""
        ...

    def get_user_by_id(self, user_id: str) -> User | None: ...
    def list_users(
        self, account_id: str, path_prefix: str, after_name: str | None, limit: int
    ) -> list[User]: ...
    def delete_user(self, user_id: str) -> None: ...

    def add_access_key(self, key: AccessKey, secret: str) -> None: ...
    def get_access_key(self, key_id: str) -> tuple[AccessKey, str] | None:
        """The key and its secret in clear, for the verification of a signature."""
        ...

    def list_access_keys(self, user_id: str) -> list[AccessKey]: ...
    def delete_access_key(self, key_id: str) -> None: ...

    def add_role(self, role: Role) -> None:
        """Raises EntityAlreadyExists when the name is taken."""
        ...

    def get_role(self, account_id: str, name: str, *, to_change: bool = False) -> Role | None:
        """`to_change` as for `get_user`."""
        ...

    def list_roles(
        self, account_id: str, path_prefix: str, after_name: str | None, limit: int
    ) -> list[Role]: ...
    def delete_role(self, role_id: str) -> None: ...

    def put_policy(self, identity_id: str, policy: InlinePolicy) -> None:
        """Store or replace a policy of a user or role, named by its unique id."""
        ...

    def get_policy(self, identity_id: str, name: str) -> InlinePolicy | None: ...
    def list_policies(self, identity_id: str) -> Sequence[InlinePolicy]:
        """Ordered by name."""
        ...

    def delete_policy(self, identity_id: str, name: str) -> None: ...
