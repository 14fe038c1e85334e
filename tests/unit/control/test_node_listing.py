"""DescribeInstanceInformation: filters, pages and what is shown."""

from datetime import timedelta

import pytest

from fairlead.control.node_listing import MAX_FILTERS
from fairlead.domain.errors import InvalidFilterKey, InvalidFilterValue, InvalidInstanceId, InvalidNextToken
from fairlead.domain.nodes import Heartbeat
from fairlead.domain.operations.nodes import (
    DescribeInstanceInformationRequest,
    InstanceInformationFilter,
    InstanceInformationStringFilter,
)
from fairlead.domain.scope import Scope
from tests.support.control_world import NODE_ID
from tests.support.factories import NOW

SECOND = "mi-00000000000000001"


@pytest.fixture
def admin(world):
    return world.user("admin")


@pytest.fixture
def nodes(world):
    world.node(last_ping_at=NOW, name="web")
    world.node(
        SECOND,
        heartbeat=Heartbeat(agent_version="2.0.0.0"),
        iam_role="Other",
        activation_id="11111111-2222-4333-8444-555555555555",
        registered_at=NOW - timedelta(days=31),
    )
    world.node("mi-00000000000000002", scope=Scope("111122223333", "eu-central-1"))


def describe(world, caller, *filters, **members):
    items = tuple(InstanceInformationStringFilter(key=key, values=values) for key, values in filters)
    request = DescribeInstanceInformationRequest(filters=items or None, **members)
    return world.nodes.describe_instance_information(caller, request)


def ids(response):
    return [item.instance_id for item in response.instance_information_list]


def test_the_nodes_of_the_callers_region_are_listed_by_id(world, admin, nodes):
    assert ids(describe(world, admin)) == [SECOND, NODE_ID]


def test_what_is_known_of_a_node_is_shown(world, admin, nodes):
    second, first = describe(world, admin).instance_information_list
    assert (first.ping_status, first.last_ping_date_time) == ("Online", NOW)
    assert (first.agent_version, first.platform_type, first.name) == ("3.3.0.0", "Linux", "web")
    assert (first.resource_type, first.source_type, first.source_id) == (
        "ManagedInstance",
        "AWS::SSM::ManagedInstance",
        NODE_ID,
    )
    assert first.registration_date == NOW
    assert (second.ping_status, second.platform_type, second.ip_address) == ("Inactive", None, None)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("InstanceIds", (SECOND,)),
        ("SourceIds", (SECOND, "unknown")),
        ("AgentVersion", ("2.0.0.0",)),
        ("AgentVersions", ("2.0.0.0",)),
        ("IamRole", ("Other",)),
        ("ActivationIds", ("11111111-2222-4333-8444-555555555555",)),
        ("PingStatus", ("Inactive", "ConnectionLost")),
    ],
)
def test_each_filter_finds_its_nodes(world, admin, nodes, key, values):
    assert ids(describe(world, admin, (key, values))) == [SECOND]


@pytest.mark.parametrize(
    ("key", "values", "count"),
    [
        ("ResourceType", ("ManagedInstance",), 2),
        ("ResourceType", ("EC2Instance",), 0),
        ("SourceTypes", ("AWS::SSM::ManagedInstance", "AWS::IoT::Thing"), 2),
        ("SourceTypes", ("AWS::EC2::Instance",), 0),
        ("AssociationStatus", ("Success",), 0),
    ],
)
def test_filters_on_what_all_nodes_have_in_common(world, admin, nodes, key, values, count):
    assert len(ids(describe(world, admin, (key, values)))) == count


def test_filters_combine(world, admin, nodes):
    both, one = ("InstanceIds", (NODE_ID, SECOND)), ("SourceIds", (NODE_ID,))
    online, inactive = ("PingStatus", ("Online",)), ("PingStatus", ("Inactive",))
    assert ids(describe(world, admin, both, ("IamRole", ("Other",)))) == [SECOND]
    assert ids(describe(world, admin, one, both)) == [NODE_ID]
    assert ids(describe(world, admin, one, ("InstanceIds", (SECOND,)))) == []
    assert ids(describe(world, admin, online, inactive)) == []


