"""The schema of Session documents, rule by rule."""

import pytest

from fairlead.domain.document_parameters import Parameter, ParameterType
from fairlead.domain.document_schema import read_session_document
from fairlead.domain.documents import SessionType
from fairlead.domain.errors import InvalidDocumentContent, InvalidDocumentSchemaVersion

PORT = {"portNumber": "22"}
COMMANDS = {"linux": {"commands": "id"}}


def a_document(**members):
    base = {"schemaVersion": "1.0", "sessionType": "Port", "properties": PORT}
    merged = {**base, **members}
    return {name: value for name, value in merged.items() if value is not ...}


def read(**members):
    return read_session_document("Mine", a_document(**members))


def refused(match, **members):
    with pytest.raises(InvalidDocumentContent, match=match) as caught:
        read(**members)
    assert str(caught.value).endswith(".")


def with_parameter(**declared):
    return {"parameters": {"p": {"type": "String", **declared}}}


def test_a_document_is_read_with_all_its_members():
    document = read(
        description="d",
        inputs={"idleSessionTimeout": "60", "maxSessionDuration": "1440"},
        parameters={
            "port": {
                "type": "String",
                "description": "which",
                "default": "22",
                "allowedPattern": "[0-9]+",
                "allowedValues": ["22", "2222"],
                "minChars": 1,
                "maxChars": 5,
                "displayType": "textfield",
            },
            "names": {"type": "StringList", "minItems": 1, "maxItems": 2},
        },
        properties={"portNumber": "{{ port }}", "host": "db.example"},
    )
    assert (document.name, document.session_type, document.is_aws_owned) == ("Mine", SessionType.PORT, False)
    assert (document.idle_timeout_minutes, document.max_duration_minutes) == (60, 1440)
    assert document.parameters["port"] == Parameter(
        description="which",
        default="22",
        allowed_pattern="[0-9]+",
        allowed_values=("22", "2222"),
        min_chars=1,
        max_chars=5,
        display_type="textfield",
    )
    assert document.parameters["names"].type is ParameterType.STRING_LIST


@pytest.mark.parametrize("version", [..., "1.1", "2.2", 1.0, None])
def test_only_schema_1_0_is_read(version):
    with pytest.raises(InvalidDocumentSchemaVersion, match=r'schemaVersion "1\.0"'):
        read(schemaVersion=version)


@pytest.mark.parametrize("session_type", [..., "port", "Shell", None, ["Port"]])
def test_the_session_type_is_one_of_four(session_type):
    refused("sessionType must be one of Standard_Stream, Port", sessionType=session_type)


def test_a_member_that_the_schema_does_not_have_is_refused():
    refused("^input is unknown; known are schemaVersion", input={})
    refused(r"^inputs\.idleSessionTimeOut is unknown", inputs={"idleSessionTimeOut": "5"})
    refused(r"^properties\.port is unknown", properties={**PORT, "port": "22"})
    refused(r"^parameters\.p\.pattern is unknown", **with_parameter(pattern="x"))


@pytest.mark.parametrize("name", ["inputs", "parameters", "properties"])
@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_objects_are_objects(name, value):
    refused(f"{name} must be an object", **{name: value})


@pytest.mark.parametrize("minutes", ["1", "20", "60", ""])
def test_idle_times_are_texts_of_minutes(minutes):
    read(inputs={"idleSessionTimeout": minutes})


@pytest.mark.parametrize("minutes", ["0", "61", "020", "1.5", " 5", "٢", 20, None, True, "9" * 9])
def test_other_idle_times_are_refused(minutes):
    refused(
        'idleSessionTimeout must be the text "1" to "60", in minutes', inputs={"idleSessionTimeout": minutes}
    )


@pytest.mark.parametrize("minutes", ["0", "1441", 60])
def test_durations_are_texts_up_to_a_day(minutes):
    refused('maxSessionDuration must be the text "1" to "1440"', inputs={"maxSessionDuration": minutes})


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("s3BucketName", 1, "must be a text"),
        ("s3EncryptionEnabled", "true", "must be true or false"),
        ("cloudWatchStreamingEnabled", 1, "must be true or false"),
        ("runAsDefaultUser", None, "must be a text"),
        ("shellProfile", {"macos": ""}, "macos is unknown"),
        ("shellProfile", {"linux": 1}, "linux must be a text"),
    ],
)
def test_inputs_have_their_types(name, value, text):
    refused(text, inputs={name: value})


