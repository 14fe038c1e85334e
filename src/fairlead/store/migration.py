"""Brings a database to the schema of this version, at start and under a lock.

Two servers that start together migrate one after the other: SQLite by its write lock, PostgreSQL by an
advisory lock.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from fairlead.store.engine import DatabaseUnusable, writing

_ADVISORY_LOCK = 0x6661_6972_6C65_6164  # "fairlead"


def migrate(engine: Engine) -> None:
    """Run every migration that the database has not seen.

    Raises DatabaseUnusable for a database that a later version has migrated further.
    """
    with writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        try:
            command.upgrade(_config(connection), "head")
        except CommandError as error:
            raise DatabaseUnusable(
                f"its schema is not one of this version's ({error}): start the version of Fairlead that used "
                "it last, or a later one."
            ) from error


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
