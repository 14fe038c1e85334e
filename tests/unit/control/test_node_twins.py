from datetime import timedelta

from fairlead.control.node_twins import RECORDED_AGAIN_AFTER, TWINS_EVENT, record_twins
from fairlead.domain.nodes import ChannelSighting
from tests.support.control_world import NODE_ID
from tests.support.factories import NOW

FIRST = ChannelSighting("192.0.2.1", NOW - timedelta(days=1))
SECOND = ChannelSighting("192.0.2.2", NOW)


def marked(world):
    return world.store.tables.nodes[NODE_ID].twins


def events(world):
    return [record for record in world.audit if record.event_name == TWINS_EVENT]


def test_both_are_kept_with_the_node_and_in_the_trail(world):
    record_twins(world.env, world.node(), SECOND, FIRST)
    twins = marked(world)
    assert (twins.served, twins.displaced, twins.count) == (SECOND, FIRST, 1)
    assert twins.first_seen_at == twins.last_seen_at == world.now
    (event,) = events(world)
    assert event.request_parameters == {
        "nodeId": NODE_ID,
        "servedAddress": "192.0.2.2",
        "servedSince": "2026-11-01T12:00:00Z",
        "displacedAddress": "192.0.2.1",
        "displacedSince": "2026-10-31T12:00:00Z",
    }


def test_twins_that_go_on_are_counted_and_fill_no_trail(world):
    node = world.node()
    for served, displaced in [(SECOND, FIRST), (FIRST, SECOND)] * 3:
        record_twins(world.env, node, served, displaced)
        world.advance(seconds=10)
    assert (marked(world).count, marked(world).served) == (6, FIRST)
    assert marked(world).first_seen_at == NOW
    assert marked(world).last_seen_at == NOW + timedelta(seconds=50)
    assert len(events(world)) == 1


def test_twins_that_return_are_in_the_trail_again(world):
    node = world.node()
    record_twins(world.env, node, SECOND, FIRST)
    world.advance(seconds=RECORDED_AGAIN_AFTER.total_seconds())
    record_twins(world.env, node, FIRST, SECOND)
    assert len(events(world)) == 2


def test_a_node_that_was_deregistered_meanwhile_is_left_alone(world):
    node = world.node()
    del world.store.tables.nodes[NODE_ID]
    record_twins(world.env, node, SECOND, FIRST)
    assert (world.store.tables.nodes, world.audit) == ({}, [])
