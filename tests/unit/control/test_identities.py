"""Users, access keys and roles."""

import pytest

from fairlead.aws import sigv4
from fairlead.domain.errors import (
    AccessDenied,
    DeleteConflict,
    EntityAlreadyExists,
    InvalidNextToken,
    InvalidRequest,
    LimitExceeded,
    NoSuchEntity,
    PolicyRefused,
)
from fairlead.domain.operations import identities as operations
from fairlead.domain.operations.inline_policies import DeleteRolePolicyRequest, PutRolePolicyRequest
from tests.support.control_world import NODE_TRUST, ORIGIN, policy, signed_request, statement
from tests.support.factories import a_group

TAGS = (operations.IamTag(key="team", value="a"),)
BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"


@pytest.fixture
def admin(world):
    return world.user("admin")


def create_user(world, caller, name="bob", **members):
    request = operations.CreateUserRequest(user_name=name, **members)
    return world.identities.create_user(caller, request).user


def get_user(world, caller, name=None):
    return world.identities.get_user(caller, operations.GetUserRequest(user_name=name)).user


def create_key(world, caller, name=None):
    request = operations.CreateAccessKeyRequest(user_name=name)
    return world.identities.create_access_key(caller, request).access_key


def list_keys(world, caller, name=None, **members):
    request = operations.ListAccessKeysRequest(user_name=name, **members)
    return world.identities.list_access_keys(caller, request)


def delete_key(world, caller, key_id, name=None):
    request = operations.DeleteAccessKeyRequest(user_name=name, access_key_id=key_id)
    return world.identities.delete_access_key(caller, request)


def delete_user(world, caller, name):
    return world.identities.delete_user(caller, operations.DeleteUserRequest(user_name=name))


def create_role(world, caller, name="Reader", **members):
    request = operations.CreateRoleRequest(
        **{"role_name": name, "assume_role_policy_document": NODE_TRUST, **members}
    )
    return world.identities.create_role(caller, request).role


def test_a_new_user_has_an_id_an_arn_and_no_rights(world, admin):
    user = create_user(world, admin, path="/staff/")
    assert user.arn == "arn:aws:iam::111122223333:user/staff/bob"
    assert user.user_id.startswith("AIDA")
    assert len(user.user_id) == 21
    assert user.create_date == world.now
    assert get_user(world, admin, "bob") == user


@pytest.mark.parametrize("name", ["bob", "BOB", "Bob"])
def test_user_names_are_taken_whatever_their_case(world, admin, name):
    create_user(world, admin, "bob")
    with pytest.raises(EntityAlreadyExists, match=f"User with name {name} already exists"):
        create_user(world, admin, name)


def test_a_user_and_a_role_may_begin_with_a_boundary_and_tags(world, admin):
    members = {"permissions_boundary": "arn:aws:iam::aws:policy/AdministratorAccess", "tags": TAGS}
    for created in (create_user(world, admin, **members), create_role(world, admin, **members)):
        assert created.permissions_boundary.permissions_boundary_arn == members["permissions_boundary"]
        assert created.tags == TAGS


def test_a_boundary_that_does_not_exist_is_refused(world, admin):
    with pytest.raises(NoSuchEntity, match="does not exist or is not attachable"):
        create_user(world, admin, permissions_boundary=BOUNDARY)


def test_who_may_only_make_limited_users_makes_no_others(world):
    limited = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
    condition = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": limited}}}
    helper = world.user("helper", policy({**statement("Allow", "iam:CreateUser"), **condition}))
    create_user(world, helper, "carol", permissions_boundary=limited)
    for boundary in (None, "arn:aws:iam::aws:policy/AdministratorAccess"):
        with pytest.raises(AccessDenied):
            create_user(world, helper, "dave", permissions_boundary=boundary)


def test_a_key_is_switched_off_and_on(world, admin):
    key = world.key_of(world.user("carol"))
    for status in ("Inactive", "Active"):
        request = operations.UpdateAccessKeyRequest(
            user_name="carol", access_key_id=key.access_key_id, status=status
        )
        world.identities.update_access_key(admin, request)
        listed = world.identities.list_access_keys(
            admin, operations.ListAccessKeysRequest(user_name="carol")
        ).access_key_metadata
        assert [each.status for each in listed] == [status]


