from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.domain.nodes import (
    INACTIVE_AFTER,
    ONLINE_WITHIN,
    Departure,
    Heartbeat,
    Node,
    NodeQuery,
    PingStatus,
)
from fairlead.domain.scope import Scope
from fairlead.store.store import SqlStore
from tests.support.factories import NOW, SCOPE, a_node

SECOND = timedelta(seconds=1)


def test_a_node_comes_back_as_it_was_stored(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node())
        assert work.nodes.get(SCOPE, a_node().id) == a_node()
        assert work.nodes.get(Scope("999999999999", "us-east-1"), a_node().id) is None


def test_a_heartbeat_keeps_what_it_does_not_tell(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node())
        work.nodes.record_heartbeat(a_node().id, Heartbeat(computer_name="web-1.example"), NOW)
        found = work.nodes.find(a_node().id)
    assert found is not None
    assert found.heartbeat == Heartbeat(
        agent_version="3.3.0.0", platform_type="Linux", computer_name="web-1.example"
    )
    assert found.last_ping_at == NOW


def test_a_rotated_key_replaces_the_old_one(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node())
        work.nodes.set_public_key(a_node().id, b"new")
        found = work.nodes.find(a_node().id)
    assert found is not None
    assert found.public_key == b"new"


def test_a_deleted_node_is_gone(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node())
        work.nodes.delete(a_node().id)
        assert work.nodes.find(a_node().id) is None


@pytest.mark.parametrize(
    "narrower",
    [
        {"node_ids": ["mi-0"]},
        {"activation_ids": []},
        {"iam_roles": ["Other"]},
        {"agent_versions": ["1.0"]},
        {"platform_types": ["Windows"]},
        {"after_id": a_node().id},
    ],
)
def test_a_filter_that_does_not_fit_hides_the_node(store: SqlStore, narrower: dict[str, object]) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node())
        assert len(work.nodes.describe(NodeQuery(scope=SCOPE))) == 1
        query = replace(NodeQuery(scope=SCOPE), **narrower)  # type: ignore[arg-type]  # by name
        assert work.nodes.describe(query) == []


def test_the_ping_status_filter_agrees_with_the_domain(store: SqlStore) -> None:
    ages = [timedelta(0), ONLINE_WITHIN, ONLINE_WITHIN + SECOND, INACTIVE_AFTER, INACTIVE_AFTER + SECOND]
    stored = [
        a_node(id=f"mi-{i:017}", registered_at=NOW - age, last_ping_at=NOW - age if has_pinged else None)
        for i, (age, has_pinged) in enumerate((age, ping) for age in ages for ping in (True, False))
    ]
    with store.transaction() as work:
        for node in stored:
            work.nodes.add(node)
        for status in PingStatus:
            query = NodeQuery(scope=SCOPE, ping_statuses=[status], now=NOW, limit=50)
            assert _ids(work.nodes.describe(query)) == _ids(
                [node for node in stored if node.ping_status(NOW) is status]
            )


def _ids(nodes: list[Node]) -> list[str]:
    return [node.id for node in nodes]


def test_a_node_is_connected_until_the_channel_that_it_opened_last_has_ended(store: SqlStore) -> None:
    first, second = NOW, NOW + SECOND
    with store.transaction() as work:
        work.nodes.add(a_node())
        work.nodes.add(a_node(id="mi-other"))
        assert work.nodes.connected_ids() == []
        work.nodes.set_connected(a_node().id, first)
        work.nodes.set_connected(a_node().id, second)
        work.nodes.set_departed([Departure(a_node().id, first), Departure("mi-gone", first)])
        assert work.nodes.connected_ids() == [a_node().id]
        assert work.nodes.get(SCOPE, a_node().id) == a_node(connected_since=second)
        work.nodes.set_departed([Departure(a_node().id, second)])
        work.nodes.set_departed([])
        assert work.nodes.connected_ids() == []


def test_tags_are_replaced_and_come_back_by_key(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node(tags=(("a", "1"),)))
        assert work.nodes.find(a_node().id) == a_node(tags=(("a", "1"),))
        work.nodes.set_tags(a_node().id, {"team": "röd", "A": ""})
        assert work.nodes.find(a_node().id) == a_node(tags=(("A", ""), ("team", "röd")))
