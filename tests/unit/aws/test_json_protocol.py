import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from fairlead.aws import json_protocol
from fairlead.aws.errors import SerializationFailed, ValidationFailed
from fairlead.aws.shapes import Boolean, Integer, ListOf, MapOf, String, Structure, Timestamp, member


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    key: str = member("key", String(), required=True)
    value: str | None = member("value", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    target: str = member("Target", String(min=1), required=True)
    limit: int | None = member("MaxResults", Integer())
    is_on: bool | None = member("IsOn", Boolean())
    since: datetime | None = member("Since", Timestamp())
    parameters: dict[str, tuple[str, ...]] | None = member("Parameters", MapOf(String(), ListOf(String())))
    filters: tuple[Filter, ...] | None = member("Filters", ListOf(Structure(Filter)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    pass


def decode(document, structure=Input):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return json_protocol.decode(structure, body)


def refusal(document):
    with pytest.raises(SerializationFailed) as caught:
        decode(document)
    return str(caught.value)


def test_a_body_becomes_a_typed_input():
    decoded = decode(
        {
            "Target": "mi-ü",
            "MaxResults": 5,
            "IsOn": False,
            "Since": 1795209769.5,
            "Parameters": {"portNumber": ["22"], "none": []},
            "Filters": [{"key": "Owner", "value": "ann"}, {"key": "State"}],
        }
    )

    assert decoded == Input(
        target="mi-ü",
        limit=5,
        is_on=False,
        since=datetime(2026, 11, 20, 21, 22, 49, 500000, tzinfo=UTC),
        parameters={"portNumber": ("22",), "none": ()},
        filters=(Filter(key="Owner", value="ann"), Filter(key="State")),
    )


def test_null_means_absent_and_unknown_members_are_ignored():
    document = {"Target": "a", "MaxResults": None, "Unknown": {"x": [1, None]}, "Parameters": {"a": None}}

    assert decode(document) == Input(target="a", parameters={})


def test_of_a_repeated_member_the_last_counts():
    assert decode(b'{"Target":"a","Target":"b"}').target == "b"


@pytest.mark.parametrize("body", [b"", b"{}", b" {} "])
def test_an_empty_body_is_an_input_without_members(body):
    assert json_protocol.decode(Nothing, body) == Nothing()


def test_members_are_validated_after_they_are_read():
    with pytest.raises(ValidationFailed, match="Value null at 'target'"):
        decode({})
    with pytest.raises(ValidationFailed, match="Value '' at 'target'"):
        decode({"Target": ""})
    with pytest.raises(ValidationFailed, match=r"Value null at 'filters\.1\.member\.key'"):
        decode({"Target": "a", "Filters": [{}]})


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "The body is not JSON: "),
        (b"Action=x", "The body is not JSON: Expecting value at character 0."),
        (b"\xff\xfe{\x00}\x00", "The body is not UTF-8."),
        (b'{"Target":"\xe4"}', "The body is not UTF-8."),
        (b'{"a":NaN}', "The body holds a number that cannot be read: NaN is not JSON."),
        (b'{"a":-Infinity}', "The body holds a number that cannot be read: -Infinity is not JSON."),
        (b'{"a":' + b"1" * 5000 + b"}", "The body holds a number that cannot be read"),
        (b"[]", "The body must be an object, not an array."),
        (b"null", "The body must be an object, not null."),
        (b'"x"', "The body must be an object, not a string."),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(body, text):
    assert refusal(body).startswith(text)


@pytest.mark.parametrize(
    ("member_values", "text"),
    [
        ({"Target": 5}, "Target must be a string, not a number."),
        ({"Target": 5.5}, "Target must be a string, not a decimal number."),
        ({"Target": ["a"]}, "Target must be a string, not an array."),
        ({"MaxResults": "5"}, "MaxResults must be a whole number, not a string."),
        ({"MaxResults": 5.0}, "MaxResults must be a whole number, not a decimal number."),
        ({"MaxResults": True}, "MaxResults must be a whole number, not a boolean."),
        ({"MaxResults": 2**63}, "MaxResults is too large a number."),
        ({"IsOn": "true"}, "IsOn must be true or false, not a string."),
        ({"IsOn": 1}, "IsOn must be true or false, not a number."),
        ({"Since": "2026-11-20"}, "Since must be a number of seconds, not a string."),
        ({"Since": True}, "Since must be a number of seconds, not a boolean."),
        ({"Since": 1e300}, "Since is not a time that can be represented."),
        ({"Parameters": ["a"]}, "Parameters must be an object, not an array."),
        ({"Parameters": {"a": "22"}}, "Parameters[a] must be an array, not a string."),
        ({"Parameters": {"a": ["22", None]}}, "Parameters[a][1] must be a string, not null."),
        ({"Parameters": {"a\0": []}}, "Parameters holds a character that must not stand in text."),
        ({"Filters": {}}, "Filters must be an array, not an object."),
        ({"Filters": ["a"]}, "Filters[0] must be an object, not a string."),
        ({"Filters": [{"key": 1}]}, "Filters[0].key must be a string, not a number."),
        ({"Target": "\ud800"}, "Target holds a character that must not stand in text."),
    ],
)
def test_a_member_of_the_wrong_type_is_refused_by_its_name(member_values, text):
    assert refusal({"Target": "a"} | member_values) == text


def test_the_longest_body_is_read_and_a_longer_one_is_not():
    body = b'{"Target":"a"}'.ljust(json_protocol.MAX_BODY_BYTES)

    assert decode(body).target == "a"
    assert refusal(body + b" ") == "The body is longer than 262144 bytes."


def test_a_member_that_nobody_knows_may_nest_and_one_that_nests_without_end_is_refused():
    def nested(depth):
        return b'{"Target":"a","Unknown":' + b"[" * depth + b"]" * depth + b"}"

    assert decode(nested(64)).target == "a"
    assert refusal(nested(100_000)) == "The body nests too deeply."


def test_brackets_in_text_do_not_count_as_depth():
    assert decode({"Target": '[{"\\' * 1000}).target == '[{"\\' * 1000


@pytest.mark.parametrize("piece", [b"[", b'{"a":', b'"', b'"\\"', b"\\", b'"\\'])
def test_a_body_full_of_beginnings_is_refused_at_once(piece):
    assert refusal(piece * (json_protocol.MAX_BODY_BYTES // len(piece)))


def test_an_output_is_written_without_its_absent_members():
    output = Input(
        target='"<\u2028',
        is_on=True,
        since=datetime(2026, 11, 20, 21, 22, 49, 45999, tzinfo=UTC),
        parameters={"portNumber": ("22",)},
        filters=(Filter(key="a"),),
    )

    assert json_protocol.encode(output) == (
        b'{"Target":"\\"<\\u2028","IsOn":true,"Since":1795209769.045,'
        b'"Parameters":{"portNumber":["22"]},"Filters":[{"key":"a"}]}'
    )


def test_an_output_without_members_is_an_empty_object():
    assert json_protocol.encode(Nothing()) == b"{}"


def test_an_error_has_its_type_and_its_message():
    assert json_protocol.encode_error("TargetNotConnected", 'mi-1 is "not" connected.') == (
        b'{"__type":"TargetNotConnected","message":"mi-1 is \\"not\\" connected."}'
    )
