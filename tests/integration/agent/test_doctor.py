"""Faults of a node, against a real server and agent: the first line of the diagnosis names each."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fairlead.agent.doctor import FAILURES, NodeDoctor
from fairlead.agent.identity import StateDirectory
from fairlead.agent.keys import generate_key
from fairlead.agent.run_status import RunStatus, read_status, write_status
from fairlead.testing.agent import FairleadAgent
from fairlead.testing.server import FairleadServer
from fairlead.transport.diagnosis import Diagnosis, diagnose
from tests.support.small_servers import says, tcp_server
from tests.support.waiting import wait_until


class Site(NamedTuple):
    """A server, a node with its agent, and the port of something like sshd on it."""

    server: FairleadServer
    agent: FairleadAgent
    port: int


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with (
        FairleadServer(tmp_path_factory.mktemp("doctor") / "s") as server,
        tcp_server(says(b"SSH-2.0-OpenSSH_9.9\r\n")) as port,
    ):
        yield Site(server, server.start_agent("web"), port)


@pytest.fixture
def copy(site: Site, tmp_path: Path) -> StateDirectory:
    """The node's state directory, to be spoilt; no agent runs with it."""
    shutil.copytree(site.agent.state_dir, tmp_path / "copy")
    (tmp_path / "copy").chmod(0o700)
    return StateDirectory(tmp_path / "copy")


def look(state: Path, port: int, **changes: Any) -> Diagnosis:
    doctor = NodeDoctor(state, {}, port, **changes)
    try:
        return diagnose(doctor.checks(), FAILURES)
    finally:
        doctor.close()


def verdict(state: StateDirectory | Path, site: Site, **changes: Any) -> str:
    path = state.path if isinstance(state, StateDirectory) else state
    line = look(path, changes.pop("port", site.port), **changes).lines()[0]
    assert line.isprintable()
    return line


def rewrite(state: StateDirectory, **changes: str) -> None:
    """Change members of the registration."""
    file = state.path / "registration.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_node_without_a_fault(site: Site) -> None:
    wait_until(
        lambda: (status := read_status(StateDirectory(site.agent.state_dir))) and status.link == "open"
    )
    diagnosis = look(site.agent.state_dir, site.port)
    assert diagnosis.broken is None, diagnosis.lines()
    found = {each.hop: each.text for each in diagnosis.findings}
    assert found["sshd"] == f"port {site.port} answers: SSH-2.0-OpenSSH_9.9"
    assert found["control channel"] == "open"


def test_no_state_directory(site: Site, tmp_path: Path) -> None:
    said = verdict(tmp_path / "none", site)
    assert said == f"broken: state directory: {tmp_path}/none: no such state directory"


def test_a_state_directory_that_others_can_read(site: Site, copy: StateDirectory) -> None:
    copy.path.chmod(0o755)
    said = verdict(copy, site)
    assert said == f"broken: state directory: {copy.path}: open to other users; run `chmod 700 {copy.path}`"


