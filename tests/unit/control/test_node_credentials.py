"""The sealed credentials of nodes."""

import base64

import pytest

from fairlead.control.node_credentials import issue, open_token
from fairlead.control.sealing import Sealer
from fairlead.domain.errors import UnknownAccessKey
from tests.support.control_world import NODE_ID
from tests.support.factories import NOW


def test_a_token_holds_all_there_is_to_know(world):
    credentials, token = issue(world.env, NODE_ID, NOW)
    assert open_token(world.env.sealer, token, credentials.access_key_id) == credentials
    assert credentials.node_id == NODE_ID
    assert (credentials.expires_at - world.now).total_seconds() == world.settings.node_token_lifetime_s


def test_expiry_is_in_whole_seconds_so_that_the_agent_is_told_exactly(world):
    world.advance(microseconds=250_000)
    credentials, _ = issue(world.env, NODE_ID, NOW)
    assert credentials.expires_at.microsecond == 0


def test_nothing_of_a_token_can_be_read_without_the_master_key(world):
    credentials, token = issue(world.env, NODE_ID, NOW)
    sealed = base64.b64decode(token)
    assert NODE_ID.encode() not in sealed
    assert credentials.secret_access_key.encode() not in sealed
    with pytest.raises(UnknownAccessKey):
        open_token(Sealer(bytes(32), world.random_bytes), token, credentials.access_key_id)


def test_a_value_sealed_for_another_purpose_is_no_token(world):
    sealed = world.env.sealer.seal(b'["mi-x", "ASIA", "s", "2026-11-01"]', b"paging:x")
    with pytest.raises(UnknownAccessKey):
        open_token(world.env.sealer, base64.b64encode(sealed).decode(), "ASIA")


def test_the_secret_does_not_show(world):
    credentials, _ = issue(world.env, NODE_ID, NOW)
    assert credentials.secret_access_key not in repr(credentials)
    assert NODE_ID in repr(credentials)
