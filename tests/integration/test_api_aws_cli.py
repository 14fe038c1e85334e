"""Every operation of the public services, as the AWS CLI sends it and prints the answer.

That its program works with `admin.env` is shown beside the server command.
"""

import functools
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fairlead.testing.server import FairleadServer
from tests.support.aws_cli import AwsCli

Aws = Callable[..., Any]
"""An AWS CLI command that succeeds, for its parsed output."""
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}}
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "ssm.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FairleadServer]:
    with FairleadServer(Path(tmp_path_factory.mktemp("aws-cli")) / "state") as server:
        yield server


@pytest.fixture(scope="module")
def aws(server: FairleadServer, aws_cli: AwsCli) -> Aws:
    return functools.partial(aws_cli, server.environment())


def test_sts(aws: Aws, server: FairleadServer) -> None:
    assert aws("sts", "get-caller-identity")["Arn"] == f"arn:aws:iam::{server.account_id}:user/admin"


def test_users_and_their_keys(aws: Aws) -> None:
    assert aws("iam", "create-user", "--user-name", "ada")["User"]["UserName"] == "ada"
    assert aws("iam", "get-user", "--user-name", "ada")["User"]["Path"] == "/"
    assert "ada" in [user["UserName"] for user in aws("iam", "list-users")["Users"]]
    key = aws("iam", "create-access-key", "--user-name", "ada")["AccessKey"]["AccessKeyId"]
    listed = aws("iam", "list-access-keys", "--user-name", "ada")["AccessKeyMetadata"]
    assert [entry["AccessKeyId"] for entry in listed] == [key]
    assert aws("iam", "delete-access-key", "--user-name", "ada", "--access-key-id", key) == {}
    assert aws("iam", "delete-user", "--user-name", "ada") == {}


def test_policies_of_users(aws: Aws) -> None:
    name = ("--user-name", "grace", "--policy-name", "p")
    aws("iam", "create-user", "--user-name", "grace")
    aws("iam", "put-user-policy", *name, "--policy-document", POLICY)
    assert aws("iam", "get-user-policy", *name)["PolicyDocument"] == json.loads(POLICY)
    assert aws("iam", "list-user-policies", "--user-name", "grace")["PolicyNames"] == ["p"]
    assert aws("iam", "delete-user-policy", *name) == {}


def test_policies_are_simulated(aws: Aws, server: FairleadServer) -> None:
    question = ("--action-names", "ssm:StartSession", "iam:CreateUser")
    (allowed, refused) = aws("iam", "simulate-custom-policy", "--policy-input-list", POLICY, *question)[
        "EvaluationResults"
    ]
    assert (allowed["EvalDecision"], refused["EvalDecision"]) == ("allowed", "implicitDeny")
    admin = f"arn:aws:iam::{server.account_id}:user/admin"
    answer = aws("iam", "simulate-principal-policy", "--policy-source-arn", admin, *question)
    assert [each["EvalDecision"] for each in answer["EvaluationResults"]] == ["allowed", "allowed"]
    keys = aws("iam", "get-context-keys-for-custom-policy", "--policy-input-list", POLICY)
    assert keys["ContextKeyNames"] == []
    keys = aws("iam", "get-context-keys-for-principal-policy", "--policy-source-arn", admin)
    assert keys["ContextKeyNames"] == []