def test_a_key_of_another_user_is_not_switched(world, admin):
    key = world.key_of(world.user("carol"))
    world.user("dave")
    request = operations.UpdateAccessKeyRequest(
        user_name="dave", access_key_id=key.access_key_id, status="Inactive"
    )
    with pytest.raises(NoSuchEntity):
        world.identities.update_access_key(admin, request)


def test_a_trust_policy_is_replaced_by_one_that_is_good(world, admin):
    create_role(world, admin)
    good = NODE_TRUST.replace("ssm.", "ec2.")
    for document in ("{", good):
        request = operations.UpdateAssumeRolePolicyRequest(role_name="Reader", policy_document=document)
        if document == good:
            world.identities.update_assume_role_policy(admin, request)
        else:
            with pytest.raises(PolicyRefused):
                world.identities.update_assume_role_policy(admin, request)
    found = world.identities.get_role(admin, operations.GetRoleRequest(role_name="Reader")).role
    assert found.assume_role_policy_document == good


def test_a_role_gets_another_description_and_longest_session(world, admin):
    create_role(world, admin)

    def update(**members):
        request = operations.UpdateRoleRequest(role_name="reader", **members)
        world.identities.update_role(admin, request)
        role = world.identities.get_role(admin, operations.GetRoleRequest(role_name="Reader")).role
        return role.description, role.max_session_duration

    assert update(description="reads", max_session_duration=7200) == ("reads", 7200)
    assert update() == ("reads", 3600)
    assert update(description="") == ("", 3600)


def test_a_user_in_a_group_or_with_an_attached_policy_is_not_deleted(world, admin):
    carol = world.user("carol", "{}")
    with world.store.transaction() as uow:
        uow.identities.delete_policy(carol.principal_id, "policy-0")
        uow.groups.add(a_group())
        uow.groups.add_member(a_group().id, carol.principal_id)
        uow.managed_policies.attach(carol.principal_id, "arn:aws:iam::aws:policy/AdministratorAccess")
    request = operations.DeleteUserRequest(user_name="carol")
    with pytest.raises(DeleteConflict, match="remove users from group"):
        world.identities.delete_user(admin, request)
    with world.store.transaction() as uow:
        uow.groups.remove_member(a_group().id, carol.principal_id)
    with pytest.raises(DeleteConflict, match="detach all policies"):
        world.identities.delete_user(admin, request)


def test_a_user_is_found_whatever_the_case_and_comes_back_as_created(world, admin):
    create_user(world, admin, "Bob")
    assert get_user(world, admin, "bOB").user_name == "Bob"


def test_without_a_name_the_caller_is_meant(world):
    assert get_user(world, world.user("alice")).user_name == "alice"


def test_a_node_must_name_the_user(world):
    with pytest.raises(InvalidRequest, match="Must specify userName"):
        get_user(world, world.node())


def test_a_user_that_is_not_there_is_an_error_to_who_may_know(world, admin):
    with pytest.raises(NoSuchEntity, match="The user with name nobody cannot be found"):
        get_user(world, admin, "nobody")
    with pytest.raises(AccessDenied):
        get_user(world, world.user("mallory", policy(statement("Deny", "x:y"))), "nobody")


def test_the_arn_that_counts_is_that_of_the_user_who_is_found(world, admin):
    create_user(world, admin, "bob", path="/staff/")
    deny = policy(
        statement("Allow", "iam:*"), statement("Deny", "iam:*", "arn:aws:iam::111122223333:user/staff/*")
    )
    with pytest.raises(AccessDenied, match="user/staff/bob with an explicit deny"):
        get_user(world, world.user("alice", deny), "BOB")


