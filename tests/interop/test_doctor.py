"""`fairlead doctor` to the end of the way: a real ssh logs in at a real sshd, or is told why not."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interop.conftest import Done, Site

pytestmark = pytest.mark.interop


def look(site: Site, key: Path, env: dict[str, str] | None = None) -> Done:
    server = site.server
    words = ("--port", server.port, "--user", server.user, "--identity-file", key)
    return site.call("fairlead", "doctor", site.node_id, *words, env=env)


def a_key(directory: Path) -> Path:
    key = directory / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key


def test_a_login_is_the_last_hop_and_leaves_nothing_behind(site: Site) -> None:
    done = look(site, site.server.client_key)
    assert (done.status, done.stderr) == (0, ""), done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith("everything works (settings ")
    assert lines[-1].startswith(f"  ok          key             logged in as {site.server.user}  (")
    site.wait_for_no_session()


def test_a_key_that_sshd_does_not_know(site: Site, tmp_path: Path) -> None:
    done = look(site, a_key(tmp_path))
    assert done.status == 1
    verdict = done.stdout.splitlines()[0]
    assert verdict.startswith(
        f"broken: key: sshd on {site.node_id} refuses the key for user {site.server.user}: "
    )
    assert "Permission denied (publickey" in verdict


def test_a_host_key_that_has_changed(site: Site, tmp_path: Path) -> None:
    known = a_key(tmp_path).with_suffix(".pub").read_text().split()[:2]
    (tmp_path / "known_hosts").write_text(f"[{site.node_id}]:{site.server.port} {' '.join(known)}\n")
    (tmp_path / "config").write_text(f"UserKnownHostsFile {tmp_path}/known_hosts\n")
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {tmp_path}/config "$@"\n')
    ssh.chmod(0o755)
    env = {**site.stack.env, "PATH": f"{tmp_path}:{site.stack.env['PATH']}"}
    done = look(site, site.server.client_key, env)
    assert done.status == 1
    verdict = done.stdout.splitlines()[0]
    assert verdict.startswith(
        f"broken: key: the host key of {site.node_id} is another one than known_hosts has; "
    )
    assert f"ssh-keygen -R '[{site.node_id}]:{site.server.port}'" in verdict
