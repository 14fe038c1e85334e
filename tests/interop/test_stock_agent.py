"""The stock agent at our server: what it does beside carrying sessions, and how its sessions end."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import Site
from tests.support.waiting import wait_until
from tools.processes import free_port
from tools.stack import CommandFailed
from tools.stock_programs import StockAgent, register

pytestmark = [pytest.mark.interop, pytest.mark.slow]

IDLE_S = 65.0
"""A little more than the agent goes on polling for messages once its control channel is open."""
REFUSAL_S = 25.0
"""The server gives an agent that vanished 3 s; its own report of the failure comes after 60."""
PATIENCE_OF_AGENT_S = 2.0
"""How long a server may be away: a stock agent gives a data channel up after 3 to 6 s."""


@pytest.fixture
def own_agent(own_site: Site, stock_programs: Path) -> Iterator[StockAgent]:
    """A stock agent for one test, registered and not yet started."""
    agent = register(own_site.stack, stock_programs, "own")
    yield agent
    agent.stop()


def test_it_is_listed_as_what_it_said_of_itself(site: Site, stock_agent: StockAgent) -> None:
    said = site.call("aws", "ssm", "describe-instance-information", "--output", "json").stdout
    nodes = {node["InstanceId"]: node for node in json.loads(said)["InstanceInformationList"]}
    node = nodes[stock_agent.node_id]
    assert node["PingStatus"] == "Online"
    assert node["AgentVersion"].startswith("3.")
    assert node["PlatformType"] == "Linux"
    assert node["ResourceType"] == "ManagedInstance"
    assert node["LastPingDateTime"] >= node["RegistrationDate"]


def test_a_code_serves_as_many_machines_as_it_is_for(own_agent: StockAgent) -> None:
    with pytest.raises(CommandFailed, match="RegistrationLimit"):
        own_agent.register()


def test_idle_it_stays_online_and_finds_no_fault_with_the_server(
    own_site: Site, own_agent: StockAgent
) -> None:
    own_agent.start()
    time.sleep(IDLE_S)
    assert own_agent.errors() == []
    # A poll for messages that is answered too soon counts as a fault; ten of them, and it pauses.
    assert "MDS Polling job stopped" in own_agent.log()
    assert own_site.stack.is_connected(own_agent.node_id)


def test_it_changes_its_key_and_goes_on_with_the_new_one(own_site: Site, own_agent: StockAgent) -> None:
    old = own_agent.private_key()
    own_agent.make_its_key_old()
    own_agent.start()
    assert own_agent.private_key() != old
    own_agent.stop()
    own_agent.forget_its_credentials()
    own_agent.start()
    assert own_agent.errors() == []
    assert "Successfully rotated private key" in own_agent.log()
    assert own_site.ssh("proxy", own_agent.node_id, "echo in").stdout == "in\n"


def test_its_report_of_a_sessions_end_is_acknowledged_at_once(site: Site, stock_agent: StockAgent) -> None:
    site.ssh("proxy", stock_agent.node_id, "true")
    session = _last_session(site)
    wait_until(lambda: f"execution of {session} is over" in stock_agent.log())

    def since_the_end() -> str:
        return stock_agent.log().partition(f"session: {session} complete")[2]

    wait_until(lambda: "agent_task_acknowledge" in since_the_end())
    wait_until(lambda: stock_agent.session_workers() == 0)
    # Not once more. The agent may note the acknowledgement before it notes what it has sent.
    assert since_the_end().count("successfully sent reply message") <= 1


def test_a_refused_port_ends_the_session_soon_and_says_why(
    site: Site, stock_agent: StockAgent, client: str
) -> None:
    began = time.monotonic()
    done = site.ssh(client, "-p", free_port(), stock_agent.node_id, "true")
    assert time.monotonic() - began < REFUSAL_S
    assert done.status == 255
    assert "is a server listening there?" in done.stderr


def test_terminate_session_ends_ssh_and_the_sessions_process(site: Site, stock_agent: StockAgent) -> None:
    ssh = site.start("proxy", stock_agent.node_id, "echo ready; sleep 60")
    assert ssh.stdout is not None
    assert ssh.stdout.readline() == b"ready\n"
    session = _sessions(site, "Active")[0]["SessionId"]
    assert stock_agent.session_workers() == 1
    site.stack.aws("ssm", "terminate-session", "--session-id", session)
    _, said = ssh.communicate(timeout=30)
    assert ssh.returncode == 255
    assert b"TerminateSession" in said
    wait_until(lambda: stock_agent.session_workers() == 0)


def test_a_session_whose_user_vanished_leaves_no_process(site: Site, stock_agent: StockAgent) -> None:
    ssh = site.start("proxy", stock_agent.node_id, "echo ready; sleep 60")
    assert ssh.stdout is not None
    assert ssh.stdout.readline() == b"ready\n"
    ssh.kill()
    wait_until(lambda: _sessions(site, "Active") == [])
    wait_until(lambda: stock_agent.session_workers() == 0)


def test_after_a_quick_restart_of_the_server_it_is_back_and_its_sessions_go_on(
    own_site: Site, own_agent: StockAgent
) -> None:
    own_agent.start()
    ssh = own_site.start("proxy", own_agent.node_id, "cat")
    assert ssh.stdin is not None
    assert ssh.stdout is not None
    ssh.stdin.write(b"before\n")
    ssh.stdin.flush()
    assert ssh.stdout.readline() == b"before\n"
    assert own_site.stack.server.stop() == 0
    began = time.monotonic()
    own_site.stack.start_server()
    away_s = time.monotonic() - began
    out, err = ssh.communicate(b"after\n", timeout=60)
    # It tries at random after 5 to 10 s, and doubles that each time.
    wait_until(lambda: own_site.stack.is_connected(own_agent.node_id))
    assert own_site.ssh("proxy", own_agent.node_id, "echo again").stdout == "again\n"
    if away_s > PATIENCE_OF_AGENT_S:
        pytest.skip(f"the server was away for {away_s:.0f} s here, and a stock agent does not wait that long")
    assert (ssh.returncode, out, err) == (0, b"after\n", b"")


def test_it_stops_when_asked_to_and_is_offline_then(own_site: Site, own_agent: StockAgent) -> None:
    own_agent.start()
    own_agent.stop()
    wait_until(lambda: not own_site.stack.is_connected(own_agent.node_id))
    done = own_site.ssh("proxy", own_agent.node_id, "true")
    assert f"{own_agent.node_id} is not connected" in done.stderr


def _last_session(site: Site) -> str:
    return _sessions(site, "History")[0]["SessionId"]


def _sessions(site: Site, state: str) -> list[dict[str, str]]:
    command = ["aws", "ssm", "describe-sessions", "--state", state, "--output", "json"]
    answer: list[dict[str, str]] = json.loads(site.call(*command).stdout)["Sessions"]
    return answer
