"""Only what is peculiar to `iam`; that every operation reaches its use case is shown in test_handlers."""

import json
from urllib.parse import unquote

import pytest

from fairlead.aws import sigv4
from tests.support.api_client import ApiClient
from tests.support.control_world import NODE_TRUST, World

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
