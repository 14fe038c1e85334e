"""Documents that must not be stored, wherever one could be: each is refused, and nothing changes."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from fairlead.aws import sigv4
from tests.support.api_client import ApiClient
from tests.support.control_world import ALLOW_ALL, World

ACCOUNT = "111122223333"
POLICY_ARN = f"arn:aws:iam::{ACCOUNT}:policy/limit"
TRUST_STATEMENT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "sts:AssumeRole",
}
TRUST = {"Version": "2012-10-17", "Statement": [TRUST_STATEMENT]}
STATEMENT = {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"}

# Every place: service, operation with its other members, the member that holds the document.
IDENTITY_PLACES: dict[str, tuple[str, dict[str, str], str]] = {
    "inline policy of a user": (
        "iam",
        {"Action": "PutUserPolicy", "UserName": "alice", "PolicyName": "new"},
        "PolicyDocument",
    ),
    "a user's policy again": (
        "iam",
        {"Action": "PutUserPolicy", "UserName": "bob", "PolicyName": "policy-0"},
        "PolicyDocument",
    ),
    "inline policy of a group": (
        "iam",
        {"Action": "PutGroupPolicy", "GroupName": "ops", "PolicyName": "new"},
        "PolicyDocument",
    ),
    "inline policy of a role": (
        "iam",
        {"Action": "PutRolePolicy", "RoleName": "Deploy", "PolicyName": "new"},
        "PolicyDocument",
    ),
    "managed policy": ("iam", {"Action": "CreatePolicy", "PolicyName": "new"}, "PolicyDocument"),
    "version of a managed policy": (
        "iam",
        {"Action": "CreatePolicyVersion", "PolicyArn": POLICY_ARN, "SetAsDefault": "true"},
        "PolicyDocument",
    ),
    "session policy": (
        "sts",
        {
            "Action": "AssumeRole",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/Deploy",
            "RoleSessionName": "nightly",
        },
        "Policy",
    ),
}
TRUST_PLACES: dict[str, tuple[str, dict[str, str], str]] = {
    "trust policy of a new role": (
        "iam",
        {"Action": "CreateRole", "RoleName": "New"},
        "AssumeRolePolicyDocument",
    ),
    "trust policy": ("iam", {"Action": "UpdateAssumeRolePolicy", "RoleName": "Deploy"}, "PolicyDocument"),
}
VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}

NOT_DOCUMENTS = {
    "no JSON": "{",
    "an array": "[]",
    "a string": '"Allow"',
    "null": "null",
    "nothing within": "{}",
    "two documents": ALLOW_ALL + ALLOW_ALL,
    "a comment": "/* all */" + ALLOW_ALL,
    "NaN": '{"Version":"2012-10-17","Statement":NaN}',
    "deep": '{"Version":' + "[" * 20_000 + "]" * 20_000 + "}",
    "a key twice": '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}',
    "a byte order mark": "\u00ff\u00fe{}",
}
BROKEN_DOCUMENTS: dict[str, Any] = {
    "no statement": {"Version": "2012-10-17"},
    "empty statements": {"Version": "2012-10-17", "Statement": []},
    "a text for a statement": {"Version": "2012-10-17", "Statement": "Allow"},
    "a list in the list": {"Version": "2012-10-17", "Statement": [[]]},
    "an unknown version": {"Version": "2015-10-17", "Statement": None},
    "a number for the version": {"Version": 20121017, "Statement": None},
    "an unknown element": {"Version": "2012-10-17", "Statement": None, "Statements": []},
}
BROKEN_STATEMENTS: dict[str, dict[str, Any]] = {
    "no effect": {"Effect": ...},
    "no action": {"Action": ...},
    "an effect in lower case": {"Effect": "allow"},
    "an effect that is none": {"Effect": "Audit"},
    "an action without a service": {"Action": "StartSession"},
    "two colons": {"Action": "sts:Assume:Role"},
    "a wildcard for the service": {"Action": "s*:AssumeRole"},
    "no action in the list": {"Action": []},
    "an empty action": {"Action": ""},
    "a number for an action": {"Action": 5},
    "both Action and NotAction": {"NotAction": "iam:*"},
    "a Sid with a blank": {"Sid": "a b"},
    "an unknown element in a statement": {"Actions": "ssm:*"},
    "a text for a condition": {"Condition": "true"},
    "an unknown operator": {"Condition": {"StringIs": {"aws:username": "a"}}},
    "Null with IfExists": {"Condition": {"NullIfExists": {"aws:username": "true"}}},
    "an unknown set qualifier": {"Condition": {"ForSomeValues:StringEquals": {"aws:username": "a"}}},
    "a key without a service": {"Condition": {"StringEquals": {"username": "a"}}},
    "no values": {"Condition": {"StringEquals": {"aws:username": []}}},
    "an object for a value": {"Condition": {"StringEquals": {"aws:username": {"a": "b"}}}},
    "a date that is none": {"Condition": {"DateLessThan": {"aws:CurrentTime": "tomorrow"}}},
    "a number that is none": {"Condition": {"NumericEquals": {"aws:MultiFactorAuthAge": "1h"}}},
    "a network that is none": {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.*"}}},
    "a boolean that is none": {"Condition": {"Bool": {"aws:SecureTransport": "yes"}}},
    "an ARN that is none": {"Condition": {"ArnLike": {"aws:PrincipalArn": "user/alice"}}},
    "base64 that is none": {"Condition": {"BinaryEquals": {"aws:username": "%"}}},
    "an unfinished variable": {"Condition": {"StringEquals": {"aws:username": "${aws:"}}},
}
BROKEN_IDENTITY_STATEMENTS: dict[str, dict[str, Any]] = {
    "a principal": {"Principal": "*"},
    "a principal left out": {"NotPrincipal": {"AWS": ACCOUNT}},
    "no ARN": {"Resource": "instance/i-1"},
    "an ARN with few fields": {"Resource": "arn:aws:ssm:document"},
    "another partition": {"Resource": "arn:gcp:ssm:::document/x"},
    "a wildcard for the resource's service": {"Resource": "arn:aws:*:::document/x"},
    "no resource": {"Resource": ...},
    "no resource in the list": {"Resource": []},
    "an empty resource": {"Resource": ""},
    "both Resource and NotResource": {"NotResource": "*"},
    "a variable in the account": {"Resource": "arn:aws:ssm::${aws:PrincipalAccount}:document/x"},
    "an unfinished variable in the resource": {"Resource": "arn:aws:ssm:::document/${aws:username"},
}
BROKEN_TRUST_STATEMENTS: dict[str, dict[str, Any]] = {
    "a resource": {"Resource": "*"},
    "an action of another service": {"Action": "ssm:StartSession"},
    "no principal": {"Principal": ...},
    "an empty map of principals": {"Principal": {}},
    "an unknown kind of principal": {"Principal": {"Google": "x"}},
    "a group for a principal": {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:group/ops"}},
    "a wildcard in a principal": {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"}},
    "a service that is none": {"Principal": {"Service": "ssm"}},
    "an issuer without conditions": {
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example.org"},
        "Action": "sts:AssumeRoleWithWebIdentity",
    },
    "an Allow of all but somebody": {"NotPrincipal": {"AWS": ACCOUNT}, "Principal": ...},
}


def _texts(statement: dict[str, Any], *broken: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Every malformed document by name; the rest of each is well formed. An ellipsis leaves a member out."""
    texts = dict(NOT_DOCUMENTS)
    for name, document in BROKEN_DOCUMENTS.items():
        filled = {key: [statement] if value is None else value for key, value in document.items()}
        texts[name] = json.dumps(filled)
    for name, changes in (item for each in broken for item in each.items()):
        changed = {key: value for key, value in {**statement, **changes}.items() if value is not ...}
        texts[name] = json.dumps({"Version": "2012-10-17", "Statement": [changed]})
    twice = [{**statement, "Sid": "a"}, {**statement, "Sid": "a"}]
    texts["a Sid twice"] = json.dumps({"Version": "2012-10-17", "Statement": twice})
    second = [statement, {**statement, "Effect": "deny"}]
    texts["the second statement"] = json.dumps({"Version": "2012-10-17", "Statement": second})
    return texts


