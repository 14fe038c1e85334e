"""One server, one agent and one SSH server for the tests that use them as a user would."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws_cli import AwsCli, AwsStack
from tests.support.waiting import PATIENCE_S, wait_until
from tools.demo import PROXY_SSH_CONFIG
from tools.ssh_server import SshServer, find_sshd
from tools.stack import SEED_SSH_CONFIG, LocalStack, RunningAgent
from tools.stock_programs import NotHere, StockAgent, find_agent, register

COMMAND_TIMEOUT_S = 2 * PATIENCE_S


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended."""

    status: int
    stdout: str
    stderr: str


class Site:
    """A stack with one node and one SSH server, and ways to reach it."""

    def __init__(self, stack: LocalStack, agent: RunningAgent, server: SshServer) -> None:
        self.stack = stack
        self.agent = agent
        self.server = server
        self._started: list[subprocess.Popen[bytes]] = []
        self.configs = {
            "aws": stack.write_ssh_config(server, "ssh_config_aws", SEED_SSH_CONFIG),
            "proxy": stack.write_ssh_config(server, "ssh_config_proxy", PROXY_SSH_CONFIG),
        }

    @property
    def node_id(self) -> str:
        """The node that leads to the SSH server."""
        return self.agent.node_id

    def ssh(self, client: str, *arguments: object, env: dict[str, str] | None = None) -> Done:
        """`ssh -F <config of that client> ARGUMENTS`."""
        return self.call("ssh", "-F", self.configs[client], *arguments, env=env)

    def scp(self, client: str, *arguments: object) -> Done:
        """`scp -F <config of that client> ARGUMENTS`."""
        return self.call("scp", "-q", "-F", self.configs[client], *arguments)

    def sessions(self, state: str) -> list[dict[str, Any]]:
        """What DescribeSessions says: "Active" or "History", the newest first."""
        listed: list[dict[str, Any]] = self.stack.call_ssm("DescribeSessions", {"State": state})["Sessions"]
        return listed

    def wait_for_no_session(self) -> None:
        """Until all sessions are over, those of earlier tests as well."""
        wait_until(lambda: not self.sessions("Active"), "the end of all sessions")

    def call(
        self, *command: object, env: dict[str, str] | None = None, timeout_s: float = COMMAND_TIMEOUT_S
    ) -> Done:
        """Run a command in the administrator's environment (or `env`) and wait for it."""
        done = subprocess.run(
            [str(word) for word in command],
            env=env or self.stack.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, client: str, *arguments: object) -> "subprocess.Popen[bytes]":
        """An ssh that goes on running, with pipes for its streams."""
        command: Sequence[object] = ["ssh", "-F", self.configs[client], *arguments]
        process = subprocess.Popen(
            [str(word) for word in command],
            env=self.stack.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._started.append(process)
        return process

    def end_started(self) -> None:
        """Kill what `start` started and still runs."""
        while self._started:
            process = self._started.pop()
            process.kill()
            process.communicate()


@contextmanager
def new_site(directory: Path, cli: AwsCli) -> Iterator[Site]:
    """Everything started, and stopped in the end."""
    stack = AwsStack(directory, cli)
    try:
        stack.start_server()
        yield Site(stack, stack.add_agent("node"), stack.add_ssh_server())
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def openssh() -> None:
    if shutil.which("ssh") is None or find_sshd() is None:
        pytest.skip("OpenSSH is not installed (Debian: apt install openssh-client openssh-server)")


@pytest.fixture(scope="session")
def site(openssh: None, tmp_path_factory: pytest.TempPathFactory, aws_cli: AwsCli) -> Iterator[Site]:
    """Shared by every test of the session; whoever changes it puts it back."""
    with new_site(tmp_path_factory.mktemp("site"), aws_cli) as site:
        yield site


@pytest.fixture
def own_site(openssh: None, tmp_path: Path, aws_cli: AwsCli) -> Iterator[Site]:
    """A site for one test that kills its parts."""
    with new_site(tmp_path, aws_cli) as site:
        yield site


@pytest.fixture(autouse=True)
def _no_ssh_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    names = [name for name in ("site", "own_site") if name in request.fixturenames]
    sites: list[Site] = [request.getfixturevalue(name) for name in names]
    yield
    for used in sites:
        used.end_started()


@pytest.fixture(params=["aws", "proxy"])
def client(request: pytest.FixtureRequest) -> str:
    """The AWS CLI with our plugin, as the documentation's ssh configuration has it; and `fairlead proxy`."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def stock_programs() -> Path:
    """The directory of the stock agent's programs; skips where they are not, or could not run."""
    try:
        return find_agent()
    except NotHere as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def stock_agent(site: Site, stock_programs: Path) -> Iterator[StockAgent]:
    """A stock agent beside ours at the same server: a second node, with the same SSH server behind it."""
    agent = register(site.stack, stock_programs, "node")
    agent.start()
    yield agent
    agent.stop()
