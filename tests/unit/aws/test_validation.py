from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from fairlead.aws.errors import MAX_EXCERPT, ValidationFailed
from fairlead.aws.shapes import Boolean, Integer, ListOf, MapOf, String, Structure, Timestamp, member
from fairlead.aws.validation import MAX_FAILURES, validate


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    key: str = member("key", String(enum=("Target", "Owner")), required=True)
    count: int | None = member("Count", Integer())
    is_on: bool | None = member("IsOn", Boolean())
    since: datetime | None = member("Since", Timestamp())
    codes: tuple[str, ...] | None = member("Codes", ListOf(String(max=3)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Secretive:
    code: str | None = member("Code", String(min=20, sensitive=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    target: str | None = member("Target", String(min=1, max=5, pattern="[a-z-]*"))
    limit: int | None = member("MaxResults", Integer(min=1, max=50))
    unbounded: int | None = member("Unbounded", Integer())
    is_on: bool | None = member("IsOn", Boolean())
    since: datetime | None = member("Since", Timestamp())
    ids: tuple[str, ...] | None = member("InstanceIds", ListOf(String(max=4, pattern="i-.*"), min=1, max=3))
    free: tuple[str, ...] | None = member("Free", ListOf(String()))
    parameters: dict[str, tuple[str, ...]] | None = member(
        "Parameters", MapOf(String(min=1, max=3), ListOf(String(min=1)), max=2)
    )
    nested: Filter | None = member("Filter", Structure(Filter))
    filters: tuple[Filter, ...] | None = member("Filters", ListOf(Structure(Filter), max=2))
    by_name: dict[str, Filter] | None = member("ByName", MapOf(String(), Structure(Filter), max=1))
    deep: tuple[tuple[Filter, ...], ...] | None = member("Deep", ListOf(ListOf(Structure(Filter))))
    secret: str | None = member("Secret", String(max=3, sensitive=True))
    secrets: tuple[str, ...] | None = member("Secrets", ListOf(String(sensitive=True), max=1))
    secret_keys: dict[str, str] | None = member("SecretKeys", MapOf(String(sensitive=True), String(), max=0))
    secret_values: dict[str, str] | None = member(
        "SecretValues", MapOf(String(), String(sensitive=True), max=0)
    )
    secretive: tuple[Secretive, ...] | None = member("Secretive", ListOf(Structure(Secretive), max=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    ssh_key: str = member("SSHPublicKey", String(), required=True)
    port: int = member("Port", Integer(), required=True)


def failures(instance):
    with pytest.raises(ValidationFailed) as caught:
        validate(instance)
    return [str(failure) for failure in caught.value.failures]


def failure(path, value, constraint):
    return f"Value {value} at '{path}' failed to satisfy constraint: {constraint}"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"target": "a"},
        {"target": "a-b-c"},
        {"limit": 1},
        {"limit": 50},
        {"unbounded": -(10**12), "is_on": False, "since": datetime(2026, 1, 1, tzinfo=UTC)},
        {"ids": ("i-1",)},
        {"ids": ("i-1", "i-12", "i-")},
        {"free": ()},
        {"parameters": {}},
        {"parameters": {"a": ("22",), "abc": ()}},
        {"nested": Filter(key="Target", codes=("abc",))},
        {"filters": (Filter(key="Owner"),), "by_name": {"x": Filter(key="Owner")}},
        {"secret": "abc"},
    ],
)
def test_members_within_their_constraints_pass(members):
    validate(Everything(**members))


def test_an_absent_required_member_is_null():
    assert failures(Required(ssh_key=None, port=None)) == [
        failure("sSHPublicKey", "null", "Member must not be null"),
        failure("port", "null", "Member must not be null"),
    ]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"target": "abcdef"}, ("target", "'abcdef'", "Member must have length less than or equal to 5")),
        ({"target": ""}, ("target", "''", "Member must have length greater than or equal to 1")),
        (
            {"target": "A"},
            ("target", "'A'", "Member must satisfy regular expression pattern: [a-z-]*"),
        ),
        ({"target": "a\n"}, ("target", "'a\n'", "Member must satisfy regular expression pattern: [a-z-]*")),
        ({"limit": 0}, ("maxResults", "'0'", "Member must have value greater than or equal to 1")),
        ({"limit": 51}, ("maxResults", "'51'", "Member must have value less than or equal to 50")),
        ({"ids": ()}, ("instanceIds", "'[]'", "Member must have length greater than or equal to 1")),
        (
            {"ids": ("i-1", "i-2", "i-3", "i-4")},
            ("instanceIds", "'[i-1, i-2, i-3, i-4]'", "Member must have length less than or equal to 3"),
        ),
        (
            {"ids": ("i-1", "mi-2")},
            (
                "instanceIds",
                "'[i-1, mi-2]'",
                "Member must satisfy constraint: [Member must have length less than or equal to 4, "
                "Member must satisfy regular expression pattern: i-.*]",
            ),
        ),
        (
            {"parameters": {"abcd": ("22",)}},
            (
                "parameters",
                "'{abcd=[22]}'",
                "Map keys must satisfy constraint: [Member must have length less than or equal to 3, "
                "Member must have length greater than or equal to 1]",
            ),
        ),
        (
            {"parameters": {"a": ("22", "")}},
            (
                "parameters",
                "'{a=[22, ]}'",
                "Map value must satisfy constraint: [Member must satisfy constraint: "
                "[Member must have length greater than or equal to 1]]",
            ),
        ),
        (
            {"parameters": {"a": (), "b": (), "c": ()}},
            ("parameters", "'{a=[], b=[], c=[]}'", "Member must have length less than or equal to 2"),
        ),
        (
            {"nested": Filter(key="Colour")},
            ("filter.key", "'Colour'", "Member must satisfy enum value set: [Target, Owner]"),
        ),
        (
            {"filters": (Filter(key="Owner"), Filter(key=None))},
            ("filters.2.member.key", "null", "Member must not be null"),
        ),
        (
            {"by_name": {"x": Filter(key="")}},
            ("byName.x.member.key", "''", "Member must satisfy enum value set: [Target, Owner]"),
        ),
        (
            {"deep": ((), (Filter(key="Owner", codes=("long",)),))},
            (
                "deep.2.member.1.member.codes",
                "'[long]'",
                "Member must satisfy constraint: [Member must have length less than or equal to 3]",
            ),
        ),
    ],
)
def test_a_broken_constraint_is_told_in_the_words_of_aws(members, expected):
    assert failures(Everything(**members)) == [failure(*expected)]


