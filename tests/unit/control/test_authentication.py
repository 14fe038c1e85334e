"""Who makes a call, by three kinds of credentials."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.aws import sigv4
from fairlead.aws.errors import (
    MissingAuthentication,
    ScopeMismatch,
    SignatureExpired,
    SignatureMismatch,
    SignatureNotYetCurrent,
)
from fairlead.control.authentication import Authenticator
from fairlead.control.environment import Rate
from fairlead.control.node_credentials import issue
from fairlead.control.throttling import TokenBuckets
from fairlead.domain.callers import CallerKind, Origin
from fairlead.domain.errors import CredentialsExpired, InvalidInstanceId, Throttled, UnknownAccessKey
from fairlead.domain.scope import Scope
from tests.support.control_world import (
    NODE_ID,
    ORIGIN,
    World,
    http_request,
    node_signed_request,
    public_key_der,
    rsa_key,
    signed_request,
)
from tests.support.factories import NOW


@pytest.fixture
def alice(world):
    return world.user("alice")


@pytest.fixture
def key(world, alice):
    return world.key_of(alice, "alices secret")


@pytest.fixture
def node_key(world):
    """The credentials of a node's role, as its agent has them."""
    world.node(public_key=public_key_der(rsa_key()))
    credentials, session_token = issue(world.env, NODE_ID, NOW)
    return sigv4.Credentials(credentials.access_key_id, credentials.secret_access_key, session_token)


def authenticate(world, request, service="ssm"):
    return world.authenticator.authenticate(request, ORIGIN, service)


def test_a_users_signature_names_the_user(world, alice, key):
    caller = authenticate(world, signed_request(key, world.now))
    assert caller == replace(alice, access_key_id=key.access_key_id)
    assert caller.scope == Scope("111122223333", "us-east-1")


def test_the_callers_region_is_the_one_signed_for(world, alice, key):
    caller = authenticate(world, signed_request(key, world.now, region="eu-central-1"))
    assert caller.scope.region == "eu-central-1"


@pytest.mark.parametrize("part", [{"region": "mars-1"}, {"service": "iam"}])
def test_a_signature_for_another_region_or_service_is_refused(world, alice, key, part):
    with pytest.raises(ScopeMismatch):
        authenticate(world, signed_request(key, world.now, **part))


def test_a_wrong_secret_is_refused(world, alice, key):
    with pytest.raises(SignatureMismatch):
        authenticate(world, signed_request(sigv4.Credentials(key.access_key_id, "guess"), world.now))


def test_an_unsigned_request_is_refused(world):
    with pytest.raises(MissingAuthentication):
        authenticate(world, http_request())


def test_an_unknown_key_is_refused(world, key):
    with pytest.raises(UnknownAccessKey):
        authenticate(world, signed_request(sigv4.Credentials("AKIAUNKNOWN", "s"), world.now))


def test_an_inactive_key_is_refused(world, alice):
    key = world.key_of(alice, is_active=False)
    with pytest.raises(UnknownAccessKey):
        authenticate(world, signed_request(key, world.now))


def test_the_key_of_a_deleted_user_is_refused(world, alice, key):
    world.store.tables.users.clear()
    with pytest.raises(UnknownAccessKey):
        authenticate(world, signed_request(key, world.now))


def test_a_users_key_with_a_session_token_is_refused(world, alice, key):
    with_token = sigv4.Credentials(key.access_key_id, key.secret_access_key, "token")
    with pytest.raises(UnknownAccessKey):
        authenticate(world, signed_request(with_token, world.now))


def test_the_clocks_may_differ_by_five_minutes(world, alice, key):
    request = signed_request(key, world.now)
    world.advance(minutes=5)
    authenticate(world, request)
    world.advance(seconds=1)
    with pytest.raises(SignatureExpired):
        authenticate(world, request)
    world.advance(minutes=-11)
    with pytest.raises(SignatureNotYetCurrent):
        authenticate(world, request)


def test_a_nodes_credentials_name_the_session_of_its_role(world, node_key):
    caller = authenticate(world, signed_request(node_key, world.now, service="ssmmessages"), "ssmmessages")
    assert caller.kind is CallerKind.NODE
    assert caller.node_id == caller.name == NODE_ID
    assert caller.arn == f"arn:aws:sts::111122223333:assumed-role/FairleadNode/{NODE_ID}"
    assert caller.principal_id == f"AROAEXAMPLENODE000001:{NODE_ID}"
    assert caller.role_name == "FairleadNode"
    assert caller.role_arn == "arn:aws:iam::111122223333:role/service-role/FairleadNode"


def test_a_nodes_credentials_expire(world, node_key):
    world.advance(seconds=world.settings.node_token_lifetime_s - 1)
    authenticate(world, signed_request(node_key, world.now))
    world.advance(seconds=1)
    with pytest.raises(CredentialsExpired):
        authenticate(world, signed_request(node_key, world.now))


def test_only_who_has_the_secret_learns_that_credentials_have_expired(world, node_key):
    world.advance(days=1)
    guess = sigv4.Credentials(node_key.access_key_id, "guess", node_key.session_token)
    with pytest.raises(SignatureMismatch):
        authenticate(world, signed_request(guess, world.now))


