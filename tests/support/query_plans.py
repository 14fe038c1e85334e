"""How a database would answer the queries of a test: by an index, or by reading a whole table.

PostgreSQL reads tables as small as those of a test from end to end, rightly; so it is told here that it can
not, and does so all the same only where no index serves.
"""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event

from fairlead.store.tables import metadata

_TABLES = "|".join(metadata.tables)
_SCANS = {
    "sqlite": re.compile(rf"\bSCAN ({_TABLES})\b"),
    "postgresql": re.compile(rf"\bSeq Scan on ({_TABLES})\b"),
}


def table_scans(connection: Connection, run: Callable[[], object]) -> list[str]:
    """The lines of the plans of what `run` selects on this connection that read a whole table."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    try:
        run()
    finally:
        event.remove(connection, "before_cursor_execute", note)
    dialect = connection.dialect.name
    explain = "EXPLAIN QUERY PLAN " if dialect == "sqlite" else "EXPLAIN "
    if dialect == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    lines = [
        " ".join(map(str, row))
        for statement, parameters in seen
        for row in connection.exec_driver_sql(explain + statement, parameters)
    ]
    assert lines, "nothing was selected"
    return [line for line in lines if _SCANS[dialect].search(line)]
