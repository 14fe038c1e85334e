"""`fairlead.testing` as users of it know it."""

import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from fairlead.testing.calls import CallFailed
from fairlead.testing.server import FairleadServer
from tests.support.waiting import PATIENCE_S


def test_the_fixture_is_a_server_of_ones_own(fairlead_server: FairleadServer) -> None:
    assert fairlead_server.endpoint_url.startswith("https://127.0.0.1:")
    assert fairlead_server.boto3_client("iam").list_users()["Users"][0]["UserName"] == "admin"
    assert fairlead_server.boto3_client("ssm").describe_sessions(State="Active")["Sessions"] == []


def test_it_needs_no_boto3(fairlead_server: FairleadServer) -> None:
    activation = fairlead_server.create_activation("web", registration_limit=3)
    listed = fairlead_server.call_ssm("DescribeActivations", {})["ActivationList"]
    assert [entry["ActivationId"] for entry in listed] == [activation.id]
    with pytest.raises(CallFailed, match="InvalidActivationId"):
        fairlead_server.call_ssm("DeleteActivation", {"ActivationId": "00000000-0000-0000-0000-000000000000"})


def test_its_environment_is_the_administrators_and_nobody_elses(fairlead_server: FairleadServer) -> None:
    environment = fairlead_server.environment(
        {"PATH": "/bin", "AWS_PROFILE": "prod", "AWS_SESSION_TOKEN": "x", "https_proxy": "http://proxy"}
    )
    assert environment["PATH"] == "/bin"
    assert environment["AWS_ENDPOINT_URL"] == fairlead_server.endpoint_url
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "https_proxy"} & set(environment)


def test_a_restart_keeps_what_is_in_it(fairlead_server: FairleadServer) -> None:
    fairlead_server.boto3_client("iam").create_user(UserName="ada")
    before = fairlead_server.account_id, fairlead_server.ca_pin
    fairlead_server.stop()
    fairlead_server.start()
    assert (fairlead_server.account_id, fairlead_server.ca_pin) == before
    users = fairlead_server.boto3_client("iam").list_users()["Users"]
    assert [user["UserName"] for user in users] == ["ada", "admin"]


@pytest.mark.parametrize("handshake", [False, True])
def test_a_peer_that_says_nothing_does_not_delay_a_restart(
    tmp_path: Path, handshake: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead.testing.server.DRAIN_S", 2 * PATIENCE_S)
    monkeypatch.setattr("fairlead.testing.server.STOP_TIMEOUT_S", PATIENCE_S)
    with FairleadServer(tmp_path / "state") as server:
        host, _, port = server.endpoint_url.partition("://")[2].rpartition(":")
        with socket.create_connection((host, int(port))) as silent, ExitStack() as cleanup:
            if handshake:
                context = ssl.create_default_context(cafile=str(server.running.ca_certificate))
                cleanup.enter_context(context.wrap_socket(silent, server_hostname=host))
            server.stop()


def test_it_takes_the_servers_options(tmp_path: Path) -> None:
    with FairleadServer(tmp_path / "state", regions=("eu-test-1",), insecure_http=True) as server:
        assert server.region == "eu-test-1"
        assert server.ca_pin is None
        assert server.boto3_client("sts").get_caller_identity()["Account"] == server.account_id


def test_what_prevents_a_start_is_raised(tmp_path: Path) -> None:
    from fairlead.server.errors import StartError

    with (
        FairleadServer(tmp_path / "state") as server,
        pytest.raises(StartError, match="in use by another server"),
    ):
        FairleadServer(server.state_dir).start()


def test_the_plugin_costs_other_projects_nothing() -> None:
    script = (
        "import sys, fairlead.testing.pytest_plugin\n"
        "print(sorted({'uvicorn', 'sqlalchemy', 'boto3', 'fairlead.server'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_server_that_was_not_started_says_so(tmp_path: Path) -> None:
    server = FairleadServer(tmp_path / "state")
    with pytest.raises(RuntimeError, match="not started"):
        server.endpoint_url  # noqa: B018 - reading it is the test
    server.stop()