def test_no_identity(site: Site, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    said = verdict(tmp_path, site)
    assert said.startswith("broken: registration: ")
    assert said.endswith("this node is not registered yet; run `fairlead agent register` first")


def test_a_key_that_is_missing(site: Site, copy: StateDirectory) -> None:
    (copy.path / copy.load().key_file).unlink()
    assert verdict(copy, site).startswith("broken: registration: ")


def test_settings_that_cannot_be_read(site: Site, copy: StateDirectory) -> None:
    (copy.path / "agent.toml").write_text("allow_port = [22]")
    said = verdict(copy, site)
    assert said.startswith(
        f"broken: settings: {copy.path}/agent.toml: unknown setting 'allow_port'; known are: "
    )


def test_a_server_whose_name_does_not_resolve(site: Site, copy: StateDirectory) -> None:
    rewrite(copy, endpoint="https://no-such-name.invalid")
    assert verdict(copy, site).startswith("broken: name resolution: cannot resolve no-such-name.invalid: ")


def test_anchors_of_another_server(site: Site, copy: StateDirectory, tmp_path: Path) -> None:
    with FairleadServer(tmp_path / "other") as other:
        rewrite(copy, endpoint=other.endpoint_url)
        said = verdict(copy, site)
    assert said.startswith("broken: TLS: ")
    assert said.endswith(
        "; give the node the server's CA: register it again with --force and --ca or --ca-pin"
    )


def test_a_clock_that_is_slow(site: Site) -> None:
    said = verdict(site.agent.state_dir, site, clock=lambda: time.time() - 1000)
    assert said.startswith("broken: clock: this machine's clock is ")


def test_a_node_that_was_deregistered(site: Site, copy: StateDirectory) -> None:
    rewrite(copy, instance_id="mi-0123456789abcdef0")
    said = verdict(copy, site)
    assert said.startswith("broken: credentials: RequestManagedInstanceRoleToken was refused ")
    assert (
        "; the node was deregistered: register the machine again with `fairlead agent register --force`"
        in said
    )


def test_the_key_of_another(site: Site, copy: StateDirectory) -> None:
    copy.write(copy.load().key_file, generate_key().private_pem)
    said = verdict(copy, site)
    assert said.startswith("broken: credentials: ")
    assert "; the key in the state directory is not the node's: register the machine again" in said


def test_the_fingerprint_of_another(site: Site, copy: StateDirectory) -> None:
    rewrite(copy, fingerprint="00000000-0000-4000-8000-000000000000")
    assert "; another registration took the node's place: register" in verdict(copy, site)


def test_a_key_change_that_was_cut_short_is_no_fault(site: Site, copy: StateDirectory) -> None:
    right = copy.load().key_file
    rewrite(copy, key_file=copy.write_key(generate_key().private_pem), next_key_file=right)
    assert verdict(copy, site).startswith("broken: agent: ")


def test_no_agent_runs(site: Site, copy: StateDirectory) -> None:
    said = verdict(copy, site)
    assert said.startswith(f"broken: agent: no agent runs with {copy.path}; start it: fairlead agent run ")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            RunStatus(pid=1, version="1", link="no credentials; the server does not know this node"),
            "broken: control channel: the agent has no control channel: no credentials; the server does",
        ),
        (RunStatus(pid=1, version="1"), "broken: control channel: the agent runs and has not said yet"),
        (
            RunStatus(pid=1, version="1", link="open", displaced_at=999_940.0),
            "broken: twins: another machine runs an agent as mi-",
        ),
    ],
)
def test_what_the_running_agent_says_of_its_control_channel(
    site: Site, copy: StateDirectory, status: RunStatus, said: str
) -> None:
    with copy.locked():
        write_status(copy, status)
        doctor = NodeDoctor(copy.path, {}, site.port, clock=lambda: 1_000_000.0)
        checks = [each for each in doctor.checks() if each.hop in ("agent", "control channel", "twins")]
        assert diagnose(checks, FAILURES).lines()[0].startswith(said)


def test_a_displaced_agent_says_so_in_its_status(site: Site, tmp_path: Path) -> None:
    agent = site.server.start_agent("twin")
    clone = FairleadAgent(tmp_path / "clone")
    shutil.copytree(agent.state_dir, clone.state_dir)
    clone.state_dir.chmod(0o700)
    clone.start()
    try:
        state = StateDirectory(agent.state_dir)
        wait_until(lambda: (status := read_status(state)) and status.displaced_at > 0)
        assert verdict(state, site).startswith("broken: twins: another machine runs an agent as mi-")
    finally:
        clone.stop()
        agent.stop()


def test_a_port_that_the_ceiling_forbids(site: Site, copy: StateDirectory) -> None:
    (copy.path / "agent.toml").write_text("allow_ports = [22]")
    checks = NodeDoctor(copy.path, {}, site.port).checks()
    said = diagnose([each for each in checks if each.hop == "ceiling"], FAILURES).lines()[0]
    assert f"connections to port {site.port}: its setting allow_ports is 22; allow it in {copy.path}" in said


def test_sshd_does_not_run(site: Site) -> None:
    with tcp_server(says(b"")) as port:
        pass
    said = verdict(site.agent.state_dir, site, port=port)
    assert said.startswith(f"broken: sshd: no sshd: cannot connect to localhost:{port}: Connection refused; ")


def test_something_else_has_the_port_of_sshd(site: Site) -> None:
    with tcp_server(says(b"220 ESMTP\r\n")) as port:
        said = verdict(site.agent.state_dir, site, port=port)
    assert said.startswith(f"broken: sshd: what listens at localhost:{port} is not sshd: it says '220 ESMTP'")
