"""What a new installation begins with, and the way back in."""

import pytest

from fairlead.aws import sigv4
from fairlead.control.bootstrap import NODE_ROLE, create_first_identities, recover_admin
from fairlead.domain.identities import InlinePolicy
from fairlead.domain.operations.activations import CreateActivationRequest
from tests.support.control_world import ORIGIN, World, policy, signed_request, statement


def first_key(world):
    """The key of the administrator that the first start makes."""
    kept = []
    assert create_first_identities(world.env, kept.append)
    return kept[0]


def caller_with(world, key):
    credentials = sigv4.Credentials(key.access_key_id, key.secret_access_key)
    return world.authenticator.authenticate(signed_request(credentials, world.now), ORIGIN, "ssm")


def test_the_first_start_makes_an_administrator_and_a_role_for_nodes():
    world = World()
    admin = caller_with(world, first_key(world))
    assert admin.name == "admin"
    response = world.activations.create_activation(admin, CreateActivationRequest(iam_role=NODE_ROLE))
    assert response.activation_id


def test_a_later_start_changes_nothing():
    world = World()
    first_key(world)
    before = world.store.tables
    assert not create_first_identities(world.env, pytest.fail)
    assert world.store.tables == before


def test_an_administrator_who_was_deleted_does_not_come_back_with_a_start(world):
    world.user("alice")
    assert not create_first_identities(world.env, pytest.fail)
    assert [user.name for user in world.store.tables.users.values()] == ["alice"]


def test_a_key_that_could_not_be_kept_never_was():
    world = World()

    def keep(_key):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        create_first_identities(world.env, keep)
    assert not world.store.tables.users
    assert caller_with(world, first_key(world)).name == "admin"


def test_a_role_that_is_there_already_is_kept(world):
    before = dict(world.store.tables.roles)
    first_key(world)
    assert world.store.tables.roles == before


def test_an_administrator_who_is_locked_out_gets_back_in():
    world = World()
    first = first_key(world)
    admin = caller_with(world, first)
    deny = InlinePolicy(name="oops", document=policy(statement("Deny", "*")))
    with world.store.transaction() as uow:
        uow.identities.put_policy(admin.principal_id, deny)
    second = recover_admin(world.env)
    assert list(world.store.tables.keys) == [second.access_key_id]
    again = caller_with(world, second)
    assert again.principal_id == admin.principal_id
    world.activations.create_activation(again, CreateActivationRequest(iam_role=NODE_ROLE))


def test_an_administrator_who_was_locked_is_recovered():
    world = World()
    first = caller_with(world, first_key(world))
    with world.store.transaction() as uow:
        uow.identities.lock_user(first.principal_id, world.now)
    assert caller_with(world, recover_admin(world.env)).principal_id == first.principal_id


def test_an_administrator_who_was_deleted_is_recovered():
    world = World()
    assert caller_with(world, recover_admin(world.env)).name == "admin"


def test_both_are_recorded_without_the_secret():
    world = World()
    keys = [first_key(world), recover_admin(world.env)]
    assert [record.event_name for record in world.audit] == ["CreateFirstIdentities", "RecoverAdmin"]
    for key in keys:
        assert key.secret_access_key not in repr(world.audit)
        assert key.secret_access_key not in repr(key)
