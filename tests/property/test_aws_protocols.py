"""Both protocols against botocore's: what it writes we read, what we write it reads; and fuzzed input."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from botocore.awsrequest import AWSRequest
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import example, given
from hypothesis import strategies as st

from fairlead.aws import json_protocol, query_protocol
from fairlead.aws.errors import RequestError
from fairlead.aws.shapes import (
    Boolean,
    Integer,
    ListOf,
    MapOf,
    Operation,
    String,
    Structure,
    Timestamp,
    member,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    key: str = member("Key", String(), required=True)
    value: int | None = member("Value", Integer())


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    name: str | None = member("Name", String())
    count: int | None = member("Count", Integer())
    is_on: bool | None = member("IsOn", Boolean())
    since: datetime | None = member("Since", Timestamp())
    names: tuple[str, ...] | None = member("Names", ListOf(String()))
    items: tuple[Item, ...] | None = member("Items", ListOf(Structure(Item)))
    item: Item | None = member("Item", Structure(Item))
    parameters: dict[str, tuple[str, ...]] | None = member("Parameters", MapOf(String(), ListOf(String())))


OPERATION = Operation("iam", "DoEverything", Everything, Everything)


def model(protocol):
    """The same operation, described for botocore."""
    return ServiceModel(
        {
            "metadata": {
                "protocol": protocol,
                "apiVersion": "2010-05-08",
                "jsonVersion": "1.1",
                "targetPrefix": "Test",
                "endpointPrefix": "test",
                "serviceId": "test",
            },
            "operations": {
                "DoEverything": {
                    "name": "DoEverything",
                    "http": {"method": "POST", "requestUri": "/"},
                    "input": {"shape": "Everything"},
                    "output": {"shape": "Everything", "resultWrapper": "DoEverythingResult"},
                }
            },
            "shapes": {
                "Everything": {
                    "type": "structure",
                    "members": {
                        "Name": {"shape": "Text"},
                        "Count": {"shape": "Number"},
                        "IsOn": {"shape": "Flag"},
                        "Since": {"shape": "Moment"},
                        "Names": {"shape": "Texts"},
                        "Items": {"shape": "Items"},
                        "Item": {"shape": "Item"},
                        "Parameters": {"shape": "Map"},
                    },
                },
                "Item": {
                    "type": "structure",
                    "members": {"Key": {"shape": "Text"}, "Value": {"shape": "Number"}},
                },
                "Items": {"type": "list", "member": {"shape": "Item"}},
                "Texts": {"type": "list", "member": {"shape": "Text"}},
                "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Texts"}},
                "Text": {"type": "string"},
                "Number": {"type": "long"},
                "Flag": {"type": "boolean"},
                "Moment": {"type": "timestamp"},
            },
        }
    ).operation_model("DoEverything")


JSON_MODEL, QUERY_MODEL = model("json"), model("query")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Text that XML can carry; the JSON protocol has no other limits that matter here.
texts = st.text(
    st.characters(
        exclude_categories=["Cs"],
        exclude_characters=[*map(chr, set(range(0x20)) - {9, 10, 13}), "\ufffe", "\uffff"],
    ),
    max_size=10,
)
numbers = st.integers(-(2**63), 2**63 - 1)
moments = st.integers(0, 7_000_000_000_000).map(lambda number: EPOCH + timedelta(milliseconds=number))
items = st.builds(Item, key=texts, value=st.none() | numbers)


def everything(precision):
    return st.builds(
        Everything,
        name=st.none() | texts,
        count=st.none() | numbers,
        is_on=st.none() | st.booleans(),
        since=st.none() | moments.map(lambda moment: moment - (moment - EPOCH) % precision),
        names=st.none() | st.lists(texts, max_size=12).map(tuple),
        items=st.none() | st.lists(items, max_size=3).map(tuple),
        item=st.none() | items,
        # An empty map is nothing at all in a form.
        parameters=st.none()
        | st.dictionaries(texts, st.lists(texts, max_size=2).map(tuple), min_size=1, max_size=3),
    )


whole_seconds = everything(timedelta(seconds=1))
milliseconds = everything(timedelta(milliseconds=1))


def as_botocore_has_it(value):
    """An instance as the dictionaries that botocore's callers use."""
    document = {
        "Name": value.name,
        "Count": value.count,
        "IsOn": value.is_on,
        "Since": value.since,
        "Names": None if value.names is None else list(value.names),
        "Items": None if value.items is None else [item_document(item) for item in value.items],
        "Item": None if value.item is None else item_document(value.item),
        "Parameters": (
            None
            if value.parameters is None
            else {key: list(entry) for key, entry in value.parameters.items()}
        ),
    }
    return {key: entry for key, entry in document.items() if entry is not None}


