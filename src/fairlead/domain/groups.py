"""IAM groups: users who share policies, and where they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fairlead.domain.identities import User

MAX_GROUPS_PER_USER = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An IAM group. `id` (`AGPA…`) is unique for ever; the name is unique whatever its case."""

    id: str
    account_id: str
    name: str
    path: str
    created_at: datetime

    @property
    def arn(self) -> str:
        """`arn:aws:iam::<account>:group/<path><name>`."""
        return f"arn:aws:iam::{self.account_id}:group{self.path}{self.name}"


class GroupRepository(Protocol):
    """Where groups and memberships are kept. Names are looked up whatever their case."""

    def add(self, group: Group) -> None:
        """Raises EntityAlreadyExists when the name is taken."""
        ...

    def get(self, account_id: str, name: str, *, to_change: bool = False) -> Group | None:
        """`to_change`: until the transaction ends nobody else gets the group to change it, or what belongs
        to it."""
        ...

    def page(self, account_id: str, path_prefix: str, after_name: str | None, limit: int) -> list[Group]: ...
    def delete(self, group_id: str) -> None: ...

    def add_member(self, group_id: str, user_id: str) -> None:
        """A user who is in the group already stays in it."""
        ...

    def remove_member(self, group_id: str, user_id: str) -> bool:
        """False if the user was not in the group."""
        ...

    def members(self, group_id: str) -> list[User]:
        """Ordered by name."""
        ...

    def of_user(self, user_id: str) -> Sequence[Group]:
        """The groups that a user is in, ordered by name."""
        ...