def test_users_are_listed_by_name_below_a_path_a_page_at_a_time(world, admin):
    for name in ("dave", "Carol", "bob"):
        create_user(world, admin, name, path="/staff/")
    request = operations.ListUsersRequest(path_prefix="/staff/", max_items=2)
    first = world.identities.list_users(admin, request)
    assert [user.user_name for user in first.users] == ["bob", "Carol"]
    assert first.is_truncated
    again = operations.ListUsersRequest(path_prefix="/staff/", max_items=2, marker=first.marker)
    second = world.identities.list_users(admin, again)
    assert [user.user_name for user in second.users] == ["dave"]
    assert (second.is_truncated, second.marker) == (False, None)
    everyone = world.identities.list_users(admin, operations.ListUsersRequest())
    assert [user.user_name for user in everyone.users] == ["admin", "bob", "Carol", "dave"]
    with pytest.raises(InvalidNextToken):
        world.identities.list_users(admin, operations.ListUsersRequest(marker=first.marker))


def test_listing_can_be_granted_below_a_path(world):
    arn = "arn:aws:iam::111122223333:user/staff/*"
    caller = world.user("alice", policy(statement("Allow", "iam:ListUsers", arn)))
    world.identities.list_users(caller, operations.ListUsersRequest(path_prefix="/staff/"))
    with pytest.raises(AccessDenied, match=r"resource: arn:aws:iam::111122223333:user/ because"):
        world.identities.list_users(caller, operations.ListUsersRequest())


def test_a_user_goes_only_when_keys_and_policies_are_gone(world, admin):
    create_user(world, admin, "bob")
    key = create_key(world, admin, "bob")
    with pytest.raises(DeleteConflict, match="access keys"):
        delete_user(world, admin, "bob")
    delete_key(world, admin, key.access_key_id, "bob")
    delete_user(world, admin, "bob")
    with pytest.raises(NoSuchEntity):
        delete_user(world, admin, "bob")
    world.user("carol")
    with pytest.raises(DeleteConflict, match="policies"):
        delete_user(world, admin, "carol")


def test_a_new_key_authenticates_its_user(world, admin):
    create_user(world, admin, "bob")
    key = create_key(world, admin, "bob")
    assert (key.user_name, key.status, len(key.access_key_id)) == ("bob", "Active", 20)
    assert len(key.secret_access_key) == 40
    credentials = sigv4.Credentials(key.access_key_id, key.secret_access_key)
    caller = world.authenticator.authenticate(signed_request(credentials, world.now), ORIGIN, "ssm")
    assert caller.name == "bob"


def test_the_secret_of_a_new_key_is_not_recorded(world, admin):
    key = create_key(world, admin)
    assert key.secret_access_key not in repr(world.audit)
    recorded = world.last_record.response_elements["accessKey"]
    assert recorded["accessKeyId"] == key.access_key_id
    assert recorded["secretAccessKey"] == "HIDDEN_DUE_TO_SECURITY_REASONS"


def test_a_user_has_two_keys_at_most(world, admin):
    keys = [create_key(world, admin) for _ in range(2)]
    with pytest.raises(LimitExceeded, match="AccessKeysPerUser: 2"):
        create_key(world, admin)
    delete_key(world, admin, keys[0].access_key_id)
    create_key(world, admin)


def test_keys_are_listed_oldest_first_without_their_secrets(world, admin):
    ids = []
    for _ in range(2):
        ids.append(create_key(world, admin).access_key_id)
        world.advance(seconds=1)
    listed = list_keys(world, admin).access_key_metadata
    assert [key.access_key_id for key in listed] == ids
    assert {(key.user_name, key.status) for key in listed} == {("admin", "Active")}
    first = list_keys(world, admin, max_items=1)
    assert first.is_truncated
    second = list_keys(world, admin, max_items=1, marker=first.marker)
    assert [key.access_key_id for key in second.access_key_metadata] == ids[1:]
    assert second.marker is None


def test_an_inactive_key_is_listed_as_such(world, admin):
    world.key_of(admin, is_active=False)
    (key,) = list_keys(world, admin, "admin").access_key_metadata
    assert key.status == "Inactive"


@pytest.mark.parametrize("key_id", ["AKIAUNKNOWN00000", None])
def test_a_key_of_nobody_or_of_another_user_cannot_be_deleted(world, admin, key_id):
    create_user(world, admin, "bob")
    bobs = create_key(world, admin, "bob").access_key_id
    with pytest.raises(NoSuchEntity, match="The Access Key with id"):
        delete_key(world, admin, key_id or bobs)
    assert bobs in world.store.tables.keys


