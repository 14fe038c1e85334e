"""Every operation of iam and sts, as boto3 reads the answers."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from fairlead.testing.server import FairleadServer
from tests.support.authenticator_app import AuthenticatorApp

ALLOW_LISTING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}],
}
NODE_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


@pytest.fixture
def iam(fairlead_server_session: FairleadServer) -> Any:
    return fairlead_server_session.boto3_client("iam")


def test_the_first_administrator_is_who_the_environment_says(fairlead_server_session: FairleadServer) -> None:
    server = fairlead_server_session
    identity = server.boto3_client("sts").get_caller_identity()
    assert identity["Account"] == server.account_id
    assert identity["Arn"] == f"arn:aws:iam::{server.account_id}:user/admin"
    assert identity["UserId"].startswith("AIDA")


def test_a_presigned_identity_can_be_read_with_get(fairlead_server_session: FairleadServer) -> None:
    import ssl
    import urllib.request

    server = fairlead_server_session
    url = server.boto3_client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    context = ssl.create_default_context(cafile=str(server.ca_bundle))
    with urllib.request.urlopen(url, context=context) as response:
        assert b"user/admin</Arn>" in response.read()


def test_a_user_lives_from_creation_to_deletion(iam: Any) -> None:
    created = iam.create_user(UserName="ada", Path="/engineers/")["User"]
    assert created["Arn"].endswith(":user/engineers/ada")
    assert iam.get_user(UserName="ada")["User"] == created
    assert created in iam.list_users(PathPrefix="/engineers/")["Users"]
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName="ADA")
    iam.delete_user(UserName="ada")
    with pytest.raises(iam.exceptions.NoSuchEntityException, match="ada"):
        iam.get_user(UserName="ada")


def test_users_are_listed_a_page_at_a_time(iam: Any) -> None:
    names = [f"page-{number}" for number in range(5)]
    for name in names:
        iam.create_user(UserName=name, Path="/pages/")
    pages = list(
        iam.get_paginator("list_users").paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 2})
    )
    assert [len(page["Users"]) for page in pages] == [2, 2, 1]
    assert [user["UserName"] for page in pages for user in page["Users"]] == names


def test_a_key_is_good_until_it_is_deleted(iam: Any, fairlead_server_session: FairleadServer) -> None:
    iam.create_user(UserName="key-holder")
    key = iam.create_access_key(UserName="key-holder")["AccessKey"]
    assert key["Status"] == "Active"
    listed = iam.list_access_keys(UserName="key-holder")["AccessKeyMetadata"]
    assert [entry["AccessKeyId"] for entry in listed] == [key["AccessKeyId"]]
    sts = fairlead_server_session.boto3_client(
        "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    assert sts.get_caller_identity()["Arn"].endswith("user/key-holder")
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_user(UserName="key-holder")
    iam.delete_access_key(UserName="key-holder", AccessKeyId=key["AccessKeyId"])
    with pytest.raises(sts.exceptions.ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


def test_a_user_has_at_most_two_keys(iam: Any) -> None:
    iam.create_user(UserName="keyring")
    iam.create_access_key(UserName="keyring")
    iam.create_access_key(UserName="keyring")
    with pytest.raises(iam.exceptions.LimitExceededException):
        iam.create_access_key(UserName="keyring")


def test_policies_of_a_user_come_back_as_they_were_put(iam: Any) -> None:
    iam.create_user(UserName="policy-holder")
    iam.put_user_policy(
        UserName="policy-holder", PolicyName="listing", PolicyDocument=json.dumps(ALLOW_LISTING)
    )
    policy = iam.get_user_policy(UserName="policy-holder", PolicyName="listing")
    assert policy["PolicyDocument"] == ALLOW_LISTING
    assert iam.list_user_policies(UserName="policy-holder")["PolicyNames"] == ["listing"]
    iam.delete_user_policy(UserName="policy-holder", PolicyName="listing")
    assert iam.list_user_policies(UserName="policy-holder")["PolicyNames"] == []
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_user_policy(UserName="policy-holder", PolicyName="listing")


@pytest.mark.parametrize("document", ["{", '{"Version": "2012-10-17", "Statement": []}'])
def test_a_malformed_policy_is_refused(iam: Any, document: str) -> None:
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.put_user_policy(UserName="admin", PolicyName="x", PolicyDocument=document)


def test_a_role_lives_from_creation_to_deletion(iam: Any) -> None:
    created = iam.create_role(
        RoleName="Nodes", Path="/our/", AssumeRolePolicyDocument=json.dumps(NODE_TRUST), Description="ours"
    )["Role"]
    assert created["AssumeRolePolicyDocument"] == NODE_TRUST
    assert iam.get_role(RoleName="Nodes")["Role"]["Description"] == "ours"
    assert "Nodes" in [role["RoleName"] for role in iam.list_roles(PathPrefix="/our/")["Roles"]]
    iam.put_role_policy(RoleName="Nodes", PolicyName="p", PolicyDocument=json.dumps(ALLOW_LISTING))
    assert iam.get_role_policy(RoleName="Nodes", PolicyName="p")["PolicyDocument"] == ALLOW_LISTING
    assert iam.list_role_policies(RoleName="Nodes")["PolicyNames"] == ["p"]
    iam.delete_role_policy(RoleName="Nodes", PolicyName="p")
    iam.delete_role(RoleName="Nodes")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="Nodes")


def test_a_device_and_a_lock_as_boto3_sees_them(iam: Any, fairlead_server_session: FairleadServer) -> None:
    iam.create_user(UserName="mfa-holder")
    key = iam.create_access_key(UserName="mfa-holder")["AccessKey"]
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    serial, app = device["SerialNumber"], AuthenticatorApp(device["Base32StringSeed"])
    assert device["QRCodePNG"].startswith(b"\x89PNG")
    wrong = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
    with pytest.raises(iam.exceptions.InvalidAuthenticationCodeException, match="is not valid"):
        iam.enable_mfa_device(UserName="mfa-holder", SerialNumber=serial, **wrong)
    now = datetime.now(UTC)
    codes = {"AuthenticationCode1": app.code(now, -1), "AuthenticationCode2": app.code(now)}
    iam.enable_mfa_device(UserName="mfa-holder", SerialNumber=serial, **codes)
    assert [entry["SerialNumber"] for entry in iam.list_mfa_devices(UserName="mfa-holder")["MFADevices"]] == [
        serial
    ]
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert [(entry["SerialNumber"], entry["User"]["UserName"]) for entry in assigned] == [
        (serial, "mfa-holder")
    ]
    sts = fairlead_server_session.boto3_client(
        "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    code = app.code(datetime.now(UTC), 1)  # the clock is the real one, and the step before may be used
    token = sts.get_session_token(SerialNumber=serial, TokenCode=code)["Credentials"]
    theirs = fairlead_server_session.boto3_client(
        "sts",
        aws_access_key_id=token["AccessKeyId"],
        aws_secret_access_key=token["SecretAccessKey"],
        aws_session_token=token["SessionToken"],
    )
    assert theirs.get_caller_identity()["Arn"].endswith("user/mfa-holder")
    fairlead(fairlead_server_session, "users", "lock", "mfa-holder")
    for client in (sts, theirs):
        with pytest.raises(client.exceptions.ClientError, match="InvalidClientTokenId"):
            client.get_caller_identity()
    fairlead(fairlead_server_session, "users", "unlock", "mfa-holder")
    assert sts.get_caller_identity()["Arn"].endswith("user/mfa-holder")
    with pytest.raises(theirs.exceptions.ClientError, match="InvalidClientTokenId"):
        theirs.get_caller_identity()
    iam.deactivate_mfa_device(UserName="mfa-holder", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)


def fairlead(server: FairleadServer, *words: str) -> None:
    """Run a command of ours as the administrator."""
    done = subprocess.run(
        [sys.executable, "-m", "fairlead", *words],
        env={**os.environ, **server.environment()},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_a_user_without_rights_is_told_what_is_missing(
    iam: Any, fairlead_server_session: FairleadServer
) -> None:
    iam.create_user(UserName="powerless")
    key = iam.create_access_key(UserName="powerless")["AccessKey"]
    theirs = fairlead_server_session.boto3_client(
        "iam", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    with pytest.raises(theirs.exceptions.ClientError) as refused:
        theirs.list_users()
    error = refused.value.response
    assert error["Error"]["Code"] == "AccessDenied"
    assert "is not authorized to perform: iam:ListUsers" in error["Error"]["Message"]
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error["ResponseMetadata"]["RequestId"]


def test_an_unserved_operation_is_named(iam: Any) -> None:
    with pytest.raises(iam.exceptions.ClientError, match=r"InvalidAction.*GenerateCredentialReport"):
        iam.generate_credential_report()