def test_roles_and_their_policies(aws: Aws) -> None:
    name = ("--role-name", "Nodes", "--policy-name", "p")
    created = aws("iam", "create-role", "--role-name", "Nodes", "--assume-role-policy-document", TRUST)
    assert created["Role"]["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert aws("iam", "get-role", "--role-name", "Nodes")["Role"]["Arn"].endswith(":role/Nodes")
    assert {"Nodes", "FairleadNode"} <= {role["RoleName"] for role in aws("iam", "list-roles")["Roles"]}
    aws("iam", "put-role-policy", *name, "--policy-document", POLICY)
    assert aws("iam", "get-role-policy", *name)["PolicyDocument"] == json.loads(POLICY)
    assert aws("iam", "list-role-policies", "--role-name", "Nodes")["PolicyNames"] == ["p"]
    aws("iam", "delete-role-policy", *name)
    assert aws("iam", "delete-role", "--role-name", "Nodes") == {}


def test_activations(aws: Aws) -> None:
    created = aws(
        "ssm", "create-activation", "--iam-role", "service-role/FairleadNode", "--tags", "Key=a,Value=b"
    )
    activation_id = created["ActivationId"]
    condition = f"FilterKey=ActivationIds,FilterValues={activation_id}"
    (listed,) = aws("ssm", "describe-activations", "--filters", condition)["ActivationList"]
    assert listed["Tags"] == [{"Key": "a", "Value": "b"}]
    aws("ssm", "delete-activation", "--activation-id", activation_id)
    assert aws("ssm", "describe-activations", "--filters", condition)["ActivationList"] == []


def test_nodes_and_sessions(aws: Aws, server: FairleadServer) -> None:
    node = server.start_agent("cli").node_id
    (listed,) = aws("ssm", "describe-instance-information")["InstanceInformationList"]
    assert listed["InstanceId"] == node
    assert aws("ssm", "get-connection-status", "--target", node)["Status"] == "connected"
    tagged = ("--resource-type", "ManagedInstance", "--resource-id", node)
    aws("ssm", "add-tags-to-resource", *tagged, "--tags", "Key=team,Value=red", "Key=stage,Value=")
    aws("ssm", "remove-tags-from-resource", *tagged, "--tag-keys", "stage")
    listed = aws("ssm", "list-tags-for-resource", *tagged)["TagList"]
    assert listed == [{"Key": "team", "Value": "red"}]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        parameters = {"portNumber": [str(listener.getsockname()[1])]}
        session_id = server.call_ssm(
            "StartSession", {"Target": node, "DocumentName": "AWS-StartSSHSession", "Parameters": parameters}
        )["SessionId"]
        active = aws("ssm", "describe-sessions", "--state", "Active")["Sessions"]
        assert [session["SessionId"] for session in active] == [session_id]
        assert aws("ssm", "resume-session", "--session-id", session_id)["TokenValue"]
        assert aws("ssm", "terminate-session", "--session-id", session_id)["SessionId"] == session_id
    history = aws("ssm", "describe-sessions", "--state", "History")["Sessions"]
    assert [session["Status"] for session in history] == ["Terminated"]
    aws("ssm", "deregister-managed-instance", "--instance-id", node)
    assert aws("ssm", "describe-instance-information")["InstanceInformationList"] == []


def test_documents(aws: Aws) -> None:
    assert aws("ssm", "get-document", "--name", "AWS-StartSSHSession")["DocumentType"] == "Session"


PORT_2222 = """\
# ssh to another port
schemaVersion: "1.0"
sessionType: Port
inputs: {idleSessionTimeout: "5"}
parameters:
  portNumber: {type: String, default: "2222", allowedPattern: "^[0-9]+$"}
properties: {portNumber: "{{ portNumber }}"}
"""


def test_a_document_from_its_creation_to_its_end(aws: Aws, tmp_path: Path) -> None:
    name = ("--name", "Port-2222")
    file = tmp_path / "document.yaml"
    file.write_text(PORT_2222)
    content = ("--content", f"file://{file}", "--document-format", "YAML")
    created = aws("ssm", "create-document", *name, *content, "--document-type", "Session")
    assert created["DocumentDescription"]["Status"] == "Creating"
    file.write_text(PORT_2222.replace('"5"', '"10"'))
    updated = aws("ssm", "update-document", *name, *content, "--document-version", "$LATEST")
    assert updated["DocumentDescription"]["LatestVersion"] == "2"
    default = aws("ssm", "update-document-default-version", *name, "--document-version", "2")
    assert default["Description"]["DefaultVersion"] == "2"
    listed = aws("ssm", "list-document-versions", *name)["DocumentVersions"]
    assert [version["IsDefaultVersion"] for version in listed] == [True, False]
    aws("ssm", "delete-document", *name, "--document-version", "1")
    as_given = aws("ssm", "get-document", *name, "--document-format", "YAML")
    assert as_given["Content"] == file.read_text()
    assert json.loads(aws("ssm", "get-document", *name)["Content"])["properties"]["portNumber"]
    described = aws("ssm", "describe-document", *name)["Document"]
    assert described["Parameters"][0]["DefaultValue"] == "2222"
    aws(
        *("ssm", "add-tags-to-resource", "--resource-type", "Document", "--resource-id", "Port-2222"),
        *("--tags", "Key=Team,Value=db"),
    )
    own = aws("ssm", "list-documents", "--filters", "Key=Owner,Values=Self", "Key=tag:Team,Values=db")
    assert [document["Name"] for document in own["DocumentIdentifiers"]] == ["Port-2222"]
    aws("ssm", "delete-document", *name)
    assert aws("ssm", "list-documents", "--filters", "Key=Owner,Values=Self")["DocumentIdentifiers"] == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("ssm", "start-session", "--target", "mi-00000000000000000"),
            "An error occurred (TargetNotConnected) when calling the StartSession operation",
        ),
        (
            (
                "ssm",
                "start-session",
                "--target",
                "mi-00000000000000000",
                "--document-name",
                "AWS-StartSSHSession",
            ),
            "An error occurred (TargetNotConnected) when calling the StartSession operation: "
            "mi-00000000000000000 is not connected.",
        ),
        (
            ("iam", "get-user", "--user-name", "nobody"),
            "An error occurred (NoSuchEntity) when calling the GetUser operation",
        ),
        (
            ("ssm", "list-commands"),
            "An error occurred (UnknownOperationException) when calling the ListCommands operation",
        ),
    ],
)
def test_what_is_refused_is_printed_in_the_services_words(
    server: FairleadServer, aws_cli: AwsCli, words: tuple[str, ...], text: str
) -> None:
    printed = aws_cli.run(server.environment(), *words)
    assert printed.status in (254, 255)
    assert printed.output == ""
    assert text in printed.errors
