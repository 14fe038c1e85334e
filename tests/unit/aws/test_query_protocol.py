from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from fairlead.aws import query_protocol
from fairlead.aws.errors import SerializationFailed, ValidationFailed
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
class Tag:
    key: str = member("Key", String(), required=True)
    value: str | None = member("Value", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    name: str = member("UserName", String(min=1), required=True)
    limit: int | None = member("MaxItems", Integer())
    is_on: bool | None = member("IsOn", Boolean())
    since: datetime | None = member("Since", Timestamp())
    names: tuple[str, ...] | None = member("ActionNames", ListOf(String()))
    tags: tuple[Tag, ...] | None = member("Tags", ListOf(Structure(Tag)))
    one: Tag | None = member("Tag", Structure(Tag))
    parameters: dict[str, tuple[str, ...]] | None = member("Parameters", MapOf(String(), ListOf(String())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    pass


GET_USER = Operation("iam", "GetUser", Input, Input)
DELETE_USER = Operation("iam", "DeleteUser", Input, Nothing)


def decode(form):
    return query_protocol.decode(Input, query_protocol.parse_form(form))


def refusal(form):
    with pytest.raises(SerializationFailed) as caught:
        decode(form)
    return str(caught.value)


def test_form_fields_are_decoded():
    assert query_protocol.parse_form(b"Action=GetUser&UserName=a%2Bb+c%C3%A4&Empty=&Alone") == {
        "Action": "GetUser",
        "UserName": "a+b cä",
        "Empty": "",
        "Alone": "",
    }


def test_an_empty_form_has_no_fields():
    assert query_protocol.parse_form(b"") == {}


def test_a_form_becomes_a_typed_input():
    decoded = decode(
        b"Action=GetUser&Version=2010-05-08&UserName=ann&MaxItems=-5&IsOn=True&Since=2026-11-20T21%3A22%3A49Z"
        b"&ActionNames.member.2=b&ActionNames.member.1=a&ActionNames.member.10=c"
        b"&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=l"
        b"&Tag.Key=m"
        b"&Parameters.entry.1.key=portNumber&Parameters.entry.1.value.member.1=22"
    )

    assert decoded == Input(
        name="ann",
        limit=-5,
        is_on=True,
        since=datetime(2026, 11, 20, 21, 22, 49, tzinfo=UTC),
        names=("a", "b", "c"),
        tags=(Tag(key="k", value="v"), Tag(key="l")),
        one=Tag(key="m"),
        parameters={"portNumber": ("22",)},
    )


def test_an_empty_list_is_its_name_alone():
    assert decode(b"UserName=ann&ActionNames=") == Input(name="ann", names=())


def test_fields_that_the_operation_does_not_have_are_ignored():
    assert decode(b"UserName=ann&Colour=red&Colour.member.x=1&ActionNames.other=1") == Input(
        name="ann", names=()
    )


def test_members_are_validated_after_they_are_read():
    with pytest.raises(ValidationFailed, match="Value null at 'userName'"):
        decode(b"Action=GetUser")
    with pytest.raises(ValidationFailed, match="Value '' at 'userName'"):
        decode(b"UserName=")
    with pytest.raises(ValidationFailed, match=r"Value null at 'tags\.1\.member\.key'"):
        decode(b"UserName=ann&Tags.member.1.Value=x")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (b"UserName=%ff", "The form is not percent-encoded UTF-8."),
        (b"UserName=\xc3\xa4", "The form is not percent-encoded UTF-8."),
        (b"UserName=a&User%4eame=b", "The field UserName must not be repeated."),
        (b"UserName=a%00", "UserName holds a character that must not stand in text."),
        (b"UserName=a&MaxItems=5.0", "MaxItems must be a whole number."),
        (b"UserName=a&MaxItems=", "MaxItems must be a whole number."),
        (b"UserName=a&MaxItems=%D9%A3", "MaxItems must be a whole number."),
        (b"UserName=a&MaxItems=9223372036854775808", "MaxItems is too large a number."),
        (b"UserName=a&IsOn=1", "IsOn must be true or false."),
        (b"UserName=a&Since=now", "Since is not an ISO 8601 time."),
        (b"UserName.x=a", "UserName must be a single value."),
        (b"UserName=a&ActionNames=b", "ActionNames must not be a single value."),
        (b"UserName=a&Tag=b", "Tag must not be a single value."),
        (b"UserName=a&Parameters=b", "Parameters must not be a single value."),
        (b"UserName=a&ActionNames.member.0=b", "ActionNames.member must be followed by numbers, not 0."),
        (b"UserName=a&ActionNames.member.x=b", "ActionNames.member must be followed by numbers, not x."),
        (b"UserName=a&ActionNames.member.1234567=b", "ActionNames.member must be followed by numbers"),
        (b"UserName=a&Parameters.entry.1.key=b", "Parameters.entry.1 must have a key and a value."),
        (b"UserName=a&Parameters.entry.1.value.member.1=b", "Parameters.entry.1 must have a key and"),
        (b"." * 20 + b"=a", "The name of the field .................... has more than 16 parts."),
    ],
)
def test_a_form_that_cannot_be_read_is_refused_by_the_name_of_the_field(form, text):
    assert refusal(form).startswith(text)


def test_the_longest_form_is_read_and_a_longer_one_is_not():
    form = b"UserName=a&Unknown=".ljust(query_protocol.MAX_BODY_BYTES, b"x")

    assert decode(form).name == "a"
    assert refusal(form + b"x") == "The form is longer than 262144 bytes."


def test_a_form_has_a_largest_number_of_fields():
    form = b"&".join(b"f%d=" % number for number in range(query_protocol.MAX_FIELDS))

    assert len(query_protocol.parse_form(form)) == query_protocol.MAX_FIELDS
    with pytest.raises(SerializationFailed, match="more than 2000 fields"):
        query_protocol.parse_form(form + b"&one=more")


def test_an_output_is_written_without_its_absent_members():
    output = Input(
        name='<a & "b">',
        limit=7,
        is_on=False,
        since=datetime(2026, 11, 20, 21, 22, 49, tzinfo=UTC),
        names=("a", "b"),
        tags=(Tag(key="k"),),
        one=Tag(key="m", value=""),
        parameters={"p<": ("22",)},
    )

    assert query_protocol.encode(GET_USER, output, "7a62c49f").decode() == (
        '<GetUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetUserResult>'
        '<UserName>&lt;a &amp; "b"&gt;</UserName>'
        "<MaxItems>7</MaxItems>"
        "<IsOn>false</IsOn>"
        "<Since>2026-11-20T21:22:49Z</Since>"
        "<ActionNames><member>a</member><member>b</member></ActionNames>"
        "<Tags><member><Key>k</Key></member></Tags>"
        "<Tag><Key>m</Key><Value></Value></Tag>"
        "<Parameters><entry><key>p&lt;</key><value><member>22</member></value></entry></Parameters>"
        "</GetUserResult><ResponseMetadata><RequestId>7a62c49f</RequestId></ResponseMetadata>"
        "</GetUserResponse>"
    )
    assert b"<IsOn>true</IsOn>" in query_protocol.encode(GET_USER, Input(name="a", is_on=True), "r")


def test_an_operation_without_output_members_has_no_result():
    assert query_protocol.encode(DELETE_USER, Nothing(), "r").decode() == (
        '<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DeleteUserResponse>"
    )


@pytest.mark.parametrize(("is_senders_fault", "fault"), [(True, "Sender"), (False, "Receiver")])
def test_an_error_says_whose_fault_it_is(is_senders_fault, fault):
    body = query_protocol.encode_error(
        "sts", "AccessDenied", "not <you>", "r", is_senders_fault=is_senders_fault
    )

    assert body.decode() == (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>{fault}</Type><Code>AccessDenied</Code><Message>not &lt;you&gt;</Message></Error>"
        "<RequestId>r</RequestId></ErrorResponse>"
    )


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a\r\nb\tc", "a\r\nb\tc"),
        ("a]]>b", "a]]>b"),
        ("\x00\x1b[31m\ufffe", "\ufffd\ufffd[31m\ufffd"),
        ("\ud800", "\ufffd"),
        ("\U0001f600é", "\U0001f600é"),
    ],
)
def test_any_text_comes_back_from_a_parser_but_for_characters_that_xml_forbids(text, read):
    body = query_protocol.encode_error("iam", "ValidationError", text, "r")

    assert ElementTree.fromstring(body).findtext(".//{*}Message") == read
