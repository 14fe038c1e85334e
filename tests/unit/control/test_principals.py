"""The owner of a session, as he was and as he is. Who does not come back: `test_client_openings`."""

from dataclasses import replace

import pytest

from fairlead.control.principals import owner_at_start, present_owner, role_caller
from fairlead.domain.callers import CallerKind, Origin, TemporaryCredentials
from fairlead.domain.errors import AccessDenied
from fairlead.domain.identities import InlinePolicy
from fairlead.domain.scope import Scope
from tests.support.control_world import ALLOW_ALL, NODE_ID, ORIGIN

HERE = Origin(source_address="198.51.100.9", user_agent="a WebSocket", secure=False, request_id="request-9")


def session_of(world, caller):
    return world.session(world.start(caller).session_id)


def test_a_user_is_the_caller_that_he_was_but_for_the_place(world):
    world.node()
    alice = world.user("alice")
    world.key_of(alice)
    session = session_of(world, alice)
    with world.store.read() as uow:
        present = present_owner(uow, session, HERE)
    assert present == replace(alice, origin=replace(HERE, user_agent=alice.origin.user_agent))
    assert owner_at_start(session, HERE) == replace(alice, origin=HERE)


def test_a_node_is_the_session_of_its_role(world):
    node = world.node()
    session = replace(
        session_of(world, world.user("alice")),
        owner_id=node.principal_id,
        owner_arn=node.arn,
        access_key_id=node.access_key_id,
        user_agent="",
    )
    with world.store.read() as uow:
        present = present_owner(uow, session, HERE)
    assert present == replace(node, origin=replace(HERE, user_agent=""))
    before = owner_at_start(session, HERE)
    assert (before.kind, before.name, before.arn) == (CallerKind.NODE, NODE_ID, node.arn)


def test_a_session_of_before_that_kept_no_key_is_the_users_all_the_same(world):
    world.node()
    alice = world.user("alice")
    session = replace(session_of(world, alice), access_key_id="")
    with world.store.read() as uow:
        assert present_owner(uow, session, HERE).principal_id == alice.principal_id


def test_an_owner_of_another_account_is_none(world):
    world.node()
    session = session_of(world, world.user("alice"))
    elsewhere = replace(session, scope=Scope("999999999999", "us-east-1"))
    with world.store.read() as uow, pytest.raises(AccessDenied, match="user/alice was deleted"):
        present_owner(uow, elsewhere, HERE)


def test_a_role_session_is_the_caller_that_it_was_with_what_its_credentials_said(world):
    world.node()
    with world.store.read() as uow:
        role = uow.identities.get_role("111122223333", "FairleadNode")
    temporary = TemporaryCredentials(issued_at=world.now, policies=(ALLOW_ALL,), tags=(("team", "red"),))
    with world.store.transaction() as uow:
        uow.identities.put_policy(role.id, InlinePolicy(name="p", document=ALLOW_ALL))
    caller = role_caller(role, "nightly", "us-east-1", "ASIAIOSFODNN7EXAMPLE", ORIGIN, temporary)
    session = session_of(world, caller)
    assert session.owner_credentials == temporary
    with world.store.read() as uow:
        present = present_owner(uow, session, HERE)
    assert present == replace(caller, origin=replace(HERE, user_agent=caller.origin.user_agent))
    assert owner_at_start(session, HERE).kind is CallerKind.ROLE
    world.user("alice")
    alice = next(user for user in world.store.tables.users.values() if user.name == "alice")
    behind = replace(session, owner_credentials=replace(temporary, user_id=alice.id))
    with world.store.transaction() as uow:
        assert present_owner(uow, behind, HERE).arn == caller.arn
        uow.identities.lock_user(alice.id, world.now)
    with world.store.read() as uow, pytest.raises(AccessDenied, match="deleted or locked"):
        present_owner(uow, behind, HERE)
    del world.store.tables.roles[role.id]
    with world.store.read() as uow, pytest.raises(AccessDenied, match="was deleted"):
        present_owner(uow, session, HERE)
