import json

import pytest

from fairlead.policy.document import Effect, Version
from fairlead.policy.errors import (
    DUPLICATE_SID,
    PRINCIPAL_PRESENT,
    SYNTAX,
    VERSION_TOO_OLD,
    MalformedPolicy,
)
from fairlead.policy.parser import parse_identity_policy
from tests.support.ssh_policies import ALLOW_SSH, DENY_SSH

STATEMENT = {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"}


def refusal(document, **options):
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(MalformedPolicy) as caught:
        parse_identity_policy(text, **options)
    return caught.value


def document(**elements):
    return {"Version": "2012-10-17", "Statement": [{**STATEMENT, **elements}]}


def test_the_published_allow_is_read_as_it_stands():
    policy = parse_identity_policy(ALLOW_SSH, is_managed=True)
    (statement,) = policy.statements
    assert policy.version is Version.V2012
    assert (statement.index, statement.sid, statement.effect) == (0, None, Effect.ALLOW)
    assert statement.actions.patterns == ("ssm:StartSession",)
    assert [pattern.text for pattern in statement.resources.patterns] == [
        "arn:aws:ec2:*:*:instance/instance-id",
        "arn:aws:ssm:*:*:document/AWS-StartSSHSession",
    ]


def test_the_published_deny_is_read_as_it_stands():
    (statement,) = parse_identity_policy(DENY_SSH, is_managed=True).statements
    assert (statement.sid, statement.effect) == ("VisualEditor1", Effect.DENY)


def test_the_order_of_elements_is_free():
    text = '{"Statement":{"Resource":"*","Action":"*","Effect":"Deny"},"Version":"2012-10-17"}'
    assert parse_identity_policy(text).statements[0].effect is Effect.DENY


def test_statements_are_numbered_in_their_order():
    policy = parse_identity_policy(json.dumps({"Statement": [STATEMENT, {**STATEMENT, "Sid": "b"}]}))
    assert [(statement.index, statement.sid) for statement in policy.statements] == [(0, None), (1, "b")]


def test_an_inline_policy_without_a_version_is_read_in_the_old_language():
    assert parse_identity_policy(json.dumps({"Statement": STATEMENT})).version is Version.V2008


@pytest.mark.parametrize("old", [{"Statement": STATEMENT}, {"Version": "2008-10-17", "Statement": STATEMENT}])
def test_a_managed_policy_must_be_in_the_new_language(old):
    assert refusal(old, is_managed=True).wording == VERSION_TOO_OLD


@pytest.mark.parametrize("name", ["Principal", "NotPrincipal"])
def test_a_principal_is_refused(name):
    assert refusal(document(**{name: "*"})).wording == PRINCIPAL_PRESENT


def test_a_condition_is_part_of_its_statement():
    condition = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}, "Null": {"aws:username": False}}
    (statement,) = parse_identity_policy(json.dumps(document(Condition=condition))).statements
    assert statement.keys == ("aws:SourceIp", "aws:username")


def test_a_bad_condition_is_refused_with_its_place_and_what_was_expected():
    condition = {"IpAddress": {"aws:SourceIp": "localhost"}}
    assert str(refusal(document(Condition=condition))) == (
        "The policy failed legacy parsing (statement 1: Condition: IpAddress needs an address or a network in"
        ' CIDR form, not "localhost")'
    )


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "{}",
        {"Version": "2012-10-17"},
        {"Id": "a", "Statement": STATEMENT},
        {"version": "2012-10-17", "Statement": STATEMENT},
        document(effect="Allow"),
        ALLOW_SSH.replace('"Effect": "Allow"', '"Effect": "Deny", "Effect": "Allow"'),
        ALLOW_SSH.replace("instance-id", "instance-\u20ac"),
    ],
)
def test_syntax_errors_are_refused(malformed):
    assert refusal(malformed).wording == SYNTAX


def test_the_refusal_says_which_statement_is_wrong():
    wrong = {"Statement": [STATEMENT, {**STATEMENT, "Acton": "*"}]}
    assert str(refusal(wrong)) == 'Syntax errors in policy. (statement 2: unknown element "Acton")'


def test_sids_must_be_unique_in_the_document():
    named = {**STATEMENT, "Sid": "a"}
    assert refusal({"Statement": [named, STATEMENT, named]}).wording == DUPLICATE_SID
