"""What the standard-instances tier refuses, and to whom."""

import pytest

from fairlead.control.activation_tier import (
    activation_tier,
    require_fit_for_standard,
    require_room,
    require_session_tier,
)
from fairlead.domain.errors import InvalidRequest, RegistrationLimitReached, TargetNotConnected, TierRequired
from fairlead.domain.nodes import MAX_STANDARD_NODES
from fairlead.domain.service_settings import ActivationTier
from tests.support.control_world import NODE_ID, World
from tests.support.factories import SCOPE, a_node

EC2 = "i-0123456789abcdef0"
WORDS = "^Enable advanced-instances tier to use Session Manager with your on-premises instances$"


@pytest.fixture
def world():
    return World(initial_activation_tier=ActivationTier.STANDARD)


def fill(world, count):
    for number in range(count):
        world.node(f"mi-{number:017x}", connected=False)


def test_sessions_to_hybrid_nodes_are_refused_in_the_services_words(world):
    world.node()
    with pytest.raises(TierRequired, match=WORDS):
        world.start(world.user())
    assert world.store.tables.sessions == {}


def test_nodes_with_an_instance_id_are_not_touched(world):
    world.node(EC2)
    assert world.start(world.user(), EC2).session_id is not None


def test_an_unknown_target_is_not_connected_whatever_the_tier(world):
    with pytest.raises(TargetNotConnected):
        world.start(world.user())


def test_the_tier_is_asked_before_whether_the_node_is_there(world):
    world.node(connected=False)
    with pytest.raises(TierRequired):
        world.start(world.user())


def test_a_thousand_hybrid_nodes_have_room(world):
    fill(world, MAX_STANDARD_NODES - 1)
    world.node(EC2, connected=False)
    with world.store.read() as uow:
        require_room(world.env, uow, SCOPE)
    world.node(NODE_ID, connected=False)
    with world.store.read() as uow, pytest.raises(RegistrationLimitReached, match=r"1,000 hybrid nodes"):
        require_room(world.env, uow, SCOPE)
    with world.store.read() as uow:
        require_fit_for_standard(uow, SCOPE)
    world.node("mi-fffffffffffffffff", connected=False)
    with world.store.read() as uow, pytest.raises(InvalidRequest):
        require_fit_for_standard(uow, SCOPE)


def test_the_advanced_tier_refuses_nothing():
    world = World()
    fill(world, MAX_STANDARD_NODES)
    with world.store.read() as uow:
        assert activation_tier(world.env, uow, SCOPE) is ActivationTier.ADVANCED
        require_room(world.env, uow, SCOPE)
        require_session_tier(world.env, uow, a_node())
