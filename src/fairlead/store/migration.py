"""Brings a database to the schema of this version, at start and under a lock.

Two servers that start together migrate one after the other: SQLite by its write lock, PostgreSQL by an
advisory lock. A database that is up to date, which is what nearly every start finds, is told by its revision
alone: Alembic brings in every dialect that there is, and takes a third of the time of a start to load.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from fairlead.store.engine import DatabaseUnusable, writing

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION_TABLE = "alembic_version"
_ADVISORY_LOCK = 0x6661_6972_6C65_6164  # "fairlead"


def migrate(engine: Engine) -> None:
    """Run every migration that the database has not seen.

    Raises DatabaseUnusable for a database that a later version has migrated further.
    """
    with engine.connect() as connection:
        if _revision(connection) == newest_revision():
            return
    from alembic import command
    from alembic.util import CommandError

    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        try:
            command.upgrade(_config(connection), "head")
        except CommandError as error:
            raise DatabaseUnusable(
                f"its schema is not one of this version's ({error}): start the version of Fairlead that used "
                "it last, or a later one."
            ) from error


def found_revision(engine: Engine) -> str | None:
    """The revision of a database as it is; None if it is new. Changes nothing."""
    with engine.connect() as connection:
        return _revision(connection)


def newest_revision() -> str:
    """The revision of a database that is up to date. Files of migrations begin with their revision."""
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _revision(connection: Connection) -> str | None:
    """The revision of the database; None if it is new."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {_VERSION_TABLE}"))  # noqa: S608
    return found


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
