"""Identities as they are read from a server, from AWS's command and from files."""

from urllib.parse import quote

import pytest

from fairlead.client.errors import ClientError
from fairlead.client.identity_state import Identity, entry_of, read_details, read_document, read_identity

DOCUMENT = {"Version": "2012-10-17", "Statement": []}
TEXT = '{"Version": "2012-10-17", "Statement": []}'
DETAILS = {
    "UserDetailList": [
        {
            "Path": "/",
            "UserName": "alice",
            "UserId": "AIDAEXAMPLE",
            "Arn": "arn:aws:iam::123456789012:user/alice",
            "CreateDate": "2026-01-01T00:00:00Z",
            "UserPolicyList": [{"PolicyName": "ssh", "PolicyDocument": DOCUMENT}],
            "GroupList": ["ops"],
            "AttachedManagedPolicies": [
                {"PolicyName": "P", "PolicyArn": "arn:aws:iam::123456789012:policy/P"}
            ],
            "PermissionsBoundary": {
                "PermissionsBoundaryType": "Policy",
                "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/B",
            },
            "Tags": [{"Key": "Team", "Value": "red"}],
        }
    ],
    "GroupDetailList": [{"GroupName": "ops", "GroupPolicyList": [], "AttachedManagedPolicies": []}],
    "RoleDetailList": [
        {
            "Path": "/aws-service-role/ssm.amazonaws.com/",
            "RoleName": "AWSServiceRoleForAmazonSSM",
            "AssumeRolePolicyDocument": DOCUMENT,
        },
        {"RoleName": "Deploy", "AssumeRolePolicyDocument": quote(TEXT), "InstanceProfileList": []},
    ],
    "Policies": [
        {
            "PolicyName": "ReadOnlyAccess",
            "Arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "PolicyVersionList": [],
        },
        {
            "PolicyName": "P",
            "Arn": "arn:aws:iam::123456789012:policy/P",
            "PolicyVersionList": [
                {"VersionId": "v10", "IsDefaultVersion": False},
                {"VersionId": "v11", "IsDefaultVersion": True, "Document": TEXT},
                {"VersionId": "v9", "IsDefaultVersion": False},
            ],
        },
    ],
}


def test_the_output_of_the_command_is_read_without_what_only_aws_can_make():
    state = read_details(DETAILS, "details.json")
    assert set(state) == {("users", "alice"), ("groups", "ops"), ("roles", "deploy"), ("policies", "p")}
    alice = state["users", "alice"]
    assert alice.inline == {"ssh": DOCUMENT}
    assert alice.groups == {"ops"}
    assert alice.attached == {"arn:aws:iam::123456789012:policy/P"}
    assert alice.boundary == "arn:aws:iam::123456789012:policy/B"
    assert alice.tags == {"Team": "red"}
    assert state["roles", "deploy"].document == DOCUMENT
    assert state["policies", "p"].document == DOCUMENT
    assert state["policies", "p"].versions == ("v9", "v10")


def test_what_a_file_holds_is_read_back():
    for identity in read_details(DETAILS, "details.json").values():
        back = read_identity(identity.kind, entry_of(identity), "file")
        assert back == Identity(**{**vars(identity), "versions": ()})


def test_names_have_no_case():
    twice = {"GroupDetailList": [{"GroupName": "ops"}, {"GroupName": "OPS"}]}
    with pytest.raises(ClientError, match=r"^here: OPS is there twice among the groups$"):
        read_details(twice, "here")


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"UserDetailList": {}}, "UserDetailList of here is not a list of objects"),
        ({"UserDetailList": [{}]}, "here: there is no UserName"),
        ({"UserDetailList": [{"UserName": "a", "Path": 7}]}, "Path of here: a is not a text"),
        ({"UserDetailList": [{"UserName": "a", "Tags": [{"Key": "k"}]}]}, "Tags of here: a is not a text"),
        (
            {"UserDetailList": [{"UserName": "a", "UserPolicyList": [{"PolicyName": "p"}]}]},
            "p of here: a is not a policy document",
        ),
        (
            {"RoleDetailList": [{"RoleName": "r", "AssumeRolePolicyDocument": "%7B"}]},
            "AssumeRolePolicyDocument of here: r is not JSON",
        ),
        ({"Policies": [{"PolicyName": "p"}]}, "here: p: there is neither a PolicyDocument nor a version"),
    ],
)
def test_what_cannot_be_read_is_named(details, words):
    with pytest.raises(ClientError, match=words):
        read_details(details, "here")


def test_a_document_is_an_object_or_text_of_one():
    assert read_document(DOCUMENT, "x") == read_document(TEXT, "x") == read_document(quote(TEXT), "x")
    for value in ("[]", None, "%", "[" * 100_000):
        with pytest.raises(ClientError, match=r"^x is not"):
            read_document(value, "x")
