"""The agent asks for nothing that an ordinary account does not have."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import Done, Site
from tests.support.waiting import PATIENCE_S
from tools.processes import start
from tools.sockets import sockets_of
from tools.stack import SCRIPTS

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(os.geteuid() != 0, reason="not root: here every agent of the tests is unprivileged"),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv (Debian: apt install util-linux)"),
]

NOBODY = 65534


@pytest.fixture
def place(site: Site) -> Iterator[Path]:
    """A directory that belongs to an account without rights, where it can also be reached."""
    directory = Path(tempfile.mkdtemp(prefix="fairlead-nobody-"))
    shutil.copyfile(site.stack.server_state / "ca.pem", directory / "ca.pem")
    for path in (directory, directory / "ca.pem"):
        os.chown(path, NOBODY, NOBODY)
    yield directory
    shutil.rmtree(directory)


def test_an_account_without_rights_registers_and_runs_the_agent(site: Site, place: Path) -> None:
    activation = site.stack.aws("ssm", "create-activation", "--iam-role", "service-role/FairleadNode")
    state, env = place / "state", {"PATH": os.environ["PATH"], "HOME": str(place)}
    endpoint = ("--endpoint", site.stack.env["AWS_ENDPOINT_URL"], "--ca", place / "ca.pem")
    code = ("--activation-id", activation["ActivationId"], "--activation-code-file", "-")
    register = _as_nobody("agent", "register", *endpoint, *code, "--state-dir", state)
    secret = activation["ActivationCode"]
    said = subprocess.run(register, env=env, input=secret, capture_output=True, text=True, check=True).stdout
    found = re.search(r"\bmi-[0-9a-f]{17}\b", said)
    assert found is not None
    agent = start("agent", _as_nobody("agent", "run", "--state-dir", state), place / "agent.log", env)
    try:
        agent.wait_until(lambda: site.stack.is_connected(found[0]), PATIENCE_S)
        assert site.ssh("proxy", found[0], "echo in") == Done(0, "in\n", "")
        status = Path(f"/proc/{agent.pid}/status").read_text(encoding="utf-8")
        assert re.search(rf"^Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}$", status, re.M)
        assert re.search(r"^CapEff:\t0{15}[04]$", status, re.M)  # nothing, or CAP_DAC_READ_SEARCH
        assert "LISTEN" not in {entry.state for entry in sockets_of(agent.pid)}
        assert {path.stat().st_uid for path in (state, *state.rglob("*"))} == {NOBODY}
    finally:
        status_at_end = agent.stop()
    assert status_at_end == 0


def _as_nobody(*arguments: object) -> list[str]:
    drop = [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        *_reading_the_interpreter(),
    ]
    return [*drop, str(SCRIPTS / "fairlead"), *map(str, arguments)]


def _reading_the_interpreter() -> list[str]:
    """Options for an interpreter in root's home, where others may not even look: the right to read it."""
    places = [Path(sys.prefix), Path(sys.base_prefix)]
    folders = {folder for place in places for folder in (place, *place.parents)}
    if all(folder.stat().st_mode & stat.S_IXOTH for folder in folders):
        return []
    return ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