def test_every_broken_constraint_of_every_member_is_told():
    assert failures(Everything(target="ABCDEF", limit=99)) == [
        failure("target", "'ABCDEF'", "Member must have length less than or equal to 5"),
        failure("target", "'ABCDEF'", "Member must satisfy regular expression pattern: [a-z-]*"),
        failure("maxResults", "'99'", "Member must have value less than or equal to 50"),
    ]


def test_structures_in_a_value_are_shown_by_their_members():
    one = Filter(key="Owner", count=3, is_on=True, since=datetime(2026, 1, 2, tzinfo=UTC), codes=("a",))
    two = Filter(key="Target")

    assert failures(Everything(filters=(one, two, two)))[0].startswith(
        "Value '[Filter(key=Owner, Count=3, IsOn=true, Since=2026-01-02T00:00:00+00:00, Codes=[a]), "
        "Filter(key=Target), Filter(key=Target)]' at 'filters'"
    )


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"secret": "hunter2"}, "secret"),
        ({"secrets": ("hunter2", "hunter2")}, "secrets"),
        ({"secret_keys": {"hunter2": "x"}}, "secretKeys"),
        ({"secret_values": {"x": "hunter2"}}, "secretValues"),
    ],
)
def test_a_secret_is_never_repeated(members, path):
    [text] = failures(Everything(**members))

    assert text.startswith(f"Value at '{path}' failed to satisfy constraint: Member must have length")
    assert "hunter2" not in text


def test_a_list_of_structures_with_a_secret_in_them_is_not_repeated():
    texts = failures(Everything(secretive=(Secretive(code="hunter2"),)))

    assert len(texts) == 2
    assert not any("hunter2" in text for text in texts)


def test_long_values_and_long_keys_are_cut():
    [text] = failures(Everything(target="a" * 10_000))
    assert len(text) < MAX_EXCERPT + 200

    [text] = failures(Everything(by_name={"k" * 10_000: Filter(key="")}))
    assert len(text) < MAX_EXCERPT + 200


def test_the_number_of_failures_has_a_limit():
    assert len(failures(Everything(deep=((Filter(key=""),) * 100,)))) == MAX_FAILURES
