"""IAM groups in SQL."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from fairlead.domain.groups import Group
from fairlead.domain.identities import User
from fairlead.store.identities import user_of
from fairlead.store.named_rows import NamedRow, add_named, find_named, page_named
from fairlead.store.tables import group_members, user_groups, users


class SqlGroups:
    """domain.groups.GroupRepository over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, group: Group) -> None:
        add_named(
            self._connection,
            user_groups,
            "Group",
            group.name,
            id=group.id,
            account_id=group.account_id,
            path=group.path,
            created_at=group.created_at,
        )

    def get(self, account_id: str, name: str, *, to_change: bool = False) -> Group | None:
        row = find_named(self._connection, user_groups, account_id, name, to_change=to_change)
        return None if row is None else _group(row)

    def page(self, account_id: str, path_prefix: str, after_name: str | None, limit: int) -> list[Group]:
        rows = page_named(self._connection, user_groups, account_id, path_prefix, after_name, limit)
        return [_group(row) for row in rows]

    def delete(self, group_id: str) -> None:
        self._connection.execute(delete(user_groups).where(user_groups.c.id == group_id))

    def add_member(self, group_id: str, user_id: str) -> None:
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(group_members).values(group_id=group_id, user_id=user_id))
        except IntegrityError:
            return

    def remove_member(self, group_id: str, user_id: str) -> bool:
        removed = self._connection.execute(
            delete(group_members).where(
                group_members.c.group_id == group_id, group_members.c.user_id == user_id
            )
        )
        return removed.rowcount > 0

    def members(self, group_id: str) -> list[User]:
        statement = (
            select(users)
            .join(group_members, group_members.c.user_id == users.c.id)
            .where(group_members.c.group_id == group_id)
            .order_by(users.c.name_key)
        )
        return [user_of(row) for row in self._connection.execute(statement)]

    def of_user(self, user_id: str) -> Sequence[Group]:
        return [_group(row) for row in self._connection.execute(_OF_USER, {"of_user": user_id})]


# Asked at every call, and made once for that.
_OF_USER = (
    select(user_groups)
    .join(group_members, group_members.c.group_id == user_groups.c.id)
    .where(group_members.c.user_id == bindparam("of_user"))
    .order_by(user_groups.c.name_key)
)


def _group(row: NamedRow) -> Group:
    return Group(
        id=row.id, account_id=row.account_id, name=row.name, path=row.path, created_at=row.created_at
    )
