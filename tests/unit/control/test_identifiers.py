"""Ids and secrets have the forms that AWS gives them, and as much chance as they promise."""

import hashlib
import re

import pytest

from fairlead.control import identifiers


def asked_bytes():
    """A source of bytes that remembers how many it was asked for."""
    asked = []

    def random_bytes(count):
        asked.append(count)
        return bytes(range(250, 250 - count, -1))

    return random_bytes, asked


@pytest.mark.parametrize(
    ("make", "pattern", "bits"),
    [
        (identifiers.uuid_text, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", 122),
        (identifiers.user_id, r"AIDA[A-Z2-7]{17}", 85),
        (identifiers.role_id, r"AROA[A-Z2-7]{17}", 85),
        (identifiers.access_key_id, r"AKIA[A-Z2-7]{16}", 80),
        (identifiers.temporary_access_key_id, r"ASIA[A-Z2-7]{16}", 80),
        (identifiers.secret_access_key, r"[A-Za-z0-9+/]{40}", 240),
        (identifiers.activation_code, r"[A-Za-z0-9+/]{20}", 120),
        (identifiers.node_id, r"mi-[0-9a-f]{17}", 68),
        (lambda source: identifiers.session_id("alice", source), r"alice-[a-z2-7]{26}", 130),
        (identifiers.channel_token, r"[A-Za-z0-9_-]{43}", 256),
    ],
)
def test_form_and_chance(make, pattern, bits):
    random_bytes, asked = asked_bytes()
    assert re.fullmatch(pattern, make(random_bytes))
    assert sum(asked) * 8 >= bits


def test_a_session_id_fits_for_the_longest_name():
    assert len(identifiers.session_id("x" * 64, lambda count: bytes(count))) <= 96


def test_a_digest_is_sha_256_and_takes_any_text():
    assert identifiers.digest("code") == hashlib.sha256(b"code").digest()
    assert len(identifiers.digest("\ud800")) == 32
