from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.domain.nodes import (
    INACTIVE_AFTER,
    ONLINE_WITHIN,
    Beat,
    ChannelSighting,
    Heartbeat,
    Node,
    NodeKind,
    NodeQuery,
    PingStatus,
    Presence,
    Twins,
)
from fairlead.domain.scope import Scope
from fairlead.store.store import SqlStore
from tests.support.factories import NOW, SCOPE, a_node
from tests.support.query_plans import table_scans

SECOND = timedelta(seconds=1)


def test_a_node_comes_back_as_it_was_stored(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node())
        assert work.nodes.get(SCOPE, a_node().id) == a_node()
        assert work.nodes.get(Scope("999999999999", "us-east-1"), a_node().id) is None


def test_a_heartbeat_keeps_what_it_does_not_tell(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node())
        work.nodes.record_heartbeats([Beat(a_node().id, Heartbeat(computer_name="web-1.example"), NOW)])
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
        {"kinds": [NodeKind.EC2]},
        {"kinds": []},
        {"tags": {"Env": ["Test"]}},
        {"tags": {"Env": ["Dev"], "Team": ["web"]}},
        {"tag_keys": ["Team"]},
        {"fingerprint": "another"},
        {"has_twins": True},
    ],
)
def test_a_filter_that_does_not_fit_hides_the_node(store: SqlStore, narrower: dict[str, object]) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node(tags=(("Env", "Dev"),)))
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
        work.nodes.set_connected([Presence(a_node().id, first)])
        work.nodes.set_connected([Presence(a_node().id, second)])
        work.nodes.set_departed([Presence(a_node().id, first), Presence("mi-gone", first)])
        assert work.nodes.connected_ids() == [a_node().id]
        assert work.nodes.get(SCOPE, a_node().id) == a_node(connected_since=second)
        work.nodes.set_departed([Presence(a_node().id, second)])
        work.nodes.set_departed([])
        assert work.nodes.connected_ids() == []


def test_tags_are_replaced_and_come_back_by_key(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node(tags=(("a", "1"),)))
        assert work.nodes.find(a_node().id) == a_node(tags=(("a", "1"),))
        work.nodes.set_tags(a_node().id, {"team": "röd", "A": ""})
        assert work.nodes.find(a_node().id) == a_node(tags=(("A", ""), ("team", "röd")))


EC2 = "i-0123456789abcdef0"
OTHER = "mi-1123456789abcdef0"


@pytest.mark.parametrize(
    ("wider", "found"),
    [
        ({}, [EC2, a_node().id, OTHER]),
        ({"kinds": [NodeKind.HYBRID]}, [a_node().id, OTHER]),
        ({"kinds": [NodeKind.EC2]}, [EC2]),
        ({"kinds": list(NodeKind)}, [EC2, a_node().id, OTHER]),
        ({"tags": {"Env": ["Dev", "Test"]}}, [EC2, a_node().id]),
        ({"tags": {"Env": ["Dev"], "Team": ["web"]}}, [EC2]),
        ({"tag_keys": ["Team", "Nothing"]}, [EC2, OTHER]),
        ({"fingerprint": "same"}, [a_node().id, OTHER]),
    ],
)
def test_nodes_are_found_by_kind_tags_and_fingerprint(
    store: SqlStore, wider: dict[str, object], found: list[str]
) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node(tags=(("Env", "Test"),), fingerprint="same"))
        work.nodes.add(a_node(id=EC2, activation_id=None, tags=(("Env", "Dev"), ("Team", "web"))))
        work.nodes.add(a_node(id=OTHER, fingerprint="same"))
        work.nodes.set_tags(OTHER, {"Env": "Dev"})
        work.nodes.set_tags(OTHER, {"Team": "ops"})
        query = replace(NodeQuery(scope=SCOPE), **wider)  # type: ignore[arg-type]  # by name
        assert _ids(work.nodes.describe(query)) == found


def test_a_deleted_node_is_not_found_by_its_tags_when_its_id_returns(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node(tags=(("Env", "Dev"),)))
        work.nodes.delete(a_node().id)
        work.nodes.add(a_node())
        assert work.nodes.describe(NodeQuery(scope=SCOPE, tag_keys=["Env"])) == []


