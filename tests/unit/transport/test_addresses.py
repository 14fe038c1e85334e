"""Where a URL leads, and which may go without TLS."""

import pytest

from fairlead.transport.addresses import (
    MAX_URL_LENGTH,
    is_loopback,
    packed_address,
    parse_endpoint,
    split_host_port,
)
from fairlead.transport.errors import AddressError


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "host_header"),
    [
        ("https://ssm.example", "ssm.example", 443, "/", "ssm.example"),
        ("WSS://SSM.Example:8443/v1/x?role=a", "ssm.example", 8443, "/v1/x?role=a", "ssm.example:8443"),
        ("https://[2001:db8::1]/", "2001:db8::1", 443, "/", "[2001:db8::1]"),
        ("https://[2001:db8::1]:9443?q=1", "2001:db8::1", 9443, "/?q=1", "[2001:db8::1]:9443"),
        ("https://h.example/a#fragment", "h.example", 443, "/a", "h.example"),
        ("http://localhost:8080/", "localhost", 8080, "/", "localhost:8080"),
        ("ws://127.9.9.9", "127.9.9.9", 80, "/", "127.9.9.9"),
        ("http://[::1]:80/", "::1", 80, "/", "[::1]"),
    ],
)
def test_a_url_is_taken_apart(url, host, port, target, host_header):
    endpoint = parse_endpoint(url)
    assert (endpoint.host, endpoint.port, endpoint.target) == (host, port, target)
    assert endpoint.host_header == host_header


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example",
        "ftp://h/",
        "https://",
        "https://:443/",
        "https://h:0/",
        "https://h:65536/",
        "https://h:٣/",
        "https://h:1:2/",
        "https://[::1/",
        "https://[h]/",
        "https://[::1]x/",
        "https://h/a b",
        "https://h/\r\nX: y",
        "https://h/ä",
        "https://h/" + "x" * MAX_URL_LENGTH,
    ],
)
def test_what_is_no_usable_url_is_refused(url):
    with pytest.raises(AddressError):
        parse_endpoint(url)


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(AddressError) as refused:
        parse_endpoint("https://user:hunter2@h.example/")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://ssm.example/", "ws://10.0.0.1/", "http://localhost.example/", "ws://[::2]/"]
)
def test_only_loopback_may_go_without_tls(url):
    with pytest.raises(AddressError, match="without TLS"):
        parse_endpoint(url)


def test_a_connection_serves_both_schemes_of_one_server_only():
    api = parse_endpoint("https://h.example:8443/")
    assert api.same_server(parse_endpoint("wss://h.example:8443/v1/data-channel/s"))
    assert not api.same_server(parse_endpoint("wss://h.example/"))
    assert not parse_endpoint("http://127.0.0.1:443/").same_server(parse_endpoint("https://127.0.0.1/"))


def test_loopback_is_judged_by_the_written_address_alone():
    assert all(map(is_loopback, ("localhost", "localhost.", "127.0.0.1", "127.255.0.9", "::1")))
    assert not any(map(is_loopback, ("localhost.example", "::ffff:127.0.0.1", "128.0.0.1", "")))


def test_a_zone_does_not_hide_an_address():
    assert packed_address("fe80::1%eth0") == bytes.fromhex("fe80" + "0" * 27 + "1")


def test_host_and_port_are_cut():
    assert split_host_port("Proxy.Example:3128", 80) == ("proxy.example", 3128)
    assert split_host_port("[::1]", 80) == ("::1", 80)
