from ipaddress import ip_network

import pytest

from fairlead.api.origin import MAX_USER_AGENT_CHARACTERS, OriginReader
from fairlead.aws.canonical import Request

READER = OriginReader([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def _request(*headers: tuple[str, str]) -> Request:
    return Request("POST", "/", "", headers)


def test_without_a_proxy_the_peer_is_the_origin_whatever_headers_say() -> None:
    request = _request(("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-Proto", "https"))
    origin = READER.read(request, "203.0.113.5", is_secure=False)
    assert (origin.source_address, origin.secure) == ("203.0.113.5", False)


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("nonsense", "10.0.0.1"),
        ("198.51.100.7, nonsense, 10.2.2.2", "10.2.2.2"),
        ("", "10.0.0.1"),
        ("2001:db8::7", "2001:db8::7"),
    ],
)
def test_a_trusted_proxy_is_believed_up_to_the_first_stranger(forwarded: str, expected: str) -> None:
    request = _request(("X-Forwarded-For", forwarded))
    assert READER.read(request, "10.0.0.1", is_secure=True).source_address == expected


def test_repeated_forwarded_headers_count_as_one_list() -> None:
    request = _request(("X-Forwarded-For", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7"))
    assert READER.read(request, "10.0.0.1", is_secure=True).source_address == "198.51.100.7"


def test_a_trusted_proxy_tells_whether_its_client_used_tls() -> None:
    request = _request(("X-Forwarded-Proto", "https"))
    assert READER.read(request, "10.0.0.1", is_secure=False).secure
    assert not READER.read(_request(), "10.0.0.1", is_secure=False).secure
    doubled = _request(("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http"))
    assert not READER.read(doubled, "10.0.0.1", is_secure=False).secure


def test_an_ipv4_peer_of_a_dual_stack_socket_is_an_ipv4_address() -> None:
    assert READER.read(_request(), "::ffff:203.0.113.5", is_secure=True).source_address == "203.0.113.5"


def test_a_peer_without_an_address_is_kept_as_it_is() -> None:
    assert READER.read(_request(), "", is_secure=True).source_address == ""


def test_a_long_user_agent_is_cut() -> None:
    origin = READER.read(_request(("User-Agent", "x" * 5000)), "203.0.113.5", is_secure=True, request_id="r")
    assert len(origin.user_agent) == MAX_USER_AGENT_CHARACTERS
    assert origin.request_id == "r"