IDENTITY_TEXTS = _texts(STATEMENT, BROKEN_STATEMENTS, BROKEN_IDENTITY_STATEMENTS)
TRUST_TEXTS = _texts(TRUST_STATEMENT, BROKEN_STATEMENTS, BROKEN_TRUST_STATEMENTS)
OLD_LANGUAGE = json.dumps({"Statement": STATEMENT})

Send = Callable[[str, dict[str, str]], Any]


@pytest.fixture(scope="module")
def client() -> ApiClient:
    """Somebody who may do everything, with something of every kind to change."""
    return ApiClient(World())


@pytest.fixture(scope="module")
def send(client: ApiClient) -> Send:
    world = client.world
    world.user("bob")
    admin: sigv4.Credentials = world.key_of(world.user("alice"))

    def send(service: str, members: dict[str, str]) -> Any:
        form = urlencode({**members, "Version": VERSIONS[service]})
        return client.call_query(admin, service, form)

    for members in (
        {"Action": "CreateGroup", "GroupName": "ops"},
        {"Action": "CreateRole", "RoleName": "Deploy", "AssumeRolePolicyDocument": json.dumps(TRUST)},
        {"Action": "CreatePolicy", "PolicyName": "limit", "PolicyDocument": ALLOW_ALL},
    ):
        assert send("iam", members).status == 200
    return send


