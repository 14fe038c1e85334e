from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from fairlead.server.errors import StartError
from fairlead.server.settings import ListenAddress, ServerSettings, read_settings

STATE = Path("/nonexistent/state")


def _read(**options: Any) -> ServerSettings:
    return read_settings(state_dir=STATE, **options)


def test_every_option_but_the_state_directory_has_a_default() -> None:
    settings = _read()
    assert settings.listen == ListenAddress("127.0.0.1", 8443)
    assert settings.scheme == "https"
    assert settings.public_urls == ()


def test_options_become_values() -> None:
    settings = _read(
        listen="[::1]:0",
        public_urls=["https://A.example/", "https://[2001:db8::1]:8443"],
        regions=["eu-test-1", "us-east-1"],
        trusted_proxies=["10.0.0.0/8"],
        account_id="012345678901",
    )
    assert settings.listen == ListenAddress("::1", 0)
    assert settings.public_urls == ("https://a.example", "https://[2001:db8::1]:8443")
    assert settings.regions == ("eu-test-1", "us-east-1")
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"),)
    assert settings.account_id == "012345678901"


@pytest.mark.parametrize(
    "listen", ["", "8443", "host", "host:", "host:70000", "::1:8443", "host:-1", "host:१"]
)
def test_a_listen_address_has_a_host_and_a_port(listen: str) -> None:
    with pytest.raises(StartError, match="HOST:PORT"):
        _read(listen=listen)


@pytest.mark.parametrize("host", ["", "*", "0.0.0.0", "[::]"])
def test_a_wildcard_needs_a_public_name(host: str) -> None:
    with pytest.raises(StartError, match="--public-url"):
        _read(listen=f"{host}:8443")
    assert _read(listen=f"{host}:8443", public_urls=["https://a.example"]).listen.is_wildcard


@pytest.mark.parametrize(
    "url",
    [
        "a.example",
        "ftp://a.example",
        "https://",
        "https://a.example/path",
        "https://a.example?x",
        "https://user@a.example",
        "https://a.example:99999",
        "http://a.example",
        "https://[::1",
        f"https://{'a' * 64}.example",
    ],
)
def test_a_public_url_is_https_and_a_name(url: str) -> None:
    with pytest.raises(StartError, match="--public-url"):
        _read(public_urls=[url])


@pytest.mark.parametrize("account_id", ["1", "12345678901", "1234567890123", "12345678901x", "१२३४५६७८९०१२"])
def test_an_account_id_has_twelve_digits(account_id: str) -> None:
    with pytest.raises(StartError, match="12 digits"):
        _read(account_id=account_id)


@pytest.mark.parametrize("region", ["", "EU-1", "eu_1", "eu-", "-eu", "x" * 33, "eu/1"])
def test_a_region_is_named_as_aws_names_them(region: str) -> None:
    with pytest.raises(StartError, match="--region"):
        _read(regions=[region])


def test_a_trusted_proxy_is_a_network() -> None:
    with pytest.raises(StartError, match="--trusted-proxy"):
        _read(trusted_proxies=["10.0.0.1/8"])


@pytest.mark.parametrize("listen", ["192.0.2.1:80", "name.example:80"])
def test_plain_http_is_for_loopback(listen: str) -> None:
    with pytest.raises(StartError, match="loopback"):
        _read(insecure_http=True, listen=listen)


@pytest.mark.parametrize("listen", ["127.0.0.1:80", "127.8.8.8:80", "[::1]:80", "localhost:80"])
def test_plain_http_on_loopback_is_taken(listen: str) -> None:
    assert _read(insecure_http=True, listen=listen, public_urls=["http://x.example"]).scheme == "http"


def test_options_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(StartError, match="exclude"):
        _read(insecure_http=True, tls_cert=Path("c"))
    with pytest.raises(StartError, match="--tls-cert"):
        _read(tls_key=Path("k"))


def test_an_address_is_written_as_in_a_url() -> None:
    assert ListenAddress("::1", 0).authority(8443) == "[::1]:8443"
    assert ListenAddress("localhost", 80).authority() == "localhost:80"
