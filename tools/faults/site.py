"""The parts under fault: a server, an agent and an SSH server as processes, and wires in between.

Client and agent reach the server by a wire each; whoever watches reaches it directly. The wires' addresses
are public names of the server, so TLS and signatures hold as they would behind a router.
"""

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.faults.history import History
from tools.faults.plan import AGENT, CLIENT
from tools.faults.sessions import Session, Transfer
from tools.processes import ChildProcess, start
from tools.stack import SCRIPTS, CommandFailed, LocalStack
from tools.wire import Wire

SSH_CONFIG = """\
Host mi-*
    ProxyCommand fairlead proxy %h %p --reason "$FAULTS_SESSION"
"""
AGENT_CONFIG = """\
# A node that comes back soon, so that there is always something to break.
reconnect_first_s = 0.2
reconnect_cap_s = 2.0
"""
AGENT_NAME = "node"
RESTART_TIMEOUT_S = 300.0
ASK_TIMEOUT_S = 180.0
"""For an answer of the server, which may be away when it is asked."""

ONE_TRY = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})

T = TypeVar("T")


class Site:
    """Everything that runs; `stop` ends it."""

    def __init__(self, directory: Path, history: History) -> None:
        self.directory = directory
        self.wires = {CLIENT: Wire(), AGENT: Wire()}
        self._history = history
        options: list[str] = []
        self.stack = LocalStack(directory, options)
        # The first name is the one that the agent registers with.
        for port in (self.wires[AGENT].port, self.wires[CLIENT].port, self.stack.port):
            options += ["--public-url", f"https://127.0.0.1:{port}"]
        self._sessions_directory = directory / "sessions"
        self._sessions_directory.mkdir()
        self._agent_config = directory / "agent.toml"
        self._agent_config.write_text(AGENT_CONFIG, encoding="utf-8")
        self._agent: ChildProcess | None = None

    def start(self) -> None:
        """Start every part. Raises StartFailed or CommandFailed."""
        for wire in self.wires.values():
            wire.lead_to(self.stack.port)
        self.stack.start_server()
        agent = self.stack.add_agent(AGENT_NAME, ["--config", str(self._agent_config)])
        self.node_id = agent.node_id
        self._agent_state = agent.state
        self._agent = agent.child
        server = self.stack.add_ssh_server()
        self._ssh_config = self.stack.write_ssh_config(server, "ssh_config", SSH_CONFIG)
        self._ssm = boto3.client(
            "ssm",
            endpoint_url=f"https://127.0.0.1:{self.stack.port}",
            region_name=self.stack.env["AWS_REGION"],
            aws_access_key_id=self.stack.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.stack.env["AWS_SECRET_ACCESS_KEY"],
            verify=self.stack.env["AWS_CA_BUNDLE"],
            config=ONE_TRY,
        )

    def stop(self) -> None:
        """End every part, then the wires."""
        self.kill_agent()
        self.stack.stop()
        for wire in self.wires.values():
            wire.close()

    def start_session(self, transfer: Transfer) -> Session:
        """Begin an ssh session through the tunnel."""
        env = {**self.stack.env, "AWS_ENDPOINT_URL": f"https://127.0.0.1:{self.wires[CLIENT].port}"}
        ssh = ["ssh", "-F", self._ssh_config, self.node_id]
        return Session(transfer, ssh, env, self._sessions_directory, self._history)

    # -- parts --

    def stop_server(self, signal_number: int) -> None:
        """End the server; SIGKILL kills it."""
        self.stack.server.stop(signal_number)

    def start_server(self) -> None:
        """Start it again on its state and its address; returns when it accepts connections."""
        self.stack.start_server()

    def kill_agent(self) -> None:
        """kill -9."""
        if self._agent is not None:
            self._agent.stop(signal.SIGKILL)

    def start_agent(self) -> None:
        """Start the agent again; returns at once."""
        command = [SCRIPTS / "fairlead", "agent", "run", "--state-dir", self._agent_state]
        command += ["--config", self._agent_config]
        self._agent = start("agent", command, self.directory / f"agent-{AGENT_NAME}.log", self.stack.env)

    def restart_agent(self) -> bool:
        """Restart it as planned, as an upgrade does; False if it refuses, as one does that just starts."""
        command = ("fairlead", "agent", "restart", "--state-dir", self._agent_state)
        try:
            self.stack.run(*command, timeout_s=RESTART_TIMEOUT_S)
        except CommandFailed:
            return False
        return True

    def freeze(self, pid: int, seconds: float) -> bool:
        """Stop a process for so long; False if it is not there."""
        try:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            return False
        return True

    @property
    def agent_pid(self) -> int:
        """The process that carries the agent's sessions; a planned restart does not change it."""
        assert self._agent is not None
        return self._agent.pid

    # -- the server's own words --

    def described(self, state: str) -> list[dict[str, Any]]:  # Any: as the API has it
        """Every session in this state, `Active` or `History`, as DescribeSessions lists it."""
        paginator = self._ssm.get_paginator("describe_sessions")
        return _patiently(
            lambda: [session for page in paginator.paginate(State=state) for session in page["Sessions"]]
        )

    def terminate(self, session: Session) -> bool:
        """TerminateSession; False if the server knows no such session any more."""
        for entry in self.described("Active"):
            if entry.get("Reason") == session.name:
                _patiently(partial(self._ssm.terminate_session, SessionId=entry["SessionId"]))
                return True
        return False


def _patiently(ask: Callable[[], T]) -> T:
    """Ask until there is an answer."""
    deadline = time.monotonic() + ASK_TIMEOUT_S
    while True:
        try:
            return ask()
        except (BotoCoreError, ClientError) as error:
            is_refusal = isinstance(error, ClientError) and _status(error) < 500
            if is_refusal or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _status(error: ClientError) -> int:
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status
