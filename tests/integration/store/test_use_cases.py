"""The use cases over the SQL store: a node's and a session's whole life, on each database."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from fairlead.aws import sigv4
from fairlead.control.bootstrap import NODE_ROLE, NewAccessKey, create_first_identities, recover_admin
from fairlead.control.housekeeping import Purged, purge
from fairlead.control.mfa_codes import take_code
from fairlead.domain.audit import EventView
from fairlead.domain.callers import Caller
from fairlead.domain.errors import (
    AccessDenied,
    EntityAlreadyExists,
    InvalidChannelToken,
    InvalidInstanceId,
    LimitExceeded,
    RegistrationLimitReached,
    SessionEnded,
    TargetNotConnected,
    UnknownAccessKey,
    UnknownResumeSecret,
)
from fairlead.domain.identities import MAX_ACCESS_KEYS_PER_USER
from fairlead.domain.mfa import MAX_FAILURES
from fairlead.domain.operations.activations import (
    CreateActivationRequest,
    DescribeActivationsRequest,
    Tag,
)
from fairlead.domain.operations.identities import CreateAccessKeyRequest, CreateUserRequest, ListUsersRequest
from fairlead.domain.operations.inline_policies import PutUserPolicyRequest
from fairlead.domain.operations.mfa import CreateVirtualMfaDeviceRequest, EnableMfaDeviceRequest
from fairlead.domain.operations.nodes import (
    DeregisterManagedInstanceRequest,
    DescribeInstanceInformationRequest,
    RegisterManagedInstanceRequest,
    RequestManagedInstanceRoleTokenRequest,
    UpdateInstanceInformationRequest,
)
from fairlead.domain.operations.resource_tags import AddTagsToResourceRequest
from fairlead.domain.operations.sessions import (
    DescribeSessionsRequest,
    ResumeSessionRequest,
    TerminateSessionRequest,
)
from fairlead.domain.operations.user_locks import LockUserRequest
from fairlead.domain.sessions import EndReason, SessionEnd, SessionStatus
from fairlead.store.store import SqlStore
from tests.support.authenticator_app import AuthenticatorApp
from tests.support.control_world import (
    FINGERPRINT,
    ORIGIN,
    STREAM_BASE_URL,
    World,
    node_signed_request,
    policy,
    public_key_text,
    rsa_key,
    signed_request,
    statement,
)


@pytest.fixture
def world(store: SqlStore) -> World:
    return World(store)


@pytest.fixture
def admin(world: World) -> Caller:
    keys: list[NewAccessKey] = []
    assert create_first_identities(world.env, keys.append)
    credentials = sigv4.Credentials(keys[0].access_key_id, keys[0].secret_access_key)
    return world.authenticator.authenticate(signed_request(credentials, world.now), ORIGIN, "ssm")


def registered(world: World, admin: Caller) -> Caller:
    """A new node, as the caller that its first credentials make it."""
    activation = world.activations.create_activation(admin, CreateActivationRequest(iam_role=NODE_ROLE))
    request = RegisterManagedInstanceRequest(
        activation_code=activation.activation_code or "",
        activation_id=activation.activation_id or "",
        public_key=public_key_text(rsa_key()),
        fingerprint=FINGERPRINT,
    )
    node_id = world.nodes.register_managed_instance(ORIGIN, request).instance_id or ""
    with pytest.raises(RegistrationLimitReached):
        world.nodes.register_managed_instance(ORIGIN, request)
    return with_credentials(world, node_id)


def with_credentials(world: World, node_id: str) -> Caller:
    by_key = world.authenticator.authenticate_node_key(
        node_signed_request(node_id, rsa_key(), world.now), ORIGIN
    )
    token = world.nodes.request_managed_instance_role_token(
        by_key, RequestManagedInstanceRoleTokenRequest(fingerprint=FINGERPRINT)
    )
    credentials = sigv4.Credentials(
        token.access_key_id or "", token.secret_access_key or "", token.session_token
    )
    request = signed_request(credentials, world.now, service="ssmmessages")
    return world.authenticator.authenticate(request, ORIGIN, "ssmmessages")


def connected(world: World, node: Caller) -> str:
    node_id = node.node_id or ""
    token = world.channels.create_control_channel(node, node_id)
    assert world.channels.open_control_channel(node, node_id, token) == world.now
    world.notifier.connected.add(node_id)
    return node_id


def test_a_session_lives_from_its_start_to_the_history(world: World, admin: Caller) -> None:
    node = registered(world, admin)
    node_id = connected(world, node)
    started = world.start(admin, node_id, parameters={"portNumber": ("2222",)})
    session_id = started.session_id or ""
    assert [session.id for session in world.channels.pending_sessions(node_id)] == [session_id]

    token = world.channels.create_data_channel(node, session_id)
    assert world.channels.open_agent_data_channel(node, session_id, token, "").properties == {
        "portNumber": "2222"
    }
    world.open_client(session_id, started.token_value or "")
    assert world.channels.session_connected(session_id)
    assert world.channels.session_disconnected(session_id)

    resumed = world.sessions.resume_session(
        admin, ResumeSessionRequest(session_id=session_id), STREAM_BASE_URL
    )
    for spent in (token, started.token_value or ""):
        with pytest.raises(InvalidChannelToken):
            world.open_client(session_id, spent)
    world.open_client(session_id, resumed.token_value or "")

    world.sessions.terminate_session(admin, TerminateSessionRequest(session_id=session_id))
    end = SessionEnd(
        status=SessionStatus.TERMINATED, reason=EndReason.CLIENT_LEFT, bytes_to_node=3, bytes_to_client=5
    )
    assert not world.channels.end_session(session_id, end)
    active = world.sessions.describe_sessions(admin, DescribeSessionsRequest(state="Active"))
    history = world.sessions.describe_sessions(admin, DescribeSessionsRequest(state="History"))
    assert active.sessions == ()
    (item,) = history.sessions or ()
    assert item.details == "Terminated by TerminateSession (3 bytes to the node, 5 to the client)"
    world.advance(days=31)
    assert purge(world.env) == Purged(sessions=1, tokens=0)


def test_a_node_lives_from_registration_to_deregistration(world: World, admin: Caller) -> None:
    node = registered(world, admin)
    node_id = connected(world, node)
    heartbeat = UpdateInstanceInformationRequest(instance_id=node_id, agent_version="3.3.0.0")
    world.nodes.update_instance_information(node, heartbeat)
    (item,) = (
        world.nodes.describe_instance_information(
            admin, DescribeInstanceInformationRequest()
        ).instance_information_list
        or ()
    )
    assert (item.instance_id, item.ping_status, item.agent_version) == (node_id, "Online", "3.3.0.0")
    session_id = world.start(admin, node_id).session_id or ""

    world.nodes.deregister_managed_instance(admin, DeregisterManagedInstanceRequest(instance_id=node_id))
    assert world.notifier.news[-2:] == [
        ("terminated", session_id, EndReason.NODE_DEREGISTERED),
        ("removed", node_id),
    ]
    with pytest.raises(InvalidInstanceId):
        with_credentials(world, node_id)
    with pytest.raises(TargetNotConnected):
        world.start(admin, node_id)


def test_a_policy_stored_by_name_refuses_the_next_call(world: World, admin: Caller) -> None:
    world.identities.create_user(admin, CreateUserRequest(user_name="Bob", path="/staff/"))
    with pytest.raises(EntityAlreadyExists):
        world.identities.create_user(admin, CreateUserRequest(user_name="BOB"))
    listed = world.identities.list_users(admin, ListUsersRequest(path_prefix="/staff/"))
    assert [user.user_name for user in listed.users] == ["Bob"]
    deny = policy(statement("Deny", "ssm:DescribeActivations"))
    world.identities.put_user_policy(
        admin, PutUserPolicyRequest(user_name="ADMIN", policy_name="deny", policy_document=deny)
    )
    with pytest.raises(AccessDenied, match="explicit deny"):
        world.activations.describe_activations(admin, DescribeActivationsRequest())
    with world.store.read() as uow:
        newest = EventView.of(uow.audit.pending(1000)[-1].text).event
    assert (newest["eventName"], newest["errorCode"]) == ("DescribeActivations", "AccessDenied")


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_changes_of_one_user_that_race_wait_for_each_other(world: World, admin: Caller) -> None:
    world.identities.create_user(admin, CreateUserRequest(user_name="bob"))
    document = policy(statement("Allow", "ssm:DescribeSessions"))
    replace = PutUserPolicyRequest(user_name="bob", policy_name="same", policy_document=document)
    start = Barrier(8)

    def change(number: int) -> bool:
        start.wait()
        world.identities.put_user_policy(admin, replace)
        try:
            world.identities.create_access_key(admin, CreateAccessKeyRequest(user_name="bob"))
        except LimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as racers:
        assert sum(racers.map(change, range(8))) == MAX_ACCESS_KEYS_PER_USER


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_of_resumes_that_race_one_token_stays_good(world: World, admin: Caller) -> None:
    session_id = world.start(admin, connected(world, registered(world, admin))).session_id or ""
    start = Barrier(4)

    def resume(_number: int) -> str:
        start.wait()
        request = ResumeSessionRequest(session_id=session_id)
        return world.sessions.resume_session(admin, request, STREAM_BASE_URL).token_value or ""

    with ThreadPoolExecutor(4) as racers:
        tokens = list(racers.map(resume, range(4)))
    assert len(set(tokens)) == 4
    with world.store.transaction() as uow:
        assert uow.sessions.purge_tokens(world.now + timedelta(days=1)) == 1


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_of_returns_with_one_secret_that_race_one_comes_in_and_the_theft_is_seen(
    world: World, admin: Caller
) -> None:
    started = world.start(admin, connected(world, registered(world, admin)))
    session_id = started.session_id or ""
    secret = b"\x01" * 32
    world.open_client(session_id, started.token_value, promised_digest=hashlib.sha256(secret).digest())
    start = Barrier(4)

    def come_back(number: int) -> bool:
        start.wait()
        promised = bytes([number]) * 32
        return opens(world, session_id, resume_secret=secret.hex(), promised_digest=promised)

    with ThreadPoolExecutor(4) as racers:
        assert sum(racers.map(come_back, range(4))) == 1
    with world.store.read() as uow:
        session = uow.sessions.find(session_id)
    assert session is not None
    assert session.end is not None
    assert session.end.reason is EndReason.RESUME_REUSED


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_of_calls_that_race_with_one_code_one_gets_credentials_and_five_wrong_guesses_lock(
    world: World, admin: Caller
) -> None:
    made = world.mfa.create_virtual_mfa_device(
        admin, CreateVirtualMfaDeviceRequest(virtual_mfa_device_name="phone")
    ).virtual_mfa_device
    serial, app = made.serial_number, AuthenticatorApp(made.base32_string_seed or b"")
    world.mfa.enable_mfa_device(
        admin,
        EnableMfaDeviceRequest(
            user_name="admin",
            serial_number=serial,
            authentication_code1=app.code(world.now, -1),
            authentication_code2=app.code(world.now),
        ),
    )
    world.advance(minutes=1)

    def race(code: str) -> int:
        start = Barrier(8)

        def ask(_number: int) -> bool:
            start.wait()
            return take_code(world.env, admin, serial, code).refusal is None

        with ThreadPoolExecutor(8) as racers:
            return sum(racers.map(ask, range(8)))

    assert race(app.code(world.now)) == 1
    world.advance(days=1)
    race(f"{(int(app.code(world.now)) + 1) % 10**6:06}")
    with world.store.read() as uow:
        device = uow.mfa.get(admin.scope.account_id, serial)
    assert device is not None
    assert device.failures == MAX_FAILURES
    assert race(app.code(world.now)) == 0


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_no_session_that_races_with_a_lock_outlives_it(world: World, admin: Caller) -> None:
    node = connected(world, registered(world, admin))
    alice = world.user("alice")
    start = Barrier(5)

    def act(number: int) -> None:
        start.wait()
        if number == 4:
            world.user_locks.lock_user(admin, LockUserRequest(user_name="alice"))
            return
        with suppress(AccessDenied):
            world.start(alice, node)

    with ThreadPoolExecutor(5) as racers:
        list(racers.map(act, range(5)))
    with world.store.read() as uow:
        assert uow.sessions.active_of_user(alice.principal_id) == []


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_of_tags_that_are_given_to_a_node_at_once_none_is_lost(world: World, admin: Caller) -> None:
    node_id = registered(world, admin).node_id or ""
    start = Barrier(4)

    def add(number: int) -> None:
        start.wait()
        tags = (Tag(key=f"key{number}", value="x"),)
        request = AddTagsToResourceRequest(resource_type="ManagedInstance", resource_id=node_id, tags=tags)
        world.resource_tags.add_tags_to_resource(admin, request)

    with ThreadPoolExecutor(4) as racers:
        list(racers.map(add, range(4)))
    with world.store.read() as uow:
        node = uow.nodes.find(node_id)
    assert node is not None
    assert [key for key, _ in node.tags] == ["key0", "key1", "key2", "key3"]


def opens(world: World, session_id: str, **claim: Any) -> bool:  # Any: parts of a ClientClaim
    """Whether this opens the client's side."""
    try:
        world.open_client(session_id, **claim)
    except (InvalidChannelToken, UnknownResumeSecret, SessionEnded):
        return False
    return True


def test_recovering_the_administrator_voids_what_was_lost(world: World, admin: Caller) -> None:
    lost = sigv4.Credentials(admin.access_key_id, "whatever it was")
    found = recover_admin(world.env)
    credentials = sigv4.Credentials(found.access_key_id, found.secret_access_key)
    again = world.authenticator.authenticate(signed_request(credentials, world.now), ORIGIN, "ssm")
    assert again.principal_id == admin.principal_id
    with pytest.raises(UnknownAccessKey):
        world.authenticator.authenticate(signed_request(lost, world.now), ORIGIN, "ssm")
