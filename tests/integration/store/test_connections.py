"""Connections to PostgreSQL: those that were cut while they rested, and what is said on the others."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event, text

from fairlead.store.engine import for_reading, open_engine, reading, writing
from tests.support.postgresql import PostgresqlServer

CUT_ALL = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
NOW = text("SELECT extract(epoch from now())::text")
"""PostgreSQL's `now()` is when the transaction began."""


@pytest.fixture
def engine(postgresql: PostgresqlServer) -> Iterator[Engine]:
    opened = open_engine(postgresql.new_database_url())
    yield opened
    opened.dispose()


def cut_all(engine: Engine) -> None:
    """As a restart of the database does it."""
    other = open_engine(engine.url)
    with other.connect() as connection:
        connection.execute(CUT_ALL)
    other.dispose()


def test_connections_that_were_cut_while_they_rested_are_replaced(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead.store.engine.REST_S", 0.0)
    with writing(engine) as one, reading(for_reading(engine)) as two:
        assert one.scalar(text("SELECT 1")) == two.scalar(text("SELECT 1")) == 1
    cut_all(engine)
    with writing(engine) as one, reading(for_reading(engine)) as two:
        assert one.scalar(text("SELECT 2")) == two.scalar(text("SELECT 2")) == 2


def test_a_connection_that_is_in_use_all_the_time_is_asked_nothing_but_what_is_wanted(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead.store.engine.REST_S", 3600.0)
    asked: list[object] = []
    monkeypatch.setattr(engine.dialect, "do_ping", lambda connection: asked.append(connection))
    for _ in range(3):
        with writing(engine) as connection:
            connection.execute(text("SELECT 1"))
    assert asked == []
    monkeypatch.setattr("fairlead.store.engine.REST_S", 0.0)
    with writing(engine) as connection:
        connection.execute(text("SELECT 1"))
    assert len(asked) == 1


def test_what_is_only_read_is_read_without_a_transaction_and_the_next_one_has_its_own(engine: Engine) -> None:
    ended: list[str] = []
    event.listen(engine, "commit", lambda _: ended.append("commit"))
    with reading(for_reading(engine)) as connection:
        first, second = (connection.scalar(NOW) for _ in range(2))
    assert first != second
    with writing(engine) as connection:
        first, second = (connection.scalar(NOW) for _ in range(2))
    assert first == second
    assert ended == ["commit"]
