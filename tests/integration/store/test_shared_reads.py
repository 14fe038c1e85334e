"""One view that many calls share: it answers as a view of one's own, with fewer statements."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from fairlead.domain.identities import InlinePolicy
from fairlead.domain.scope import Scope
from fairlead.store.store import SqlStore
from tests.support.factories import SCOPE, a_node, a_role, a_session

NODES = [f"mi-{number:017x}" for number in range(5)]
ELSEWHERE = Scope("999999999999", "us-east-1")


@pytest.fixture
def role_id(store: SqlStore) -> str:
    role = a_role()
    with store.transaction() as work:
        work.identities.add_role(role)
        work.identities.put_policy(role.id, InlinePolicy(name="own", document="{}"))
        work.identities.put_tags(role.id, {"team": "edge"})
        for number, node_id in enumerate(NODES):
            work.nodes.add(a_node(id=node_id))
            work.sessions.add(a_session(id=f"alice-{number}", target=node_id))
    return role.id


@contextmanager
def statements(store: SqlStore) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(store._engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store._engine, "before_cursor_execute", note)


def test_it_answers_as_a_view_of_ones_own_and_asks_once(store: SqlStore, role_id: str) -> None:
    def answers(node_id: str) -> list[object]:
        with store.read() as work:
            return [
                work.nodes.find(node_id),
                work.nodes.get(ELSEWHERE, node_id),
                work.sessions.active_of_node(SCOPE, node_id),
                work.sessions.active_of_node(ELSEWHERE, node_id),
                work.identities.get_role(SCOPE.account_id, a_role().name),
                work.identities.get_role(SCOPE.account_id, "nobody"),
                work.identities.grants_of(role_id),
                work.managed_policies.default_documents({f"arn:aws:iam::{SCOPE.account_id}:policy/none"}),
            ]

    asked = [*NODES, "mi-unknown"]
    expected = [answers(node_id) for node_id in asked]
    with statements(store) as seen, store.shared_view({*NODES[1:], "mi-unknown"}):
        assert [answers(node_id) for node_id in asked] == expected
    # Nodes, sessions, two roles, what hangs on one, documents; and the node that was not named:
    # found twice, its sessions asked for twice.
    assert len(seen) == 6 + 4


def test_a_view_begins_after_what_was_committed_before_and_ends_with_its_block(store: SqlStore) -> None:
    node_id = NODES[0]
    for is_there in (False, True, False):
        with store.transaction() as work:
            if is_there:
                work.nodes.add(a_node(id=node_id))
            else:
                work.nodes.delete(node_id)
        with store.shared_view({node_id}), store.read() as work:
            assert (work.nodes.find(node_id) is not None) is is_there


def test_it_is_its_threads_own(store: SqlStore, role_id: str) -> None:
    if not store.reads_apart:
        pytest.skip("a database in memory has one connection")
    found = []

    def read() -> None:
        with store.read() as work:
            found.append(work.nodes.find(NODES[0]))

    with store.shared_view({NODES[0]}), store.read() as work:
        mine = work.nodes
        other = threading.Thread(target=read)
        other.start()
        other.join()
        with store.read() as again:
            assert again.nodes is mine
    assert found == [a_node(id=NODES[0])]
