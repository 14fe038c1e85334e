"""How a database would answer the queries of a test: by an index, or by reading a whole table.

Tables are nearly empty in tests. SQLite has no statistics and plans by the schema alone; PostgreSQL, which
rightly reads small tables from end to end, is told to do so only where there is no other way.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from fairlead.store.tables import metadata

Selection = tuple[str, Any]
"""A statement that reads, and its parameters."""

_OF_ONE_ROW = frozenset({"audit_tree"})
_PARTIAL = frozenset({"ix_audit_records_pending"})
"""Indexes of the few rows that are waiting for something: these may be read from end to end."""


@contextmanager
def noted_selections(source: Connection | Engine) -> Iterator[list[Selection]]:
    """What is selected meanwhile."""
    seen: list[Selection] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append((statement, parameters))

    event.listen(source, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(source, "before_cursor_execute", note)


def table_scans(connection: Connection, run: Callable[[], object]) -> list[str]:
    """The tables and indexes that what `run` selects on this connection reads from end to end, with the
    statement."""
    with noted_selections(connection) as seen:
        run()
    assert seen, "nothing was selected"
    return scans_of(connection, seen)


def scans_of(connection: Connection, selections: list[Selection]) -> list[str]:
    """The same of selections that were noted, each once."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    steps = _sqlite_scans if connection.dialect.name == "sqlite" else _postgresql_scans
    found = (
        f"{step}: {statement}"
        for statement, parameters in selections
        for step in steps(connection, statement, parameters)
    )
    return list(dict.fromkeys(found))


def _sqlite_scans(connection: Connection, statement: str, parameters: Any) -> Iterator[str]:
    for *_, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
        words = step.split()
        if (
            words[0] == "SCAN"
            and words[1] in metadata.tables.keys() - _OF_ONE_ROW
            and words[-1] not in _PARTIAL
        ):
            yield step


def _postgresql_scans(connection: Connection, statement: str, parameters: Any) -> Iterator[str]:
    ((plan,),) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    yield from _whole(plan[0]["Plan"])


def _whole(step: dict[str, Any], parent: str = "") -> Iterator[str]:
    """Sequential scans, and indexes that are read without a condition; a page of one in its own order is
    none."""
    kind, table, index = step["Node Type"], step.get("Relation Name"), step.get("Index Name")
    if kind == "Seq Scan" and table not in _OF_ONE_ROW:
        yield f"{kind} of {table}"
    is_page = parent == "Limit" and "Filter" not in step
    if index is not None and "Index Cond" not in step and index not in _PARTIAL and not is_page:
        yield f"{kind} of {index}"
    for inner in step.get("Plans", ()):
        yield from _whole(inner, kind)
