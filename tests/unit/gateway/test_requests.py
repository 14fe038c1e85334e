"""Addresses, byte for byte, and who signed."""

import pytest

from fairlead.aws.canonical import Request
from fairlead.domain.callers import CallerKind, Origin
from fairlead.gateway.requests import ChannelAddress, ChannelKind, is_node, is_signed, single_header
from tests.support.gateway_rig import a_caller

NODE = "mi-0123456789abcdef0"


def test_both_kinds_of_channel_have_an_address():
    assert ChannelAddress.parse(f"/v1/control-channel/{NODE}") == ChannelAddress(ChannelKind.CONTROL, NODE)
    assert ChannelAddress.parse("/v1/data-channel/a.b@c-1") == ChannelAddress(ChannelKind.DATA, "a.b@c-1")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1/data-channel",
        "/v1/data-channel/",
        "/v1/data-channel/a/",
        "/v1/data-channel/a/b",
        "/v1/data-channel/..",
        "/v1/data-channel/../data-channel/a",
        "/v1/data-channel/a%2fb",
        "/v1/data-channel/%61",
        "/V1/data-channel/a",
        "/v1/DATA-CHANNEL/a",
        "//v1/data-channel/a",
        "/v1/data-channel/a\n",
        "/v1/data-channel/ä",
        "/v1/data-channel/" + "a" * 129,
        "/v1/other-channel/a",
    ],
)
def test_every_other_path_has_none(path):
    assert ChannelAddress.parse(path) is None


def test_a_doubled_header_is_as_good_as_none():
    request = Request("GET", "/", "", [("Host", "a"), ("HOST", "b"), ("X", "1"), ("Authorization", "z")])
    assert (single_header(request, "host"), single_header(request, "x")) == ("", "1")
    assert is_signed(request)
    assert not is_signed(Request("GET", "/", "", []))


def test_only_nodes_are_nodes():
    node = a_caller(CallerKind.NODE, NODE, Origin(source_address="192.0.2.1"))
    user = a_caller(CallerKind.USER, "alice", Origin(source_address="192.0.2.1"))
    assert is_node(node)
    assert is_node(node, NODE)
    assert not is_node(node, "mi-2")
    assert not is_node(user)
    assert not is_node(None)
