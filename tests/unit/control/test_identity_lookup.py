"""Finding a user or role and deciding access to it are one step."""

import pytest

from fairlead.control.calls import Call
from fairlead.control.identity_lookup import authorized_role, authorized_user, key_user
from fairlead.domain.errors import AccessDenied, InvalidRequest, NoSuchEntity
from fairlead.domain.operations.identities import GET_ROLE, GET_USER
from tests.support.control_world import policy, statement


def found(world, caller, look, *arguments, operation=GET_USER):
    with world.store.read() as uow:
        return look(Call(uow, caller, operation, world.now), *arguments)


def test_a_name_or_nothing_finds_the_user(world):
    alice = world.user("alice")
    assert found(world, alice, authorized_user, "ALICE").id == alice.principal_id
    assert found(world, alice, authorized_user, None).id == alice.principal_id


def test_a_node_must_say_whom_it_means(world):
    with pytest.raises(InvalidRequest):
        found(world, world.node(), authorized_user, None)


def test_access_is_decided_first(world):
    mallory = world.user("mallory", policy(statement("Deny", "*")))
    for look, name, operation in (
        (authorized_user, "mallory", GET_USER),
        (authorized_user, "nobody", GET_USER),
        (authorized_role, "FairleadNode", GET_ROLE),
        (authorized_role, "Nothing", GET_ROLE),
    ):
        with pytest.raises(AccessDenied, match=name):
            found(world, mallory, look, name, operation=operation)


def test_what_is_not_there_is_an_error_for_who_may_know(world):
    admin = world.user("admin")
    with pytest.raises(NoSuchEntity):
        found(world, admin, authorized_user, "nobody")
    with pytest.raises(NoSuchEntity):
        found(world, admin, authorized_role, "Nothing", operation=GET_ROLE)
    assert found(world, admin, authorized_role, "fairleadnode", operation=GET_ROLE).name == "FairleadNode"


def test_a_key_belongs_to_a_user_or_to_nobody(world):
    alice = world.user("alice")
    key = world.key_of(alice)
    assert found(world, alice, key_user, key.access_key_id) == alice.principal_id
    assert found(world, alice, key_user, "AKIAUNKNOWN") is None
