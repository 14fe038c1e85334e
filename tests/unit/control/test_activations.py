"""Activations: given, listed and taken back."""

from datetime import timedelta

import pytest

from fairlead.control.activations import MAX_FILTER_VALUES
from fairlead.control.identifiers import digest
from fairlead.domain.errors import (
    AccessDenied,
    InvalidActivationId,
    InvalidFilterKey,
    InvalidFilterValue,
    InvalidNextToken,
    InvalidParameters,
    InvalidRequest,
)
from fairlead.domain.operations.activations import (
    CreateActivationRequest,
    DeleteActivationRequest,
    DescribeActivationsFilter,
    DescribeActivationsRequest,
    RegistrationMetadataItem,
    Tag,
)
from fairlead.domain.operations.service_settings import UpdateServiceSettingRequest
from fairlead.domain.service_settings import MAX_ACTIVATION_DAYS
from tests.support.control_world import World, policy, statement

ROLE = "service-role/FairleadNode"
ROLE_ARN = "arn:aws:iam::111122223333:role/service-role/FairleadNode"


def create(world, caller, **members):
    request = CreateActivationRequest(**{"iam_role": ROLE, **members})
    return world.activations.create_activation(caller, request)


def describe(world, caller, *filters, **members):
    items = tuple(DescribeActivationsFilter(filter_key=key, filter_values=values) for key, values in filters)
    request = DescribeActivationsRequest(filters=items or None, **members)
    return world.activations.describe_activations(caller, request)


@pytest.fixture
def admin(world):
    return world.user("admin")


def test_the_code_is_shown_once_and_only_its_hash_is_kept(world, admin):
    response = create(world, admin)
    assert len(response.activation_code) == 20
    stored = world.store.tables.activations[response.activation_id]
    assert stored.code_digest == digest(response.activation_code)
    assert response.activation_code not in repr(world.store.tables)


def test_without_more_said_one_machine_may_register_within_a_day(world, admin):
    activation_id = create(world, admin).activation_id
    stored = world.store.tables.activations[activation_id]
    assert (stored.registration_limit, stored.registrations_count) == (1, 0)
    assert stored.expires_at == world.now + timedelta(hours=24)
    assert stored.iam_role == ROLE


def test_what_is_said_is_kept(world, admin):
    activation_id = create(
        world,
        admin,
        description="rack 7",
        default_instance_name="web",
        registration_limit=10,
        expiration_date=world.now + timedelta(days=30),
        tags=(Tag(key="Env", value="Dev"),),
    ).activation_id
    (item,) = describe(world, admin).activation_list
    assert item.activation_id == activation_id
    assert (item.description, item.default_instance_name, item.iam_role) == ("rack 7", "web", ROLE)
    assert (item.registration_limit, item.registrations_count, item.expired) == (10, 0, False)
    assert item.tags == (Tag(key="Env", value="Dev"),)
    assert (item.created_date, item.expiration_date) == (world.now, world.now + timedelta(days=30))


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(days=30, seconds=1)])
def test_the_expiry_must_be_ahead_and_within_30_days(world, admin, lifetime):
    with pytest.raises(InvalidRequest, match="expiration date"):
        create(world, admin, expiration_date=world.now + lifetime)


@pytest.mark.parametrize(("value", "days", "refused_days"), [("365", 365, 366), ("unlimited", 20_000, None)])
def test_an_administrator_may_let_activations_live_longer(world, admin, value, days, refused_days):
    request = UpdateServiceSettingRequest(setting_id=MAX_ACTIVATION_DAYS, setting_value=value)
    world.service_settings.update_service_setting(admin, request)
    assert world.last_record.event_name == "UpdateServiceSetting"
    create(world, admin, expiration_date=world.now + timedelta(days=days))
    if refused_days is not None:
        with pytest.raises(InvalidRequest, match=r"at most 365 days ahead \(the setting /fairlead/"):
            create(world, admin, expiration_date=world.now + timedelta(days=refused_days))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("Nobody", "role/Nobody"),
        ("FairleadNode", "role/FairleadNode"),
        ("service-role/fairleadnode", "role/service-role/fairleadnode"),
        ("other/FairleadNode", "role/other/FairleadNode"),
        ("", "role/"),
    ],
)
def test_a_role_that_does_not_exist_is_refused_by_its_arn(world, admin, given, named):
    with pytest.raises(InvalidRequest, match=f"^Not existing role: arn:aws:iam::111122223333:{named}$"):
        create(world, admin, iam_role=given)


def test_a_role_that_does_not_trust_the_service_is_refused_alike():
    world = World()
    world.role(
        trust_policy='{"Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},'
        '"Action":"sts:AssumeRole"}}'
    )
    with pytest.raises(InvalidRequest, match=f"Not existing role: {ROLE_ARN}"):
        create(world, world.user())


def test_whoever_creates_an_activation_must_be_allowed_to_pass_the_role(world):
    caller = world.user("alice", policy(statement("Allow", "ssm:CreateActivation")))
    with pytest.raises(AccessDenied, match=f"perform: iam:PassRole on resource: {ROLE_ARN}"):
        create(world, caller)
    passing = policy(statement("Allow", "ssm:CreateActivation"), statement("Allow", "iam:PassRole", ROLE_ARN))
    create(world, world.user("bob", passing))


