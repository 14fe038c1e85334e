"""Groups: who is in them, and what must be gone before they can go."""

import pytest

from fairlead.domain.errors import (
    AccessDenied,
    DeleteConflict,
    EntityAlreadyExists,
    InvalidNextToken,
    LimitExceeded,
    NoSuchEntity,
)
from fairlead.domain.identities import InlinePolicy
from fairlead.domain.operations import groups as operations
from tests.support.control_world import ALLOW_ALL, policy, statement


@pytest.fixture
def admin(world):
    return world.user("admin")


def create(world, caller, name="ops", **members):
    request = operations.CreateGroupRequest(group_name=name, **members)
    return world.groups.create_group(caller, request).group


def get(world, caller, name="ops", **members):
    return world.groups.get_group(caller, operations.GetGroupRequest(group_name=name, **members))


def add(world, caller, user_name, group_name="ops"):
    request = operations.AddUserToGroupRequest(group_name=group_name, user_name=user_name)
    world.groups.add_user_to_group(caller, request)


def remove(world, caller, user_name, group_name="ops"):
    request = operations.RemoveUserFromGroupRequest(group_name=group_name, user_name=user_name)
    world.groups.remove_user_from_group(caller, request)


def delete(world, caller, name="ops"):
    world.groups.delete_group(caller, operations.DeleteGroupRequest(group_name=name))


def test_a_new_group_has_an_id_an_arn_and_nobody_in_it(world, admin):
    group = create(world, admin, path="/staff/")
    assert group.arn == "arn:aws:iam::111122223333:group/staff/ops"
    assert group.group_id.startswith("AGPA")
    found = get(world, admin, "OPS")
    assert (found.group, found.users, found.is_truncated) == (group, (), False)


def test_group_names_are_taken_whatever_their_case(world, admin):
    create(world, admin)
    with pytest.raises(EntityAlreadyExists, match="Group with name Ops already exists"):
        create(world, admin, "Ops")


def test_members_are_listed_by_name_and_page(world, admin):
    create(world, admin)
    for name in ("carol", "Bob", "dave"):
        world.user(name)
        add(world, admin, name)
    first = get(world, admin, max_items=2)
    assert [user.user_name for user in first.users] == ["Bob", "carol"]
    second = get(world, admin, max_items=2, marker=first.marker)
    assert [user.user_name for user in second.users] == ["dave"]
    assert second.marker is None
    with pytest.raises(InvalidNextToken):
        get(world, admin, marker="made-up")


def test_a_user_joins_and_leaves(world, admin):
    world.user("bob")
    for name in ("ops", "Dev"):
        create(world, admin, name)
        add(world, admin, "bob", name)
        add(world, admin, "BOB", name)
    request = operations.ListGroupsForUserRequest(user_name="bob")
    listed = world.groups.list_groups_for_user(admin, request).groups
    assert [group.group_name for group in listed] == ["Dev", "ops"]
    remove(world, admin, "bob")
    with pytest.raises(NoSuchEntity, match="bob is not in the group ops"):
        remove(world, admin, "bob")
    assert get(world, admin).users == ()


def test_a_user_is_in_ten_groups_at_most(world, admin):
    world.user("bob")
    for number in range(11):
        create(world, admin, f"g{number}")
    for number in range(10):
        add(world, admin, "bob", f"g{number}")
    add(world, admin, "bob", "g9")
    with pytest.raises(LimitExceeded, match="GroupsPerUser: 10"):
        add(world, admin, "bob", "g10")


def test_groups_are_listed_by_name_below_a_path(world, admin):
    for name, path in (("b", "/x/"), ("A", "/x/"), ("c", "/")):
        create(world, admin, name, path=path)
    first = world.groups.list_groups(admin, operations.ListGroupsRequest(path_prefix="/x/", max_items=1))
    assert [group.group_name for group in first.groups] == ["A"]
    rest = world.groups.list_groups(
        admin, operations.ListGroupsRequest(path_prefix="/x/", max_items=1, marker=first.marker)
    )
    assert [group.group_name for group in rest.groups] == ["b"]
    assert not rest.is_truncated


def test_a_group_goes_when_it_is_empty(world, admin):
    group = create(world, admin)
    world.user("bob")
    add(world, admin, "bob")
    with world.store.transaction() as uow:
        uow.managed_policies.attach(group.group_id, "arn:aws:iam::aws:policy/AdministratorAccess")
        uow.identities.put_policy(group.group_id, InlinePolicy(name="p", document=ALLOW_ALL))
    with pytest.raises(DeleteConflict, match="remove users"):
        delete(world, admin)
    remove(world, admin, "bob")
    with pytest.raises(DeleteConflict, match="detach all policies"):
        delete(world, admin)
    with world.store.transaction() as uow:
        uow.managed_policies.detach(group.group_id, "arn:aws:iam::aws:policy/AdministratorAccess")
    with pytest.raises(DeleteConflict, match="delete policies"):
        delete(world, admin)
    with world.store.transaction() as uow:
        uow.identities.delete_policy(group.group_id, "p")
    delete(world, admin)
    with pytest.raises(NoSuchEntity):
        get(world, admin)


def test_access_is_decided_on_the_group_and_before_it_is_looked_for(world, admin):
    create(world, admin, path="/staff/")
    staff = policy(statement("Allow", "iam:*", "arn:aws:iam::*:group/staff/*"))
    helper = world.user("helper", staff)
    assert get(world, helper).group.group_name == "ops"
    with pytest.raises(AccessDenied, match="group/nobody"):
        get(world, helper, "nobody")
    with pytest.raises(NoSuchEntity, match="user with name nobody"):
        add(world, helper, "nobody")
