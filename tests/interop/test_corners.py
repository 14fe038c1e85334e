"""Either end may be AWS's own program: everything that goes over ssh, by every pairing of ends.

The stock ends move less than a megabyte a second, so the files are small. Corners with a stock program are
left out where it is not installed, and tools that are not installed too; pytest names what and why. The
marker `tool` gives a test its row in the table of docs/interop.md, which `make interop` makes.
"""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.conftest import Done, Site
from tests.support.waiting import wait_until
from tools.interop import corners
from tools.processes import accepts, free_port
from tools.ssh_server import SshServer, start_ssh_server
from tools.stock_programs import NotHere, StockAgent, find_plugin, path_with_plugin

pytestmark = [pytest.mark.interop, pytest.mark.slow]

FILE_BYTES = 300_000
START_TIMEOUT_S = 20.0
LOOPBACK = "127.0.0.1"


tool = pytest.mark.tool


@dataclass(frozen=True)
class Corner:
    """A pair of ends, as its user sees it."""

    site: Site
    node_id: str
    config: Path
    env: dict[str, str]

    def run(self, *command: object) -> Done:
        """Run a command in the user's environment."""
        return self.site.call(*command, env=self.env)

    def ssh(self, *arguments: object) -> Done:
        """`ssh ARGUMENTS` with the configuration of this client."""
        return self.run("ssh", "-F", self.config, *arguments)

    @contextmanager
    def running_ssh(self, *arguments: object) -> Iterator[None]:
        """An `ssh ARGUMENTS` that goes on running."""
        command = [str(word) for word in ("ssh", "-F", self.config, *arguments)]
        with subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL) as process:
            try:
                yield
            finally:
                process.kill()  # an idle ssh may miss a softer signal between its look and its wait


@pytest.fixture(params=corners.CORNERS, ids=["/".join(ends) for ends in corners.CORNERS])
def corner(request: pytest.FixtureRequest, site: Site) -> Corner:
    client, agent = request.param
    env = site.stack.env
    if client == corners.STOCK_PLUGIN:
        try:
            env = path_with_plugin(site.stack, find_plugin())
        except NotHere as missing:
            pytest.skip(str(missing))
    elif request.param == (corners.OUR_PLUGIN, corners.OUR_AGENT) and "REAL_AWS_BIN" not in os.environ:
        pytest.skip("left to test_ssh.py, test_scp.py and test_tunnel.py unless REAL_AWS_BIN is set")
    node_id = site.node_id
    if agent == corners.STOCK_AGENT:
        stock_agent: StockAgent = request.getfixturevalue("stock_agent")
        node_id = stock_agent.node_id
    config = site.configs["proxy" if client == corners.OUR_PROXY else "aws"]
    return Corner(site=site, node_id=node_id, config=config, env=env)


@dataclass(frozen=True)
class OtherNode:
    """A second node, with an SSH server and keys of its own."""

    node_id: str
    server: SshServer


@pytest.fixture(scope="module")
def other_node(site: Site) -> Iterator[OtherNode]:
    agent = site.stack.add_agent("other")
    server = start_ssh_server(site.stack.directory / "other-sshd", site.stack.env)
    yield OtherNode(node_id=agent.node_id, server=server)
    server.stop()
    agent.child.stop()


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "original"
    path.write_bytes(os.urandom(FILE_BYTES))
    return path


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A TCP server that says what it hears, until end of file."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@tool("ssh: a command")
def test_a_remote_command_answers_with_its_output_and_exit_status(corner: Corner) -> None:
    done = corner.ssh(corner.node_id, "echo out; echo err >&2; exit 7")
    assert done.status == 7
    assert done.stdout == "out\n"
    assert "err\n" in done.stderr


