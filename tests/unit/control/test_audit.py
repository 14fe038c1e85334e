"""What a record holds, and what it must not."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

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
from fairlead.control.audit import (
    HIDDEN,
    MAX_ENTRIES,
    MAX_TEXT_CHARACTERS,
    anonymous,
    call_record,
    is_read_only,
    moment_text,
    resource_type,
    security_record,
)
from fairlead.domain.audit import IdentityType
from fairlead.domain.callers import CallerKind, TemporaryCredentials
from fairlead.domain.errors import AccessDenied, InvalidRequest
from fairlead.domain.operations.catalogue import ALL_OPERATIONS
from tests.support.control_world import NODE_ID, ORIGIN, policy, statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A structure inside."""

    secret: str | None = member("Secret", String(sensitive=True))
    plain: str | None = member("plain", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """A member of each kind."""

    text: str | None = member("SomeText", String())
    number: int | None = member("Number", Integer())
    flag: bool | None = member("Flag", Boolean())
    moment: datetime | None = member("Moment", Timestamp())
    items: tuple[Inner, ...] | None = member("Items", ListOf(Structure(Inner)))
    mapping: dict[str, tuple[str, ...]] | None = member("Mapping", MapOf(String(), ListOf(String())))
    secrets: tuple[str, ...] | None = member("Secrets", ListOf(String(sensitive=True)))


CHANGE = Operation("ssm", "ChangeThing", Everything, Inner)
READ = Operation("ssm", "GetThing", Everything, Inner)


def recorded(world, request, operation=CHANGE, **members):
    return call_record(world.env, anonymous(world.env, ORIGIN), operation, request, **members)


def test_members_are_recorded_in_lower_camel_and_secrets_are_hidden(world):
    request = Everything(
        text="t",
        number=0,
        flag=False,
        moment=datetime(2026, 11, 1, tzinfo=UTC),
        items=(Inner(secret="s3cret", plain="p"), Inner()),
        mapping={"portNumber": ("22",)},
        secrets=("s3cret",),
    )
    assert recorded(world, request).request_parameters == {
        "someText": "t",
        "number": 0,
        "flag": False,
        "moment": "2026-11-01T00:00:00Z",
        "items": [{"secret": HIDDEN, "plain": "p"}, {}],
        "mapping": {"portNumber": ["22"]},
        "secrets": [HIDDEN],
    }


def test_absent_members_are_left_out(world):
    record = recorded(world, Everything())
    assert record.request_parameters == {}
    assert record.response_elements is record.error_code is record.decision is None


def test_a_request_that_was_not_understood_is_recorded_without_parameters(world):
    record = recorded(world, None, error=InvalidRequest("text"))
    assert record.request_parameters is None
    assert (record.error_code, record.error_message) == ("ValidationException", "text")


def test_answers_of_reading_operations_are_not_recorded(world):
    response = Inner(plain="p")
    assert recorded(world, Everything(), CHANGE, response=response).response_elements == {"plain": "p"}
    assert recorded(world, Everything(), READ, response=response).response_elements is None


def test_what_is_long_is_cut(world):
    long = "x" * (MAX_TEXT_CHARACTERS + 1)
    record = recorded(
        world,
        Everything(
            text=long,
            items=(Inner(),) * (MAX_ENTRIES + 1),
            mapping={str(number): () for number in range(MAX_ENTRIES + 1)},
        ),
        error=InvalidRequest(long),
    )
    cut = "x" * MAX_TEXT_CHARACTERS + "…"
    assert record.request_parameters["someText"] == record.error_message == cut
    assert len(record.request_parameters["items"]) == MAX_ENTRIES
    assert len(record.request_parameters["mapping"]) == MAX_ENTRIES


def test_the_record_says_who_when_and_from_where(world):
    caller = world.user("alice")
    record = call_record(world.env, caller, CHANGE, Everything())
    assert (record.at, record.scope) == (world.now, caller.scope)
    assert (record.principal_arn, record.principal_id) == (caller.arn, caller.principal_id)
    assert (record.user_name, record.access_key_id) == ("alice", "AKIAIOSFODNN7EXAMPLE")
    assert (record.source_address, record.user_agent, record.request_id) == (
        "192.0.2.7",
        "aws-cli/1.45",
        "request-1",
    )
    assert (record.event_source, record.event_name) == ("ssm.amazonaws.com", "ChangeThing")


def test_each_record_has_an_id_of_its_own(world):
    assert recorded(world, None).id != recorded(world, None).id


def test_a_security_event_has_details_and_no_secret(world):
    record = security_record(world.env, ORIGIN, "FrameRefused", {"bytes": 3, "text": "x" * 5000})
    assert (record.event_source, record.event_name) == ("fairlead.security", "FrameRefused")
    assert record.request_parameters["bytes"] == 3
    assert len(record.request_parameters["text"]) == MAX_TEXT_CHARACTERS + 1
    assert record.principal_arn == "anonymous"
    assert not record.is_read_only


def test_nobody_in_particular_belongs_to_the_default_scope(world):
    caller = anonymous(world.env, ORIGIN)
    assert caller.kind is CallerKind.ANONYMOUS
    assert caller.scope == world.settings.default_scope


def test_operations_that_read_are_known_by_their_names():
    reading = {operation.name for operation in ALL_OPERATIONS if is_read_only(operation)}
    assert {"DescribeSessions", "GetUser", "ListRoles", "GetCallerIdentity"} <= reading
    assert not {"StartSession", "CreateUser", "PutUserPolicy", "DeregisterManagedInstance"} & reading


def test_moments_are_written_in_utc_with_z():
    assert moment_text(datetime(2026, 11, 1, 1, 2, 3, 4000, tzinfo=UTC)) == "2026-11-01T01:02:03.004000Z"


DENY_SSH = policy(
    statement("Allow", "ssm:StartSession"),
    {**statement("Deny", "*", "arn:aws:ssm:*:*:document/AWS-StartSSHSession"), "Sid": "NoSsh"},
)


def test_a_refused_session_is_recorded_with_the_statement_that_refused_it(world):
    world.node()
    with pytest.raises(AccessDenied) as refused:
        world.start(world.user("bob", DENY_SSH))
    record = world.last_record
    assert (record.event_name, record.error_message) == ("StartSession", str(refused.value))
    (decision,) = record.decision["decisions"]
    node, document = decision["resources"]
    assert (node["verdict"], node.keys() & {"layer", "missing_keys"}) == ("allowed", set())
    assert document == {
        "resource": "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession",
        "verdict": "explicitDeny",
        "statements": ['Deny in statement "NoSsh" of "policy-0", inline policy of user "bob"'],
        "layer": "identity-based policy",
    }


def test_a_refusal_is_recorded_with_its_layer_and_the_keys_that_were_missing(world):
    world.node()
    team = {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "web"}}}
    with pytest.raises(AccessDenied):
        world.start(world.user("bob", policy({**statement("Allow", "ssm:StartSession"), **team})))
    (decision,) = world.last_record.decision["decisions"]
    for resource in decision["resources"]:
        assert (resource["verdict"], resource["statements"]) == ("implicitDeny", [])
        assert resource["layer"] == "identity-based policy"
        assert resource["missing_keys"] == ["aws:PrincipalTag/team"]
    boundary = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
    with pytest.raises(AccessDenied):
        world.start(world.user("eve", boundary_arn=boundary))
    (decision,) = world.last_record.decision["decisions"]
    assert {resource["layer"] for resource in decision["resources"]} == {"permissions boundary"}


