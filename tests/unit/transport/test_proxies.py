"""Which proxy applies, and the conversation with it."""

from base64 import b64decode

import pytest

from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import AddressError, ProxyError
from fairlead.transport.proxies import (
    MAX_PROXY_RESPONSE_BYTES,
    check_connect_response,
    connect_request,
    is_exempt,
    parse_proxy,
    proxy_for,
)

ENDPOINT = parse_endpoint("wss://ssm.example:8443/v1")
PROXY = parse_proxy("http://al:s3%63ret%@proxy.example:3128/", "HTTPS_PROXY")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://up:1"}, ("up", 1)),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}, ("low", 1)),
        ({"ALL_PROXY": "all.example"}, ("all.example", 80)),
        ({"all_proxy": "http://all:2", "HTTPS_PROXY": "http://up:1"}, ("up", 1)),
        ({"HTTPS_PROXY": " "}, None),
        ({"HTTP_PROXY": "http://plain:1"}, None),
        ({"HTTPS_PROXY": "http://up:1", "NO_PROXY": "other.example, ssm.example"}, None),
        ({"HTTPS_PROXY": "http://up:1", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "http://[::1]:3128"}, ("::1", 3128)),
    ],
)
def test_the_environment_names_the_proxy(environ, expected):
    proxy = proxy_for("https://ssm.example/", environ)
    assert (proxy and (proxy.host, proxy.port)) == expected


@pytest.mark.parametrize(
    "url", ["https://localhost:8443/", "https://127.0.0.1/", "wss://[::1]/", "http://localhost/"]
)
def test_loopback_never_goes_through_a_proxy(url):
    assert proxy_for(url, {"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "http://p:1"}) is None


@pytest.mark.parametrize("value", ["socks5://p:1080", "https://p:443", "http://", "http://p:x", "p:1:2"])
def test_what_is_no_http_proxy_is_refused_by_the_name_of_the_variable(value):
    with pytest.raises(ProxyError, match="ALL_PROXY"):
        proxy_for("https://ssm.example/", {"ALL_PROXY": value})


def test_a_url_that_is_none_is_refused():
    with pytest.raises(AddressError):
        proxy_for("nonsense", {})


@pytest.mark.parametrize(
    ("host", "entry", "exempt"),
    [
        ("a.example", "a.example", True),
        ("x.a.example", "a.example", True),
        ("x.a.example", ".a.example", True),
        ("x.a.example", "*.a.example", True),
        ("A.Example.", "a.EXAMPLE", True),
        ("ba.example", "a.example", False),
        ("a.example", "a.example:443", True),
        ("a.example", "a.example:444", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:443", True),
        ("10.1.2.3", "10.0.0.0/x", False),
        ("10.1.2.3", "10.0.0.0/33", False),
        ("2001:db8::5", "2001:db8::/32", True),
        ("2001:db8::5", "2001:db8::5", True),
        ("2001:db8::5", "[2001:db8::5]:443", True),
        ("2001:db8::5", "[2001:db8::5]:1", False),
        ("10.1.2.3", "2001:db8::/32", False),
        ("a.example", "10.0.0.0/8", False),
        ("a.example", ".", False),
    ],
)
def test_no_proxy_entries(host, entry, exempt):
    assert is_exempt(host, 443, f"unrelated.example,{entry} ,another") is exempt


def test_the_request_for_a_tunnel_carries_decoded_credentials():
    head = connect_request(ENDPOINT, PROXY).decode()
    lines = head.split("\r\n")
    assert lines[:2] == ["CONNECT ssm.example:8443 HTTP/1.1", "Host: ssm.example:8443"]
    assert b64decode(lines[2].removeprefix("Proxy-Authorization: Basic ")) == b"al:s3cret%"
    assert lines[3:] == ["", ""]


def test_without_a_user_nothing_is_said_about_authorization():
    assert b"Authorization" not in connect_request(ENDPOINT, parse_proxy("p:1", "https_proxy"))


def test_an_address_of_ipv6_is_bracketed_in_the_request():
    assert connect_request(parse_endpoint("wss://[::2]/"), PROXY).startswith(
        b"CONNECT [::2]:443 HTTP/1.1\r\n"
    )


def test_the_password_is_in_no_text_for_people():
    assert "s3cret" not in repr(PROXY) + PROXY.shown


def test_the_answer_is_awaited_to_its_end():
    answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"
    assert [check_connect_response(answer[:end], ENDPOINT, PROXY) for end in (0, 12, len(answer) - 1)] == [
        False
    ] * 3
    assert check_connect_response(answer, ENDPOINT, PROXY)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "put USER:PASSWORD@ into HTTPS_PROXY"),
        (
            b"HTTP/1.1 403 Forbidden\x1b[0m\r\n\r\n",
            "403 Forbidden \\[0m; ask for ssm.example:8443 to be allowed",
        ),
        (b"HTTP/1.0 502 Bad Gateway\r\n\r\n", "502 Bad Gateway; ask its operator"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not answer as an HTTP proxy"),
        (b"HTTP/1.1 2x0 fine\r\n\r\n", "does not answer as an HTTP proxy"),
        (b"HTTP/1.1 200 OK\r\n\r\n\x16\x03", "data of its own"),
        (b"x" * (MAX_PROXY_RESPONSE_BYTES + 1), "more than 16384 bytes"),
    ],
)
def test_a_refusal_names_the_proxy_and_the_remedy(answer, said):
    with pytest.raises(ProxyError, match=said) as refused:
        check_connect_response(answer, ENDPOINT, PROXY)
    assert "proxy.example:3128" in str(refused.value)
    assert "\x1b" not in str(refused.value)
