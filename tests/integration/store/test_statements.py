"""What a start of a session asks of the database: each statement is a round trip to PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from fairlead.store.store import SqlStore
from tests.support.control_world import ORIGIN, World, signed_request

MOST_STATEMENTS = 9
"""Of a signed StartSession by a user: his key; himself; what hangs on him and his groups; the node, the
setting and the preferences; and three rows that are written. One more is worth a thought: each costs 4 %."""


@pytest.fixture
def statements(store: SqlStore) -> Iterator[list[str]]:
    """The statements that are run while they are listened for; transactions as their end."""
    heard: list[str] = []

    def run(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        heard.append(" ".join(statement.split()))

    def commit(_connection: object) -> None:
        heard.append("COMMIT")

    event.listen(store._engine, "before_cursor_execute", run)
    event.listen(store._engine, "commit", commit)
    yield heard
    event.remove(store._engine, "before_cursor_execute", run)
    event.remove(store._engine, "commit", commit)


def test_a_start_of_a_session_takes_few_statements_and_one_commit(
    store: SqlStore, statements: list[str]
) -> None:
    world = World(store)
    caller = world.user()
    credentials = world.key_of(caller)
    world.node()
    statements.clear()
    proven = world.authenticator.authenticate(signed_request(credentials, world.now), ORIGIN, "ssm")
    world.start(proven)
    asked = [each for each in statements if not each.startswith(("BEGIN", "COMMIT"))]
    assert len(asked) <= MOST_STATEMENTS, "\n".join(asked)
    assert [each for each in asked if each.startswith("DELETE")] == []  # a new session has no tokens to void
    assert statements.count("COMMIT") == 1
