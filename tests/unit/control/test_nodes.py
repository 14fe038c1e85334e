"""Managed nodes: registration, credentials, heartbeats, removal."""

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from fairlead.aws import sigv4
from fairlead.control.environment import Rate
from fairlead.domain.callers import Origin
from fairlead.domain.errors import (
    AccessDenied,
    ActivationExpired,
    DomainError,
    InvalidActivation,
    InvalidActivationId,
    InvalidInstanceId,
    InvalidRequest,
    MachineFingerprintMismatch,
    RegistrationLimitReached,
    Throttled,
    UnknownAccessKey,
)
from fairlead.domain.operations.activations import CreateActivationRequest, Tag
from fairlead.domain.operations.nodes import (
    DeregisterManagedInstanceRequest,
    DescribeInstanceInformationRequest,
    ListInstanceAssociationsRequest,
    RegisterManagedInstanceRequest,
    RequestManagedInstanceRoleTokenRequest,
    UpdateInstanceInformationRequest,
    UpdateManagedInstancePublicKeyRequest,
)
from fairlead.domain.scope import Scope
from fairlead.domain.sessions import ChannelSide, EndReason, SessionStatus
from tests.support.control_world import (
    FINGERPRINT,
    NODE_ID,
    ORIGIN,
    World,
    policy,
    public_key_der,
    public_key_text,
    rsa_key,
    signed_request,
    statement,
)

OTHER_NODE = "mi-00000000000000001"


@pytest.fixture
def admin(world):
    return world.user("admin")


@pytest.fixture
def activation(world, admin):
    request = CreateActivationRequest(
        iam_role="service-role/FairleadNode", registration_limit=2, default_instance_name="web"
    )
    return world.activations.create_activation(admin, request)


@pytest.fixture
def by_key(world):
    """The node as it comes with its own key, before it has credentials."""
    return replace(world.node(public_key=public_key_der(rsa_key())), access_key_id=NODE_ID)


def registration(activation, **members):
    return RegisterManagedInstanceRequest(
        **{
            "activation_code": activation.activation_code,
            "activation_id": activation.activation_id,
            "public_key": public_key_text(rsa_key()),
            "public_key_type": "Rsa",
            "fingerprint": FINGERPRINT,
            **members,
        }
    )


def register(world, activation, **members):
    return world.nodes.register_managed_instance(ORIGIN, registration(activation, **members)).instance_id


def test_a_machine_with_the_code_becomes_a_node(world, activation):
    node_id = register(world, activation)
    assert node_id.startswith("mi-")
    assert len(node_id) == 20
    node = world.store.tables.nodes[node_id]
    assert node.scope == Scope("111122223333", "us-east-1")
    assert (node.activation_id, node.iam_role, node.name) == (
        activation.activation_id,
        "service-role/FairleadNode",
        "web",
    )
    assert node.public_key == public_key_der(rsa_key())
    assert (node.fingerprint, node.registered_at) == (FINGERPRINT, world.now)


def test_a_node_has_the_tags_of_its_activation(world, admin):
    request = CreateActivationRequest(
        iam_role="service-role/FairleadNode",
        tags=(Tag(key="team", value="red"), Tag(key="Stage", value="prod")),
    )
    node_id = register(world, world.activations.create_activation(admin, request))
    assert world.store.tables.nodes[node_id].tags == (("Stage", "prod"), ("team", "red"))


def test_each_registration_gives_a_new_id(world, activation):
    assert register(world, activation) != register(world, activation)


def test_no_more_machines_register_than_the_activation_allows(world, activation):
    for _ in range(2):
        register(world, activation)
    with pytest.raises(RegistrationLimitReached):
        register(world, activation)
    assert len(world.store.tables.nodes) == 2


def test_of_many_that_race_exactly_as_many_register_as_are_allowed(world, activation):
    def attempt(_):
        try:
            return register(world, activation)
        except RegistrationLimitReached:
            return None

    with ThreadPoolExecutor(16) as pool:
        registered = [node_id for node_id in pool.map(attempt, range(50)) if node_id]
    assert len(registered) == len(set(registered)) == len(world.store.tables.nodes) == 2


