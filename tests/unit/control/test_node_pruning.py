"""Nodes that have been away for long: removed where an administrator wants it, and only then."""

from datetime import timedelta

import pytest

from fairlead.control.node_pruning import (
    LET_COME_BACK,
    NODES_TOGETHER,
    REMOVED_EVENT,
    remove_silent_nodes,
)
from fairlead.domain.operations.service_settings import UpdateServiceSettingRequest
from fairlead.domain.scope import Scope
from fairlead.domain.service_settings import REMOVE_SILENT_NODES_DAYS
from tests.support.control_world import NODE_ID
from tests.support.factories import NOW, SCOPE

OTHER = "mi-1123456789abcdef0"
LONG_AGO = NOW - timedelta(days=90, seconds=1)


@pytest.fixture
def removing(world):
    request = UpdateServiceSettingRequest(setting_id=REMOVE_SILENT_NODES_DAYS, setting_value="90")
    world.service_settings.update_service_setting(world.user("admin"), request)


def remove(world, served_for=LET_COME_BACK):
    return remove_silent_nodes(world.env, world.notifier, served_for)


def test_without_the_setting_nobody_is_removed(world):
    world.node(connected=False, registered_at=LONG_AGO)
    assert remove(world) == 0
    assert NODE_ID in world.store.tables.nodes


def test_who_was_silent_for_so_many_days_is_deregistered_and_recorded(world, removing):
    world.node(connected=False, registered_at=LONG_AGO, name="web")
    world.node(OTHER, connected=False, registered_at=LONG_AGO, last_ping_at=NOW - timedelta(days=90))
    assert remove(world) == 1
    assert list(world.store.tables.nodes) == [OTHER]
    assert ("removed", NODE_ID) in world.notifier.news
    record = world.last_record
    assert (record.event_name, record.principal_arn, record.scope) == (REMOVED_EVENT, "server", SCOPE)
    assert record.request_parameters == {
        "nodeId": NODE_ID,
        "name": "web",
        "lastSignAt": "2026-08-03T11:59:59Z",
    }


def test_a_server_that_was_away_itself_lets_everybody_come_back_first(world, removing):
    world.node(connected=False, registered_at=LONG_AGO)
    assert remove(world, served_for=LET_COME_BACK - timedelta(seconds=1)) == 0
    assert remove(world) == 1


@pytest.mark.parametrize("where", ["connected", "reconnecting"])
def test_who_is_there_without_a_heartbeat_stays(world, removing, where):
    world.node(connected=False, registered_at=LONG_AGO)
    getattr(world.notifier, where).add(NODE_ID)
    assert remove(world) == 0


def test_each_region_has_its_own_setting(world, removing):
    world.node(connected=False, registered_at=LONG_AGO, scope=Scope(SCOPE.account_id, "eu-central-1"))
    assert remove(world) == 0


def test_a_crowd_is_removed_in_parts_and_passes_by_those_that_stay(world, removing):
    for number in range(NODES_TOGETHER * 2 + 1):
        world.node(f"mi-{number:017x}", connected=False, registered_at=LONG_AGO)
    staying = {f"mi-{number:017x}" for number in range(NODES_TOGETHER)}
    world.notifier.connected |= staying
    assert remove(world) == NODES_TOGETHER + 1
    assert set(world.store.tables.nodes) == staying
