"""Calls that are made together, as they come in a request."""

import json
import zlib

import pytest

from fairlead.control.identity_calls import MAX_CALLS, MAX_CALLS_BYTES, IdentityCall, read_calls
from fairlead.domain.errors import IdentityCallRefused


def test_calls_are_read_in_their_order():
    entries = [{"Operation": name, "Parameters": {"UserName": "bob"}} for name in ("CreateUser", "TagUser")]
    assert read_calls(zlib.compress(json.dumps(entries).encode())) == (
        IdentityCall("CreateUser", {"UserName": "bob"}),
        IdentityCall("TagUser", {"UserName": "bob"}),
    )


@pytest.mark.parametrize(
    ("compressed", "words"),
    [
        (b"[]", "not a compressed list"),
        (zlib.compress(b"{"), "not a compressed list"),
        (zlib.compress(b"[" * 100_000), "not a compressed list"),
        (zlib.compress(b"{}"), "not a list of at most"),
        (zlib.compress(json.dumps([{}] * (MAX_CALLS + 1)).encode()), "not a list of at most"),
        (zlib.compress(b" " * (MAX_CALLS_BYTES + 1)), "cut short, or longer than"),
        (zlib.compress(b"[]")[:-1], "cut short, or longer than"),
        (zlib.compress(b'[{"Operation": 7, "Parameters": {}}]'), "Call 1 has no Operation"),
        (zlib.compress(b'[{"Operation": "CreateUser"}]'), "Call 1 has no Operation"),
    ],
)
def test_what_is_no_list_of_calls_is_refused_in_words(compressed, words):
    with pytest.raises(IdentityCallRefused, match=words):
        read_calls(compressed)