@tool("ssh: every byte value, both ways")
def test_every_byte_value_comes_back_unchanged(corner: Corner, original: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with original.open("rb") as source, copy.open("wb") as sink:
        command = ["ssh", "-F", str(corner.config), corner.node_id, "cat"]
        done = subprocess.run(command, env=corner.env, stdin=source, stdout=sink, timeout=60, check=False)
    assert done.returncode == 0
    assert copy.read_bytes() == original.read_bytes()


@pytest.mark.parametrize(
    "protocol",
    [pytest.param((), marks=tool("scp"), id="sftp"), pytest.param(("-O",), marks=tool("scp -O"), id="scp")],
)
def test_scp_goes_up_and_down(
    corner: Corner, original: Path, tmp_path: Path, protocol: tuple[str, ...]
) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    scp = ("scp", "-q", *protocol, "-F", corner.config)
    assert corner.run(*scp, original, f"{corner.node_id}:{there}").status == 0
    assert corner.run(*scp, f"{corner.node_id}:{there}", back).status == 0
    assert original.read_bytes() == there.read_bytes() == back.read_bytes()


@tool("sftp")
def test_sftp_takes_a_batch(corner: Corner, original: Path, tmp_path: Path) -> None:
    there, back, batch = tmp_path / "there", tmp_path / "back", tmp_path / "batch"
    batch.write_text(f"put {original} {there}\nget {there} {back}\nrm {there}\n", encoding="utf-8")
    assert corner.run("sftp", "-q", "-b", batch, "-F", corner.config, corner.node_id).status == 0
    assert back.read_bytes() == original.read_bytes()
    assert not there.exists()


@tool("rsync")
def test_rsync_goes_up_and_down(corner: Corner, original: Path, tmp_path: Path) -> None:
    _need("rsync")
    there, back = tmp_path / "there", tmp_path / "back"
    rsync = ("rsync", "-e", f"ssh -F {corner.config}")
    assert corner.run(*rsync, original, f"{corner.node_id}:{there}").status == 0
    assert corner.run(*rsync, f"{corner.node_id}:{there}", back).status == 0
    assert original.read_bytes() == there.read_bytes() == back.read_bytes()


@tool("git clone")
def test_git_clones(corner: Corner, original: Path, tmp_path: Path) -> None:
    _need("git")
    repository, clone = tmp_path / "repository", tmp_path / "clone"
    repository.mkdir()
    shutil.copy(original, repository / "file")
    author = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    for words in (("init", "-q"), ("add", "file"), (*author, "commit", "-q", "-m", "one")):
        assert corner.run("git", "-C", repository, *words).status == 0
    ssh = f"core.sshCommand=ssh -F {corner.config}"
    assert corner.run("git", "-c", ssh, "clone", "-q", f"{corner.node_id}:{repository}", clone).status == 0
    assert (clone / "file").read_bytes() == original.read_bytes()


@tool("ssh -L, -R and -D")
def test_ports_are_forwarded_to_the_node_from_the_node_and_by_socks(corner: Corner, echo_port: int) -> None:
    local, remote, socks = free_port(), free_port(), free_port()
    to_echo = f"{LOOPBACK}:{echo_port}"
    options = ["-L", f"{LOOPBACK}:{local}:{to_echo}", "-R", f"{LOOPBACK}:{remote}:{to_echo}"]
    with corner.running_ssh("-N", *options, "-D", f"{LOOPBACK}:{socks}", corner.node_id):
        wait_until(lambda: all(accepts(LOOPBACK, port) for port in (local, remote, socks)))
        _check_echo(socket.create_connection((LOOPBACK, local)))
        _check_echo(socket.create_connection((LOOPBACK, remote)))
        _check_echo(_through_socks(socks, echo_port))


@tool("ControlMaster")
def test_one_connection_serves_many_commands(corner: Corner, tmp_path: Path) -> None:
    shared = ("-o", f"ControlPath={tmp_path / 'c'}")
    with corner.running_ssh("-N", "-M", *shared, corner.node_id):
        wait_until((tmp_path / "c").exists)
        # No ProxyCommand is left for them: they can only share.
        alone = (*shared, "-o", "ProxyCommand=false")
        said = [corner.ssh(*alone, corner.node_id, f"echo {number}").stdout for number in range(3)]
    assert said == ["0\n", "1\n", "2\n"]


@tool("ssh -J through a node")
def test_a_node_is_a_jump_host_to_another_node(corner: Corner, other_node: OtherNode, tmp_path: Path) -> None:
    """The other one is asked for at its address, which its own tunnel would not take for a node."""
    config = _with_address_of(other_node, corner, tmp_path)
    done = corner.run("ssh", "-F", config, "-J", corner.node_id, other_node.node_id, "echo $SSH_CONNECTION")
    assert done.status == 0
    assert done.stdout.split()[-1] == str(other_node.server.port)


def _with_address_of(node: OtherNode, corner: Corner, directory: Path) -> Path:
    """The client's configuration, with what leads to the node's SSH server."""
    config = directory / "config"
    block = f"Host {node.node_id}\n  HostName {LOOPBACK}\n  Port {node.server.port}\n"
    block += f"  IdentityFile {node.server.client_key}\n  UserKnownHostsFile {directory / 'known_hosts'}\n"
    config.write_text(block + corner.config.read_text(encoding="utf-8"), encoding="utf-8")
    return config


def _need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def _echo(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # the test is over
            return
        threading.Thread(target=_echo_one, args=(connection,), daemon=True).start()


def _echo_one(connection: socket.socket) -> None:
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def _check_echo(connection: socket.socket) -> None:
    data = os.urandom(FILE_BYTES // 3)
    heard = b""
    with connection:
        connection.settimeout(START_TIMEOUT_S)
        sender = threading.Thread(target=_say, args=(connection, data))
        sender.start()
        while part := connection.recv(65536):
            heard += part
        sender.join()
    assert heard == data


def _say(connection: socket.socket, data: bytes) -> None:
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def _through_socks(proxy_port: int, port: int) -> socket.socket:
    """A connection by SOCKS 5 (RFC 1928) without authentication."""
    connection = socket.create_connection((LOOPBACK, proxy_port))
    connection.sendall(b"\x05\x01\x00")
    assert connection.recv(2) == b"\x05\x00"
    connection.sendall(b"\x05\x01\x00\x01" + socket.inet_aton(LOOPBACK) + port.to_bytes(2, "big"))
    assert connection.recv(10)[:2] == b"\x05\x00"
    return connection
