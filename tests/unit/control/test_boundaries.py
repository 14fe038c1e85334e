"""Permissions boundaries: they limit, they grant nothing, and they hold from the next call on."""

import pytest

from fairlead.domain.errors import AccessDenied, NoSuchEntity
from fairlead.domain.operations import boundaries as operations
from fairlead.domain.operations.identities import CreateAccessKeyRequest
from fairlead.domain.operations.inline_policies import PutUserPolicyRequest
from fairlead.domain.operations.managed_policies import AttachUserPolicyRequest
from fairlead.domain.operations.sessions import DescribeSessionsRequest
from tests.support.control_world import ALLOW_ALL, policy, statement
from tests.support.factories import a_managed_policy

READ_ONLY = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
OWN = a_managed_policy().arn


@pytest.fixture
def admin(world):
    return world.user("admin")


def limit_user(world, caller, name, arn):
    request = operations.PutUserPermissionsBoundaryRequest(user_name=name, permissions_boundary=arn)
    world.boundaries.put_user_permissions_boundary(caller, request)


def free_user(world, caller, name):
    request = operations.DeleteUserPermissionsBoundaryRequest(user_name=name)
    world.boundaries.delete_user_permissions_boundary(caller, request)


def test_a_boundary_limits_a_user_until_it_is_taken_away(world, admin):
    bob = world.user("bob")
    with world.store.transaction() as uow:
        uow.managed_policies.add(a_managed_policy(), policy(statement("Allow", "iam:*")))
    request = DescribeSessionsRequest(state="Active")
    limit_user(world, admin, "bob", OWN)
    with pytest.raises(AccessDenied, match="because no permissions boundary allows the ssm:DescribeSessions"):
        world.sessions.describe_sessions(bob, request)
    limit_user(world, admin, "bob", READ_ONLY)
    world.sessions.describe_sessions(bob, request)
    free_user(world, admin, "bob")
    world.sessions.describe_sessions(bob, request)
    with pytest.raises(NoSuchEntity, match="bob has no permissions boundary"):
        free_user(world, admin, "bob")


def test_a_role_has_a_boundary_as_a_user_has(world, admin):
    put = operations.PutRolePermissionsBoundaryRequest(
        role_name="FairleadNode", permissions_boundary=READ_ONLY
    )
    world.boundaries.put_role_permissions_boundary(admin, put)
    (role,) = world.store.tables.roles.values()
    assert role.boundary_arn == READ_ONLY
    delete = operations.DeleteRolePermissionsBoundaryRequest(role_name="FairleadNode")
    world.boundaries.delete_role_permissions_boundary(admin, delete)
    (role,) = world.store.tables.roles.values()
    assert role.boundary_arn is None
    with pytest.raises(NoSuchEntity):
        world.boundaries.delete_role_permissions_boundary(admin, delete)


def test_a_policy_that_does_not_exist_is_no_boundary(world, admin):
    world.user("bob")
    with pytest.raises(NoSuchEntity, match="does not exist or is not attachable"):
        limit_user(world, admin, "bob", OWN)


def test_who_may_delegate_only_within_a_boundary_does_so(world, admin):
    """The policy of the User Guide, "Delegating responsibility to others using permissions boundaries"."""
    actions = ["AttachUserPolicy", "DeleteUserPermissionsBoundary", "DetachUserPolicy", "PutUserPolicy"]
    allowed = statement("Allow", [f"iam:{action}" for action in (*actions, "CreateAccessKey", "TagUser")])
    only = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": READ_ONLY}}}
    helper = world.user("helper", policy({**allowed, **only}))
    world.user("bob")
    attach = AttachUserPolicyRequest(user_name="bob", policy_arn=READ_ONLY)
    put = PutUserPolicyRequest(user_name="bob", policy_name="more", policy_document=ALLOW_ALL)
    for limit in (None, "arn:aws:iam::aws:policy/AdministratorAccess"):
        if limit is not None:
            limit_user(world, admin, "bob", limit)
        with pytest.raises(AccessDenied):
            world.attachments.attach_user_policy(helper, attach)
        with pytest.raises(AccessDenied):
            world.identities.put_user_policy(helper, put)
    limit_user(world, admin, "bob", READ_ONLY)
    world.attachments.attach_user_policy(helper, attach)
    world.identities.put_user_policy(helper, put)
    with pytest.raises(AccessDenied):  # an operation that has no such key
        world.identities.create_access_key(helper, CreateAccessKeyRequest(user_name="bob"))
    free_user(world, helper, "bob")


def test_which_boundary_may_be_put_and_taken_away_can_be_said(world, admin):
    only = {"Condition": {"StringEquals": {"iam:PermissionsBoundary": READ_ONLY}}}
    allowed = statement("Allow", "iam:PutUserPermissionsBoundary")
    helper = world.user("helper", policy({**allowed, **only}))
    world.user("bob")
    limit_user(world, helper, "bob", READ_ONLY)
    with pytest.raises(AccessDenied):
        limit_user(world, helper, "bob", "arn:aws:iam::aws:policy/AdministratorAccess")
    with pytest.raises(AccessDenied):
        free_user(world, helper, "bob")
