"""AssumeRole and GetSessionToken: who gets temporary credentials, and what they are good for."""

import json

import pytest

from fairlead.aws import sigv4
from fairlead.domain.callers import CallerKind
from fairlead.domain.errors import (
    AccessDenied,
    CredentialsExpired,
    InvalidRequest,
    PackedPolicyTooLarge,
    PolicyRefused,
    UnknownAccessKey,
)
from fairlead.domain.operations.security_tokens import (
    AssumeRoleRequest,
    GetSessionTokenRequest,
    PolicyDescriptor,
    SessionTag,
)
from fairlead.domain.operations.sessions import DescribeSessionsRequest, ResumeSessionRequest
from tests.support.control_world import ALLOW_ALL, ORIGIN, policy, signed_request, statement

ROLE_ARN = "arn:aws:iam::111122223333:role/ops/Deploy"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
MAY_ASSUME = policy(statement("Allow", "sts:*", ROLE_ARN))
NOTHING = policy(statement("Deny", "nothing:Here"))


def trust(principal=None, action="sts:AssumeRole", **members):
    principal = principal or {"AWS": "arn:aws:iam::111122223333:root"}
    stated = {"Effect": "Allow", "Principal": principal, "Action": action, **members}
    return json.dumps({"Version": "2012-10-17", "Statement": [stated]})


def add_role(world, trust_policy=None, *policies, **members):
    members = {"id": "AROADEPLOY00000000001", "name": "Deploy", "path": "/ops/", **members}
    world.role(*(policies or (ALLOW_ALL,)), trust_policy=trust_policy or trust(), **members)


def assume(world, caller, **members):
    request = AssumeRoleRequest(**{"role_arn": ROLE_ARN, "role_session_name": "nightly", **members})
    return world.security_tokens.assume_role(caller, request)


def caller_with(world, credentials):
    """Who signs with temporary credentials."""
    key = sigv4.Credentials(
        credentials.access_key_id, credentials.secret_access_key, credentials.session_token
    )
    return world.authenticator.authenticate(signed_request(key, world.now), ORIGIN, "ssm")


def as_role(world, caller, **members):
    return caller_with(world, assume(world, caller, **members).credentials)


@pytest.fixture
def alice(world):
    return world.user("alice", MAY_ASSUME)


def test_a_role_that_trusts_the_account_is_taken_on_by_who_may(world, alice):
    add_role(world)
    response = assume(world, alice)
    session_arn = "arn:aws:sts::111122223333:assumed-role/Deploy/nightly"
    assert response.assumed_role_user.arn == session_arn
    assert response.assumed_role_user.assumed_role_id == "AROADEPLOY00000000001:nightly"
    assert response.packed_policy_size is None
    caller = caller_with(world, response.credentials)
    assert (caller.kind, caller.arn, caller.name) == (CallerKind.ROLE, session_arn, "nightly")
    assert caller.role_arn == ROLE_ARN
    world.sessions.describe_sessions(caller, DescribeSessionsRequest(state="Active"))


def test_a_right_is_needed_where_the_account_is_trusted_and_not_where_the_user_is(world):
    bob = world.user("bob", NOTHING)
    add_role(world)
    with pytest.raises(AccessDenied, match="because no identity-based policy allows the sts:AssumeRole"):
        assume(world, bob)
    by_name = trust({"AWS": bob.arn})
    add_role(world, by_name, id="AROA2", name="Named")
    assume(world, bob, role_arn=ROLE_ARN.replace("Deploy", "Named"))


def test_an_explicit_deny_refuses_whom_the_role_trusts_by_name(world):
    bob = world.user("bob", policy(statement("Deny", "sts:AssumeRole")))
    add_role(world, trust({"AWS": bob.arn}))
    with pytest.raises(AccessDenied, match="explicit deny in an identity-based policy"):
        assume(world, bob)


