"""What a lock takes away, at once, and what comes back."""

import json

import pytest

from fairlead.aws import sigv4
from fairlead.domain.errors import (
    AccessDenied,
    InvalidRequest,
    NoSuchEntity,
    SessionEnded,
    UnknownAccessKey,
)
from fairlead.domain.operations.identities import DeleteUserRequest, UpdateAccessKeyRequest
from fairlead.domain.operations.security_tokens import AssumeRoleRequest, GetSessionTokenRequest
from fairlead.domain.operations.user_locks import LockUserRequest, UnlockUserRequest
from fairlead.domain.sessions import EndReason, SessionStatus
from tests.support.control_world import ALLOW_ALL, ORIGIN, policy, signed_request, statement

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
ROLE_ARN = "arn:aws:iam::111122223333:role/Deploy"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "sts:AssumeRole",
        },
    }
)


@pytest.fixture
def root(world):
    return world.user("root")


@pytest.fixture
def alice(world, root):
    world.node()
    world.role(ALLOW_ALL, id="AROADEPLOY00000000001", name="Deploy", path="/", trust_policy=TRUST)
    return world.user("alice")


def lock(world, caller, name="alice"):
    return world.user_locks.lock_user(caller, LockUserRequest(user_name=name))


def unlock(world, caller, name="alice"):
    return world.user_locks.unlock_user(caller, UnlockUserRequest(user_name=name))


def caller_with(world, key):
    return world.authenticator.authenticate(signed_request(key, world.now), ORIGIN, "ssm")


def temporary(credentials):
    return sigv4.Credentials(
        credentials.access_key_id, credentials.secret_access_key, credentials.session_token
    )


def session_token(world, caller):
    return temporary(world.security_tokens.get_session_token(caller, GetSessionTokenRequest()).credentials)


def role_session(world, caller):
    request = AssumeRoleRequest(role_arn=ROLE_ARN, role_session_name="nightly")
    return temporary(world.security_tokens.assume_role(caller, request).credentials)


def is_refused(world, key):
    try:
        caller_with(world, key)
    except UnknownAccessKey:
        return True
    return False


def test_keys_credentials_and_sessions_end_in_one_transaction_and_sides_are_told_after_it(world, root, alice):
    key = world.key_of(alice)
    in_role = role_session(world, alice)
    chained = role_session(world, caller_with(world, in_role))
    keys = [key, session_token(world, alice), in_role, chained]
    sessions = [world.start(caller_with(world, each)).session_id for each in keys]
    of_root = world.start(root).session_id
    commits = world.store.commits
    answer = lock(world, root)
    assert (answer.user_name, answer.access_key_count, answer.session_count) == ("alice", 1, 4)
    assert answer.locked_since == world.now
    assert world.store.commits == commits + 1
    assert all(is_refused(world, each) for each in keys)
    for session in sessions:
        ended = world.session(session)
        assert (ended.status, ended.end.reason) == (SessionStatus.TERMINATED, EndReason.USER_LOCKED)
        assert ended.end.explanation == "The user was locked."
        assert ("terminated", session, EndReason.USER_LOCKED) in world.notifier.news
    assert world.notifier.commits_when_told[-1] == commits + 1
    assert world.session(of_root).status.is_active
    assert (world.last_record.event_name, world.last_record.principal_id) == ("LockUser", root.principal_id)


def test_a_client_that_comes_with_its_token_is_told_why(world, root, alice):
    started = world.start(alice)
    lock(world, root)
    with pytest.raises(SessionEnded) as told:
        world.open_client(started.session_id, started.token_value)
    assert told.value.explanation == "The user was locked."


def test_an_unlock_turns_on_what_the_lock_turned_off_and_no_more(world, root, alice):
    on = world.key_of(alice, id="AKIAALICEON0000000001")
    off = world.key_of(alice, id="AKIAALICEOFF000000001", is_active=False)
    old = [session_token(world, alice), role_session(world, alice)]
    lock(world, root)
    world.advance(seconds=1)
    assert unlock(world, root).access_key_count == 1
    assert not is_refused(world, on)
    assert is_refused(world, off)
    assert all(is_refused(world, each) for each in old)
    world.advance(seconds=1)
    assert not is_refused(world, session_token(world, alice))


def test_what_was_issued_while_the_lock_was_being_set_is_void_after_it_too(world, root, alice):
    """A call that had been authenticated before the lock may still answer after it."""
    lock(world, root)
    world.advance(seconds=5)
    late = session_token(world, alice)
    assert is_refused(world, late)
    unlock(world, root)
    assert is_refused(world, late)


def test_a_key_that_an_administrator_turns_on_is_no_way_around_a_lock(world, root, alice):
    key = world.key_of(alice)
    lock(world, root)
    for status in ("Active", "Inactive"):
        world.identities.update_access_key(
            root, UpdateAccessKeyRequest(user_name="alice", access_key_id=key.access_key_id, status=status)
        )
        assert is_refused(world, key)
    assert unlock(world, root).access_key_count == 0
    assert is_refused(world, key)


def test_a_second_lock_keeps_the_moment_of_the_first_and_takes_what_is_new(world, root, alice):
    first = lock(world, root)
    world.advance(minutes=1)
    key = world.key_of(alice)
    second = lock(world, root)
    assert (second.locked_since, second.access_key_count) == (first.locked_since, 1)
    unlock(world, root)
    assert not is_refused(world, key)
    assert unlock(world, root).access_key_count == 0


def test_a_call_that_was_authenticated_before_the_lock_starts_no_session(world, root, alice):
    in_role = caller_with(world, role_session(world, alice))
    lock(world, root)
    for caller in (alice, in_role):
        with pytest.raises(AccessDenied, match="was locked"):
            world.start(caller)


def test_nobody_locks_himself_out(world, root, alice):
    in_role = caller_with(world, role_session(world, alice))
    for caller in (alice, in_role):
        with pytest.raises(InvalidRequest, match="lock yourself out"):
            lock(world, caller)
    assert world.store.tables.users[alice.principal_id].locked_at is None


def test_deleting_a_locked_user_does_not_bring_his_role_sessions_back(world, root, alice):
    in_role = role_session(world, alice)
    lock(world, root)
    with world.store.transaction() as uow:
        uow.identities.delete_policy(alice.principal_id, "policy-0")
    world.identities.delete_user(root, DeleteUserRequest(user_name="alice"))
    assert is_refused(world, in_role)


def test_locks_are_decided_on_the_user(world, alice):
    helpdesk = world.user(
        "helpdesk", policy(statement("Allow", "fairlead:LockUser", "arn:aws:iam::*:user/alice"))
    )
    with pytest.raises(AccessDenied, match=r"fairlead:UnlockUser on resource: \S+:user/alice"):
        unlock(world, helpdesk)
    with pytest.raises(AccessDenied, match=r"fairlead:LockUser on resource: \S+:user/nobody"):
        lock(world, helpdesk, "nobody")
    lock(world, helpdesk)


def test_an_unknown_user_is_not_found(world, root):
    with pytest.raises(NoSuchEntity):
        lock(world, root, "nobody")