def test_twins_and_another_role_are_kept(store: SqlStore) -> None:
    twins = Twins(
        first_seen_at=NOW,
        last_seen_at=NOW + SECOND,
        count=2,
        served=ChannelSighting("192.0.2.1", NOW + SECOND),
        displaced=ChannelSighting("192.0.2.2", NOW),
    )
    with store.transaction() as work:
        work.nodes.add(a_node())
        work.nodes.add(a_node(id=OTHER))
        work.nodes.set_twins(OTHER, twins)
        work.nodes.set_iam_role(OTHER, "Other")
        assert work.nodes.find(OTHER) == a_node(id=OTHER, iam_role="Other", twins=twins)
        assert _ids(work.nodes.describe(NodeQuery(scope=SCOPE, has_twins=True))) == [OTHER]


def test_hybrid_nodes_of_one_region_are_counted_up_to_a_limit(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node(id=EC2))
        work.nodes.add(a_node(id="mi-elsewhere", scope=Scope(SCOPE.account_id, "eu-central-1")))
        assert work.nodes.count_hybrid(SCOPE, 5) == 0
        for number in range(3):
            work.nodes.add(a_node(id=f"mi-{number:017}"))
        assert work.nodes.count_hybrid(SCOPE, 5) == 3
        assert work.nodes.count_hybrid(SCOPE, 2) == 2


def test_silent_nodes_are_those_that_were_not_heard_of(store: SqlStore) -> None:
    with store.transaction() as work:
        work.nodes.add(a_node(id="mi-old", registered_at=NOW - 2 * SECOND))
        work.nodes.add(a_node(id="mi-older", registered_at=NOW - 3 * SECOND, last_ping_at=NOW - SECOND))
        work.nodes.add(a_node(id="mi-heard", registered_at=NOW - 3 * SECOND, last_ping_at=NOW))
        work.nodes.add(
            a_node(
                id="mi-elsewhere",
                registered_at=NOW - 3 * SECOND,
                scope=Scope(SCOPE.account_id, "eu-central-1"),
            )
        )
        assert _ids(work.nodes.silent_since(SCOPE, NOW, "", 5)) == ["mi-old", "mi-older"]
        assert _ids(work.nodes.silent_since(SCOPE, NOW, "", 1)) == ["mi-old"]
        assert _ids(work.nodes.silent_since(SCOPE, NOW, "mi-old", 5)) == ["mi-older"]


@pytest.mark.parametrize(
    "query",
    [
        NodeQuery(scope=SCOPE),
        NodeQuery(scope=SCOPE, after_id="mi-1", kinds=[NodeKind.HYBRID]),
        NodeQuery(scope=SCOPE, node_ids=["mi-1"]),
        NodeQuery(scope=SCOPE, tags={"Env": ["Dev"]}),
        NodeQuery(scope=SCOPE, tag_keys=["Env"]),
        NodeQuery(scope=SCOPE, fingerprint="some"),
    ],
    ids=str,
)
def test_no_listing_reads_a_whole_table(store: SqlStore, query: NodeQuery) -> None:
    with store.read() as work:
        assert table_scans(work.nodes._connection, lambda: work.nodes.describe(query)) == []


def test_the_count_for_the_tier_reads_no_whole_table(store: SqlStore) -> None:
    with store.read() as work:
        assert table_scans(work.nodes._connection, lambda: work.nodes.count_hybrid(SCOPE, 5)) == []


def test_nodes_can_be_left_out_by_what_they_have_and_those_without_it_stay(store: SqlStore) -> None:
    ec2, other = "i-0123456789abcdef0", "mi-00000000000000001"
    activation = a_node().activation_id or ""
    with store.transaction() as work:
        work.nodes.add(a_node(tags=(("Env", "Dev"),)))
        work.nodes.add(a_node(id=other, activation_id="another"))
        work.nodes.add(a_node(id=ec2, activation_id=None))

    def left(*unwanted: NodeQuery) -> list[str]:
        with store.read() as uow:
            return [node.id for node in uow.nodes.describe(NodeQuery(scope=SCOPE, excluded=unwanted))]

    tagged = NodeQuery(scope=SCOPE, tags={"Env": ("Dev",)})
    assert left() == left(NodeQuery(scope=SCOPE, node_ids=())) == [ec2, other, a_node().id]
    assert left(NodeQuery(scope=SCOPE, activation_ids=(activation,))) == [ec2, other]
    assert left(tagged) == [ec2, other]
    assert left(tagged, NodeQuery(scope=SCOPE, kinds=(NodeKind.EC2,))) == [other]
    assert left(NodeQuery(scope=SCOPE)) == []