def test_a_nodes_credentials_die_with_the_node(world, node_key):
    world.store.tables.nodes.clear()
    with pytest.raises(UnknownAccessKey):
        authenticate(world, signed_request(node_key, world.now))


def test_a_nodes_credentials_are_worth_nothing_without_its_role(world, node_key):
    world.store.tables.roles.clear()
    with pytest.raises(UnknownAccessKey):
        authenticate(world, signed_request(node_key, world.now))


def test_credentials_of_a_node_are_not_of_one_that_takes_its_id_later(world, node_key):
    node = world.store.tables.nodes[NODE_ID]
    world.store.tables.nodes[NODE_ID] = replace(node, registered_at=NOW + timedelta(seconds=1))
    with pytest.raises(UnknownAccessKey):
        authenticate(world, signed_request(node_key, world.now))


def test_a_node_stays_in_its_region(world, node_key):
    with pytest.raises(ScopeMismatch):
        authenticate(world, signed_request(node_key, world.now, region="eu-central-1"))


def test_a_session_token_belongs_to_its_key(world, node_key):
    other, _ = issue(world.env, NODE_ID, NOW)
    mixed = sigv4.Credentials(other.access_key_id, other.secret_access_key, node_key.session_token)
    with pytest.raises(UnknownAccessKey):
        authenticate(world, signed_request(mixed, world.now))


@pytest.mark.parametrize("token", [None, "", "x", "AAAA", "é", "A" * 4096])
def test_a_made_up_session_token_is_refused(world, node_key, token):
    made_up = sigv4.Credentials(node_key.access_key_id, node_key.secret_access_key, token)
    with pytest.raises(UnknownAccessKey):
        authenticate(world, signed_request(made_up, world.now))


def test_a_node_is_known_by_its_key(world):
    node = world.node(public_key=public_key_der(rsa_key()))
    request = node_signed_request(NODE_ID, rsa_key(), world.now)
    caller = world.authenticator.authenticate_node_key(request, ORIGIN)
    assert caller == replace(node, access_key_id=NODE_ID)


def test_a_node_without_its_role_is_known_by_its_key_all_the_same(world):
    world.node(public_key=public_key_der(rsa_key()))
    world.store.tables.roles.clear()
    request = node_signed_request(NODE_ID, rsa_key(), world.now)
    caller = world.authenticator.authenticate_node_key(request, ORIGIN)
    assert (caller.node_id, caller.role_arn) == (NODE_ID, None)


def test_another_nodes_key_is_refused(world):
    world.node(public_key=public_key_der(rsa_key()))
    request = node_signed_request(NODE_ID, rsa_key(1), world.now)
    with pytest.raises(SignatureMismatch):
        world.authenticator.authenticate_node_key(request, ORIGIN)


@pytest.mark.parametrize("part", [{"region": "eu-central-1"}, {"service": "ssmmessages"}])
def test_a_node_key_signs_for_ssm_in_its_region_only(world, part):
    world.node(public_key=public_key_der(rsa_key()))
    request = node_signed_request(NODE_ID, rsa_key(), world.now, **part)
    with pytest.raises(ScopeMismatch):
        world.authenticator.authenticate_node_key(request, ORIGIN)


def test_a_deregistered_node_is_told_that_it_does_not_exist(world):
    request = node_signed_request(NODE_ID, rsa_key(), world.now)
    with pytest.raises(InvalidInstanceId, match=f"Not existing InstanceId {NODE_ID}"):
        world.authenticator.authenticate_node_key(request, ORIGIN)


def test_only_node_ids_call_with_a_node_key(world, alice, key, node_key):
    for credentials in (key, node_key):
        with pytest.raises(UnknownAccessKey):
            world.authenticator.authenticate_node_key(signed_request(credentials, world.now), ORIGIN)


def test_a_node_id_is_no_access_key(world):
    world.node(public_key=public_key_der(rsa_key()))
    with pytest.raises(UnknownAccessKey):
        authenticate(world, node_signed_request(NODE_ID, rsa_key(), world.now))


def test_a_source_that_fails_too_often_is_slowed_down_and_others_are_not():
    world = World(failed_signature_rate=Rate(burst=2, per_s=1))
    for _ in range(2):
        with pytest.raises(MissingAuthentication):
            authenticate(world, http_request())
    with pytest.raises(Throttled):
        authenticate(world, http_request())
    with pytest.raises(MissingAuthentication):
        world.authenticator.authenticate(http_request(), Origin(source_address="198.51.100.1"), "ssm")
    world.advance(seconds=1)
    with pytest.raises(MissingAuthentication):
        authenticate(world, http_request())


def test_a_good_signature_passes_behind_an_address_that_fails():
    world = World(failed_signature_rate=Rate(burst=1, per_s=0.1))
    key = world.key_of(world.user("alice"))
    for error in (MissingAuthentication, Throttled, Throttled):
        with pytest.raises(error):
            authenticate(world, http_request())
    assert authenticate(world, signed_request(key, world.now)).name == "alice"


def test_failures_with_node_keys_count_too(world):
    authenticator = Authenticator(world.env, TokenBuckets(Rate(burst=1, per_s=1), 10))
    request = node_signed_request(NODE_ID, rsa_key(), world.now)
    for error in (InvalidInstanceId, Throttled):
        with pytest.raises(error):
            authenticator.authenticate_node_key(request, ORIGIN)