def test_a_session_whose_role_is_trusted_by_name_cannot_leave_its_session_policy_and_boundary(world, alice):
    add_role(world, None, NOTHING)
    target = {"role_arn": ROLE_ARN.replace("Deploy", "Target")}
    add_role(world, trust({"AWS": ROLE_ARN}), id="AROATARGET00000000001", name="Target")
    assume(world, as_role(world, alice), **target)  # no right of its own is needed
    narrow = as_role(world, alice, policy=policy(statement("Allow", "ssm:*")))
    with pytest.raises(AccessDenied, match="because no session policy allows the sts:AssumeRole"):
        assume(world, narrow, **target)
    wide = as_role(world, alice, policy=policy(statement("Allow", "sts:AssumeRole")))
    assume(world, wide, **target)
    with world.store.transaction() as uow:
        uow.identities.set_role_boundary("AROADEPLOY00000000001", READ_ONLY)
    with pytest.raises(AccessDenied, match="because no permissions boundary allows the sts:AssumeRole"):
        assume(world, wide, **target)
    with world.store.transaction() as uow:
        uow.identities.set_trust_policy("AROATARGET00000000001", trust({"AWS": wide.arn}))
    assume(world, wide, **target)  # the session itself is named


@pytest.mark.parametrize(
    "role_arn",
    [ROLE_ARN + "2", ROLE_ARN.replace("/ops", ""), ROLE_ARN.replace("111122223333", "444455556666")],
)
def test_a_role_that_does_not_exist_is_refused_like_one_that_does_not_trust(world, alice, role_arn):
    add_role(world, trust({"Service": "ssm.amazonaws.com"}))
    texts = []
    for asked in (ROLE_ARN, role_arn):
        with pytest.raises(AccessDenied, match="because no role trust policy allows") as caught:
            assume(world, alice, role_arn=asked)
        texts.append(str(caught.value).replace(asked, ""))
    assert texts[0] == texts[1]


def test_conditions_of_the_trust_policy_are_asked(world, alice):
    add_role(world, trust(Condition={"StringEquals": {"sts:ExternalId": "shared-secret"}}))
    assume(world, alice, external_id="shared-secret")
    for members in ({}, {"external_id": "other"}):
        with pytest.raises(AccessDenied, match="no role trust policy allows"):
            assume(world, alice, **members)


def test_a_session_policy_limits_and_is_packed(world, alice):
    add_role(world)
    response = assume(world, alice, policy=policy(statement("Allow", "iam:*")))
    assert response.packed_policy_size > 0
    request = DescribeSessionsRequest(state="Active")
    with pytest.raises(AccessDenied, match="because no session policy allows the ssm:DescribeSessions"):
        world.sessions.describe_sessions(caller_with(world, response.credentials), request)
    limited = as_role(world, alice, policy_arns=(PolicyDescriptor(arn=READ_ONLY),))
    world.sessions.describe_sessions(limited, request)


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"policy": "{"}, PolicyRefused),
        ({"policy": policy(statement("Allow", "a:" + "x" * 2048))}, PackedPolicyTooLarge),
        ({"policy_arns": (PolicyDescriptor(arn=READ_ONLY + "2"),)}, PolicyRefused),
        ({"policy_arns": (PolicyDescriptor(arn=READ_ONLY),) * 11}, InvalidRequest),
        ({"duration_seconds": 3601}, InvalidRequest),
        ({"serial_number": "arn:aws:iam::111122223333:mfa/x", "token_code": "123456"}, AccessDenied),
        ({"transitive_tag_keys": ("team",)}, InvalidRequest),
    ],
)
def test_what_cannot_be_had_is_refused(world, alice, members, error):
    add_role(world)
    with pytest.raises(error):
        assume(world, alice, **members)


def test_tags_need_trust_and_a_right_and_policies_see_them(world, alice):
    add_role(world)
    team = (SessionTag(key="team", value="red"),)
    with pytest.raises(AccessDenied, match="sts:TagSession"):
        assume(world, alice, tags=team)
    red_only = {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}}
    add_role(
        world,
        trust(action=["sts:AssumeRole", "sts:TagSession"]),
        policy({**statement("Allow", "ssm:DescribeSessions"), **red_only}),
        id="AROATAGGED",
        name="Tagged",
    )
    may = world.user("carol")
    tagged = {"role_arn": ROLE_ARN.replace("Deploy", "Tagged")}
    request = DescribeSessionsRequest(state="Active")
    world.sessions.describe_sessions(as_role(world, may, tags=team, **tagged), request)
    with pytest.raises(AccessDenied):
        world.sessions.describe_sessions(as_role(world, may, **tagged), request)


def test_a_role_session_may_take_on_another_role_for_an_hour_and_keeps_transitive_tags(world, alice):
    add_role(world, trust(action=["sts:AssumeRole", "sts:TagSession"]), max_session_duration_s=7200)
    tags = (SessionTag(key="team", value="red"), SessionTag(key="job", value="7"))
    first = as_role(world, alice, tags=tags, transitive_tag_keys=("TEAM",), duration_seconds=7200)
    second = as_role(world, first, role_session_name="again")
    assert second.temporary.tags == (("team", "red"),)
    with pytest.raises(InvalidRequest, match="role chaining"):
        assume(world, first, duration_seconds=3601)
    with pytest.raises(InvalidRequest, match="transitive"):
        assume(world, first, tags=(SessionTag(key="Team", value="blue"),))


