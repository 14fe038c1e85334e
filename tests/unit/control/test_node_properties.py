"""DescribeInstanceProperties: conditions as they are and turned round."""

import pytest

from fairlead.domain.errors import InvalidFilterKey, InvalidFilterValue, InvalidInstanceId, InvalidNextToken
from fairlead.domain.nodes import Heartbeat
from fairlead.domain.operations.node_properties import (
    DescribeInstancePropertiesRequest,
    InstancePropertyFilter,
    InstancePropertyStringFilter,
)
from tests.support.control_world import NODE_ID, policy, statement
from tests.support.factories import NOW

WINDOWS = "mi-00000000000000001"
EC2 = "i-0123456789abcdef0"
ALL = [EC2, WINDOWS, NODE_ID]


@pytest.fixture
def admin(world):
    return world.user("admin")


@pytest.fixture(autouse=True)
def nodes(world):
    world.node(last_ping_at=NOW, name="web", tags=(("Env", "Dev"), ("Team", "web")))
    windows = Heartbeat(agent_version="2.0.0.0", platform_type="Windows")
    world.node(WINDOWS, heartbeat=windows, iam_role="Other", tags=(("Env", "Test"),))
    world.node(EC2, activation_id=None)


def describe(world, caller, *filters, **members):
    items = tuple(
        InstancePropertyStringFilter(key=key, values=values, operator=operator)
        for key, operator, *values in filters
        for values in [tuple(values)]
    )
    request = DescribeInstancePropertiesRequest(filters_with_operator=items or None, **members)
    return world.nodes.describe_instance_properties(caller, request)


def ids(response):
    return [item.instance_id for item in response.instance_properties]


def test_the_same_is_shown_as_in_the_other_listing(world, admin):
    last = describe(world, admin).instance_properties[-1]
    assert (last.instance_id, last.name, last.ping_status, last.platform_type) == (
        NODE_ID,
        "web",
        "Online",
        "Linux",
    )


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], ALL),
        ([("PlatformTypes", None, "Windows")], [WINDOWS]),
        ([("PlatformTypes", "NotEqual", "Windows")], [EC2, NODE_ID]),
        ([("InstanceIds", "Equal", WINDOWS, EC2)], [EC2, WINDOWS]),
        ([("InstanceIds", "NotEqual", WINDOWS, "mi-unknown")], [EC2, NODE_ID]),
        ([("PingStatus", "NotEqual", "Online")], [EC2, WINDOWS]),
        ([("tag:Env", "NotEqual", "Dev", "Prod")], [EC2, WINDOWS]),
        ([("tag-key", "NotEqual", "Team")], [EC2, WINDOWS]),
        ([("IamRole", "NotEqual", "Other")], [EC2, NODE_ID]),
        ([("ResourceType", "Equal", "ManagedInstance"), ("tag:Env", "NotEqual", "Test")], [NODE_ID]),
        ([("AgentVersion", "NotEqual", "2.0.0.0"), ("tag:Env", "NotEqual", "Dev")], [EC2]),
        ([("AssociationStatus", "Equal", "Success")], []),
        ([("AssociationStatus", "NotEqual", "Success")], ALL),
    ],
)
def test_conditions_hold_or_with_not_equal_do_not(world, admin, filters, found):
    assert ids(describe(world, admin, *filters)) == found


def test_conditions_of_the_older_kind(world, admin):
    old = (InstancePropertyFilter(key="PlatformTypes", value_set=("Windows",)),)
    assert ids(describe(world, admin, instance_property_filter_list=old)) == [WINDOWS]
    with pytest.raises(InvalidFilterKey, match="not both"):
        describe(world, admin, ("tag-key", None, "x"), instance_property_filter_list=old)


@pytest.mark.parametrize(
    ("condition", "error", "words"),
    [
        (("PingStatus", "BeginWith", "On"), InvalidFilterValue, "The operator BeginWith is not served"),
        (("PingStatus", "NotEqual", "on"), InvalidFilterValue, "takes only"),
        (("DocumentName", "Equal", "x"), InvalidFilterKey, "not one of"),
        (("Nonsense", "NotEqual", "x"), InvalidFilterKey, "not one of"),
        (("InstanceIds", "Equal", "mi-x"), InvalidInstanceId, "mi-x"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_words(world, admin, condition, error, words):
    with pytest.raises(error, match=words):
        describe(world, admin, condition)


def test_a_page_at_a_time_and_a_token_is_good_for_its_own_conditions(world, admin):
    for number in range(4):
        world.node(f"mi-1000000000000000{number}")
    first = describe(world, admin, ("InstanceIds", "NotEqual", EC2), max_results=5)
    assert len(ids(first)) == 5
    rest = describe(
        world, admin, ("InstanceIds", "NotEqual", EC2), max_results=5, next_token=first.next_token
    )
    assert len(set(ids(first) + ids(rest))) == 6
    assert rest.next_token is None
    with pytest.raises(InvalidNextToken):
        describe(world, admin, ("InstanceIds", "Equal", EC2), max_results=5, next_token=first.next_token)


def test_the_right_to_it_is_its_own(world):
    allowed = policy(statement("Allow", "ssm:DescribeInstanceProperties", "*"))
    assert ids(describe(world, world.user("bob", allowed))) == ALL
