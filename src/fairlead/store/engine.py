"""Database engines: how each kind of database is opened, and what its transactions promise.

SQLite runs in write-ahead mode with every commit on the disk before it is answered; a writing transaction
takes the write lock when it begins, so that it never fails half way for another's write. Values stay out of
the texts of errors, which are logged.

Transactions are begun here and not by a listener of the engine: for one listener SQLAlchemy asks, at every
statement, who else listens, which is a tenth of what a start of a session costs the database thread.

Every question to PostgreSQL is a way there and back, also BEGIN, ROLLBACK and whether the connection still
stands. So what is only read is read without a transaction, which READ COMMITTED makes no worse, and a
connection is asked after a rest only.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

BUSY_TIMEOUT_MS = 10_000
"""How long SQLite waits for another process's lock (a backup, an administrator's tool)."""
_BUSY_PAUSE_S = 0.02
POOL_SIZE = 8
"""Connections to PostgreSQL; as many use cases can run at once."""
REST_S = 1.0
"""A connection to PostgreSQL that was used less than this ago is taken for alive. No server of it restarts in
that time; and where one connection was cut alone, one call fails, as those do that were under way."""

_DISK_FULL_STATE = "53100"  # PostgreSQL documentation, appendix A


class DatabaseUnusable(Exception):
    """The database cannot be opened, or is not one of this version's; the text says what to change."""


def sqlite_url(path: Path) -> URL:
    """The URL of a database file."""
    return URL.create("sqlite", database=str(path))


def open_engine(url: str | URL) -> Engine:
    """Open an engine for `sqlite:///FILE`, `sqlite://` (memory) or `postgresql://…`.

    Raises DatabaseUnusable for another kind of database or a missing driver.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(parsed)
    if backend == "postgresql":
        return _open_postgresql(parsed)
    raise DatabaseUnusable(f"database URL of kind {backend!r}: use sqlite:///FILE or postgresql://…")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is going to write. Commits when the block ends, rolls back when it raises."""
    with engine.begin() as connection:
        _begin(connection, "BEGIN IMMEDIATE")
        yield connection


def for_reading(engine: Engine) -> Engine:
    """The same connections for `reading`, without transactions where those would add nothing."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A view of what `for_reading` gave: of one moment in SQLite, of that of each statement in PostgreSQL.

    Nothing is to be written through it; in SQLite that would be rolled back.
    """
    with engine.connect() as connection:
        _begin(connection, "BEGIN")
        yield connection


def is_disk_full(error: OperationalError) -> bool:
    """Whether the database refused for want of space."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return getattr(cause, "sqlstate", None) == _DISK_FULL_STATE


def is_in_memory(url: URL) -> bool:
    """True for an SQLite database without a file."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def _open_sqlite(url: URL) -> Engine:
    options: dict[str, Any] = {  # Any: engine options
        "connect_args": {"check_same_thread": False},
        "hide_parameters": True,
    }
    if is_in_memory(url):
        options["poolclass"] = StaticPool
    engine = create_engine(url, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    """Any: a DB-API connection has no common type."""
    connection.isolation_level = None  # the driver's own implicit BEGIN comes too late and as DEFERRED
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    _use_write_ahead_log(connection)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """SQLite does not always wait for another process that makes the same switch, or migrates, on a new file:
    it says at once that the database is locked (PRAGMA journal_mode)."""
    give_up_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(_BUSY_PAUSE_S)


def _begin(connection: Connection, statement: str) -> None:
    """SQLite's driver begins nothing by itself (`_prepare_sqlite`); PostgreSQL's does."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(statement)


def _open_postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"), hide_parameters=True, pool_size=POOL_SIZE
        )
    except ModuleNotFoundError as error:
        raise DatabaseUnusable("PostgreSQL needs the driver: install fairlead[postgres]") from error
    _ask_after_a_rest(engine)
    return engine


def _ask_after_a_rest(engine: Engine) -> None:
    """Let each connection that has rested be asked whether it stands; one that does not is replaced, and so
    are those that are older. (SQLAlchemy's own `pool_pre_ping` asks every time.)"""
    dialect = engine.dialect

    def given_back(_: object, entry: ConnectionPoolEntry) -> None:
        entry.info[_RESTS_SINCE] = time.monotonic()

    def taken(connection: Any, entry: ConnectionPoolEntry, _: object) -> None:  # Any: as above
        now = time.monotonic()
        if now - entry.info.get(_RESTS_SINCE, now) < REST_S:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine.pool, "checkin", given_back)
    event.listen(engine.pool, "checkout", taken)


_RESTS_SINCE = "rests since"