def test_a_session_of_a_role_is_recorded_with_its_issuer_and_what_its_credentials_say(world):
    caller = replace(
        world.user("alice"),
        kind=CallerKind.ROLE,
        principal_id="AROA1:deploy",
        role_name="Deploy",
        role_arn="arn:aws:iam::111122223333:role/Deploy",
        temporary=TemporaryCredentials(issued_at=world.now, mfa_at=world.now, source_identity="ada"),
    )
    record = call_record(world.env, caller, CHANGE, Everything())
    assert record.identity_type is IdentityType.ROLE
    assert record.session_context == {
        "sessionIssuer": {
            "type": "Role",
            "principalId": "AROA1",
            "arn": "arn:aws:iam::111122223333:role/Deploy",
            "accountId": caller.scope.account_id,
            "userName": "Deploy",
        },
        "attributes": {"creationDate": moment_text(world.now), "mfaAuthenticated": "true"},
        "sourceIdentity": "ada",
    }


def test_a_record_names_what_was_decided_about_and_the_session(world):
    world.node()
    started = world.start(world.user())
    names = [(resource.type, resource.name) for resource in world.last_record.resources]
    assert names == [
        ("AWS::SSM::ManagedInstance", NODE_ID),
        ("AWS::SSM::Document", "AWS-StartSSHSession"),
        ("AWS::SSM::Session", started.session_id),
    ]


@pytest.mark.parametrize(
    ("arn", "type_"),
    [
        ("arn:aws:ssm:us-east-1:1:managed-instance/mi-1", "AWS::SSM::ManagedInstance"),
        ("arn:aws:iam::1:role/path/name", "AWS::IAM::Role"),
        ("arn:aws:iam::1:root", "AWS::IAM::Root"),
        ("arn:aws:ec2:us-east-1:1:instance/i-1", "AWS::EC2::Instance"),
        ("arn:odd", "AWS::::"),
    ],
)
def test_types_of_resources_are_those_of_cloudformation(arn, type_):
    assert resource_type(arn) == type_
