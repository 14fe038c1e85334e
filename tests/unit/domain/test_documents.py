"""Session documents: parameters, placeholders, times and content."""

import pytest

from fairlead.domain.document_parameters import Parameter, ParameterType
from fairlead.domain.documents import SessionDocument, SessionType, placeholders, substitute
from fairlead.domain.errors import InvalidParameters


def a_document(**changes):
    members = {"name": "Mine", "description": "", "session_type": SessionType.PORT, **changes}
    return SessionDocument(**members)


LISTED = Parameter(type=ParameterType.STRING_LIST)


def test_defaults_stand_in_for_what_is_not_given():
    document = a_document(parameters={"a": Parameter(default="1"), "b": Parameter(default="2")})
    assert document.resolve_parameters({"b": ["3"]}) == {"a": "1", "b": "3"}


def test_an_undeclared_parameter_is_refused_by_name():
    with pytest.raises(InvalidParameters, match='"host" is not declared by document Mine'):
        a_document().resolve_parameters({"host": ["h"]})


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


def test_a_list_stands_for_a_whole_text_and_as_json_within_one():
    assert substitute(["{{ a }}", "x {{ a }}"], {"a": ["1", "2"]}) == [["1", "2"], 'x ["1", "2"]']


def test_unknown_placeholders_and_values_that_look_like_one_stay_as_they_are():
    assert substitute("{{ other }} {{ssm:name}}", {"port": "22"}) == "{{ other }} {{ssm:name}}"
    assert substitute("{{ a }}", {"a": "{{ b }}", "b": "x"}) == "{{ b }}"


def test_the_names_in_placeholders_are_found():
    assert placeholders({"a": ["{{ x }}", {"b": "{{y}} {{ no_name }}"}], "{{ key }}": 1}) == {"x", "y"}


def test_a_long_value_that_is_named_many_times_is_refused():
    with pytest.raises(InvalidParameters, match="longer than 131072 bytes"):
        substitute({"a": ["{{ x }}"] * 3000}, {"x": "y" * 65535})


def test_what_grows_by_being_written_as_json_counts_as_it_is_written():
    with pytest.raises(InvalidParameters, match="longer than 131072 bytes"):
        substitute("{{ x }}", {"x": "\x01" * 65535})


def test_times_are_minutes_and_an_empty_text_says_nothing():
    document = a_document(inputs={"idleSessionTimeout": "5", "maxSessionDuration": ""})
    assert (document.idle_timeout_minutes, document.max_duration_minutes) == (5, None)
    assert a_document().idle_timeout_minutes is None


@pytest.mark.parametrize(
    ("changes", "is_raw"),
    [
        ({"properties": {"portNumber": "22"}}, True),
        ({"properties": {"portNumber": "22", "type": "LocalPortForwarding"}}, False),
        ({"session_type": SessionType.STANDARD_STREAM}, False),
    ],
)
def test_a_port_without_a_type_is_a_raw_stream(changes, is_raw):
    assert a_document(**changes).is_raw_stream is is_raw


def test_content_is_the_document_as_its_text_says_it():
    document = a_document(
        description="d", inputs={"idleSessionTimeout": "5"}, parameters={"a": LISTED}, properties={"p": "q"}
    )
    assert document.content() == {
        "schemaVersion": "1.0",
        "description": "d",
        "sessionType": "Port",
        "inputs": {"idleSessionTimeout": "5"},
        "parameters": {"a": {"type": "StringList"}},
        "properties": {"p": "q"},
    }
    assert "inputs" not in a_document().content()
