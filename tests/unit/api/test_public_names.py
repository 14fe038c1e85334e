import pytest

from fairlead.api.public_names import PublicNames
from fairlead.domain.errors import HostRefused

NAMES = PublicNames(
    ["https://ssm.example.com", "https://[2001:db8::1]:8443", "https://other.example.net:9443"],
    ["127.0.0.1:8443", "localhost:8443"],
)


@pytest.mark.parametrize(
    "host",
    [
        "ssm.example.com",
        "ssm.example.com:443",
        "SSM.Example.com",
        "ssm.example.com.",
        "[2001:DB8::1]:8443",
        "other.example.net:9443",
        "localhost:8443",
    ],
)
def test_own_names_are_known_however_they_are_spelt(host: str) -> None:
    assert NAMES.contains(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example.com",
        "ssm.example.com:8443",
        "other.example.net",
        "localhost",
        "[2001:db8::1]",
        ":",
        "a:b:c",
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert not NAMES.contains(host)


def test_clients_stream_to_the_public_name_that_they_called() -> None:
    assert NAMES.stream_base_url("other.example.net:9443") == "wss://other.example.net:9443"


def test_clients_that_called_another_address_stream_to_the_preferred_name() -> None:
    assert NAMES.stream_base_url("localhost:8443") == "wss://ssm.example.com"


def test_a_public_name_that_is_also_an_address_is_kept_for_streaming() -> None:
    names = PublicNames(["https://a.example", "https://127.0.0.1:8443"], ["127.0.0.1:8443"])
    assert names.stream_base_url("127.0.0.1:8443") == "wss://127.0.0.1:8443"


def test_plain_http_gives_plain_streams() -> None:
    names = PublicNames(["http://127.0.0.1:8080"])
    assert names.stream_base_url("127.0.0.1:8080") == "ws://127.0.0.1:8080"


def test_a_request_has_one_host_header_and_it_names_us() -> None:
    assert NAMES.check(["localhost:8443"]) == "localhost:8443"


@pytest.mark.parametrize(
    ("hosts", "text"),
    [
        ([], "one Host header"),
        (["localhost:8443", "localhost:8443"], "one Host header"),
        (["evil.example"], "not known as 'evil.example'"),
    ],
)
def test_any_other_host_is_refused_with_what_to_do(hosts: list[str], text: str) -> None:
    with pytest.raises(HostRefused, match=text):
        NAMES.check(hosts)