def item_document(item):
    return {"Key": item.key} | ({} if item.value is None else {"Value": item.value})


def parsed_by_botocore(protocol, operation, body):
    response = {"headers": {}, "status_code": 200, "body": body}
    parsed = create_parser(protocol).parse(response, operation.output_shape)
    del parsed["ResponseMetadata"]
    return parsed


@given(whole_seconds)
def test_we_read_the_json_that_botocore_writes(value):
    request = create_serializer("json").serialize_to_request(as_botocore_has_it(value), JSON_MODEL)

    assert json_protocol.decode(Everything, request["body"]) == value


@given(milliseconds)
def test_botocore_reads_the_json_that_we_write(value):
    body = json_protocol.encode(value)

    assert parsed_by_botocore("json", JSON_MODEL, body) == as_botocore_has_it(value)


@given(whole_seconds)
def test_we_read_the_forms_that_botocore_writes(value):
    request = create_serializer("query").serialize_to_request(as_botocore_has_it(value), QUERY_MODEL)
    body = AWSRequest(method="POST", url="https://x/", data=request["body"]).prepare().body

    form = query_protocol.parse_form(body if isinstance(body, bytes) else body.encode())

    assert (form["Action"], form["Version"]) == ("DoEverything", "2010-05-08")
    assert query_protocol.decode(Everything, form) == value


@given(milliseconds)
def test_botocore_reads_the_xml_that_we_write(value):
    body = query_protocol.encode(OPERATION, value, "7a62c49f")

    assert parsed_by_botocore("query", QUERY_MODEL, body) == as_botocore_has_it(value)


any_text = st.text(max_size=20)


@given(any_text, any_text)
@example("Code", "\0\ud800")
def test_botocore_reads_our_errors_whatever_their_text(code, message):
    def error(protocol, body):
        response = {"headers": {}, "status_code": 400, "body": body}
        shape = (JSON_MODEL if protocol == "json" else QUERY_MODEL).output_shape
        return create_parser(protocol).parse(response, shape)["Error"]

    assert error("json", json_protocol.encode_error("Code", message))["Message"] == message
    in_xml = error("query", query_protocol.encode_error("iam", code, message, "r"))
    assert len(in_xml["Message"] or "") == len(message)
    assert in_xml["Type"] == "Sender"


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(any_text | st.sampled_from(["Key"]), inner, max_size=3)
    ),
    max_leaves=10,
)
likely_names = st.sampled_from(["Name", "Count", "IsOn", "Since", "Names", "Items", "Item", "Parameters"])
json_bodies = (
    st.binary(max_size=60)
    | documents.map(json.dumps).map(str.encode)
    | st.dictionaries(likely_names | any_text, documents, max_size=4).map(json.dumps).map(str.encode)
)
form_bodies = st.binary(max_size=60) | st.lists(
    st.lists(
        st.sampled_from(["Names", "Items", "Item", "Parameters", "Since", "Count", "IsOn", "Name"])
        | st.sampled_from([".", "member", "entry", "key", "value", "Key", "Value", "1", "2", "0", "-1", "="])
        | any_text.filter(lambda text: not any("\ud800" <= character <= "\udfff" for character in text)),
        max_size=7,
    ).map("".join),
    max_size=5,
).map(lambda fields: "&".join(fields).encode())


def accepts_or_refuses(read):
    """Our own error or a value: anything else that is raised fails the test."""
    try:
        value = read()
    except RequestError as refused:
        return str(refused)
    return value


@given(json_bodies)
@example(b"[" * 100_000)
@example(b'{"Since":1e999}')
@example(b'{"Count":' + b"9" * 5000 + b"}")
def test_any_json_body_is_read_or_refused(body):
    outcome = accepts_or_refuses(lambda: json_protocol.decode(Everything, body))

    assert isinstance(outcome, Everything | str)


@given(form_bodies)
@example(b"Since=0001-01-01T00:00:00%2B23:59")
@example(b"Count=" + b"9" * 5000)
@example(b".".join([b"a"] * 10_000))
def test_any_form_is_read_or_refused(body):
    outcome = accepts_or_refuses(lambda: query_protocol.decode(Everything, query_protocol.parse_form(body)))

    assert isinstance(outcome, Everything | str)


@given(milliseconds)
def test_json_that_we_write_we_read_again(value):
    assert json_protocol.decode(Everything, json_protocol.encode(value)) == value


@pytest.mark.parametrize("depth", [10, 1000, 100_000])
def test_depth_alone_never_breaks_the_reader(depth):
    body = b'{"a":' * depth + b"1" + b"}" * depth

    assert isinstance(accepts_or_refuses(lambda: json_protocol.decode(Everything, body)), Everything | str)
