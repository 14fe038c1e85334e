"""The sealed temporary credentials of users and role sessions."""

import base64
from datetime import timedelta

import pytest

from fairlead.control import node_credentials
from fairlead.control.sealing import Sealer
from fairlead.control.temporary_credentials import MAX_TOKEN_CHARACTERS, issue, open_token
from fairlead.domain.callers import TemporaryCredentials
from fairlead.domain.errors import PackedPolicyTooLarge, UnknownAccessKey
from tests.support.control_world import ALLOW_ALL, NODE_ID
from tests.support.factories import NOW

PRINCIPAL = "AROAEXAMPLE0000000001:deploy"


def facts(world, **members):
    return TemporaryCredentials(issued_at=world.now, **members)


def issued(world, **members):
    return issue(world.env, PRINCIPAL, "111122223333", 900, facts(world, **members))


def test_a_token_holds_all_there_is_to_know(world):
    credentials, token = issued(
        world,
        mfa_at=world.now - timedelta(seconds=5),
        policies=(ALLOW_ALL,),
        policy_arns=("arn:aws:iam::aws:policy/AdministratorAccess",),
        tags=(("team", "red"),),
        transitive_tag_keys=("team",),
        source_identity="alice",
    )
    assert open_token(world.env.sealer, token, credentials.access_key_id) == credentials
    assert (credentials.principal_id, credentials.account_id) == (PRINCIPAL, "111122223333")
    assert credentials.expires_at == world.now + timedelta(seconds=900)
    assert credentials.access_key_id.startswith("ASIA")


def test_the_secret_is_in_no_repr_and_not_readable_in_the_token(world):
    credentials, token = issued(world)
    assert credentials.secret_access_key not in repr(credentials)
    assert credentials.secret_access_key.encode() not in base64.b64decode(token)


@pytest.mark.parametrize("token", ["", "x", "AAAA", "é", "A" * (MAX_TOKEN_CHARACTERS + 1)])
def test_what_was_not_made_here_is_no_token(world, token):
    with pytest.raises(UnknownAccessKey):
        open_token(world.env.sealer, token, "ASIAEXAMPLE")


def test_a_token_belongs_to_its_key_its_installation_and_its_purpose(world):
    credentials, token = issued(world)
    with pytest.raises(UnknownAccessKey):
        open_token(world.env.sealer, token, "ASIAOTHER")
    with pytest.raises(UnknownAccessKey):
        open_token(Sealer(bytes(32), world.random_bytes), token, credentials.access_key_id)
    of_node, node_token = node_credentials.issue(world.env, NODE_ID, NOW)
    with pytest.raises(UnknownAccessKey):
        open_token(world.env.sealer, node_token, of_node.access_key_id)
    with pytest.raises(UnknownAccessKey):
        node_credentials.open_token(world.env.sealer, token, credentials.access_key_id)


def test_what_does_not_fit_into_a_header_is_refused(world):
    tags = tuple((f"key{number}", world.random_bytes(100).hex()) for number in range(40))
    with pytest.raises(PackedPolicyTooLarge):
        issued(world, tags=tags)
