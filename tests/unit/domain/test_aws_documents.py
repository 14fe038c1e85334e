"""The documents that AWS owns."""

import json

import pytest

from fairlead.domain.aws_documents import AWS_OWNED_DOCUMENTS, HOST_PATTERN
from fairlead.domain.document_parameters import Parameter
from fairlead.domain.document_schema import read_session_document
from fairlead.domain.documents import SessionDocument, SessionType
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


@pytest.mark.parametrize("host", ["localhost", "db.example", "10.0.0.1", "2001:db8::1"])
def test_a_host_name_or_address_may_be_forwarded_to(host):
    Parameter(allowed_pattern=HOST_PATTERN).check("host", [host])


@pytest.mark.parametrize("host", ["ab", "a;b", "$(id)", "`id`", "a|b", "a#b", "a=b", "<a>", "[::1]"])
def test_what_a_shell_would_read_is_no_host(host):
    with pytest.raises(InvalidParameters):
        Parameter(allowed_pattern=HOST_PATTERN).check("host", [host])


@pytest.mark.parametrize("document", AWS_OWNED_DOCUMENTS.values(), ids=AWS_OWNED_DOCUMENTS)
def test_their_texts_follow_the_schema_and_say_what_they_are(document):
    read = read_session_document(document.name, json.loads(document.content_text()))
    assert read.content() == document.content()


def test_a_required_parameter_has_no_default_in_the_content():
    content = AWS_OWNED_DOCUMENTS["AWS-StartNonInteractiveCommand"].content()
    assert content["parameters"]["command"] == {
        "type": "String",
        "description": "The command to run on the node",
    }


def test_only_the_aws_owned_ssh_document_is_ssh():
    assert [name for name, document in AWS_OWNED_DOCUMENTS.items() if document.is_ssh] == [SSH.name]
    own = SessionDocument(name=SSH.name, description="", session_type=SessionType.PORT)
    assert not own.is_ssh


def test_the_ssh_document_has_no_type_so_that_ends_use_a_plain_stream():
    assert [name for name, document in AWS_OWNED_DOCUMENTS.items() if document.is_raw_stream] == [SSH.name]