def test_a_new_role_keeps_its_trust_policy_as_text(world, admin):
    role = create_role(world, admin, description="reads", max_session_duration=7200, path="/x/")
    assert role.arn == "arn:aws:iam::111122223333:role/x/Reader"
    assert role.role_id.startswith("AROA")
    assert role.assume_role_policy_document == NODE_TRUST
    assert (role.description, role.max_session_duration) == ("reads", 7200)
    found = world.identities.get_role(admin, operations.GetRoleRequest(role_name="reader")).role
    assert found == role


def test_a_role_lasts_an_hour_by_default(world, admin):
    assert create_role(world, admin).max_session_duration == 3600


def test_role_names_are_taken_whatever_their_case(world, admin):
    with pytest.raises(EntityAlreadyExists, match="Role with name fairleadnode"):
        create_role(world, admin, "fairleadnode")


@pytest.mark.parametrize(
    "document",
    [
        "{",
        policy(statement("Allow", "sts:AssumeRole")),
        NODE_TRUST.replace('"Action"', '"Condition": {"Bool": {"aws:SecureTransport": "yes"}}, "Action"'),
    ],
    ids=["no JSON", "no principal", "condition"],
)
def test_a_trust_policy_that_cannot_be_evaluated_is_not_stored(world, admin, document):
    with pytest.raises(PolicyRefused):
        create_role(world, admin, assume_role_policy_document=document)


def test_a_trust_policy_has_a_largest_size(world, admin):
    long = NODE_TRUST.replace('"Effect"', f'"Sid": "{"x" * 2048}", "Effect"')
    with pytest.raises(LimitExceeded, match="2048 bytes exceeded for role Reader"):
        create_role(world, admin, assume_role_policy_document=long)


def test_roles_are_listed_by_name_a_page_at_a_time(world, admin):
    create_role(world, admin)
    first = world.identities.list_roles(admin, operations.ListRolesRequest(max_items=1))
    assert [role.role_name for role in first.roles] == ["FairleadNode"]
    second = world.identities.list_roles(admin, operations.ListRolesRequest(marker=first.marker))
    assert [role.role_name for role in second.roles] == ["Reader"]
    assert (first.is_truncated, second.is_truncated, second.marker) == (True, False, None)
    below = world.identities.list_roles(admin, operations.ListRolesRequest(path_prefix="/service-role/"))
    assert [role.role_name for role in below.roles] == ["FairleadNode"]


def test_a_role_goes_when_its_policies_are_gone(world, admin):
    create_role(world, admin)
    put = PutRolePolicyRequest(
        role_name="Reader", policy_name="p", policy_document=policy(statement("Allow", "*"))
    )
    world.identities.put_role_policy(admin, put)
    request = operations.DeleteRoleRequest(role_name="Reader")
    with pytest.raises(DeleteConflict, match="policies"):
        world.identities.delete_role(admin, request)
    world.identities.delete_role_policy(admin, DeleteRolePolicyRequest(role_name="Reader", policy_name="p"))
    world.identities.delete_role(admin, request)
    with pytest.raises(NoSuchEntity, match="The role with name Reader cannot be found"):
        world.identities.delete_role(admin, request)


def test_each_operation_needs_its_right(world):
    nobody = world.user("nobody", policy(statement("Deny", "*")))
    calls = (
        lambda: create_user(world, nobody),
        lambda: get_user(world, nobody),
        lambda: delete_user(world, nobody, "nobody"),
        lambda: create_key(world, nobody),
        lambda: list_keys(world, nobody),
        lambda: delete_key(world, nobody, "AKIA0000000000000000"),
        lambda: create_role(world, nobody),
        lambda: world.identities.get_role(nobody, operations.GetRoleRequest(role_name="FairleadNode")),
        lambda: world.identities.list_roles(nobody, operations.ListRolesRequest()),
        lambda: world.identities.delete_role(nobody, operations.DeleteRoleRequest(role_name="FairleadNode")),
    )
    for call in calls:
        with pytest.raises(AccessDenied):
            call()
    assert len(world.audit) == len(calls)