def test_what_the_machine_says_of_its_role_and_tags_has_no_effect(world, activation):
    node_id = register(world, activation, iam_role="Administrator")
    assert world.store.tables.nodes[node_id].iam_role == "service-role/FairleadNode"


def test_a_wrong_code_is_refused_and_takes_no_place(world, activation):
    with pytest.raises(InvalidActivation, match="code"):
        register(world, activation, activation_code="A" * 20)
    stored = world.store.tables.activations[activation.activation_id]
    assert stored.registrations_count == 0


def test_an_unknown_activation_is_refused(world, activation):
    with pytest.raises(InvalidActivationId):
        register(world, activation, activation_id="00000000-0000-4000-8000-000000000000")


def test_only_who_knows_the_code_learns_that_the_activation_has_expired(world, activation):
    world.advance(hours=24)
    with pytest.raises(ActivationExpired):
        register(world, activation)
    with pytest.raises(InvalidActivation):
        register(world, activation, activation_code="A" * 20)


@pytest.mark.parametrize(
    "public_key", ["not base64", base64.b64encode(b"not a key" * 40).decode(), "A" * 392], ids=str.__len__
)
def test_a_key_that_cannot_be_read_is_refused_and_takes_no_place(world, activation, public_key):
    with pytest.raises(InvalidRequest, match="public key"):
        register(world, activation, public_key=public_key)
    assert world.store.tables.activations[activation.activation_id].registrations_count == 0