def test_a_shell_needs_inputs():
    shell = {"sessionType": "Standard_Stream", "properties": ...}
    assert read(**shell, inputs={}).session_type is SessionType.STANDARD_STREAM
    refused("inputs is needed for sessionType Standard_Stream", **shell)


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        (..., r"properties\.portNumber is needed"),
        ({}, r"properties\.portNumber is needed"),
        ({"portNumber": 22}, "must be a text"),
        ({"portNumber": "0"}, '"1" to "65535", or have a placeholder'),
        ({"portNumber": "65536"}, "to"),
        ({"portNumber": "022"}, "to"),
        ({**PORT, "localPortNumber": "65536"}, '"0" to "65535"'),
        ({**PORT, "type": "Remote"}, "must be one of LocalPortForwarding"),
        ({**PORT, "host": ["a"]}, "must be a text"),
    ],
)
def test_properties_of_a_port(properties, text):
    refused(text, properties=properties)


def test_a_port_may_be_forwarded():
    read(properties={**PORT, "type": "LocalPortForwarding", "localPortNumber": "0", "host": "db"})


@pytest.mark.parametrize("session_type", ["InteractiveCommands", "NonInteractiveCommands"])
@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ({}, "needs the commands of one of linux, macos, windows"),
        ({"bsd": {"commands": "id"}}, "bsd is unknown"),
        ({"linux": {}}, r"linux\.commands is needed"),
        ({"linux": {"commands": ["id"]}}, "must be a text"),
        ({"linux": {"commands": "id", "runAsElevated": "no"}}, "must be true or false"),
    ],
)
def test_properties_of_commands(session_type, properties, text):
    refused(text, sessionType=session_type, properties=properties)


def test_only_commands_without_a_terminal_separate_their_output():
    separated = {"linux": {"commands": "id", "separateOutputStream": "{{ p }}", "stdOutSeparatorPrefix": ">"}}
    read(sessionType="NonInteractiveCommands", properties=separated, **with_parameter())
    refused("separateOutputStream is unknown", sessionType="InteractiveCommands", properties=separated)


@pytest.mark.parametrize("place", ["properties", "inputs"])
def test_placeholders_name_declared_parameters(place):
    members = (
        {"properties": {**PORT, "host": "{{ p }}"}}
        if place == "properties"
        else {"inputs": {"kmsKeyId": "{{p}}"}}
    )
    read(**members, **with_parameter())
    refused(f"{place} refers to {{{{ p }}}}, which parameters does not declare", **members)


def test_parameter_store_is_not_served():
    refused("refers to Parameter Store", properties={**PORT, "host": "{{ ssm:host }}"})


@pytest.mark.parametrize("name", ["a_b", "a-b", "", "ä", "x" * 256])
def test_names_of_parameters_are_letters_and_digits(name):
    refused("must have a name of letters and digits", parameters={name: {"type": "String"}})


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ({"type": "Integer"}, "type must be one of String, StringList"),
        ({"type": ["String"]}, "type must be one of"),
        ({"allowedPattern": "("}, "allowedPattern is not a usable pattern: missing"),
        ({"allowedPattern": r"(a)\1"}, "not a usable pattern"),
        ({"allowedPattern": 1}, "must be a text"),
        ({"allowedValues": "a"}, "must be a list of texts"),
        ({"allowedValues": [1]}, "must be a list of texts"),
        ({"minChars": -1}, "must be a whole number"),
        ({"maxChars": "5"}, "must be a whole number"),
        ({"maxChars": True}, "must be a whole number"),
        ({"minChars": 3, "maxChars": 2}, "minChars is more than maxChars"),
        ({"minItems": 1}, "minItems is for parameters of type StringList"),
        ({"type": "StringList", "minItems": 2, "maxItems": 1}, "minItems is more than maxItems"),
        ({"displayType": "button"}, "must be one of textfield, textarea"),
        ({"default": 22}, "default must be a text"),
        ({"type": "StringList", "default": "a"}, "default must be a list of texts"),
        ({"default": "x", "allowedPattern": "[0-9]+"}, "default cannot be given: .* not matching"),
        ({"default": "x", "allowedValues": ["y"]}, "default cannot be given"),
        ({"type": "StringList", "default": [], "minItems": 1}, "default cannot be given"),
    ],
)
def test_declarations_of_parameters(declared, text):
    refused(text, **with_parameter(**declared))


def test_a_parameter_needs_a_type_and_there_are_two_hundred_at_most():
    refused(r"parameters\.p\.type is needed", parameters={"p": {}})
    refused("declares more than 200", parameters={f"p{number}": {"type": "String"} for number in range(201)})
