"""The stock OpenSSH client, with what its user sees."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.interop.conftest import Done, Site
from tests.support.waiting import PATIENCE_S, wait_until
from tools.processes import free_port
from tools.ssh_server import start_ssh_server

pytestmark = pytest.mark.interop


def test_a_remote_command_answers_with_its_output_and_exit_status(site: Site, client: str) -> None:
    done = site.ssh(client, site.node_id, "echo out; echo err >&2; exit 7")
    assert done == Done(7, "out\n", "err\n")


def test_the_host_key_that_ssh_sees_is_the_nodes_own(site: Site, client: str) -> None:
    shown = site.call("ssh-keyscan", "-t", "ed25519", "-p", str(site.server.port), "127.0.0.1").stdout
    known = site.stack.directory / f"known_{client}"
    site.ssh(client, "-o", f"UserKnownHostsFile={known}", site.node_id, "true")
    assert shown.split()[2] in known.read_text()


def test_another_port_is_reached_with_ssh_p(site: Site, client: str, tmp_path: Path) -> None:
    other = start_ssh_server(tmp_path, site.stack.env)
    try:
        options = ["-i", other.client_key, "-p", other.port, "-o", "StrictHostKeyChecking=no"]
        options += ["-o", f"UserKnownHostsFile={tmp_path / 'known'}"]
        done = site.ssh(client, *options, site.node_id, "echo $SSH_CONNECTION")
        assert done.stdout.split()[-1] == str(other.port)
    finally:
        other.stop()


@pytest.mark.parametrize("port", ["0", "65536", "022", "abc"])
def test_a_port_that_is_none_is_refused_by_its_pattern(site: Site, port: str) -> None:
    done = _ssh_with_parameters(site, f"portNumber={port}")
    assert done.status == 255
    assert "(InvalidParameters)" in done.stderr
    assert f'Parameter "portNumber" has value "{port}" not matching' in done.stderr


def test_fairlead_proxy_refuses_a_port_that_is_none_in_one_line(site: Site) -> None:
    done = site.call("fairlead", "proxy", site.node_id, "65536")
    assert done.status == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "65536" in done.stderr


def test_two_ports_are_refused(site: Site) -> None:
    done = _ssh_with_parameters(site, "portNumber=22,2222")
    assert done.status == 255
    assert 'Parameter "portNumber" takes exactly one value' in done.stderr


def test_a_parameter_that_the_document_does_not_declare_is_refused_by_name(site: Site) -> None:
    done = _ssh_with_parameters(site, "colour=red")
    assert done.status == 255
    assert 'Parameter "colour" is not declared' in done.stderr


def test_an_unknown_target_is_not_connected(site: Site, client: str) -> None:
    done = site.ssh(client, "mi-00000000000000000", "true")
    assert done.status == 255
    assert "mi-00000000000000000 is not connected" in done.stderr


def test_an_offline_target_is_not_connected_and_comes_back(site: Site, client: str) -> None:
    site.agent.child.stop()
    try:
        wait_until(lambda: not site.stack.is_connected(site.node_id), "the node's absence")
        done = site.ssh(client, site.node_id, "true")
        assert done.status == 255
        assert f"{site.node_id} is not connected" in done.stderr
    finally:
        site.agent = site.stack.start_agent("node")
    assert site.ssh(client, site.node_id, "true").status == 0


def test_no_ssh_server_on_the_port_ends_within_two_seconds_and_says_so(site: Site) -> None:
    port = free_port()

    def lasted_s() -> float:
        done = site.ssh("proxy", "-p", port, site.node_id, "true")
        assert done.status == 255
        assert str(port) in done.stderr
        assert "refused" in done.stderr.lower()
        site.wait_for_no_session()
        session = site.sessions("History")[0]
        return session["EndDate"] - session["StartDate"]

    assert min(lasted_s() for _ in range(3)) < 2  # one that the machine had time for


def test_no_ssh_server_on_the_port_is_told_by_the_plugin_too(site: Site) -> None:
    port = free_port()
    done = site.ssh("aws", "-p", port, site.node_id, "true")
    assert done.status == 255
    assert "refused" in done.stderr.lower()


def test_a_key_that_the_node_does_not_know_is_sshds_to_refuse(
    site: Site, client: str, tmp_path: Path
) -> None:
    key = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    config = tmp_path / "config"
    config.write_text(
        site.configs[client].read_text().replace(str(site.server.client_key), str(key)), encoding="utf-8"
    )
    done = site.call("ssh", "-F", config, "-o", "BatchMode=yes", site.node_id, "true")
    assert done.status == 255
    assert "Permission denied (publickey)" in done.stderr


@pytest.mark.parametrize("options", [(), ("-m", "PEM"), ("-m", "PKCS8")], ids=["openssh", "pkcs1", "pkcs8"])
def test_keys_of_every_file_format_are_taken(site: Site, tmp_path: Path, options: tuple[str, ...]) -> None:
    key = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", *options, "-f", str(key)]
    subprocess.run(command, check=True)
    authorized = site.stack.directory / "sshd" / "authorized_keys"
    before = authorized.read_text()
    authorized.write_text(before + key.with_suffix(".pub").read_text())
    try:
        done = site.ssh("proxy", "-i", key, "-o", "IdentitiesOnly=yes", site.node_id, "echo in")
        assert done.stdout == "in\n"
    finally:
        authorized.write_text(before)


def test_fifty_at_once_all_succeed(site: Site) -> None:
    with ThreadPoolExecutor(50) as users:
        done = list(users.map(lambda _: site.ssh("proxy", site.node_id, "true"), range(50)))
    assert [one for one in done if one.status != 0] == []


def test_when_ssh_ends_the_session_is_over_and_in_the_history(site: Site, client: str) -> None:
    site.ssh(client, site.node_id, "true")
    site.wait_for_no_session()
    ended = site.sessions("History")[0]
    assert ended["Target"] == site.node_id
    assert ended["DocumentName"] == "AWS-StartSSHSession"
    assert ended["Owner"].endswith(":user/admin")
    assert ended["Status"] == "Terminated"
    assert ended["EndDate"] >= ended["StartDate"]


def test_terminate_session_ends_a_running_ssh(site: Site, client: str) -> None:
    site.wait_for_no_session()
    ssh = site.start(client, site.node_id, "echo ready; exec sleep 600")
    assert ssh.stdout is not None
    assert ssh.stdout.readline() == b"ready\n"
    (session,) = site.sessions("Active")
    site.stack.aws("ssm", "terminate-session", "--session-id", session["SessionId"])
    _, said = ssh.communicate(timeout=PATIENCE_S)
    assert ssh.returncode == 255
    assert b"closed" in said.lower() or b"terminated" in said.lower()


def test_an_interactive_echo_comes_back_byte_for_byte(site: Site, client: str) -> None:
    every_byte = bytes(range(256)) * 512
    ssh = site.start(client, site.node_id, "cat")
    out, err = ssh.communicate(every_byte, timeout=PATIENCE_S)
    assert (ssh.returncode, out, err) == (0, every_byte, b"")


def _ssh_with_parameters(site: Site, parameters: str) -> Done:
    command = (
        f"aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters {parameters}"
    )
    return site.ssh("aws", "-o", f"ProxyCommand={command}", site.node_id, "true")
