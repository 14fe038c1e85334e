"""Draining a server by the signed API, as an operator does it and as AWS's programs see it."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fairlead.testing.server import FairleadServer
from tests.support.api_client import ApiClient
from tests.support.control_world import World, policy, statement

PREFIX = "Fairlead_20261101"
SSH = {"DocumentName": "AWS-StartSSHSession", "Parameters": {"portNumber": ["22"]}}
SESSIONS_LEFT = 3


def test_our_own_operations_come_by_the_same_road_as_those_of_aws() -> None:
    world = World()
    client = ApiClient(world)
    world.node()
    operator = world.user("operator", policy(statement("Allow", ["fairlead:*", "ssm:*"])))
    credentials = world.key_of(operator)

    def call(operation: str, members: Any) -> Any:
        return client.call_json(credentials, f"{PREFIX}.{operation}", members, service="fairlead")

    world.start(operator)
    since = call("DrainServer", {}).json["DrainingSince"]
    described = call("DescribeServerDrain", {"MaxResults": 1}).json
    assert (described["DrainingSince"], described["SessionCount"]) == (since, 1)
    assert described["Sessions"][0]["Owner"] == operator.arn
    refused = client.call_json(
        credentials, "AmazonSSM.StartSession", {"Target": "mi-0123456789abcdef0", **SSH}
    )
    assert (refused.status, refused.code) == (400, "ServerDraining")
    assert call("CancelServerDrain", {}).json == {}
    assert "DrainingSince" not in call("DescribeServerDrain", {}).json
    assert call("DescribeServerDrain", {"MaxResults": 201}).code == "ValidationException"
    wrong_service = client.call_json(credentials, f"{PREFIX}.DrainServer", {}, service="ssm")
    assert wrong_service.code == "InvalidSignatureException"


@pytest.fixture
def to_listener() -> Iterator[dict[str, Any]]:
    """A session to a port that somebody listens on and says nothing: it stays."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield {**SSH, "Parameters": {"portNumber": [str(listener.getsockname()[1])]}}


def test_the_command_drains_names_who_is_left_waits_and_takes_it_back(
    fairlead_server: FairleadServer, to_listener: dict[str, Any]
) -> None:
    server = fairlead_server
    ssm = server.boto3_client("ssm")
    node_id = server.start_agent().node_id
    session_id = ssm.start_session(Target=node_id, **to_listener)["SessionId"]

    def drain(*options: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "fairlead", "server", "drain", *options],
            env=server.environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr

    status, said = drain()
    assert status == SESSIONS_LEFT, said
    assert f"{session_id}  Connecting  to {node_id}  by arn:aws:iam::{server.account_id}:user/admin" in said
    with pytest.raises(ClientError, match="takes no new sessions") as refused:
        ssm.start_session(Target=node_id, **to_listener)
    assert refused.value.response["Error"]["Code"] == "ServerDraining"
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    ssm.terminate_session(SessionId=session_id)
    status, said = drain("--wait", "60")
    assert (status, said.splitlines()[-1]) == (0, "No session is left: the server can be restarted.")
    assert drain("--cancel") == (0, "The server takes sessions again.\n")
    assert ssm.start_session(Target=node_id, **to_listener)["SessionId"]


def test_the_command_says_what_is_missing_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fairlead", "server", "drain"],
        env={"AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": str(tmp_path / "none"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("fairlead: no Fairlead server is configured: set AWS_ENDPOINT_URL")
    assert done.stderr.count("\n") == 1