def rows(client: ApiClient) -> dict[str, Any]:
    """Everything that is stored but the audit trail, which grows by what was refused."""
    return {
        name: table for name, table in vars(client.world.store.tables.copied()).items() if name != "audit"
    }


@pytest.mark.parametrize("place", IDENTITY_PLACES)
def test_an_identity_policy_is_refused_and_nothing_of_it_stored(
    client: ApiClient, send: Send, place: str
) -> None:
    _all_refused(client, send, IDENTITY_PLACES[place], IDENTITY_TEXTS)


@pytest.mark.parametrize("place", TRUST_PLACES)
def test_a_trust_policy_is_refused_and_nothing_of_it_stored(
    client: ApiClient, send: Send, place: str
) -> None:
    _all_refused(client, send, TRUST_PLACES[place], TRUST_TEXTS)


def _all_refused(
    client: ApiClient, send: Send, place: tuple[str, dict[str, str], str], texts: dict[str, str]
) -> None:
    service, members, document = place
    before = rows(client)
    longest = 2048 if document == "Policy" else 131072
    answers = {
        name: send(service, {**members, document: text})
        for name, text in texts.items()
        if len(text) <= longest
    }
    wrong = {
        name: (answer.status, answer.code, answer.message)
        for name, answer in answers.items()
        if (answer.status, answer.code) != (400, "MalformedPolicyDocument")
    }
    assert wrong == {}
    assert rows(client) == before
    assert all(
        "Traceback" not in answer.message and len(answer.message) < 1000 for answer in answers.values()
    )


@pytest.mark.parametrize("place", ["managed policy", "version of a managed policy"])
def test_a_managed_policy_in_the_old_language_is_refused(client: ApiClient, send: Send, place: str) -> None:
    service, members, document = IDENTITY_PLACES[place]
    before = rows(client)
    answer = send(service, {**members, document: OLD_LANGUAGE})
    assert (answer.status, answer.code) == (400, "MalformedPolicyDocument")
    assert answer.message == "Policy document must be version 2012-10-17 or greater."
    assert rows(client) == before


@pytest.mark.parametrize("place", [*IDENTITY_PLACES, *TRUST_PLACES])
@pytest.mark.parametrize("text", ["", "{\u2028}", "京"])
def test_characters_that_no_document_has_are_refused_by_the_constraint(
    client: ApiClient, send: Send, place: str, text: str
) -> None:
    service, members, document = {**IDENTITY_PLACES, **TRUST_PLACES}[place]
    before = rows(client)
    answer = send(service, {**members, document: text})
    assert (answer.status, answer.code) == (400, "ValidationError")
    assert rows(client) == before


@pytest.mark.parametrize("arn", ["arn:aws:iam::111122223333:policy/gone", POLICY_ARN + "2", "x" * 20])
@pytest.mark.parametrize("kind", ["User", "Role"])
def test_a_boundary_that_is_no_policy_is_refused(client: ApiClient, send: Send, kind: str, arn: str) -> None:
    before = rows(client)
    name = {"User": "alice", "Role": "Deploy"}[kind]
    members = {"Action": f"Put{kind}PermissionsBoundary", f"{kind}Name": name, "PermissionsBoundary": arn}
    answer = send("iam", members)
    assert answer.status in (400, 404)
    assert answer.code in ("NoSuchEntity", "InvalidInput", "ValidationError")
    assert rows(client) == before


@pytest.mark.parametrize("place", [*IDENTITY_PLACES, *TRUST_PLACES])
def test_what_is_well_formed_is_taken_at_each_place(send: Send, place: str) -> None:
    """So the refusals are for what was broken."""
    service, members, document = {**IDENTITY_PLACES, **TRUST_PLACES}[place]
    text = json.dumps(TRUST if place in TRUST_PLACES else {**TRUST, "Statement": [STATEMENT]})
    assert send(service, {**members, document: text}).status == 200
