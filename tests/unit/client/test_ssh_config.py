"""The host block, and installing it without touching anything else."""

import os
import stat
import subprocess

import pytest

from fairlead.client import ssh_config
from fairlead.client.ssh_config import (
    BEGIN,
    END,
    SshConfigError,
    host_block,
    install,
    other_hosts,
    with_block,
)

THEIRS = b"Host a\r\n\tUser \xff\n\n# comment without newline"


def test_the_blocks_are_what_the_documentation_shows():
    assert (
        host_block() == "# SSH over Session Manager\nHost i-* mi-*\n    ProxyCommand fairlead proxy %h %p\n"
    )
    command = (
        'sh -c "aws ssm start-session --target %h --document-name AWS-StartSSHSession'
        " --parameters 'portNumber=%p'\""
    )
    assert f"    ProxyCommand {command}\n" in host_block(aws=True)


def test_installing_adds_and_installing_again_changes_nothing():
    once = with_block(THEIRS, host_block())
    assert once.startswith(THEIRS + b"\n\n" + BEGIN.encode())
    assert with_block(once, host_block()) == once
    assert with_block(b"", host_block()).startswith(BEGIN.encode())


def test_another_block_replaces_the_old_one_and_nothing_else():
    installed = with_block(THEIRS, host_block()) + b"Host z\n"
    changed = with_block(installed, host_block(aws=True))
    assert changed.startswith(THEIRS)
    assert changed.endswith(b"Host z\n")
    assert changed.count(BEGIN.encode()) == changed.count(END.encode()) == 1
    assert b"aws ssm" in changed
    assert b"fairlead proxy" not in changed


@pytest.mark.parametrize("config", [BEGIN, END, f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_torn_markers_are_not_guessed_at(config):
    with pytest.raises(SshConfigError, match="do not pair up"):
        with_block(config.encode(), host_block())


def test_host_lines_of_others_for_the_same_names_are_found():
    config = with_block(b"host i-*\n  User x\nHost=mi-* other\nHost x-*\n", host_block())
    assert other_hosts(config) == ["host i-*", "Host=mi-* other"]


def test_a_new_file_is_owner_only_and_so_is_its_folder(tmp_path):
    path = tmp_path / ".ssh" / "config"
    assert install(str(path), host_block()) == (True, [])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert install(str(path), host_block()) == (False, [])


@pytest.mark.parametrize(("before", "after"), [(0o600, 0o600), (0o644, 0o644), (0o664, 0o644)])
def test_an_existing_file_keeps_its_bytes_and_its_readers_but_no_foreign_writers(tmp_path, before, after):
    path = tmp_path / "config"
    path.write_bytes(THEIRS)
    path.chmod(before)
    install(str(path), host_block())
    assert path.read_bytes() == with_block(THEIRS, host_block())
    assert stat.S_IMODE(path.stat().st_mode) == after


def test_a_file_that_others_may_write_to_is_put_right_although_the_block_is_there(tmp_path):
    path = tmp_path / "config"
    install(str(path), host_block())
    path.chmod(0o620)
    assert install(str(path), host_block()) == (False, [])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "real").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    install(str(tmp_path / "link"), host_block())
    assert (tmp_path / "link").is_symlink()
    assert BEGIN.encode() in (tmp_path / "real").read_bytes()


def test_a_failed_write_leaves_the_file_and_no_leftovers(tmp_path, monkeypatch):
    path = tmp_path / "config"
    path.write_bytes(THEIRS)

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ssh_config.os, "replace", fail)
    with pytest.raises(SshConfigError, match="No space left"):
        install(str(path), host_block())
    assert path.read_bytes() == THEIRS
    assert os.listdir(tmp_path) == ["config"]


def test_an_endless_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(ssh_config, "MAX_CONFIG_BYTES", 10)
    (tmp_path / "config").write_bytes(bytes(11))
    with pytest.raises(SshConfigError, match="longer than"):
        install(str(tmp_path / "config"), host_block())


@pytest.mark.parametrize("aws", [False, True])
def test_ssh_understands_the_block(tmp_path, aws):
    path = tmp_path / "config"
    install(str(path), host_block(aws=aws))
    done = subprocess.run(
        ["ssh", "-G", "-F", str(path), "-p", "2222", "mi-0123456789abcdef0"],
        capture_output=True,
        text=True,
        check=True,
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith("proxycommand ")]
    command = host_block(aws=aws).partition("ProxyCommand ")[2].strip()
    assert line == f"proxycommand {command}"
