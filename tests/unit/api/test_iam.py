"""Only what is peculiar to `iam`; that every operation reaches its use case is shown in test_handlers."""

import json
from urllib.parse import quote, unquote

import pytest

from fairlead.aws import sigv4
from tests.support.api_client import ApiClient
from tests.support.control_world import ALLOW_ALL, NODE_TRUST, World

_VERSION = "Version=2010-05-08"


@pytest.fixture
def client() -> ApiClient:
    return ApiClient(World())


@pytest.fixture
def admin(client: ApiClient) -> sigv4.Credentials:
    return client.world.key_of(client.world.user("alice"))


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ("GetRole&RoleName=FairleadNode", "{*}GetRoleResult/{*}Role/{*}AssumeRolePolicyDocument"),
        ("ListRoles", "{*}ListRolesResult/{*}Roles/{*}member/{*}AssumeRolePolicyDocument"),
    ],
)
def test_trust_policies_are_percent_encoded_wherever_they_stand(
    client: ApiClient, admin: sigv4.Credentials, action: str, path: str
) -> None:
    client.world.role(name="FairleadNode")
    text = client.call_query(admin, "iam", f"Action={action}&{_VERSION}").xml.findtext(path, "")
    assert "%22Statement%22" in text
    assert json.loads(unquote(text)) == json.loads(NODE_TRUST)


def test_answers_without_members_are_left_alone(client: ApiClient, admin: sigv4.Credentials) -> None:
    client.world.user("bob")
    form = f"Action=DeleteUserPolicy&{_VERSION}&UserName=bob&PolicyName=policy-0"
    assert client.call_query(admin, "iam", form).xml.find("{*}DeleteUserPolicyResult") is None


@pytest.mark.parametrize(
    "name", ["é", "аlice", "al١", "al\n", "\nal", "a b", "a/b", "a:b", "a*", "${aws}", "ª"]
)
@pytest.mark.parametrize(
    ("service", "form", "member"),
    [
        ("iam", "Action=CreateUser", "UserName"),
        ("iam", "Action=CreateGroup", "GroupName"),
        ("iam", f"Action=CreateRole&AssumeRolePolicyDocument={quote(NODE_TRUST)}", "RoleName"),
        ("iam", f"Action=CreatePolicy&PolicyDocument={quote(ALLOW_ALL)}", "PolicyName"),
        ("iam", f"Action=PutUserPolicy&UserName=alice&PolicyDocument={quote(ALLOW_ALL)}", "PolicyName"),
        ("sts", "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/Deploy", "RoleSessionName"),
    ],
)
def test_names_are_ascii_and_matched_as_a_whole(
    client: ApiClient, admin: sigv4.Credentials, service: str, form: str, member: str, name: str
) -> None:
    """User and session names begin the ids of sessions, which are parts of paths and of ARNs."""
    version = {"iam": "2010-05-08", "sts": "2011-06-15"}[service]
    answer = client.call_query(admin, service, f"{form}&Version={version}&{member}={quote(name)}")
    assert (answer.status, answer.code) == (400, "ValidationError")
    assert member[:1].lower() + member[1:] in answer.message
