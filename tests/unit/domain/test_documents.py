"""Session documents: parameters, placeholders and content."""

import json

import pytest

from fairlead.domain.documents import (
    AWS_OWNED_DOCUMENTS,
    HOST_PATTERN,
    Parameter,
    SessionDocument,
    SessionType,
    substitute,
)
from fairlead.domain.errors import InvalidParameters

SSH = AWS_OWNED_DOCUMENTS["AWS-StartSSHSession"]
FORWARDING = AWS_OWNED_DOCUMENTS["AWS-StartPortForwardingSession"]


@pytest.mark.parametrize("port", ["1", "22", "2222", "9999", "59999", "64999", "65499", "65529", "65535"])
def test_every_port_number_is_a_port_number(port):
    assert SSH.resolve_parameters({"portNumber": [port]}) == {"portNumber": port}


@pytest.mark.parametrize(
    "port",
    ["", "0", "00", "022", "65536", "65540", "66000", "99999", "100000", "abc", "22 ", "22\n", "-1", "٢"],
)
def test_anything_else_is_refused_naming_value_and_pattern(port):
    with pytest.raises(InvalidParameters) as caught:
        SSH.resolve_parameters({"portNumber": [port]})
    pattern = SSH.parameters["portNumber"].allowed_pattern
    assert str(caught.value) == f'Parameter "portNumber" has value "{port}" not matching "{pattern}".'


def test_the_local_port_may_be_zero_to_pick_a_free_one():
    assert FORWARDING.resolve_parameters({"localPortNumber": ["0"]})["localPortNumber"] == "0"
    with pytest.raises(InvalidParameters):
        FORWARDING.resolve_parameters({"portNumber": ["0"]})


def test_defaults_stand_in_for_what_is_not_given():
    assert SSH.resolve_parameters({}) == {"portNumber": "22"}
    assert FORWARDING.resolve_parameters({}) == {"portNumber": "80", "localPortNumber": "0"}


def test_a_parameter_without_a_default_is_required():
    command = AWS_OWNED_DOCUMENTS["AWS-StartInteractiveCommand"]
    with pytest.raises(InvalidParameters, match='"command" requires a value'):
        command.resolve_parameters({})
    assert command.resolve_parameters({"command": ["ls $HOME"]}) == {"command": "ls $HOME"}


@pytest.mark.parametrize("values", [[], ["22", "23"]])
def test_a_parameter_takes_exactly_one_value(values):
    with pytest.raises(InvalidParameters, match=f"exactly one value, {len(values)} were given"):
        SSH.resolve_parameters({"portNumber": values})


def test_an_undeclared_parameter_is_refused_by_name():
    with pytest.raises(InvalidParameters, match='"host" is not declared by document AWS-StartSSHSession'):
        SSH.resolve_parameters({"host": ["h"]})


@pytest.mark.parametrize("host", ["localhost", "db.example", "10.0.0.1", "2001:db8::1"])
def test_a_host_name_or_address_may_be_forwarded_to(host):
    Parameter(description="", allowed_pattern=HOST_PATTERN).check("host", host)


@pytest.mark.parametrize("host", ["ab", "a;b", "$(id)", "`id`", "a|b", "a#b", "a=b", "<a>", "[::1]"])
def test_what_a_shell_would_read_is_no_host(host):
    with pytest.raises(InvalidParameters):
        Parameter(description="", allowed_pattern=HOST_PATTERN).check("host", host)


def test_placeholders_are_filled_in_wherever_there_is_text():
    value = {
        "a": ["{{ port }}", "{{port}}:{{  port  }}"],
        "b": ("x", 1, True, None),
        "c": {"d": "{{ port }}"},
    }
    assert substitute(value, {"port": "22"}) == {
        "a": ["22", "22:22"],
        "b": ["x", 1, True, None],
        "c": {"d": "22"},
    }


def test_unknown_placeholders_and_values_that_look_like_one_stay_as_they_are():
    assert substitute("{{ other }} {{ssm:name}}", {"port": "22"}) == "{{ other }} {{ssm:name}}"
    assert substitute("{{ a }}", {"a": "{{ b }}", "b": "x"}) == "{{ b }}"


def test_content_is_the_document_as_agents_read_it():
    assert SSH.content() == {
        "schemaVersion": "1.0",
        "description": SSH.description,
        "sessionType": "Port",
        "parameters": {
            "portNumber": {
                "type": "String",
                "description": "(Optional) Port number of the SSH server on the node",
                "default": "22",
                "allowedPattern": SSH.parameters["portNumber"].allowed_pattern,
            }
        },
        "properties": {"portNumber": "{{ portNumber }}"},
    }


@pytest.mark.parametrize("document", AWS_OWNED_DOCUMENTS.values(), ids=AWS_OWNED_DOCUMENTS)
def test_text_and_content_say_the_same(document):
    assert json.loads(document.content_text()) == document.content()


def test_a_required_parameter_has_no_default_in_the_content():
    content = AWS_OWNED_DOCUMENTS["AWS-StartNonInteractiveCommand"].content()
    assert content["parameters"]["command"] == {
        "type": "String",
        "description": "The command to run on the node",
    }


def test_only_the_aws_owned_ssh_document_is_ssh():
    assert [name for name, document in AWS_OWNED_DOCUMENTS.items() if document.is_ssh] == [SSH.name]
    own = SessionDocument(name=SSH.name, description="", session_type=SessionType.PORT, is_aws_owned=False)
    assert not own.is_ssh


def test_the_ssh_document_has_no_type_so_that_ends_use_a_plain_stream():
    assert "type" not in SSH.properties
    assert FORWARDING.properties["type"] == "LocalPortForwarding"
