"""What is between ssh and sshd is a tunnel: bytes both ways, unread, through nothing but the server."""

import asyncio
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest

from tests.interop.conftest import Done, Site
from tests.support.ssh_policies import DENY_SSH
from tests.support.waiting import PATIENCE_S, wait_until
from tools.processes import ChildProcess, accepts, free_port, start
from tools.sockets import sockets_of
from tools.ssh_server import SshServer, start_ssh_server
from tools.stack import SCRIPTS

pytestmark = pytest.mark.interop

COMMANDS = {
    "aws": "aws ssm start-session --target {} --document-name AWS-StartSSHSession --parameters portNumber={}",
    "proxy": "fairlead proxy {} {}",
}


@pytest.fixture
def command(site: Site, client: str) -> list[str]:
    """The ProxyCommand of a client, for the site's SSH server."""
    return COMMANDS[client].format(site.node_id, site.server.port).split()


@pytest.fixture
def asyncssh_server(site: Site, tmp_path: Path) -> Iterator[tuple[int, ChildProcess]]:
    """An SSH server that is not OpenSSH, with the keys of the site's."""
    port = free_port()
    keys = (site.server.host_key, site.stack.directory / "sshd" / "authorized_keys")
    server = start(
        "asyncssh server",
        [SCRIPTS / "python", "-m", "tools.asyncssh_server", port, *keys],
        tmp_path / "asyncssh.log",
        site.stack.env,
    )
    try:
        server.wait_until(lambda: accepts("127.0.0.1", port), PATIENCE_S)
        yield port, server
    finally:
        server.stop()


