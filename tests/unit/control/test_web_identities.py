"""AssumeRoleWithWebIdentity: whom a role's trust policy lets in, and what is recorded of it."""

import json
from dataclasses import replace

import pytest

from fairlead.aws import sigv4
from fairlead.domain.callers import CallerKind
from fairlead.domain.errors import (
    AccessDenied,
    InvalidIdentityToken,
    InvalidRequest,
    PolicyRefused,
    Throttled,
)
from fairlead.domain.operations.security_tokens import AssumeRoleWithWebIdentityRequest, PolicyDescriptor
from fairlead.domain.web_identity import WebIdentity
from tests.support.control_world import ALLOW_ALL, ORIGIN, World, signed_request

PROVIDER = "login.example/realms/staff"
ADA = WebIdentity(provider=PROVIDER, subject="ada-0001", audience="fairlead", methods=("otp",))
ROLE_ARN = "arn:aws:iam::111122223333:role/Staff"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2VjcmV0"


def trust(operator="StringEquals", **keys):
    conditions = {f"{PROVIDER}:aud": "fairlead", f"{PROVIDER}:sub": "ada-0001"}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{PROVIDER}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": conditions, **({operator: keys} if keys else {})},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def add_role(world, trust_policy=None, **members):
    role = {"id": "AROASTAFF000000000001", "name": "Staff", "path": "/", **members}
    world.role(ALLOW_ALL, trust_policy=trust_policy or trust(), **role)


def assume(world, identity=ADA, **members):
    request = AssumeRoleWithWebIdentityRequest(
        **{"role_arn": ROLE_ARN, "role_session_name": "ada", "web_identity_token": TOKEN, **members}
    )
    return world.web_identities.assume_role_with_web_identity(ORIGIN, request, identity)


def test_whom_the_role_trusts_gets_credentials_of_it(world):
    add_role(world)
    response = assume(world)
    assert response.assumed_role_user.arn == "arn:aws:sts::111122223333:assumed-role/Staff/ada"
    assert (response.subject_from_web_identity_token, response.audience) == ("ada-0001", "fairlead")
    assert response.provider == f"arn:aws:iam::111122223333:oidc-provider/{PROVIDER}"
    issued = response.credentials
    key = sigv4.Credentials(issued.access_key_id, issued.secret_access_key, issued.session_token)
    caller = world.authenticator.authenticate(signed_request(key, world.now), ORIGIN, "ssm")
    assert (caller.kind, caller.name, caller.role_arn) == (CallerKind.ROLE, "ada", ROLE_ARN)


@pytest.mark.parametrize(
    "identity",
    [
        replace(ADA, subject="eve-0001"),
        replace(ADA, audience="another"),
        replace(ADA, provider="login.example/realms/other"),
    ],
)
def test_whom_it_does_not_trust_gets_none(world, identity):
    add_role(world)
    with pytest.raises(AccessDenied, match=r"^Not authorized to perform sts:AssumeRoleWithWebIdentity$"):
        assume(world, identity)


def test_a_role_that_does_not_exist_is_refused_like_one_that_does_not_trust(world):
    with pytest.raises(AccessDenied, match=r"^Not authorized to perform sts:AssumeRoleWithWebIdentity$"):
        assume(world)


@pytest.mark.parametrize(
    ("operator", "keys", "lets_in"),
    [
        ("StringEquals", {"sts:RoleSessionName": "ada"}, True),
        ("StringEquals", {"sts:RoleSessionName": "eve"}, False),
        ("IpAddress", {"aws:SourceIp": "192.0.2.0/24"}, True),
        ("IpAddress", {"aws:SourceIp": "198.51.100.0/24"}, False),
        ("ForAnyValue:StringEquals", {f"{PROVIDER}:amr": "otp"}, True),
        ("ForAnyValue:StringEquals", {f"{PROVIDER}:amr": "hwk"}, False),
        ("StringEquals", {f"{PROVIDER}:azp": "fairlead"}, False),
        ("StringLike", {"aws:PrincipalArn": "*"}, False),
        ("Null", {"aws:userid": "true"}, True),
    ],
)
def test_conditions_see_the_token_and_the_request_and_no_principal(world, operator, keys, lets_in):
    policy = json.loads(trust())
    conditions = policy["Statement"][0]["Condition"]
    conditions.setdefault(operator, {}).update(keys)
    add_role(world, json.dumps(policy))
    if lets_in:
        assume(world)
    else:
        with pytest.raises(AccessDenied):
            assume(world)


def test_it_is_recorded_with_issuer_audience_and_subject_and_without_the_token(world):
    add_role(world)
    assume(world)
    record = world.last_record
    assert record.event_name == "AssumeRoleWithWebIdentity"
    assert record.principal_id == f"{PROVIDER}:fairlead:ada-0001"
    assert record.user_name == "ada-0001"
    assert record.response_elements["subjectFromWebIdentityToken"] == "ada-0001"
    assert TOKEN not in json.dumps([record.request_parameters, record.response_elements])


def test_a_token_that_is_refused_is_recorded_with_its_reason(world):
    add_role(world)
    with pytest.raises(InvalidIdentityToken, match="forged"):
        assume(world, InvalidIdentityToken("forged"))
    assert world.last_record.error_code == "InvalidIdentityToken"
    assert world.last_record.principal_id == "anonymous"


def test_strangers_cannot_fill_the_audit_trail(world):
    for _ in range(200):
        with pytest.raises(InvalidIdentityToken):
            assume(world, InvalidIdentityToken("forged"))
    assert len(world.audit) == world.settings.anonymous_refusal_rate.burst


def test_each_source_address_has_a_rate():
    world = World()
    for _ in range(world.settings.web_identity_rate.burst):
        world.web_identities.admit(ORIGIN)
    with pytest.raises(Throttled):
        world.web_identities.admit(ORIGIN)
    world.web_identities.admit(replace(ORIGIN, source_address="198.51.100.1"))
    world.advance(seconds=1)
    world.web_identities.admit(ORIGIN)


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"duration_seconds": 43_200}, InvalidRequest),
        ({"provider_id": "www.example.com"}, InvalidRequest),
        ({"policy": "{}"}, PolicyRefused),
        ({"policy_arns": (PolicyDescriptor(arn="arn:aws:iam::111122223333:policy/None"),)}, PolicyRefused),
    ],
)
def test_what_cannot_be_is_refused(world, members, error):
    add_role(world)
    with pytest.raises(error):
        assume(world, **members)
