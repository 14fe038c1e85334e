"""Documents and preferences of an account, through the AWS CLI and ssh; and what the stock programs add."""

import json
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from fairlead.testing.calls import call_ssm
from tests.interop.conftest import Site
from tests.support.ssh_policies import ADMINISTRATOR, DENY_SSH
from tests.support.waiting import PATIENCE_S, wait_until
from tools.processes import accepts, free_port
from tools.stock_programs import NotHere, StockAgent, find_plugin, path_with_plugin

pytestmark = pytest.mark.interop

PREFERENCES = "SSM-SessionManagerRunShell"
SSH_BY_DOCUMENT = (
    "ProxyCommand=sh -c \"aws ssm start-session --target %h --document-name {} --parameters 'portNumber=%p'\""
)


@pytest.fixture
def document(site: Site) -> Iterator[Any]:  # Any: a function that makes a document until the test ends
    made: list[str] = []

    def make(name: str, **members: Any) -> None:
        content = json.dumps({"schemaVersion": "1.0", **members})
        words = ("ssm", "create-document", "--name", name, "--document-type", "Session")
        site.stack.aws(*words, "--content", content)
        made.append(name)

    yield make
    for name in made:
        site.stack.aws("ssm", "delete-document", "--name", name)


def port_document(**members: Any) -> dict[str, Any]:
    """Members of a document that leads to a port as ssh asks for it."""
    return {
        "sessionType": "Port",
        "parameters": {"portNumber": {"type": "String", "allowedPattern": "^[0-9]{2,5}$"}},
        "properties": {"portNumber": "{{ portNumber }}"},
        **members,
    }


def test_ssh_goes_through_a_port_document_of_the_account(site: Site, document: Any) -> None:
    document("Team-SSH", **port_document(inputs={"maxSessionDuration": "30"}))
    option = SSH_BY_DOCUMENT.format("Team-SSH")
    done = site.ssh("aws", "-o", option, site.node_id, "echo in")
    assert (done.status, done.stdout) == (0, "in\n")
    site.wait_for_no_session()
    session = site.sessions("History")[0]
    assert (session["DocumentName"], session["MaxSessionDuration"]) == ("Team-SSH", "30")
    refused = site.ssh("aws", "-o", option, "-p", "1", site.node_id, "true")
    assert 'has value "1" not matching "^[0-9]{2,5}$"' in refused.stderr


def test_preferences_with_logging_leave_ssh_sessions_unlogged(site: Site, document: Any) -> None:
    document(PREFERENCES, sessionType="Standard_Stream", inputs={"idleSessionTimeout": "20"})
    logged = {"idleSessionTimeout": "10", "s3BucketName": "logs", "cloudWatchLogGroupName": "logs"}
    content = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": logged}
    site.stack.aws(
        *("ssm", "update-document", "--name", PREFERENCES, "--document-version", "$LATEST"),
        *("--content", json.dumps(content)),
    )
    site.stack.aws(
        *("ssm", "update-document-default-version", "--name", PREFERENCES, "--document-version", "2")
    )
    assert site.ssh("aws", site.node_id, "echo in").stdout == "in\n"
    site.wait_for_no_session()
    assert site.sessions("History")[0]["OutputUrl"] == {}


@pytest.fixture
def stock_plugin(site: Site) -> dict[str, str]:
    """The environment in which the AWS CLI runs AWS's own plugin."""
    try:
        return path_with_plugin(site.stack, find_plugin())
    except NotHere as missing:
        pytest.skip(str(missing))


@pytest.fixture
def dave(site: Site) -> Iterator[dict[str, str]]:
    """The credentials of an administrator to whom ssh is denied."""
    aws = site.stack.aws
    aws("iam", "create-user", "--user-name", "dave")
    key = aws("iam", "create-access-key", "--user-name", "dave")["AccessKey"]
    policies = {"all": ADMINISTRATOR, "no-ssh": DENY_SSH}
    for name, text in policies.items():
        words = ("iam", "put-user-policy", "--user-name", "dave", "--policy-name", name)
        aws(*words, "--policy-document", text)
    yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    for name in policies:
        aws("iam", "delete-user-policy", "--user-name", "dave", "--policy-name", name)
    aws("iam", "delete-access-key", "--user-name", "dave", "--access-key-id", key["AccessKeyId"])
    aws("iam", "delete-user", "--user-name", "dave")


def test_a_deny_on_ssh_leaves_an_administrator_the_other_documents(
    site: Site, stock_agent: StockAgent, stock_plugin: dict[str, str], dave: dict[str, str]
) -> None:
    node_id, env = stock_agent.node_id, {**stock_plugin, **dave}
    refused = site.ssh("aws", node_id, "true", env=env)
    assert "with an explicit deny in an identity-based policy" in refused.stderr

    port = free_port()
    forwarding = subprocess.Popen(
        [
            *("aws", "ssm", "start-session", "--target", node_id),
            *("--document-name", "AWS-StartPortForwardingSession"),
            *("--parameters", f"portNumber={site.server.port},localPortNumber={port}"),
        ],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    wait_until(lambda: accepts("127.0.0.1", port), "the forwarded port")
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        assert connection.recv(8) == b"SSH-2.0-"
    forwarded = "AWS-StartPortForwardingSession"
    (session,) = (each for each in site.sessions("Active") if each["DocumentName"] == forwarded)
    site.stack.call_ssm("TerminateSession", {"SessionId": session["SessionId"]})
    assert forwarding.wait(PATIENCE_S) == 0

    shell = call_ssm(env["AWS_ENDPOINT_URL"], env, "StartSession", {"Target": node_id})
    site.stack.call_ssm("TerminateSession", {"SessionId": shell["SessionId"]})


def test_a_command_document_of_the_account_runs_as_whom_its_inputs_say(
    site: Site, stock_agent: StockAgent, stock_plugin: dict[str, str], document: Any
) -> None:
    document(
        "Who-Am-I",
        sessionType="NonInteractiveCommands",
        inputs={"runAsEnabled": True, "runAsDefaultUser": "nobody"},
        parameters={"what": {"type": "String", "allowedValues": ["-un", "-u"]}},
        properties={"linux": {"commands": "id {{ what }}"}},
    )
    command = [
        *("aws", "ssm", "start-session", "--target", stock_agent.node_id),
        *("--document-name", "Who-Am-I", "--parameters", "what=-un"),
    ]
    with subprocess.Popen(
        command, env=stock_plugin, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:  # its stdin stays open, or it would leave at once
        assert process.stdout is not None
        assert b"nobody" in process.stdout.read()
