"""`fairlead iam export`, `plan` and `apply` over the wire, from files and from the export of AWS."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from fairlead.testing.server import FairleadServer

SSH = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def fairlead(server: FairleadServer, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "fairlead", "iam", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=server.environment(),
        stdin=subprocess.DEVNULL,
    )


def test_a_change_in_a_file_is_planned_and_made(
    fairlead_server_session: FairleadServer, tmp_path: Path
) -> None:
    server = fairlead_server_session
    iam: Any = server.boto3_client("iam")
    iam.create_user(UserName="filed")
    exported = fairlead(server, "export", tmp_path)
    assert exported.returncode == 0, exported.stderr
    assert fairlead(server, "plan", tmp_path).returncode == 0

    path = tmp_path / "users/filed.json"
    user = json.loads(path.read_text())
    user["UserPolicyList"] = [{"PolicyName": "ssh", "PolicyDocument": SSH}]
    path.write_text(json.dumps(user))
    planned = fairlead(server, "plan", tmp_path)
    assert planned.returncode == 2, planned.stderr
    assert "~ user filed: + policy ssh" in planned.stdout
    assert "gains ssm:StartSession on" in planned.stdout
    asked = fairlead(server, "apply", tmp_path)
    assert asked.returncode == 1
    assert "give --yes to apply without asking" in asked.stderr
    assert iam.list_user_policies(UserName="filed")["PolicyNames"] == []

    applied = fairlead(server, "apply", tmp_path, "--yes")
    assert applied.returncode == 0, applied.stderr
    assert iam.get_user_policy(UserName="filed", PolicyName="ssh")["PolicyDocument"] == SSH
    assert fairlead(server, "plan", tmp_path).returncode == 0


def test_what_cannot_be_done_is_said_in_one_line_and_nothing_is_done(
    fairlead_server_session: FairleadServer, tmp_path: Path
) -> None:
    (tmp_path / "users").mkdir()
    broken = {"PolicyName": "x", "PolicyDocument": {"Statement": [{"Effect": "Perhaps"}]}}
    (tmp_path / "users/halfway.json").write_text(
        json.dumps({"UserName": "halfway", "UserPolicyList": [broken]})
    )
    for command in (("plan",), ("apply", "--yes")):
        answer = fairlead(fairlead_server_session, command[0], tmp_path, *command[1:])
        assert answer.returncode == 1
        assert "Call 2, PutUserPolicy: " in answer.stderr
        assert len(answer.stderr.splitlines()) == 1
    iam: Any = fairlead_server_session.boto3_client("iam")
    assert "halfway" not in [user["UserName"] for user in iam.list_users()["Users"]]


def test_the_policies_of_an_organization_are_brought_along(
    fairlead_server_session: FairleadServer, tmp_path: Path
) -> None:
    source = "arn:aws:iam::999999999999"
    details = {
        "UserDetailList": [
            {
                "Path": "/",
                "UserName": "brought",
                "UserId": "AIDAEXAMPLEBROUGHT001",
                "Arn": f"{source}:user/brought",
                "CreateDate": "2024-01-01T00:00:00+00:00",
                "GroupList": ["Brought"],
                "AttachedManagedPolicies": [
                    {
                        "PolicyName": "AmazonS3FullAccess",
                        "PolicyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess",
                    }
                ],
                "Tags": [],
            }
        ],
        "GroupDetailList": [
            {
                "Path": "/",
                "GroupName": "Brought",
                "GroupPolicyList": [],
                "AttachedManagedPolicies": [{"PolicyName": "Ssh", "PolicyArn": f"{source}:policy/Ssh"}],
            }
        ],
        "RoleDetailList": [
            {
                "Path": "/",
                "RoleName": "BroughtRole",
                "AssumeRolePolicyDocument": TRUST,
                "InstanceProfileList": [],
                "RolePolicyList": [],
                "AttachedManagedPolicies": [],
            }
        ],
        "Policies": [
            {
                "PolicyName": "Ssh",
                "Arn": f"{source}:policy/Ssh",
                "Path": "/",
                "PolicyVersionList": [{"Document": SSH, "VersionId": "v3", "IsDefaultVersion": True}],
            }
        ],
    }
    path = tmp_path / "details.json"
    path.write_text(json.dumps(details))
    applied = fairlead(fairlead_server_session, "apply", path, "--yes")
    assert applied.returncode == 0, applied.stderr
    assert "this server has no policy arn:aws:iam::aws:policy/AmazonS3FullAccess" in applied.stdout
    iam: Any = fairlead_server_session.boto3_client("iam")
    (attached,) = iam.list_attached_group_policies(GroupName="Brought")["AttachedPolicies"]
    assert attached["PolicyArn"] == f"arn:aws:iam::{fairlead_server_session.account_id}:policy/Ssh"
    assert [user["UserName"] for user in iam.get_group(GroupName="Brought")["Users"]] == ["brought"]
    assert iam.get_role(RoleName="BroughtRole")["Role"]["AssumeRolePolicyDocument"] == TRUST
    assert fairlead(fairlead_server_session, "plan", path).returncode == 0
