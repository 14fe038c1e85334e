import json

import pytest

from fairlead.policy.document import Effect, Version
from fairlead.policy.errors import (
    DUPLICATE_SID,
    FEDERATED_UNRESTRICTED,
    NO_PRINCIPAL,
    NOT_AN_ASSUME_ROLE_ACTION,
    PROHIBITED_RESOURCE,
    SYNTAX,
    MalformedPolicy,
)
from fairlead.policy.trust_parser import parse_trust_policy

STATEMENT = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}


def written(*statements, **elements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **elements})


def with_elements(**elements):
    return written({**STATEMENT, **elements})


def with_principal(principal):
    return with_elements(Principal=principal)


def refusal(text):
    with pytest.raises(MalformedPolicy) as caught:
        parse_trust_policy(text)
    return caught.value.wording


def test_a_trust_policy_is_read():
    policy = parse_trust_policy(written({"Sid": "A", **STATEMENT}, Id="x"))
    (statement,) = policy.statements
    assert policy.version is Version.V2012
    assert (statement.index, statement.sid, statement.effect) == (0, "A", Effect.ALLOW)
    assert statement.principals.services == {"ssm.amazonaws.com"}
    assert statement.actions.patterns == ("sts:AssumeRole",)


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*", "*"]}])
def test_anyone_can_be_named_in_two_ways(principal):
    principals = parse_trust_policy(with_principal(principal)).statements[0].principals
    assert principals.anyone
    assert not principals.aws


def test_an_account_is_the_same_as_its_root():
    principals = parse_trust_policy(with_principal({"AWS": "111122223333"})).statements[0].principals
    assert principals.aws == {"arn:aws:iam::111122223333:root"}
    assert not principals.anyone


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:user/bob",
        "arn:aws:iam::111122223333:user/a/b/bob",
        "arn:aws:iam::111122223333:role/service-role/FairleadNode",
        "arn:aws:sts::111122223333:assumed-role/Ops/bob@example.com",
    ],
)
def test_aws_principals_are_read(arn):
    assert parse_trust_policy(with_principal({"AWS": [arn]})).statements[0].principals.aws == {arn}


@pytest.mark.parametrize(
    ("principal", "shown"),
    [
        ({"AWS": "bob"}, '"AWS":"bob"'),
        ({"AWS": "11112222333"}, '"AWS":"11112222333"'),
        ({"AWS": "arn:aws:iam::*:root"}, '"AWS":"arn:aws:iam::*:root"'),
        ({"AWS": "arn:aws:iam::111122223333:user/*"}, '"AWS":"arn:aws:iam::111122223333:user/*"'),
        ({"AWS": "arn:aws:iam::111122223333:user/b?b"}, '"AWS":"arn:aws:iam::111122223333:user/b?b"'),
        ({"AWS": "arn:aws:iam::111122223333:group/g"}, '"AWS":"arn:aws:iam::111122223333:group/g"'),
        ({"AWS": ""}, None),
        ({"Service": "*"}, '"SERVICE":"*"'),
        ({"Service": "ssm"}, '"SERVICE":"ssm"'),
        ({"Service": ["ssm.amazonaws.com", "SSM.amazonaws.com"]}, '"SERVICE":"SSM.amazonaws.com"'),
        ({"Federated": "accounts.google.com"}, '"FEDERATED":"accounts.google.com"'),
        ({"CanonicalUser": "abc"}, '"CANONICALUSER":"abc"'),
    ],
)
def test_other_principals_are_refused(principal, shown):
    expected = NO_PRINCIPAL if shown is None else f"Invalid principal in policy: {shown}"
    assert refusal(with_principal(principal)) == expected


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("", SYNTAX),
        (written(STATEMENT, Id=1), SYNTAX),
        (written(STATEMENT, Name="x"), SYNTAX),
        (written(), SYNTAX),
        (written({"Effect": "Allow", "Action": "sts:AssumeRole"}), NO_PRINCIPAL),
        (with_principal({}), NO_PRINCIPAL),
        (with_principal({"Service": []}), NO_PRINCIPAL),
        (with_principal("arn:aws:iam::111122223333:user/bob"), SYNTAX),
        (with_principal(["*"]), SYNTAX),
        (with_principal({"Service": [1]}), SYNTAX),
        (with_elements(NotPrincipal="*"), SYNTAX),
        (written({"Effect": "Allow", "NotPrincipal": "*", "Action": "sts:AssumeRole"}), SYNTAX),
        (with_elements(Resource="*"), PROHIBITED_RESOURCE),
        (with_elements(NotResource="*"), PROHIBITED_RESOURCE),
        (with_elements(Condition={"Is": {"aws:SourceAccount": "111122223333"}}), SYNTAX),
        (with_elements(Extra={}), SYNTAX),
        (with_elements(Action="*"), NOT_AN_ASSUME_ROLE_ACTION),
        (with_elements(Action="ssm:StartSession"), NOT_AN_ASSUME_ROLE_ACTION),
        (with_elements(Action=["sts:AssumeRole", "sts:GetCallerIdentity"]), NOT_AN_ASSUME_ROLE_ACTION),
        (
            written({"Effect": "Allow", "Principal": "*", "NotAction": "sts:TagSession"}),
            NOT_AN_ASSUME_ROLE_ACTION,
        ),
        (written({**STATEMENT, "Sid": "a"}, {**STATEMENT, "Sid": "a"}), DUPLICATE_SID),
    ],
)
def test_other_documents_are_refused(text, wording):
    assert refusal(text) == wording


