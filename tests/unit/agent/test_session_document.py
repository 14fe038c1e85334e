"""What a start message asks for: parameters filled in, everything odd refused in words."""

import pytest

from fairlead.agent.errors import SessionRefusedError
from fairlead.agent.session_document import is_usable_session_id, parse_port_request
from fairlead.protocol.control_channel import StartSession


def start(properties=None, *, parameters=None, name="AWS-StartSSHSession", **changes):
    content = {
        "schemaVersion": "1.0",
        "sessionType": "Port",
        "parameters": {"portNumber": {"type": "String", "default": "22"}},
        "properties": {"portNumber": "{{ portNumber }}"} if properties is None else properties,
        **changes,
    }
    return StartSession("alice-1", name, content, parameters or {})


def test_parameters_take_the_place_of_their_names():
    request = parse_port_request(start(parameters={"portNumber": "2222"}))
    assert (request.host, request.port) == ("localhost", 2222)
    assert request.properties == {"portNumber": "2222"}
    assert request.is_ssh


def test_a_missing_parameter_takes_the_documents_default():
    assert parse_port_request(start()).port == 22


def test_a_name_without_a_value_stays_and_is_no_port():
    with pytest.raises(SessionRefusedError, match="not a port"):
        parse_port_request(start({"portNumber": "{{ other }}"}))


def test_only_the_ssh_document_protects_its_own_bytes():
    assert not parse_port_request(start(name="Custom-Port")).is_ssh


def test_nested_properties_are_filled_in_for_the_client():
    properties = {"portNumber": "22", "extra": {"list": ["{{portNumber}}", 7, None]}}
    assert parse_port_request(start(properties)).properties["extra"] == {"list": ["22", 7, None]}


def test_a_host_is_taken_from_the_document():
    assert parse_port_request(start({"portNumber": "22", "host": "10.0.0.7"})).host == "10.0.0.7"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "", "22 ", "２２", "1e3", None, 22, ["22"]])
def test_ports_that_are_none_are_refused(port):
    with pytest.raises(SessionRefusedError, match="not a port to connect to"):
        parse_port_request(start({"portNumber": port}))


@pytest.mark.parametrize("host", ["a b", "a\nb", "x" * 256, 7, "höst"])
def test_hosts_that_are_none_are_refused(host):
    with pytest.raises(SessionRefusedError, match="not a host to connect to"):
        parse_port_request(start({"portNumber": "22", "host": host}))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (start(schemaVersion="2.0"), "schema version '2.0'; this agent reads '1.0'"),
        (start(sessionType="Standard_Stream"), "type 'Standard_Stream' yet"),
        (start({"portNumber": "22", "type": "LocalPortForwarding"}), "type 'LocalPortForwarding' yet"),
        (start("text"), "has no properties"),
    ],
)
def test_documents_that_are_not_served_are_refused(message, words):
    with pytest.raises(SessionRefusedError, match=words):
        parse_port_request(message)


def test_deep_nesting_is_refused():
    deep = {"portNumber": "22"}
    for _ in range(50):
        deep = {"portNumber": "22", "x": deep}
    with pytest.raises(SessionRefusedError, match="nested too deeply"):
        parse_port_request(start(deep))


@pytest.mark.parametrize("session_id", ["alice-0123456789abcdef0", "a.b+c=d,e@f_g-1"])
def test_session_ids_of_aws_can_stand_in_a_path(session_id):
    assert is_usable_session_id(session_id)


@pytest.mark.parametrize(
    "session_id", ["", ".", "..", "a/b", "a%2fb", "a?b", "a b", "a\r\nb", "x" * 257, "ä"]
)
def test_session_ids_that_would_change_the_path_are_not_used(session_id):
    assert not is_usable_session_id(session_id)
