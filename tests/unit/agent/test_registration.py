"""What is checked before any server is spoken to."""

import pytest

from fairlead.agent.errors import SettingsError
from fairlead.agent.registration import RegistrationRequest, certificate_digest, check_request, parse_pin
from fairlead.transport.errors import AddressError
from tests.support.certificates import Authority

HEX = "ab" * 32


def request(**changes):
    values = {
        "endpoint": "https://fairlead.example:8443",
        "activation_id": "9f0e2b0c-5a6e-4a4e-9d4a-2f6b8a5f0c11",
        "activation_code": "Qk3mZ8vT1xYp0LwRs5Nd",
        "region": "us-east-1",
    }
    return RegistrationRequest(**{**values, **changes})


def test_a_whole_request_passes():
    assert check_request(request()).authority == "fairlead.example:8443"
    assert check_request(request(endpoint="http://127.0.0.1:8080")).port == 8080


@pytest.mark.parametrize(
    "endpoint", ["http://fairlead.example", "fairlead.example", "https://u:p@fairlead.example"]
)
def test_an_endpoint_without_tls_or_not_a_url_is_refused(endpoint):
    with pytest.raises(AddressError):
        check_request(request(endpoint=endpoint))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"endpoint": "https://fairlead.example/path"}, "--endpoint"),
        ({"endpoint": "wss://fairlead.example"}, "--endpoint"),
        ({"activation_id": "short"}, "--activation-id"),
        ({"activation_code": "short"}, "20 to 250 characters"),
        ({"activation_code": "x" * 251}, "20 to 250 characters"),
        ({"activation_code": "Qk3mZ8vT1xYp0LwRs5N\n"}, "characters that no activation code has"),
        ({"region": "US East"}, "--region"),
        ({"ca_file": "ca.pem", "ca_pin": f"sha256:{HEX}"}, "not both"),
        ({"ca_pin": "sha256:1234"}, "--ca-pin must be sha256"),
    ],
)
def test_what_cannot_be_used_is_named(changes, words):
    with pytest.raises(SettingsError, match=words):
        check_request(request(**changes))


@pytest.mark.parametrize("pin", [f"sha256:{HEX}", f"sha256:{HEX.upper()}", "sha256:" + ":".join(["AB"] * 32)])
def test_pins_may_be_written_as_tools_print_them(pin):
    assert parse_pin(pin) == bytes.fromhex(HEX)


@pytest.mark.parametrize("pin", ["", HEX, f"sha1:{HEX}", f"sha256:{HEX}ab", "sha256:" + "zz" * 32])
def test_pins_that_are_none_are_refused(pin):
    with pytest.raises(SettingsError, match="--ca-pin must be"):
        parse_pin(pin)


def test_a_certificate_is_named_by_the_digest_of_its_der_form():
    authority = Authority()
    assert f"sha256:{certificate_digest(authority.pem).hex()}" == authority.pin
    assert certificate_digest(b"nonsense") == certificate_digest(b"other nonsense")


def test_the_code_does_not_show():
    assert "Qk3mZ8vT1xYp0LwRs5Nd" not in repr(request())