def test_not_principal_may_stand_with_a_deny():
    text = written({"Effect": "Deny", "NotPrincipal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"})
    assert parse_trust_policy(text).statements[0].principals.negated


@pytest.mark.parametrize(
    "action", ["sts:AssumeRole*", "STS:assumerole", ["sts:AssumeRole", "sts:TagSession"]]
)
def test_actions_around_assuming_a_role_are_read(action):
    assert parse_trust_policy(with_elements(Action=action)).statements


PROVIDER = "arn:aws:iam::111122223333:oidc-provider/idp.example/realm"


def federated(condition, **elements):
    return with_elements(
        Principal={"Federated": PROVIDER},
        Action="sts:AssumeRoleWithWebIdentity",
        Condition=condition,
        **elements,
    )


def test_an_identity_provider_is_trusted_for_an_audience_and_subjects():
    condition = {
        "StringEquals": {"idp.example/realm:aud": "ssh"},
        "StringLike": {"IDP.example/realm:sub": ["team-a/*", "team-b/*"]},
    }
    (statement,) = parse_trust_policy(federated(condition)).statements
    assert statement.principals.federated == {PROVIDER}


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"StringEquals": {"idp.example/realm:aud": "ssh"}},
        {"StringEquals": {"idp.example/realm:sub": "al"}},
        {"StringEquals": {"other.example:aud": "ssh", "other.example:sub": "al"}},
        {"StringLike": {"idp.example/realm:aud": "ssh", "idp.example/realm:sub": "*"}},
        {
            "StringEquals": {
                "idp.example/realm:aud": "ssh",
                "idp.example/realm:sub": "${idp.example/realm:sub}",
            }
        },
        {"StringLike": {"idp.example/realm:aud": "ssh", "idp.example/realm:sub": ["al", "?*"]}},
        {"StringNotEquals": {"idp.example/realm:aud": "ssh", "idp.example/realm:sub": "al"}},
        {"StringEqualsIfExists": {"idp.example/realm:aud": "ssh", "idp.example/realm:sub": "al"}},
        {"ForAllValues:StringEquals": {"idp.example/realm:aud": "ssh", "idp.example/realm:sub": "al"}},
        {"Null": {"idp.example/realm:aud": "false", "idp.example/realm:sub": "false"}},
    ],
)
def test_an_identity_provider_without_both_conditions_is_refused(condition):
    assert refusal(federated(condition)) == FEDERATED_UNRESTRICTED


def test_an_identity_provider_may_be_denied_without_conditions():
    assert parse_trust_policy(federated({}, Effect="Deny")).statements[0].effect is Effect.DENY
