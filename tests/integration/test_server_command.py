"""`fairlead server` as an operator runs it: a process, its files, its messages."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE_S
from tools.processes import free_port

SCRIPTS = Path(sys.executable).parent
FAIRLEAD = (sys.executable, "-m", "fairlead", "server")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SSL_"))}
    return {**kept, "PATH": f"{SCRIPTS}:{os.environ['PATH']}", "AWS_CONFIG_FILE": os.devnull}


def _start(state: Path, *options: str, listen: str = "127.0.0.1:0") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*FAIRLEAD, "--state-dir", state, "--listen", listen, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
    )


@contextmanager
def _running(state: Path, *options: str, listen: str = "127.0.0.1:0") -> Iterator[tuple[str, str]]:
    """A server that has said that it is there: its URL, and all that it said."""
    process = _start(state, *options, listen=listen)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        assert lines[0], process.communicate()[1]
        while not lines[-1].rstrip().endswith("fairlead agent run --state-dir DIR"):
            lines.append(process.stdout.readline())
        found = re.search(r"serves (\S+)", lines[0])
        assert found is not None
        yield found[1], "".join(lines)
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors


def _fails(state: Path, *options: str, listen: str = "127.0.0.1:0") -> str:
    process = _start(state, *options, listen=listen)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "Traceback" not in errors
    return errors.splitlines()[-1]


def _shell(script: str, *arguments: object) -> str:
    done = subprocess.run(
        ["/bin/sh", "-ec", script, "sh", *map(str, arguments)],
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_start_is_usable_at_once_and_a_later_one_finds_everything(tmp_path: Path) -> None:
    state = tmp_path / "state"
    whoami = 'set -a; . "$1/admin.env"; aws sts get-caller-identity'
    with _running(state) as (url, said):
        first = json.loads(_shell(whoami, state))
        assert str(state / "admin.env") in said
        assert (
            _shell(f'"{sys.executable}" -m fairlead server ca --pin --state-dir "$1"', state).strip() in said
        )
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in state.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"admin.env", "ca.pem", "ca-bundle.pem", "ca.key", "tls.pem", "master.key", "fairlead.db"} <= set(
        modes
    )
    kept = {name: (state / name).read_bytes() for name in ("ca.pem", "ca.key", "master.key", "tls.pem")}
    with _running(state) as (later_url, _):
        assert later_url != url
        assert json.loads(_shell(whoami, state)) == first
    assert {name: (state / name).read_bytes() for name in kept} == kept


def test_a_lost_administrator_comes_back(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with _running(state) as (url, _):
        old_key = (state / "admin.env").read_text(encoding="utf-8")
        (state / "admin.env").unlink()
        recover = f'"{sys.executable}" -m fairlead server recover-admin --state-dir "$1" --endpoint "$2"'
        assert str(state / "admin.env") in _shell(recover, state, url)
        shown = _shell('set -a; . "$1/admin.env"; aws iam list-access-keys --user-name admin', state)
        (key,) = json.loads(shown)["AccessKeyMetadata"]
        assert key["AccessKeyId"] not in old_key


def test_settings_of_the_first_start_are_kept(tmp_path: Path) -> None:
    state = tmp_path / "state"
    options = ("--account-id", "000000000042", "--region", "eu-test-1", "--region", "eu-test-2")
    with _running(state, *options) as (_, said):
        assert "account 000000000042, region eu-test-1" in said
        script = 'set -a; . "$1/admin.env"; aws --region eu-test-2 sts get-caller-identity'
        assert json.loads(_shell(script, state))["Account"] == "000000000042"
    assert "--account-id" in _fails(state, "--account-id", "999999999999")


def test_plain_http_on_loopback(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with _running(state, "--insecure-http") as (url, said):
        assert url.startswith("http://127.0.0.1:")
        assert "pin" not in said
        _shell('set -a; . "$1/admin.env"; aws sts get-caller-identity', state)
    assert not (state / "ca.pem").exists()


def test_a_second_server_on_the_same_state_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with _running(state):
        assert "in use by another server" in _fails(state)


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())
        assert f"--listen {address}: the port is in use" in _fails(tmp_path / "state", listen=address)


def test_of_two_servers_that_start_on_one_port_together_one_serves_and_one_says_why_not(
    tmp_path: Path,
) -> None:
    address = f"127.0.0.1:{free_port()}"
    processes = [_start(tmp_path / name, listen=address) for name in ("first", "second")]
    try:
        first_lines = [process.stdout.readline() for process in processes if process.stdout is not None]
        loser = first_lines.index("")
        _, errors = processes[loser].communicate(timeout=PATIENCE_S)
    finally:
        for process in processes:
            process.terminate()
    processes[1 - loser].communicate(timeout=PATIENCE_S)
    assert address in first_lines[1 - loser]
    assert processes[loser].returncode == 1
    assert "Traceback" not in errors
    assert f"--listen {address}: the port is in use" in errors.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--tls-cert", "/nonexistent.pem"), "/nonexistent.pem: No such file"),
        (("--database-url", "mysql://x"), "--database-url"),
        (("--public-url", "nonsense"), "--public-url nonsense"),
        (("--master-key-file", "/nonexistent"), "/nonexistent: No such file"),
    ],
)
def test_what_prevents_a_start_is_said_in_one_line(
    tmp_path: Path, options: tuple[str, ...], text: str
) -> None:
    assert text in _fails(tmp_path / "state", *options)


def test_a_wildcard_without_a_name_is_refused_with_advice(tmp_path: Path) -> None:
    assert "--public-url https://NAME:PORT" in _fails(tmp_path / "state", listen="0.0.0.0:0")


def test_commands_beside_the_server_name_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*FAIRLEAD, "ca", "--state-dir", tmp_path / "none"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "holds no installation" in done.stderr
    assert not (tmp_path / "none").exists()