def test_a_policy_may_say_to_which_service_a_role_is_passed(world):
    to_another = statement("Allow", "iam:PassRole", ROLE_ARN) | {
        "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    }
    to_ssm = statement("Allow", "iam:PassRole", ROLE_ARN) | {
        "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}
    }
    may_create = statement("Allow", "ssm:CreateActivation")
    with pytest.raises(AccessDenied):
        create(world, world.user("alice", policy(may_create, to_another)))
    create(world, world.user("bob", policy(may_create, to_ssm)))


def test_a_policy_may_ask_for_tags_and_bound_them(world):
    only_dev = statement("Allow", "ssm:CreateActivation") | {
        "Condition": {
            "StringEquals": {"aws:RequestTag/Env": "Dev"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["Env"]},
        }
    }
    caller = world.user("alice", policy(only_dev, statement("Allow", "iam:PassRole")))
    dev = Tag(key="Env", value="Dev")
    create(world, caller, tags=(dev,))
    for tags in ((), (Tag(key="Env", value="Prod"),), (dev, Tag(key="Team", value="web"))):
        with pytest.raises(AccessDenied, match="ssm:CreateActivation"):
            create(world, caller, tags=tags)


def test_reserved_members_are_refused_and_not_overlooked(world, admin):
    item = RegistrationMetadataItem(key="k", value="v")
    with pytest.raises(InvalidParameters, match="RegistrationMetadata"):
        create(world, admin, registration_metadata=(item,))


@pytest.mark.parametrize(
    "tags",
    [
        tuple(Tag(key=f"k{number}", value="") for number in range(51)),
        (Tag(key="a", value="1"), Tag(key="a", value="2")),
        (Tag(key="AWS:x", value=""),),
    ],
    ids=["too many", "twice", "reserved"],
)
def test_tags_that_cannot_be_kept_are_refused(world, admin, tags):
    with pytest.raises(InvalidRequest):
        create(world, admin, tags=tags)


def test_an_activation_is_listed_as_expired_from_its_last_moment(world, admin):
    create(world, admin)
    world.advance(hours=24)
    assert describe(world, admin).activation_list[0].expired


def test_listing_is_newest_first_and_a_page_at_a_time(world, admin):
    ids = []
    for _ in range(5):
        world.advance(seconds=1)
        ids.append(create(world, admin).activation_id)
    first = describe(world, admin, max_results=2)
    second = describe(world, admin, max_results=2, next_token=first.next_token)
    third = describe(world, admin, max_results=2, next_token=second.next_token)
    listed = [item.activation_id for page in (first, second, third) for item in page.activation_list]
    assert listed == ids[::-1]
    assert third.next_token is None


def test_a_paging_token_is_good_for_its_own_filters_only(world, admin):
    for _ in range(2):
        create(world, admin)
    token = describe(world, admin, max_results=1).next_token
    with pytest.raises(InvalidNextToken):
        describe(world, admin, ("IamRole", (ROLE,)), next_token=token)
    with pytest.raises(InvalidNextToken):
        describe(world, admin, next_token="made up")


def test_filters_have_a_hundred_values_at_most(world, admin):
    names = tuple(map(str, range(MAX_FILTER_VALUES)))
    assert describe(world, admin, ("IamRole", names)).activation_list == ()
    with pytest.raises(InvalidFilterValue, match="100 values at most"):
        describe(world, admin, ("IamRole", names), ("DefaultInstanceName", ("web",)))


def test_filters_combine_and_their_values_are_alternatives(world, admin):
    web = create(world, admin, default_instance_name="web").activation_id
    db = create(world, admin, default_instance_name="db").activation_id
    both = describe(world, admin, ("ActivationIds", (web, db))).activation_list
    assert {item.activation_id for item in both} == {web, db}
    one = describe(world, admin, ("ActivationIds", (web, db)), ("DefaultInstanceName", ("db",)))
    assert [item.activation_id for item in one.activation_list] == [db]
    none = describe(world, admin, ("ActivationIds", (web,)), ("ActivationIds", (db,)))
    assert none.activation_list == ()


@pytest.mark.parametrize(("key", "values"), [(None, ("x",)), ("IamRole", None)])
def test_half_a_filter_is_refused(world, admin, key, values):
    with pytest.raises(InvalidFilterKey):
        describe(world, admin, (key, values))


def test_deleting_an_activation_takes_it_out_of_the_list(world, admin):
    activation_id = create(world, admin).activation_id
    request = DeleteActivationRequest(activation_id=activation_id)
    world.activations.delete_activation(admin, request)
    assert describe(world, admin).activation_list == ()
    with pytest.raises(InvalidActivationId, match=activation_id):
        world.activations.delete_activation(admin, request)


@pytest.mark.parametrize("action", ["create", "describe", "delete"])
def test_each_operation_needs_its_right(world, action):
    nobody = world.user("nobody", policy(statement("Deny", "*")))
    calls = {
        "create": lambda: create(world, nobody),
        "describe": lambda: describe(world, nobody),
        "delete": lambda: world.activations.delete_activation(
            nobody, DeleteActivationRequest(activation_id="x")
        ),
    }
    with pytest.raises(AccessDenied):
        calls[action]()
