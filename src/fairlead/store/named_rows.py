"""Rows that have a name which is unique in the account whatever its case: users, groups, roles, policies."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from fairlead.domain.errors import EntityAlreadyExists

NamedRow = Row[tuple[object, ...]]


def add_named(connection: Connection, table: Table, kind: str, name: str, **values: object) -> None:
    """Insert a row with its name. Raises EntityAlreadyExists, which names the `kind` of thing."""
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(name=name, name_key=name.lower(), **values))
    except IntegrityError as error:
        raise EntityAlreadyExists(f"{kind} with name {name} already exists.") from error


def find_named(
    connection: Connection, table: Table, account_id: str, name: str, *, to_change: bool
) -> NamedRow | None:
    """The row of this name; held until the transaction ends if it is to be changed."""
    statement = select(table).where(table.c.account_id == account_id, table.c.name_key == name.lower())
    if to_change:
        statement = statement.with_for_update()  # not needed in SQLite, and left out there: one writer
    return connection.execute(statement).one_or_none()


def page_named(
    connection: Connection,
    table: Table,
    account_id: str,
    path_prefix: str,
    after_name: str | None,
    limit: int,
) -> Sequence[NamedRow]:
    """The rows below a path, by name."""
    statement = (
        select(table)
        .where(
            table.c.account_id == account_id,
            func.substr(table.c.path, 1, len(path_prefix)) == path_prefix,  # LIKE ignores case in SQLite
        )
        .order_by(table.c.name_key)
        .limit(limit)
    )
    if after_name is not None:
        statement = statement.where(table.c.name_key > after_name.lower())
    return connection.execute(statement).all()
