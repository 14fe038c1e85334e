"""What a node allows, whatever the server asks; a refusal names the setting."""

import pytest

from fairlead.agent.ceiling import Ceiling, PortRange, parse_hosts, parse_ports, parse_session_types
from fairlead.agent.errors import SessionRefusedError

USUAL = Ceiling((PortRange(1, 65535),), ("loopback",), frozenset({"Port"}))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.8.7", "::1"])
def test_loopback_stands_for_all_its_spellings(host):
    USUAL.check_target(host, 22)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "localhost.example", "0.0.0.0", "::", "::ffff:127.0.0.1", "127.1", "2130706433", ""]
)
def test_everything_else_is_another_host(host):
    with pytest.raises(SessionRefusedError, match="its setting allow_hosts is loopback"):
        USUAL.check_target(host, 22)


def test_hosts_are_allowed_by_name_as_written():
    ceiling = USUAL._replace(hosts=("db.internal",))
    ceiling.check_target("DB.internal", 22)
    with pytest.raises(SessionRefusedError, match=r"allow_hosts is db\.internal"):
        ceiling.check_target("localhost", 22)


@pytest.mark.parametrize(
    ("port", "allowed"), [(21, False), (22, True), (23, False), (8000, True), (8099, True), (8100, False)]
)
def test_ports_are_held_against_numbers_and_ranges(port, allowed):
    ceiling = USUAL._replace(ports=parse_ports(["22", "8000-8099"]))
    if allowed:
        ceiling.check_target("localhost", port)
    else:
        with pytest.raises(SessionRefusedError, match="allow_ports is 22, 8000-8099"):
            ceiling.check_target("localhost", port)


def test_session_types_are_refused_by_name():
    USUAL.check_session_type("Port")
    with pytest.raises(
        SessionRefusedError, match="'Standard_Stream': its setting allow_session_types is Port"
    ):
        USUAL.check_session_type("Standard_Stream")


def test_an_empty_setting_allows_nothing():
    with pytest.raises(SessionRefusedError, match="allow_session_types is empty"):
        USUAL._replace(session_types=frozenset()).check_session_type("Port")


def test_text_of_the_server_is_made_printable_in_a_refusal():
    with pytest.raises(SessionRefusedError) as refusal:
        USUAL.check_session_type("x\x1b[31m\n" + "y" * 5000)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 1000


@pytest.mark.parametrize(
    "entry", ["", "0", "65536", "22-21", "abc", "22-", "-22", "1-99999", "+22", "٢٢", "022222"]
)
def test_ports_that_are_none_are_refused(entry):
    with pytest.raises(ValueError, match="allow_ports"):
        parse_ports([entry])


@pytest.mark.parametrize("entry", ["", " ", "a b", "*.example", "10.0.0.0/8"])
def test_hosts_that_are_none_are_refused(entry):
    with pytest.raises(ValueError, match="allow_hosts"):
        parse_hosts([entry])


def test_unknown_session_types_are_refused():
    assert parse_session_types(["Port", "InteractiveCommands"]) == {"Port", "InteractiveCommands"}
    with pytest.raises(ValueError, match="'port' is not one of"):
        parse_session_types(["port"])
