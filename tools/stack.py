"""Server, agent and SSH server as processes of this machine: what demonstration, tests and benchmarks share.

Everything is as a user would run it: the console scripts of this environment, a state directory each, and the
environment variables of `admin.env`.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairlead.testing.calls import call_ssm
from tools.processes import ChildProcess, accepts, environment, free_port, start
from tools.ssh_server import SshServer, start_ssh_server

START_TIMEOUT_S = 60.0
SCRIPTS = Path(sys.executable).parent
SEED_SSH_CONFIG = """\
# SSH over Session Manager
host i-* mi-*
    ProxyCommand sh -c "aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters 'portNumber=%p'"
"""  # noqa: E501 - to the letter
"""The block of ssh configuration that the Session Manager documentation tells users to add."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningAgent:
    """An agent with its node id."""

    child: ChildProcess
    node_id: str
    state: Path


class LocalStack:
    """One server; `add_agent` and `add_ssh_server` give it something to lead to. `stop` ends everything."""

    def __init__(
        self,
        directory: Path,
        server_options: Sequence[str] = (),
        announce: Callable[[str], None] = lambda command: None,
    ) -> None:
        """`announce` is told each command that changes something, before it runs."""
        self.directory = directory
        self.server_state = directory / "server"
        self.port = free_port()
        self._server_options = server_options
        self._announce = announce
        self._children: list[ChildProcess] = []
        self.env = environment(PATH=f"{SCRIPTS}:{environment().get('PATH', '')}")

    @property
    def server(self) -> ChildProcess:
        """The server that was started last."""
        return next(child for child in reversed(self._children) if child.name == "server")

    def start_server(self) -> ChildProcess:
        """Start (or, after it ended, start again) the server on the same address with the same state."""
        command = [SCRIPTS / "fairlead", "server", "--state-dir", self.server_state]
        command += ["--listen", f"127.0.0.1:{self.port}", *self._server_options]
        child = self._start("server", command)
        admin_env = self.server_state / "admin.env"
        child.wait_until(lambda: admin_env.exists() and accepts("127.0.0.1", self.port), START_TIMEOUT_S)
        self.env.update(read_env_file(admin_env))
        return child

    def add_agent(self, name: str = "demo", options: Sequence[str] = ()) -> RunningAgent:
        """Create an activation, register a machine with it and start its agent."""
        create = ["ssm", "create-activation", "--iam-role", "service-role/FairleadNode"]
        create += ["--default-instance-name", name]
        self._announce(shlex.join(["aws", *create, "--output", "json"]))
        activation = self.aws(*create)
        state = self.directory / f"agent-{name}"
        code_file = self.directory / f"activation-code-{name}"
        code_file.write_text(activation["ActivationCode"], encoding="utf-8")
        code_file.chmod(0o600)
        register = self.registration_command(activation["ActivationId"], code_file, state)
        self._announce(shlex.join(map(str, register)))
        self.run(*register)
        return self.start_agent(name, options)

    def registration_command(self, activation_id: str, code_file: Path, state: Path) -> list[object]:
        """The `fairlead agent register` command line for this server."""
        command: list[object] = ["fairlead", "agent", "register", "--endpoint", self.env["AWS_ENDPOINT_URL"]]
        command += ["--activation-id", activation_id, "--activation-code-file", code_file]
        ca = self.server_state / "ca.pem"
        return [*command, *(["--ca", ca] if ca.exists() else []), "--state-dir", state]

    def start_agent(self, name: str, options: Sequence[str] = ()) -> RunningAgent:
        """Start the agent of a machine that is registered, and wait until it is connected."""
        state = self.directory / f"agent-{name}"
        command = [SCRIPTS / "fairlead", "agent", "run", "--state-dir", state, *options]
        child = self._start(f"agent-{name}", command)
        status = self.run("fairlead", "agent", "status", "--state-dir", state)
        node_id = dict(line.split(maxsplit=1) for line in status.splitlines())["node"]
        child.wait_until(lambda: self.is_connected(node_id), START_TIMEOUT_S)
        return RunningAgent(child=child, node_id=node_id, state=state)

    def is_connected(self, node_id: str) -> bool:
        """What GetConnectionStatus says."""
        return bool(self.call_ssm("GetConnectionStatus", {"Target": node_id})["Status"] == "connected")

    def call_ssm(self, operation: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation of `ssm` as the administrator, without the AWS CLI. Raises CallFailed."""
        return call_ssm(self.env["AWS_ENDPOINT_URL"], self.env, operation, members)

    def add_ssh_server(self, name: str = "sshd", *, port: int | None = None) -> SshServer:
        """Start an SSH server on a loopback port."""
        server = start_ssh_server(self.directory / name, self.env, port=port)
        self._children.append(server.child)
        return server

    def write_ssh_config(self, server: SshServer, name: str, host_block: str) -> Path:
        """An ssh configuration: `host_block`, then what logs in to `server` without a question."""
        path = self.directory / name
        path.write_text(
            f"""\
{host_block}
Host *
    User {server.user}
    Port {server.port}
    IdentityFile {server.client_key}
    IdentitiesOnly yes
    UserKnownHostsFile {self.directory / "known_hosts"}
    StrictHostKeyChecking accept-new
    LogLevel ERROR
""",
            encoding="utf-8",
        )
        return path

    def aws(self, *arguments: object) -> dict[str, Any]:
        """Run the AWS CLI and return its JSON answer; raises CommandFailed with its stderr."""
        output = self.run("aws", *arguments, "--output", "json")
        answer: dict[str, Any] = json.loads(output) if output.strip() else {}
        return answer

    def run(self, *command: object, timeout_s: float = 60.0) -> str:
        """Run a command in the administrator's environment; raises CommandFailed with its stderr."""
        words = [str(word) for word in command]
        done = subprocess.run(
            words, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s
        )
        if done.returncode:
            raise CommandFailed(words, done.returncode, done.stderr)
        return done.stdout

    def stop(self) -> None:
        """End every process that was started here, the last one first."""
        while self._children:
            self._children.pop().stop()

    def _start(self, name: str, command: Sequence[object]) -> ChildProcess:
        self._announce(shlex.join(["fairlead", *map(str, command[1:])]) + " &")
        child = start(name, command, self.directory / f"{name}.log", self.env)
        self._children.append(child)
        return child


class CommandFailed(Exception):
    """A command ended with another status than 0."""

    def __init__(self, command: Sequence[str], status: int, stderr: str) -> None:
        super().__init__(f"{shlex.join(command)} ended with status {status}: {stderr.strip()}")
        self.status = status
        self.stderr = stderr


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a shell file of assignments, such as `admin.env`."""
    words = shlex.split(path.read_text(encoding="utf-8"), comments=True)
    return dict(word.split("=", 1) for word in words if "=" in word)