def test_the_first_and_only_bytes_on_stdout_are_the_nodes(site: Site, command: list[str]) -> None:
    # sshd introduces itself to whoever connects; without an answer nothing else comes.
    process = subprocess.Popen(
        command, env=site.stack.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert first == _banner(site.server.port)
    assert out == b""


def test_ssh_shows_the_banner_of_the_nodes_own_server(site: Site, client: str) -> None:
    done = site.ssh(client, "-v", "-o", "LogLevel=DEBUG", site.node_id, "true")
    software = _banner(site.server.port).decode().strip().removeprefix("SSH-2.0-")
    assert f"remote software version {software}" in done.stderr


def test_the_client_has_a_connection_to_the_server_and_to_nobody_else(site: Site) -> None:
    ssh = site.start("proxy", site.node_id, "echo ready; exec sleep 600")
    assert ssh.stdout is not None
    assert ssh.stdout.readline() == b"ready\n"
    (proxy,) = _children(ssh.pid)
    assert sockets_of(ssh.pid) == []
    assert {entry.remote for entry in sockets_of(proxy)} == {f"127.0.0.1:{site.stack.port}"}


def test_the_agent_goes_out_to_the_server_and_into_its_own_machine_and_listens_on_nothing(
    site: Site,
) -> None:
    ssh = site.start("proxy", site.node_id, "echo ready; exec sleep 600")
    assert ssh.stdout is not None
    assert ssh.stdout.readline() == b"ready\n"
    assert "LISTEN" not in {entry.state for entry in sockets_of(site.agent.child.pid)}
    there = {f"127.0.0.1:{site.stack.port}", f"127.0.0.1:{site.server.port}"}
    # Sessions of tests before this one may still be ending.
    wait_until(lambda: _established(site.agent.child.pid) == there, "no other connection")


def test_what_is_typed_in_a_session_is_in_no_file_of_server_and_agent(site: Site, client: str) -> None:
    marker = secrets.token_hex(16).encode()
    ssh = site.start(client, site.node_id, "cat")
    out, err = ssh.communicate(marker, timeout=PATIENCE_S)
    assert (ssh.returncode, out, err) == (0, marker, b"")
    site.sessions("History")
    folders = [site.stack.server_state, site.agent.state]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files += site.stack.directory.glob("*.log")
    assert len(files) > 10
    assert [path for path in files if marker in path.read_bytes()] == []


def test_another_ssh_server_is_reached_alike(
    site: Site, client: str, asyncssh_server: tuple[int, ChildProcess], tmp_path: Path
) -> None:
    port, _ = asyncssh_server
    known = ("-o", f"UserKnownHostsFile={tmp_path / 'known'}")
    done = site.ssh(client, "-p", port, *known, site.node_id, "echo in; exit 3")
    assert done == Done(3, "in\n", "")


def test_another_ssh_client_gets_through(
    site: Site,
    command: list[str],
    asyncssh_server: tuple[int, ChildProcess],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port, _ = asyncssh_server
    for name, value in site.stack.env.items():
        monkeypatch.setenv(name, value)
    to_the_other = [word.replace(str(site.server.port), str(port)) for word in command]
    every_byte = bytes(range(256)) * 4096
    for proxy_command in (command, to_the_other):
        answer = asyncio.run(_cat_through(proxy_command, site.server, every_byte))
        assert answer == every_byte
    # This client kills its ProxyCommand, which may come back for all that the server knows.
    for session in site.sessions("Active"):
        site.stack.aws("ssm", "terminate-session", "--session-id", session["SessionId"])


def test_a_server_that_was_started_again_is_reached_without_touching_the_agent(
    site: Site, tmp_path: Path
) -> None:
    server = start_ssh_server(tmp_path / "first", site.stack.env)
    options = ("-p", server.port, "-i", server.client_key, "-o", f"UserKnownHostsFile={tmp_path / 'known'}")
    try:
        assert site.ssh("proxy", *options, site.node_id, "true").status == 0
        server.stop()
        refused = site.ssh("proxy", *options, site.node_id, "true")
        assert refused.status == 255
        assert "refused" in refused.stderr.lower()
        server = start_ssh_server(tmp_path / "first", site.stack.env, port=server.port)
        assert site.ssh("proxy", *options, site.node_id, "true").status == 0
    finally:
        server.stop()


def test_a_server_that_goes_away_ends_its_own_sessions_only(
    site: Site, client: str, asyncssh_server: tuple[int, ChildProcess], tmp_path: Path
) -> None:
    port, server = asyncssh_server
    known = ("-o", f"UserKnownHostsFile={tmp_path / 'known'}")
    bound = site.start(client, "-p", port, *known, site.node_id, "echo ready; exec sleep 600")
    other = site.start(client, site.node_id, "cat")
    assert bound.stdout is not None
    assert bound.stdout.readline() == b"ready\n"
    assert other.stdin is not None
    assert other.stdout is not None
    other.stdin.write(b"before\n")
    other.stdin.flush()
    assert other.stdout.readline() == b"before\n"
    server.process.kill()
    bound.communicate(timeout=PATIENCE_S)
    assert bound.returncode == 255
    out, err = other.communicate(b"after\n", timeout=PATIENCE_S)
    assert (other.returncode, out, err) == (0, b"after\n", b"")


@pytest.mark.parametrize("protocol", [(), ("-O",)], ids=["sftp", "scp"])
def test_scp_copies_both_ways_with_the_key_on_its_command_line(
    site: Site, client: str, protocol: tuple[str, ...], tmp_path: Path
) -> None:
    here, there, back = tmp_path / "here", tmp_path / "there", tmp_path / "back"
    here.write_bytes(secrets.token_bytes(300_000))
    key = ("-i", site.server.client_key)
    assert site.scp(client, *protocol, *key, here, f"{site.node_id}:{there}") == Done(0, "", "")
    assert site.scp(client, *protocol, *key, f"{site.node_id}:{there}", back) == Done(0, "", "")
    assert here.read_bytes() == there.read_bytes() == back.read_bytes()


def test_sftp_lists_puts_and_gets(site: Site, client: str, tmp_path: Path) -> None:
    here, there, back = tmp_path / "here", tmp_path / "there", tmp_path / "back"
    here.write_bytes(secrets.token_bytes(100_000))
    batch = tmp_path / "batch"
    batch.write_text(f"put {here} {there}\nls -l {there}\nget {there} {back}\n", encoding="utf-8")
    done = site.call("sftp", "-F", site.configs[client], "-b", batch, site.node_id)
    assert done.status == 0
    assert "100000" in done.stdout
    assert here.read_bytes() == there.read_bytes() == back.read_bytes()


def test_a_certificate_of_a_user_is_sshds_to_accept(site: Site, tmp_path: Path) -> None:
    authority, key = tmp_path / "authority", tmp_path / "key"
    for path in (authority, key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    sign = ["ssh-keygen", "-q", "-s", authority, "-I", "test", "-n", site.server.user, f"{key}.pub"]
    subprocess.run(sign, check=True)
    server = start_ssh_server(tmp_path / "sshd", site.stack.env)
    trusted = authority.with_suffix(".pub").read_text(encoding="utf-8")
    (tmp_path / "sshd" / "authorized_keys").write_text(f"cert-authority {trusted}", encoding="utf-8")
    try:
        options = ("-p", server.port, "-i", key, "-o", f"UserKnownHostsFile={tmp_path / 'known'}")
        assert site.ssh("proxy", *options, site.node_id, "echo in") == Done(0, "in\n", "")
        key.with_name("key-cert.pub").unlink()
        assert site.ssh("proxy", *options, site.node_id, "echo in").status == 255
    finally:
        server.stop()


def test_a_deny_leaves_running_sessions_until_somebody_ends_them(site: Site) -> None:
    ssh = site.start("proxy", site.node_id, "cat")
    assert ssh.stdin is not None
    assert ssh.stdout is not None
    ssh.stdin.write(b"before\n")
    ssh.stdin.flush()
    assert ssh.stdout.readline() == b"before\n"
    with _denied(site):
        assert site.ssh("proxy", site.node_id, "true").status == 255
        out, _ = ssh.communicate(b"after\n", timeout=PATIENCE_S)
    assert (ssh.returncode, out) == (0, b"after\n")


@contextmanager
def _denied(site: Site) -> Iterator[None]:
    """While it lasts, the administrator may start no session of SSH."""
    policy = ("--user-name", "admin", "--policy-name", "no-ssh")
    site.stack.aws("iam", "put-user-policy", *policy, "--policy-document", DENY_SSH)
    try:
        yield
    finally:
        site.stack.aws("iam", "delete-user-policy", *policy)


async def _cat_through(proxy_command: list[str], server: SshServer, data: bytes) -> bytes:
    """What `cat` makes of some bytes, by asyncssh's client."""
    connection = await asyncssh.connect(
        "the-node",
        username=server.user,
        client_keys=[str(server.client_key)],
        known_hosts=None,
        proxy_command=proxy_command,
        config=None,
    )
    async with connection:
        done = await connection.run("cat", input=data, encoding=None)
        assert isinstance(done.stdout, bytes)
        return done.stdout


def _banner(port: int) -> bytes:
    """What a server says first."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        return connection.makefile("rb").readline()


def _established(pid: int) -> set[str]:
    """The other ends of a process's connections."""
    return {entry.remote for entry in sockets_of(pid) if entry.state == "ESTABLISHED"}


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
