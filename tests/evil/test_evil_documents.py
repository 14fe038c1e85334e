"""A server that asks a node for what its owner forbids: the agent's own ceiling holds, whoever asks."""

import contextlib
import json
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.evil.stage import Stage
from tests.support.waiting import PATIENCE_S, wait_until
from tools.stack import SCRIPTS, RunningAgent

CEILING = ["--allow-ports", "22", "--allow-session-types", "Port"]
LATER_US = 600_000_000


@pytest.fixture(scope="module")
def agent(stage: Stage) -> RunningAgent:
    """A real agent whose owner allows sessions to its sshd and nothing else."""
    return stage.stack.add_agent("ceiling", CEILING)


@pytest.fixture
def secret_service() -> Iterator[socket.socket]:
    """A service of the node that is nobody's business."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def _nobody_came(listener: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        listener.accept()
        return False
    return True


def test_a_port_beyond_the_ceiling_is_refused_and_the_user_reads_which_setting(
    stage: Stage, agent: RunningAgent, secret_service: socket.socket
) -> None:
    """Policies and document allow it: every port may be asked for. The node's owner does not."""
    port = secret_service.getsockname()[1]
    done = subprocess.run(
        [SCRIPTS / "fairlead", "proxy", agent.node_id, str(port)],
        env=stage.stack.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"does not allow connections to port {port}: its setting allow_ports is 22" in done.stderr
    assert done.stderr.count("\n") == 1
    assert _nobody_came(secret_service)
    started = stage.wait_for_audit("StartSession", user_name="admin")
    row = stage.wait_for_status(started["response_elements"]["sessionId"], "Failed")
    assert "allow_ports is 22" in row["end_details"]
    assert "allow_ports is 22" in agent.child.log.read_text()


FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "host": (
        {"properties": json.dumps({"portNumber": "22", "host": "192.0.2.7"})},
        "host '192.0.2.7': its setting allow_hosts is loopback",
    ),
    "port": (
        {"properties": json.dumps({"portNumber": "{port}"})},
        "its setting allow_ports is 22",
    ),
    "shell": (
        {"session_type": "Standard_Stream", "document_name": "SSM-SessionManagerRunShell"},
        "'Standard_Stream': its setting allow_session_types is Port",
    ),
    "command": (
        {
            "session_type": "InteractiveCommands",
            "properties": json.dumps({"linux": {"commands": "touch /tmp/owned", "runAsElevated": True}}),
        },
        "'InteractiveCommands': its setting allow_session_types is Port",
    ),
    "escape": (
        {"properties": json.dumps({"portNumber": "22", "host": "localhost\x1b[2J"})},
        "not a host to connect to",
    ),
}


def test_what_a_server_out_of_control_offers_is_refused_by_the_name_of_the_setting(
    stage: Stage, agent: RunningAgent, secret_service: socket.socket
) -> None:
    """Forged sessions stand in the database while the node is away; then the server offers them."""
    template = stage.admin.ssm(
        "StartSession", Target=agent.node_id, DocumentName="AWS-StartSSHSession"
    ).expect(200)
    agent.child.stop()
    wait_until(lambda: f"node {agent.node_id} is no longer connected" in stage.log, "the node's absence")
    port = str(secret_service.getsockname()[1])
    for name, (changes, _) in FORGERIES.items():
        changes = {key: value.replace("{port}", port) for key, value in changes.items()}
        _forge(stage, template.json["SessionId"], f"admin-forged-{name}", changes)
    again = stage.stack.start_agent("ceiling", CEILING)
    for name, (_, words) in FORGERIES.items():
        session_id = f"admin-forged-{name}"
        details = stage.wait_for_status(session_id, "Failed")["end_details"]
        assert words in details
        assert details.isprintable()
    assert _nobody_came(secret_service)
    log = again.child.log.read_text()
    assert all(words in log for _, words in FORGERIES.values())
    assert "\x1b" not in log


def _forge(stage: Stage, template_id: str, session_id: str, changes: dict[str, Any]) -> None:
    """A session as nobody could start it, begun so late that it still waits when the node is back."""
    later = f"(SELECT MAX(started_at) + {LATER_US} FROM sessions)"
    with contextlib.closing(sqlite3.connect(stage.database, timeout=PATIENCE_S)) as database, database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM sessions WHERE id = ?", (template_id,)).fetchone())
        ended = dict.fromkeys(("ended_at", "end_reason", "end_details", "bytes_to_node", "bytes_to_client"))
        row |= {"id": session_id, "status": "Connecting", "is_active": True, **ended, **changes}
        marks = ", ".join(later if name == "started_at" else f":{name}" for name in row)
        database.execute(f"INSERT INTO sessions ({', '.join(row)}) VALUES ({marks})", row)
