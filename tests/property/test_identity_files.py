"""Files lead a server from any state to any other: the calls that the client finds, made by the use cases."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.client.identity_files import read_files, write_files
from fairlead.client.identity_plan import CHANGED, IdentityFilesCommand
from fairlead.client.identity_state import State, read_details
from tests.support.control_world import NODE_TRUST, World
from tests.support.identity_api import IdentityApi

ACCOUNT = "111122223333"
AWS = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
POLICIES = ("Ssh", "Shell")
ARNS = [AWS, *(f"arn:aws:iam::{ACCOUNT}:policy/{name}" for name in POLICIES)]

documents = st.sampled_from(["ssm:StartSession", "ssm:Describe*", "iam:PassRole"]).map(
    lambda action: {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
    }
)
inline = st.dictionaries(st.sampled_from(["a", "b", "c"]), documents, max_size=2).map(
    lambda found: [{"PolicyName": name, "PolicyDocument": text} for name, text in found.items()]
)
tags = st.dictionaries(st.sampled_from(["Team", "Cost"]), st.sampled_from(["red", ""])).map(
    lambda found: [{"Key": key, "Value": value} for key, value in found.items()]
)
trusts = st.sampled_from([json.loads(NODE_TRUST), json.loads(NODE_TRUST.replace("ssm.", "ec2."))])


@st.composite
def states(draw: st.DrawFn) -> dict[str, Any]:
    """The output of AWS's command for some identities whose references all lead somewhere."""
    policies = draw(st.lists(st.sampled_from(POLICIES), unique=True))
    groups = draw(st.lists(st.sampled_from(["ops", "Devs"]), unique=True))
    present = [AWS, *(f"arn:aws:iam::{ACCOUNT}:policy/{name}" for name in policies)]
    arns = st.lists(st.sampled_from(present), unique=True).map(
        lambda found: [{"PolicyName": "x", "PolicyArn": arn} for arn in found]
    )
    boundary = st.none() | st.sampled_from(present).map(lambda arn: {"PermissionsBoundaryArn": arn})
    return {
        "UserDetailList": [
            {
                "UserName": name,
                "UserPolicyList": draw(inline),
                "AttachedManagedPolicies": draw(arns),
                "GroupList": draw(st.lists(st.sampled_from(groups), unique=True)) if groups else [],
                "PermissionsBoundary": draw(boundary),
                "Tags": draw(tags),
            }
            for name in draw(st.lists(st.sampled_from(["alice", "bob"]), unique=True))
        ],
        "GroupDetailList": [
            {"GroupName": name, "GroupPolicyList": draw(inline), "AttachedManagedPolicies": draw(arns)}
            for name in groups
        ],
        "RoleDetailList": [
            {
                "RoleName": name,
                "Path": "/team/",
                "AssumeRolePolicyDocument": draw(trusts),
                "Description": draw(st.sampled_from(["d", "for ops"])),
                "MaxSessionDuration": draw(st.sampled_from([3600, 7200])),
                "RolePolicyList": draw(inline),
                "AttachedManagedPolicies": draw(arns),
                "PermissionsBoundary": draw(boundary),
                "Tags": draw(tags),
            }
            for name in draw(st.lists(st.sampled_from(["Deploy", "Audit"]), unique=True))
        ],
        "Policies": [{"PolicyName": name, "PolicyDocument": draw(documents)} for name in policies],
    }


def exported(command: IdentityFilesCommand, directory: Path) -> State:
    """What the server has, without the administrator who asks and without old versions of policies."""
    assert command.export(directory) == 0
    state = read_files(directory)
    del state["users", "admin"]
    return state


@settings(max_examples=30)
@given(chain=st.lists(states(), min_size=2, max_size=4))
def test_what_files_ask_for_is_what_the_server_then_has(chain: list[dict[str, Any]]) -> None:
    world = World()
    with world.store.transaction() as uow:
        for role in uow.identities.list_roles(ACCOUNT, "/", None, 10):
            uow.identities.delete_role(role.id)
    said: list[str] = []
    admin = world.user("admin")
    command = IdentityFilesCommand(IdentityApi(world, admin), said.append)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        command.export(directory)
        own_file = (directory / "users/admin.json").read_text()
        for number, details in enumerate(chain):
            wanted = read_details(details, "test")
            files = directory / str(number)
            write_files(wanted, files)
            (files / "users/admin.json").write_text(own_file)
            before = exported(command, directory / "before")
            status = command.plan(files, prune=True)
            assert exported(command, directory / "planned") == before, "a plan changes nothing"
            assert command.apply(files, prune=True, confirm=lambda: True) == 0
            assert exported(command, directory / "after") == wanted
            assert (status == CHANGED) == (before != wanted)
            assert command.plan(files, prune=True) == 0, "nothing is left to do"
