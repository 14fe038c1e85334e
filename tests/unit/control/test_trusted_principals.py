"""A user or role that is deleted and created again is not trusted by those who trusted the first."""

import json
from dataclasses import replace

import pytest

from fairlead.domain.errors import AccessDenied
from fairlead.domain.identities import Role
from fairlead.domain.operations.identities import DeleteRoleRequest, DeleteUserRequest, GetRoleRequest
from fairlead.domain.operations.security_tokens import AssumeRoleRequest
from tests.support.control_world import policy, statement
from tests.support.factories import a_user

TARGET = "arn:aws:iam::111122223333:role/Target"
OPS = "arn:aws:iam::111122223333:role/Ops"
OPS_SESSION = "arn:aws:sts::111122223333:assumed-role/Ops/night"
NOTHING = policy(statement("Deny", "nothing:Here"))


def trust(principal):
    stated = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [stated]})


def principal_of(world, admin):
    role = world.identities.get_role(admin, GetRoleRequest(role_name="Target")).role
    return json.loads(role.assume_role_policy_document)["Statement"][0]["Principal"]["AWS"]


def take_on(world, caller):
    request = AssumeRoleRequest(role_arn=TARGET, role_session_name="again")
    world.security_tokens.assume_role(caller, request)


def without_policies(world, identity_id):
    with world.store.transaction() as uow:
        for each in uow.identities.list_policies(identity_id):
            uow.identities.delete_policy(identity_id, each.name)
        for key in uow.identities.list_access_keys(identity_id):
            uow.identities.delete_access_key(key.id)


@pytest.fixture
def admin(world):
    return world.user("admin")


def test_a_new_user_of_an_old_name_is_a_stranger(world, admin):
    bob = world.user("bob", NOTHING)
    world.role(id="AROATARGET00000000001", name="Target", path="/", trust_policy=trust(bob.arn))
    take_on(world, bob)
    without_policies(world, bob.principal_id)
    world.identities.delete_user(admin, DeleteUserRequest(user_name="bob"))
    assert principal_of(world, admin) == bob.principal_id
    with world.store.transaction() as uow:
        uow.identities.add_user(a_user(id="AIDABOBAGAIN000000001", name="bob"))
    again = replace(bob, principal_id="AIDABOBAGAIN000000001")
    with pytest.raises(AccessDenied, match="because no role trust policy allows"):
        take_on(world, again)


def test_a_new_role_of_an_old_name_is_a_stranger_and_so_are_its_sessions(world, admin):
    ops_id = "AROAOPS00000000000001"
    other = "arn:aws:sts::111122223333:assumed-role/Ops2/night"
    world.role(id=ops_id, name="Ops", path="/")
    world.role(
        id="AROATARGET00000000001",
        name="Target",
        path="/",
        trust_policy=trust([OPS, OPS_SESSION, other, admin.arn]),
    )
    without_policies(world, ops_id)
    world.identities.delete_role(admin, DeleteRoleRequest(role_name="Ops"))
    assert principal_of(world, admin) == [ops_id, f"{ops_id}:night", other, admin.arn]


def test_all_roles_are_looked_at_and_others_are_left_as_they_are(world, admin):
    bob = world.user("bob", NOTHING)
    kept = trust(admin.arn)
    for number in range(501):
        role = Role(
            id=f"AROAROLE0000000000{number:03d}",
            account_id=bob.scope.account_id,
            name=f"role-{number:03d}",
            path="/",
            trust_policy=trust(bob.arn) if number in (0, 500) else kept,
            created_at=world.now,
        )
        with world.store.transaction() as uow:
            uow.identities.add_role(role)
    without_policies(world, bob.principal_id)
    world.identities.delete_user(admin, DeleteUserRequest(user_name="bob"))
    roles = {role.name: role.trust_policy for role in world.store.tables.roles.values()}
    assert bob.principal_id in roles["role-000"]
    assert bob.principal_id in roles["role-500"]
    assert roles["role-250"] == kept
