import json

import pytest

from fairlead.policy.decision import EVERY_LAYER, Layer, Verdict
from fairlead.policy.trust import (
    aws_trustee,
    evaluate_trust,
    federated_trustee,
    service_trustee,
    trusts_service,
)
from fairlead.policy.trust_parser import parse_trust_policy

SSM = "ssm.amazonaws.com"
BOB = "arn:aws:iam::111122223333:user/bob"
ROOT = "arn:aws:iam::111122223333:root"
ROLE = "arn:aws:iam::111122223333:role/team/Ops"
BOBS_ID = "AIDABOB00000000000001"
ROLES_ID = "AROAOPS00000000000001"
SESSIONS_ID = f"{ROLES_ID}:bob"
SESSION = "arn:aws:sts::111122223333:assumed-role/Ops/bob"
TARGET = "arn:aws:iam::111122223333:role/Target"


def allow(principal, action="sts:AssumeRole"):
    return {"Effect": "Allow", "Principal": principal, "Action": action}


def deny(principal, element="Principal"):
    return {"Effect": "Deny", element: principal, "Action": "sts:AssumeRole"}


def policy(*statements):
    return parse_trust_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def test_a_role_trusts_the_service_it_names():
    node_role = policy(allow({"Service": SSM}))
    assert trusts_service(node_role, SSM)
    assert not trusts_service(node_role, "ec2.amazonaws.com")


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": "111122223333"}])
def test_a_service_is_not_trusted_as_anyone(principal):
    assert not trusts_service(policy(allow(principal)), SSM)


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"Service": ["ec2.amazonaws.com", SSM]}])
def test_a_deny_for_the_service_or_for_anyone_beats_the_allow(principal):
    denied = evaluate_trust(policy(allow({"Service": SSM}), deny(principal)), service_trustee(SSM))
    assert denied.verdict is Verdict.EXPLICIT_DENY
    assert denied.statements == (1,)


def test_another_action_is_not_trust():
    tagging = policy(allow({"Service": SSM}, "sts:TagSession"))
    assert not trusts_service(tagging, SSM)
    assert evaluate_trust(tagging, service_trustee(SSM), "sts:TagSession").is_allowed


@pytest.mark.parametrize(
    ("principal", "trustee"),
    [
        (BOB, aws_trustee(BOB, BOBS_ID)),
        (BOBS_ID, aws_trustee(BOB, BOBS_ID)),
        (SESSION, aws_trustee(SESSION, SESSIONS_ID, ROLE)),
        (SESSIONS_ID, aws_trustee(SESSION, SESSIONS_ID, ROLE)),
        (ROOT, aws_trustee(ROOT, ROOT.split(":")[4])),
    ],
)
def test_a_principal_trusted_by_name_needs_no_other_allow(principal, trustee):
    decision = evaluate_trust(policy(allow({"AWS": principal})), trustee)
    assert decision.verdict is Verdict.ALLOWED
    assert decision.needed == frozenset()
    assert decision.statements == (0,)


@pytest.mark.parametrize("principal", ["*", {"AWS": ["*"]}, {"AWS": "111122223333"}, {"AWS": ROOT}])
def test_a_principal_trusted_with_its_account_needs_an_identity_allow(principal):
    decision = evaluate_trust(policy(allow(principal)), aws_trustee(BOB, BOBS_ID))
    assert decision.is_allowed
    assert decision.needed == EVERY_LAYER


@pytest.mark.parametrize("role", [ROLE, ROLES_ID])
@pytest.mark.parametrize("also", [[], [allow({"AWS": ROOT})]])
def test_a_session_of_a_role_trusted_by_name_stays_within_its_limits(role, also):
    decision = evaluate_trust(policy(allow({"AWS": role}), *also), aws_trustee(SESSION, SESSIONS_ID, ROLE))
    assert decision.is_allowed
    assert decision.needed == {Layer.BOUNDARY, Layer.SESSION}


def test_being_named_once_is_enough():
    decision = evaluate_trust(policy(allow({"AWS": ROOT}), allow({"AWS": BOB})), aws_trustee(BOB, BOBS_ID))
    assert decision.needed == frozenset()
    assert decision.statements == (0, 1)


@pytest.mark.parametrize("principal", [{"AWS": "444455556666"}, {"AWS": ROLE}, {"Service": SSM}])
def test_others_are_not_trusted(principal):
    decision = evaluate_trust(policy(allow(principal)), aws_trustee(BOB, BOBS_ID))
    assert decision.verdict is Verdict.IMPLICIT_DENY
    assert not decision.is_allowed
    assert decision.statements == ()


@pytest.mark.parametrize(
    ("listed", "is_allowed"),
    [({"AWS": BOB}, True), ({"AWS": ROOT}, True), ({"AWS": ROLE}, False), ("*", True)],
)
def test_a_deny_with_not_principal_spares_those_listed(listed, is_allowed):
    decision = evaluate_trust(policy(allow("*"), deny(listed, "NotPrincipal")), aws_trustee(BOB, BOBS_ID))
    assert decision.is_allowed == is_allowed


def test_a_service_that_is_not_spared_is_denied():
    trusting = policy(allow({"Service": SSM}), deny({"AWS": BOB}, "NotPrincipal"))
    assert not trusts_service(trusting, SSM)


def test_a_refusal_is_told_in_the_words_of_the_service():
    start = f"User: {BOB} is not authorized to perform: sts:AssumeRole on resource: {TARGET}"
    missing = evaluate_trust(policy(allow({"Service": SSM})), aws_trustee(BOB, BOBS_ID))
    assert missing.denial_text(BOB, TARGET) == (
        f"{start} because no role trust policy allows the sts:AssumeRole action"
    )
    denied = evaluate_trust(policy(deny("*")), aws_trustee(BOB, BOBS_ID))
    assert denied.denial_text(BOB, TARGET) == f"{start} with an explicit deny in the role trust policy"


def test_an_allowed_request_has_no_denial():
    with pytest.raises(ValueError, match="allowed"):
        evaluate_trust(policy(allow("*")), aws_trustee(BOB, BOBS_ID)).denial_text(BOB, TARGET)


PROVIDER = "arn:aws:iam::111122223333:oidc-provider/idp.example"
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"


def test_a_condition_restricts_whom_a_role_trusts():
    node_role = policy(
        {**allow({"Service": SSM}), "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}}
    )
    assert trusts_service(node_role, SSM, {"aws:SourceAccount": "111122223333"})
    assert not trusts_service(node_role, SSM, {"aws:SourceAccount": "444455556666"})
    assert not trusts_service(node_role, SSM)


def test_a_provider_is_trusted_by_name_for_the_tokens_that_the_conditions_name():
    condition = {"StringEquals": {"idp.example:aud": "ssh", "idp.example:sub": "al"}}
    trusting = policy({**allow({"Federated": PROVIDER}, WEB_IDENTITY), "Condition": condition})

    def verdict(provider, **claims):
        context = {f"idp.example:{name}": value for name, value in claims.items()}
        return evaluate_trust(trusting, federated_trustee(provider), WEB_IDENTITY, context).is_allowed

    assert verdict(PROVIDER, aud="ssh", sub="al")
    assert not verdict(PROVIDER, aud="ssh", sub="bo")
    assert not verdict(PROVIDER, sub="al")
    assert not verdict(PROVIDER.replace("idp", "other"), aud="ssh", sub="al")


def test_a_provider_is_not_trusted_as_anyone():
    everyone = policy(allow("*", WEB_IDENTITY))
    assert not evaluate_trust(everyone, federated_trustee(PROVIDER), WEB_IDENTITY).is_allowed
