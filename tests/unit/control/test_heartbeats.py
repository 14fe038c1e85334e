"""Heartbeats are gathered, and whoever reads what nodes said sees all of them."""

from datetime import timedelta

import pytest

from fairlead.control.heartbeats import Heartbeats
from fairlead.domain.nodes import Beat, Heartbeat, PingStatus
from fairlead.domain.operations.nodes import (
    DescribeInstanceInformationRequest,
    UpdateInstanceInformationRequest,
)
from tests.support.control_world import NODE_ID, World
from tests.support.factories import NOW

OTHER_NODE = "mi-0fedcba9876543210"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def gathered(world: World) -> Heartbeats:
    world.node()
    return Heartbeats(world.env)


def stored(world: World, node_id: str = NODE_ID):
    return world.store.tables.nodes[node_id]


def test_nothing_is_written_until_it_is_recorded_and_then_once(world, gathered):
    commits = world.store.commits
    gathered.add(Beat(NODE_ID, Heartbeat(agent_version="3.3.1.0"), NOW))
    assert (len(gathered), world.store.commits, stored(world).last_ping_at) == (1, commits, None)
    gathered.record()
    assert (len(gathered), world.store.commits, stored(world).last_ping_at) == (0, commits + 1, NOW)
    gathered.record()
    assert world.store.commits == commits + 1


def test_many_nodes_are_one_transaction(world, gathered):
    world.node(OTHER_NODE)
    commits = world.store.commits
    for node_id in (NODE_ID, OTHER_NODE, "mi-gone"):
        gathered.add(Beat(node_id, Heartbeat(), NOW))
    gathered.record()
    assert world.store.commits == commits + 1
    assert stored(world).last_ping_at == stored(world, OTHER_NODE).last_ping_at == NOW


def test_the_later_heartbeat_of_a_node_counts_and_what_it_leaves_out_was_said_before(world, gathered):
    gathered.add(Beat(NODE_ID, Heartbeat(agent_version="1", platform_name="Debian"), NOW))
    gathered.add(Beat(NODE_ID, Heartbeat(agent_version="2"), NOW + MINUTE))
    gathered.record()
    assert stored(world).heartbeat == Heartbeat(
        agent_version="2", platform_name="Debian", platform_type="Linux"
    )
    assert stored(world).last_ping_at == NOW + MINUTE


def test_what_could_not_be_recorded_is_recorded_the_next_time_beneath_what_came_since(world, gathered):
    gathered.add(Beat(NODE_ID, Heartbeat(agent_version="1", platform_name="Debian"), NOW))
    begin = world.store.transaction

    def full():
        gathered.add(Beat(NODE_ID, Heartbeat(agent_version="2"), NOW + MINUTE))
        raise OSError("the disk is full")

    world.store.transaction = full
    with pytest.raises(OSError, match="disk"):
        gathered.record()
    world.store.transaction = begin
    gathered.record()
    assert stored(world).heartbeat == Heartbeat(
        agent_version="2", platform_name="Debian", platform_type="Linux"
    )
    assert stored(world).last_ping_at == NOW + MINUTE


def test_the_list_of_nodes_shows_a_heartbeat_that_was_taken_just_now(world):
    node = world.node()
    world.nodes.update_instance_information(node, UpdateInstanceInformationRequest(instance_id=NODE_ID))
    answer = world.nodes.describe_instance_information(world.user(), DescribeInstanceInformationRequest())
    (shown,) = answer.instance_information_list
    assert (shown.ping_status, shown.last_ping_date_time) == (PingStatus.ONLINE.value, world.now)