def test_tags_and_source_identity_go_on_only_to_a_role_that_trusts_them(world, alice):
    add_role(world, trust(action=["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]))
    plain = {"role_arn": ROLE_ARN.replace("Deploy", "Plain")}
    add_role(world, id="AROAPLAIN000000000001", name="Plain")
    assume(world, as_role(world, alice, tags=(SessionTag(key="team", value="red"),)), **plain)
    tags = (SessionTag(key="team", value="red"),)
    tagged = as_role(world, alice, tags=tags, transitive_tag_keys=("team",))
    with pytest.raises(AccessDenied, match="no role trust policy allows the sts:TagSession"):
        assume(world, tagged, **plain)
    with pytest.raises(AccessDenied, match="no role trust policy allows the sts:SetSourceIdentity"):
        assume(world, as_role(world, alice, source_identity="alice"), **plain)


def test_a_source_identity_stays(world, alice):
    add_role(world, trust(action=["sts:AssumeRole", "sts:SetSourceIdentity"]))
    first = as_role(world, alice, source_identity="alice")
    assert as_role(world, first).temporary.source_identity == "alice"
    with pytest.raises(InvalidRequest, match="SourceIdentity"):
        assume(world, first, source_identity="mallory")


def test_credentials_end_with_their_time_and_with_their_role(world, alice):
    add_role(world)
    credentials = assume(world, alice, duration_seconds=900).credentials
    caller_with(world, credentials)
    del world.store.tables.roles["AROADEPLOY00000000001"]
    with pytest.raises(UnknownAccessKey):
        caller_with(world, credentials)
    add_role(world, id="AROANEW00000000000001")
    with pytest.raises(UnknownAccessKey):
        caller_with(world, credentials)
    fresh = assume(world, alice, duration_seconds=900).credentials
    world.advance(seconds=900)
    with pytest.raises(CredentialsExpired):
        caller_with(world, fresh)


def test_a_user_gets_a_session_token_without_any_right(world):
    bob = world.user("bob", NOTHING)
    request = GetSessionTokenRequest(duration_seconds=900)
    caller = caller_with(world, world.security_tokens.get_session_token(bob, request).credentials)
    assert (caller.kind, caller.arn, caller.principal_id) == (CallerKind.USER, bob.arn, bob.principal_id)
    with pytest.raises(AccessDenied, match="with session credentials"):
        world.security_tokens.get_session_token(caller, request)


def test_policies_see_whether_credentials_are_temporary_and_came_with_a_code(world):
    conditions = {"Null": {"aws:TokenIssueTime": "false"}, "Bool": {"aws:MultiFactorAuthPresent": "false"}}
    allowed = {**statement("Allow", "ssm:DescribeSessions"), "Condition": conditions}
    bob = world.user("bob", policy(allowed))
    request = DescribeSessionsRequest(state="Active")
    with pytest.raises(AccessDenied):
        world.sessions.describe_sessions(bob, request)
    token = world.security_tokens.get_session_token(bob, GetSessionTokenRequest())
    world.sessions.describe_sessions(caller_with(world, token.credentials), request)


def test_the_record_names_the_role_and_hides_the_credentials(world, alice):
    add_role(world)
    credentials = assume(world, alice).credentials
    record = max(world.store.tables.audit.items())[1]
    assert record.event_name == "AssumeRole"
    text = repr(record)
    assert ROLE_ARN in text
    assert credentials.secret_access_key not in text
    assert credentials.session_token not in text


def test_a_role_session_has_its_own_sessions_and_comes_back_to_them(world, alice):
    add_role(world)
    world.node()
    caller = as_role(world, alice)
    started = world.start(caller)
    assert started.session_id.startswith("nightly-")
    resumed = world.sessions.resume_session(
        caller, ResumeSessionRequest(session_id=started.session_id), "wss://here"
    )
    assert resumed.token_value
    other = as_role(world, alice, role_session_name="other")
    with pytest.raises(AccessDenied, match="another principal"):
        world.sessions.resume_session(other, ResumeSessionRequest(session_id=started.session_id), "wss://x")
