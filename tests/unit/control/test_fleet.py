"""What administrators do to nodes beyond AWS's listing, and see of them."""

from datetime import timedelta

import pytest

from fairlead.domain.errors import AccessDenied, InvalidInstanceId, InvalidNextToken, InvalidRequest
from fairlead.domain.nodes import ChannelSighting, Heartbeat, Twins
from fairlead.domain.operations.fleet import DescribeNodesRequest
from fairlead.domain.operations.nodes import UpdateManagedInstanceRoleRequest
from tests.support.control_world import NODE_ID, NODE_TRUST, policy, statement
from tests.support.factories import NOW

OTHER = "mi-1123456789abcdef0"
ROLE_ARN = "arn:aws:iam::111122223333:role/Night"
NODE_ARN = f"arn:aws:ssm:us-east-1:111122223333:managed-instance/{NODE_ID}"


@pytest.fixture
def admin(world):
    return world.user("admin")


@pytest.fixture
def night(world):
    world.role(id="AROAEXAMPLENIGHT00001", name="Night", path="/")


def update(world, caller, role="Night", node_id=NODE_ID):
    request = UpdateManagedInstanceRoleRequest(instance_id=node_id, iam_role=role)
    return world.fleet.update_managed_instance_role(caller, request)


def describe(world, caller, *ids, **members):
    request = DescribeNodesRequest(instance_ids=ids or None, **members)
    return world.fleet.describe_nodes(caller, request)


def test_a_node_gets_another_role_from_its_next_call_on(world, admin, night):
    world.node()
    update(world, admin)
    assert world.store.tables.nodes[NODE_ID].iam_role == "Night"
    assert world.last_record.event_name == "UpdateManagedInstanceRole"


def test_a_role_that_cannot_be_a_nodes_is_refused_in_the_services_words(world, admin):
    world.node()
    world.role(name="Night", path="/", trust_policy=NODE_TRUST.replace("ssm.", "ec2."))
    with pytest.raises(InvalidRequest, match=f"^Not existing role: {ROLE_ARN}$"):
        update(world, admin)
    assert world.store.tables.nodes[NODE_ID].iam_role != "Night"


def test_node_and_role_must_both_be_allowed(world, night):
    world.node()
    change = statement("Allow", "ssm:UpdateManagedInstanceRole", NODE_ARN)
    with pytest.raises(AccessDenied, match=f"perform: iam:PassRole on resource: {ROLE_ARN}"):
        update(world, world.user("ann", policy(change)))
    with pytest.raises(AccessDenied, match=f"ssm:UpdateManagedInstanceRole on resource: {NODE_ARN}"):
        update(world, world.user("bob", policy(statement("Allow", "iam:PassRole", ROLE_ARN))))
    update(world, world.user("eve", policy(change, statement("Allow", "iam:PassRole", ROLE_ARN))))


def test_another_role_for_an_unknown_node_is_refused(world, admin, night):
    with pytest.raises(InvalidInstanceId, match=NODE_ID):
        update(world, admin)


def test_what_is_known_of_a_node_is_all_shown(world, admin):
    twins = Twins(
        first_seen_at=NOW - timedelta(hours=1),
        last_seen_at=NOW,
        count=3,
        served=ChannelSighting("192.0.2.1", NOW),
        displaced=ChannelSighting("192.0.2.2", NOW - timedelta(days=1)),
    )
    world.node(
        name="web",
        heartbeat=Heartbeat(agent_name="fairlead-agent", computer_name="web-1.example"),
        tags=(("Env", "Dev"),),
        twins=twins,
    )
    (shown,) = describe(world, admin).nodes
    assert (shown.instance_id, shown.resource_type, shown.name) == (NODE_ID, "ManagedInstance", "web")
    assert (shown.connection_status, shown.ping_status) == ("connected", "ConnectionLost")
    assert (shown.agent_name, shown.computer_name, shown.platform_type) == (
        "fairlead-agent",
        "web-1.example",
        None,
    )
    assert [(tag.key, tag.value) for tag in shown.tags] == [("Env", "Dev")]
    assert shown.same_machine is None
    assert (shown.twins.count, shown.twins.first_seen, shown.twins.last_seen) == (
        3,
        NOW - timedelta(hours=1),
        NOW,
    )
    assert (shown.twins.served.source_address, shown.twins.displaced.source_address) == (
        "192.0.2.1",
        "192.0.2.2",
    )


def test_of_a_node_that_is_asked_for_the_other_registrations_of_its_machine_are_named(world, admin):
    world.node(connected=False)
    world.node(OTHER)
    (shown,) = describe(world, admin, NODE_ID).nodes
    assert shown.same_machine == (OTHER,)
    assert shown.connection_status == "notconnected"


def test_an_unknown_node_is_an_error(world, admin):
    with pytest.raises(InvalidInstanceId, match=NODE_ID):
        describe(world, admin, NODE_ID)


def test_those_with_twins_are_listed_apart(world, admin):
    sighting = ChannelSighting("192.0.2.1", NOW)
    world.node()
    twins = Twins(first_seen_at=NOW, last_seen_at=NOW, count=1, served=sighting, displaced=sighting)
    world.node(OTHER, twins=twins)
    assert [node.instance_id for node in describe(world, admin, has_twins=True).nodes] == [OTHER]


def test_nodes_are_listed_a_page_at_a_time(world, admin):
    for number in range(3):
        world.node(f"mi-{number:017x}")
    first = describe(world, admin, max_results=2)
    second = describe(world, admin, max_results=2, next_token=first.next_token)
    found = [node.instance_id for node in (*first.nodes, *second.nodes)]
    assert found == [f"mi-{number:017x}" for number in range(3)]
    assert second.next_token is None
    with pytest.raises(InvalidNextToken):
        describe(world, admin, has_twins=True, next_token=first.next_token)


def test_the_list_needs_a_right_of_its_own(world):
    with pytest.raises(AccessDenied, match="fairlead:DescribeNodes"):
        describe(world, world.user("ann", policy(statement("Allow", "ssm:*"))))