def test_filters_of_the_older_kind_work_alike(world, admin, nodes):
    old = (InstanceInformationFilter(key="PlatformTypes", value_set=("Linux",)),)
    assert ids(describe(world, admin, instance_information_filter_list=old)) == [NODE_ID]
    with pytest.raises(InvalidFilterKey, match="not both"):
        describe(world, admin, ("IamRole", ("Other",)), instance_information_filter_list=old)


def test_an_unknown_id_in_a_filter_is_an_error(world, admin, nodes):
    with pytest.raises(InvalidInstanceId, match="mi-x"):
        describe(world, admin, ("InstanceIds", (NODE_ID, "mi-x")))


def test_no_more_filters_than_a_node_can_have_tags_are_looked_through(world, admin, nodes):
    filters = [(f"tag:{number}", ("x",)) for number in range(MAX_FILTERS)]
    assert ids(describe(world, admin, *filters)) == []
    with pytest.raises(InvalidFilterKey, match="At most 50 filters"):
        describe(world, admin, *filters, ("tag:more", ("x",)))


def test_an_unknown_filter_key_is_an_error(world, admin):
    with pytest.raises(InvalidFilterKey, match="not one of"):
        describe(world, admin, ("Nonsense", ("x",)))


EC2 = "i-0123456789abcdef0"


def test_an_ec2_node_shows_what_the_service_shows_of_one(world, admin, nodes):
    world.node(EC2, activation_id=None)
    (item,) = describe(world, admin, ("ResourceType", ("EC2Instance",))).instance_information_list
    assert (item.instance_id, item.resource_type, item.source_type) == (
        EC2,
        "EC2Instance",
        "AWS::EC2::Instance",
    )
    assert (item.activation_id, item.iam_role, item.registration_date, item.name) == (None,) * 4
    assert ids(describe(world, admin, ("SourceTypes", ("AWS::EC2::Instance",)))) == [EC2]
    assert EC2 not in ids(describe(world, admin, ("IamRole", ("service-role/FairleadNode",))))
    assert len(ids(describe(world, admin))) == 3


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([("tag:Env", ("Dev", "Test"))], [SECOND, NODE_ID]),
        ([("tag:Env", ("Dev",))], [NODE_ID]),
        ([("tag:Env", ("Dev", "Test")), ("tag:Team", ("web",))], [SECOND]),
        ([("tag-key", ("Team", "Nothing"))], [SECOND]),
        ([("tag-key", ("Env",)), ("tag:Env", ("Dev",))], [NODE_ID]),
        ([("tag:Nothing", ("Dev",))], []),
    ],
)
def test_nodes_are_found_by_their_tags(world, admin, filters, found):
    world.node(tags=(("Env", "Dev"),))
    world.node(SECOND, tags=(("Env", "Test"), ("Team", "web")))
    assert ids(describe(world, admin, *filters)) == found


def test_filters_by_tag_do_not_mix_with_others(world, admin, nodes):
    with pytest.raises(InvalidFilterKey, match="cannot be combined"):
        describe(world, admin, ("tag:Env", ("Dev",)), ("PingStatus", ("Online",)))


def test_a_value_that_cannot_be_is_an_error(world, admin):
    with pytest.raises(InvalidFilterValue, match="ConnectionLost, Inactive, Online"):
        describe(world, admin, ("PingStatus", ("online",)))


def test_listing_goes_a_page_at_a_time(world, admin):
    for number in range(12):
        world.node(f"mi-{number:017x}")
    first = describe(world, admin)
    assert len(ids(first)) == 10
    second = describe(world, admin, next_token=first.next_token)
    assert ids(first) + ids(second) == [f"mi-{number:017x}" for number in range(12)]
    assert second.next_token is None
    with pytest.raises(InvalidNextToken):
        describe(world, admin, ("ResourceType", ("ManagedInstance",)), next_token=first.next_token)
