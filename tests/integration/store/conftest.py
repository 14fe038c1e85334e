"""Every store test runs on SQLite in memory, on an SQLite file and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.store.engine import open_engine, sqlite_url
from fairlead.store.migration import migrate
from fairlead.store.store import SqlStore
from tests.support.postgresql import PostgresqlServer, find_programs
from tests.support.sealer import XorSealer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    server = PostgresqlServer(programs)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite-memory":
        return "sqlite://"
    if request.param == "sqlite-file":
        return sqlite_url(tmp_path / "fairlead.db").render_as_string()
    return request.getfixturevalue("postgresql").new_database_url()


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    engine = open_engine(database_url)
    migrate(engine)
    opened = SqlStore(engine, XorSealer())
    yield opened
    opened.close()
