"""One part dies: nothing stays Active for longer than its timeout, and no process stays behind."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.interop.conftest import Site, new_site
from tests.support.aws_cli import AwsCli
from tests.support.waiting import PATIENCE_S, wait_until

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.fixture(scope="module")
def own_site(openssh: None, tmp_path_factory: pytest.TempPathFactory, aws_cli: AwsCli) -> Iterator[Site]:
    """One for all of these tests."""
    with new_site(tmp_path_factory.mktemp("deaths"), aws_cli) as site:
        yield site


@pytest.fixture(autouse=True)
def _everything_runs(own_site: Site) -> None:
    """Whatever the test before has killed."""
    if own_site.agent.child.process.poll() is not None:
        own_site.agent = own_site.stack.start_agent("node")
    wait_until(lambda: own_site.stack.is_connected(own_site.node_id), "the node")
    own_site.wait_for_no_session()


@pytest.fixture
def running_ssh(own_site: Site) -> "subprocess.Popen[bytes]":
    ssh = own_site.start("proxy", own_site.node_id, "echo ready; exec sleep 600")
    assert ssh.stdout is not None
    assert ssh.stdout.readline() == b"ready\n"
    return ssh


def test_after_kill_9_of_ssh_the_session_is_over(
    own_site: Site, running_ssh: "subprocess.Popen[bytes]"
) -> None:
    running_ssh.kill()
    running_ssh.communicate()
    own_site.wait_for_no_session()
    wait_until(lambda: not _proxies(own_site), "the end of the client")


def test_after_kill_9_of_the_client_ssh_ends_and_the_session_with_it(
    own_site: Site, running_ssh: "subprocess.Popen[bytes]"
) -> None:
    for pid in _proxies(own_site):
        os.kill(pid, signal.SIGKILL)
    running_ssh.communicate(timeout=PATIENCE_S)
    assert running_ssh.returncode == 255
    session = own_site.sessions("Active")[0]
    assert session["Status"] in ("Connected", "Disconnected")
    # It may come back within the resume window; a user who knows better ends it.
    own_site.stack.aws("ssm", "terminate-session", "--session-id", session["SessionId"])
    own_site.wait_for_no_session()


def test_after_kill_9_of_the_agent_ssh_ends_with_a_reason(
    own_site: Site, running_ssh: "subprocess.Popen[bytes]"
) -> None:
    own_site.agent.child.stop(signal.SIGKILL)
    own_site.agent = own_site.stack.start_agent("node")
    _, said = running_ssh.communicate(timeout=PATIENCE_S)
    assert running_ssh.returncode == 255
    assert said.strip()
    own_site.wait_for_no_session()
    assert own_site.ssh("proxy", own_site.node_id, "true").status == 0


def test_after_kill_9_of_server_and_agent_together_ssh_ends_with_a_reason(
    own_site: Site, running_ssh: "subprocess.Popen[bytes]"
) -> None:
    own_site.stack.server.stop(signal.SIGKILL)
    own_site.agent.child.stop(signal.SIGKILL)
    own_site.stack.start_server()
    own_site.agent = own_site.stack.start_agent("node")
    _, said = running_ssh.communicate(timeout=PATIENCE_S)
    assert running_ssh.returncode == 255
    assert b"The agent on the node was restarted" in said
    own_site.wait_for_no_session()


def test_a_server_that_was_killed_comes_back_with_everything_it_knew(own_site: Site) -> None:
    own_site.stack.server.stop(signal.SIGKILL)
    own_site.stack.start_server()
    wait_until(lambda: own_site.stack.is_connected(own_site.node_id), "the node's return")
    assert own_site.ssh("proxy", own_site.node_id, "echo back").stdout == "back\n"


def test_an_ssh_that_is_started_before_the_node_is_back_waits_for_it(own_site: Site) -> None:
    wait_until(lambda: _is_recorded_as_connected(own_site), "the record that a server reads after its kill")
    agent = own_site.agent.child.pid
    os.kill(agent, signal.SIGSTOP)  # it notices the restart only when the test says so
    try:
        own_site.stack.server.stop(signal.SIGKILL)
        own_site.stack.start_server()
        ssh = own_site.start("proxy", own_site.node_id, "echo back")
        wait_until(lambda: own_site.sessions("Active"), "a session for the node that is away")
        assert [session["Status"] for session in own_site.sessions("Active")] == ["Connecting"]
        assert not own_site.stack.is_connected(own_site.node_id)
    finally:
        os.kill(agent, signal.SIGCONT)
    out, err = ssh.communicate(timeout=PATIENCE_S)
    assert (ssh.returncode, out, err) == (0, b"back\n", b"")


def test_a_session_survives_kill_9_of_the_server(
    own_site: Site, running_ssh: "subprocess.Popen[bytes]"
) -> None:
    running_ssh.kill()
    running_ssh.communicate()
    ssh = own_site.start("proxy", own_site.node_id, "cat")
    assert ssh.stdin is not None
    assert ssh.stdout is not None
    ssh.stdin.write(b"before\n")
    ssh.stdin.flush()
    assert ssh.stdout.readline() == b"before\n"
    own_site.stack.server.stop(signal.SIGKILL)
    ssh.stdin.write(b"while away\n")
    ssh.stdin.flush()
    own_site.stack.start_server()
    assert ssh.stdout.readline() == b"while away\n"
    out, err = ssh.communicate(b"after\n", timeout=PATIENCE_S)
    assert (ssh.returncode, out, err) == (0, b"after\n", b"")


def test_an_agent_that_is_asked_to_end_leaves_no_process_behind(
    own_site: Site, running_ssh: "subprocess.Popen[bytes]"
) -> None:
    assert own_site.agent.child.stop(signal.SIGTERM) == 0
    running_ssh.communicate(timeout=PATIENCE_S)
    assert running_ssh.returncode == 255
    own_site.wait_for_no_session()
    assert _children_named(own_site, b"fairlead.agent") == []


def _is_recorded_as_connected(site: Site) -> bool:
    """What is written a little later than GetConnectionStatus says it."""
    with closing(sqlite3.connect(site.stack.server_state / "fairlead.db")) as database:
        asked = "SELECT 1 FROM nodes WHERE id = ? AND connected_since IS NOT NULL"
        return database.execute(asked, (site.node_id,)).fetchone() is not None


def _proxies(site: Site) -> list[int]:
    return _children_named(site, f"\0proxy\0{site.node_id}".encode())


def _children_named(site: Site, words: bytes) -> list[int]:
    """Processes of this site (they carry its state directory in their environment) with these words."""
    found = []
    marker = str(site.stack.directory).encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if words in (entry / "cmdline").read_bytes() and marker in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:  # ended since the directory was read
            continue
    return found