def test_registrations_are_recorded_without_the_code(world, activation):
    node_id = register(world, activation)
    record = world.last_record
    assert (record.event_name, record.principal_arn) == ("RegisterManagedInstance", "anonymous")
    assert record.response_elements == {"instanceId": node_id}
    assert record.request_parameters["activationCode"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert activation.activation_code not in repr(world.audit)
    with pytest.raises(InvalidActivation):
        register(world, activation, activation_code="A" * 20)
    assert world.last_record.error_code == "InvalidActivation"


def test_registrations_are_limited_for_each_source():
    world = World(registration_rate=Rate(burst=1, per_s=1))
    world.role()
    request = CreateActivationRequest(iam_role="service-role/FairleadNode", registration_limit=9)
    activation = world.activations.create_activation(world.user(), request)
    register(world, activation)
    records = len(world.audit)
    with pytest.raises(Throttled):
        register(world, activation)
    assert len(world.audit) == records
    elsewhere = Origin(source_address="198.51.100.1")
    world.nodes.register_managed_instance(elsewhere, registration(activation))


def test_refused_registrations_do_not_fill_the_trail_wherever_they_come_from():
    world = World(anonymous_refusal_rate=Rate(burst=2, per_s=1))
    world.role()
    activation = world.activations.create_activation(
        world.user(), CreateActivationRequest(iam_role="service-role/FairleadNode")
    )
    before = len(world.audit)
    for number in range(5):
        guess = registration(activation, activation_code="A" * 20)
        with pytest.raises(InvalidActivation):
            world.nodes.register_managed_instance(Origin(source_address=f"192.0.2.{number}"), guess)
    assert len(world.audit) == before + 2
    register(world, activation)
    assert world.last_record.response_elements is not None


def role_token(world, caller, fingerprint=FINGERPRINT):
    request = RequestManagedInstanceRoleTokenRequest(fingerprint=fingerprint)
    return world.nodes.request_managed_instance_role_token(caller, request)


def test_a_node_gets_credentials_that_authenticate_it(world, by_key):
    token = role_token(world, by_key)
    assert token.access_key_id.startswith("ASIA")
    assert token.update_key_pair is False
    assert (token.token_expiration_date - world.now).total_seconds() == 3600
    credentials = sigv4.Credentials(token.access_key_id, token.secret_access_key, token.session_token)
    caller = world.authenticator.authenticate(signed_request(credentials, world.now), ORIGIN, "ssm")
    assert caller.node_id == NODE_ID


def test_another_machine_with_the_nodes_key_is_refused_and_recorded(world, by_key):
    with pytest.raises(MachineFingerprintMismatch, match=NODE_ID):
        role_token(world, by_key, "another")
    events = [record.event_name for record in world.audit]
    assert events == ["RequestManagedInstanceRoleToken", "MachineFingerprintMismatch"]


def test_credentials_do_not_bring_forth_credentials(world, by_key):
    caller = replace(by_key, access_key_id="ASIAIOSFODNN7EXAMPLE")
    with pytest.raises(AccessDenied, match="signature of the node's own key"):
        role_token(world, caller)
    with pytest.raises(AccessDenied):
        role_token(world, world.user())


def test_there_are_no_credentials_without_a_role_that_trusts_the_service(world, by_key):
    world.store.tables.roles.clear()
    with pytest.raises(AccessDenied, match="role does not exist or does not trust"):
        role_token(world, by_key)


def test_a_role_that_came_to_trust_others_gives_no_credentials(world, by_key):
    (role,) = world.store.tables.roles.values()
    trust_policy = role.trust_policy.replace("ssm.", "ec2.")
    world.store.tables.roles[role.id] = replace(role, trust_policy=trust_policy)
    with pytest.raises(AccessDenied, match="does not trust"):
        role_token(world, by_key)


def test_a_node_that_was_removed_meanwhile_gets_no_credentials(world, by_key):
    world.store.tables.nodes.clear()
    with pytest.raises(InvalidInstanceId):
        role_token(world, by_key)


def test_asking_for_credentials_leaves_no_record_when_all_is_well(world, by_key):
    role_token(world, by_key)
    assert not world.audit


def new_key(world, caller, key):
    request = UpdateManagedInstancePublicKeyRequest(
        new_public_key=public_key_text(key), new_public_key_type="Rsa"
    )
    return world.nodes.update_managed_instance_public_key(caller, request)


def test_a_node_changes_its_key_with_its_key(world, by_key):
    new_key(world, by_key, rsa_key(1))
    assert world.store.tables.nodes[NODE_ID].public_key == public_key_der(rsa_key(1))
    assert world.last_record.event_name == "UpdateManagedInstancePublicKey"


def test_a_node_does_not_change_its_key_with_its_credentials(world, by_key):
    with pytest.raises(AccessDenied):
        new_key(world, replace(by_key, access_key_id="ASIAIOSFODNN7EXAMPLE"), rsa_key(1))
    assert world.store.tables.nodes[NODE_ID].public_key == public_key_der(rsa_key())


def heartbeat(world, caller, node_id=NODE_ID, **members):
    request = UpdateInstanceInformationRequest(instance_id=node_id, **members)
    return world.nodes.update_instance_information(caller, request)


def test_a_heartbeat_is_kept_and_a_short_one_forgets_nothing(world):
    node = world.node()
    heartbeat(
        world, node, agent_version="3.3.1.0", platform_name="Debian\x1b[0m\nGNU", ip_address="192.0.2.1"
    )
    world.advance(minutes=5)
    heartbeat(world, node, agent_version="3.3.2.0")
    world.nodes.heartbeats.record()
    stored = world.store.tables.nodes[NODE_ID]
    assert stored.heartbeat.agent_version == "3.3.2.0"
    assert stored.heartbeat.platform_name == "Debian[0m GNU"
    assert stored.heartbeat.ip_address == "192.0.2.1"
    assert stored.last_ping_at == world.now
    assert not world.audit


def test_a_node_speaks_for_itself_only(world):
    node = world.node()
    world.node(OTHER_NODE)
    with pytest.raises(AccessDenied, match=f"managed-instance/{OTHER_NODE} because a node may"):
        heartbeat(world, node, OTHER_NODE, agent_version="9")
    with pytest.raises(AccessDenied):
        heartbeat(world, world.user())
    assert world.last_record.event_name == "UpdateInstanceInformation"
    assert world.store.tables.nodes[OTHER_NODE].last_ping_at is None


def test_a_node_that_was_removed_has_no_heartbeat(world):
    node = world.node()
    world.store.tables.nodes.clear()
    with pytest.raises(InvalidInstanceId):
        heartbeat(world, node)


def test_a_node_has_no_associations(world):
    node = world.node()
    request = ListInstanceAssociationsRequest(instance_id=NODE_ID)
    assert world.nodes.list_instance_associations(node, request).associations == ()
    with pytest.raises(AccessDenied):
        world.nodes.list_instance_associations(node, replace(request, instance_id=OTHER_NODE))


def deregister(world, caller, node_id=NODE_ID):
    return world.nodes.deregister_managed_instance(
        caller, DeregisterManagedInstanceRequest(instance_id=node_id)
    )


def test_deregistering_ends_the_nodes_sessions_and_tells_after_the_commit(world, admin):
    node = world.node()
    world.node(OTHER_NODE)
    sessions = [world.start(admin).session_id for _ in range(2)]
    elsewhere = world.start(admin, OTHER_NODE).session_id
    world.channels.create_control_channel(node, NODE_ID)
    world.channels.create_data_channel(node, sessions[0])
    commits = world.store.commits
    deregister(world, admin)
    for session_id in sessions:
        session = world.session(session_id)
        assert session.status is SessionStatus.TERMINATED
        assert session.end.reason is EndReason.NODE_DEREGISTERED
    assert world.session(elsewhere).status.is_active
    assert world.notifier.news[-3:] == [
        *(("terminated", session_id, EndReason.NODE_DEREGISTERED) for session_id in sorted(sessions)),
        ("removed", NODE_ID),
    ]
    assert set(world.notifier.commits_when_told[-3:]) == {commits + 1}
    opening = [token for token in world.store.tables.tokens.values() if token.channel_id == elsewhere]
    telling = [token for token in world.store.tables.tokens.values() if token not in opening]
    assert len(opening) == 1
    assert {token.side for token in telling} == {ChannelSide.CLIENT}


def test_a_deregistered_nodes_credentials_are_dead(world, admin, by_key):
    token = role_token(world, by_key)
    deregister(world, admin)
    credentials = sigv4.Credentials(token.access_key_id, token.secret_access_key, token.session_token)
    with pytest.raises(UnknownAccessKey):
        world.authenticator.authenticate(signed_request(credentials, world.now), ORIGIN, "ssm")


def test_deregistering_gives_no_place_of_the_activation_back(world, admin, activation):
    for _ in range(2):
        deregister(world, admin, register(world, activation))
    with pytest.raises(RegistrationLimitReached):
        register(world, activation)


def test_an_unknown_node_cannot_be_deregistered(world, admin):
    with pytest.raises(InvalidInstanceId, match="Not existing InstanceId"):
        deregister(world, admin)


def test_deregistering_is_granted_by_node(world):
    world.node()
    arn = f"arn:aws:ssm:us-east-1:111122223333:managed-instance/{OTHER_NODE}"
    caller = world.user("alice", policy(statement("Allow", "ssm:DeregisterManagedInstance", arn)))
    with pytest.raises(AccessDenied):
        deregister(world, caller)
    assert NODE_ID in world.store.tables.nodes


def test_a_node_cannot_deregister_itself_by_itself(world):
    with pytest.raises(AccessDenied):
        deregister(world, world.node())


def test_listing_nodes_needs_the_right(world):
    with pytest.raises(DomainError):
        world.nodes.describe_instance_information(world.node(), DescribeInstanceInformationRequest())


def test_our_own_agent_is_given_the_last_checkpoint_to_keep_and_no_other(world):
    node = world.node()
    assert heartbeat(world, node, agent_name="fairlead-agent").audit_checkpoint is None
    note = world.audit_log.checkpoint().note
    assert heartbeat(world, node, agent_name="fairlead-agent").audit_checkpoint == note
    assert heartbeat(world, node, agent_name="amazon-ssm-agent").audit_checkpoint is None
