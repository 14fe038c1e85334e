"""Calls that share a transaction: each is undone by itself, all are committed and told of together."""

import pytest
from sqlalchemy.exc import OperationalError

from fairlead.domain.errors import AccessDenied
from fairlead.store.store import SqlStore
from tests.support.control_world import NODE_ID, World, policy, statement
from tests.support.factories import a_user


def names(store: SqlStore) -> set[str]:
    with store.read() as work:
        return {user.name for user in work.identities.list_users(a_user().account_id, "/", None, 10)}


def add(store: SqlStore, name: str) -> None:
    with store.transaction() as work:
        work.identities.add_user(a_user(id=f"AIDA{name}", name=name))


def test_a_refused_call_is_undone_and_its_neighbours_are_not(store: SqlStore) -> None:
    world = World(store)
    alice, mallory = world.user("alice"), world.user("mallory", policy(statement("Deny", "*")))
    world.node()
    with store.shared_transaction():
        first = world.start(alice)
        with pytest.raises(AccessDenied):
            world.start(mallory)
        second = world.start(alice)
        assert world.notifier.news == []
    assert world.notifier.news == [("started", first.session_id), ("started", second.session_id)]
    with store.read() as work:
        assert {each.id for each in work.sessions.active()} == {first.session_id, second.session_id}
        assert all(each.target == NODE_ID for each in work.sessions.active())
        recorded = [each.text for each in work.audit.pending(10)]
    assert [("AccessDenied" in text) for text in recorded] == [False, True, False]


def fail(store: SqlStore, name: str, error: Exception) -> None:
    """Add a user and fail."""
    with store.transaction() as work:
        work.identities.add_user(a_user(id=f"AIDA{name}", name=name))
        raise error


def test_what_raises_in_the_middle_of_its_part_leaves_nothing(store: SqlStore) -> None:
    with store.shared_transaction():
        add(store, "alice")
        with pytest.raises(KeyError):
            fail(store, "bob", KeyError())
        assert names(store) == {"alice"}  # it sees its own
    assert names(store) == {"alice"}


def test_an_error_of_the_database_spoils_it_for_all(store: SqlStore) -> None:
    told: list[str] = []

    def share_with_trouble() -> None:
        with store.shared_transaction():
            add(store, "alice")
            store.once_committed(lambda: told.append("alice"))
            with pytest.raises(OperationalError):
                fail(store, "bob", OperationalError("INSERT", {}, Exception("disk I/O error")))
            with pytest.raises(OperationalError):
                add(store, "carol")

    with pytest.raises(OperationalError, match="disk I/O error"):
        share_with_trouble()
    assert names(store) == set()
    assert told == []
    add(store, "dave")
    store.once_committed(lambda: told.append("dave"))
    assert (names(store), told) == ({"dave"}, ["dave"])
