"""An agent that is restarted from inside an ssh session through itself: nobody notices."""

import hashlib
import re
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fairlead.agent.identity import StateDirectory
from fairlead.agent.run_status import RunStatus, read_status
from tests.interop.conftest import Site
from tools.stack import SCRIPTS

pytestmark = pytest.mark.interop

PIECE = secrets.token_bytes(1 << 20)
PIECES_AT_LEAST = 8
PATIENCE_S = 60.0


def test_a_restart_typed_in_an_ssh_session_cuts_neither_it_nor_a_transfer_beside_it(site: Site) -> None:
    before = _status(site)
    command = f"{SCRIPTS}/fairlead agent restart --state-dir {site.agent.state}"
    with _transfer_both_ways(site) as finished:
        done = site.ssh("proxy", site.node_id, f"echo before; {command} && {command} && echo after")
        assert (done.status, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert (lines[0], lines[-1]) == ("before", "after")
        # A session of a test before this one may not be over yet.
        said = re.compile(rf"the agent \(process {before.pid}\) was restarted as .*, [2-9] sessions go on")
        assert all(map(said.fullmatch, lines[1:3])), lines
        assert finished() == (0, b"")
    status = _status(site)
    assert (status.pid, status.restarts) == (before.pid, before.restarts + 2)
    assert site.ssh("proxy", site.node_id, "echo still works").stdout == "still works\n"


@contextmanager
def _transfer_both_ways(site: Site) -> Iterator[Callable[[], tuple[int, bytes]]]:
    """Send without a pause, and let `cat` on the node send it back; the first bytes are back already. What is
    given ends it, compares the two streams, and returns the status of ssh and what it said."""
    ssh = subprocess.Popen(
        ["ssh", "-F", site.configs["proxy"], site.node_id, "cat"],
        env=site.stack.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    sent, received = hashlib.sha256(), hashlib.sha256()
    has_begun, is_enough = threading.Event(), threading.Event()

    def send() -> None:
        assert ssh.stdin is not None
        pieces = 0
        while pieces < PIECES_AT_LEAST or not is_enough.is_set():
            ssh.stdin.write(PIECE)
            sent.update(PIECE)
            pieces += 1
        ssh.stdin.close()

    def receive() -> None:
        assert ssh.stdout is not None
        while data := ssh.stdout.read1(1 << 16):
            received.update(data)
            has_begun.set()

    threads = [threading.Thread(target=work, daemon=True) for work in (send, receive)]

    def finished() -> tuple[int, bytes]:
        is_enough.set()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert received.hexdigest() == sent.hexdigest()
        assert ssh.stderr is not None
        return ssh.wait(PATIENCE_S), ssh.stderr.read()

    with ssh:
        for thread in threads:
            thread.start()
        try:
            assert has_begun.wait(PATIENCE_S)
            yield finished
        finally:
            ssh.kill()


def _status(site: Site) -> RunStatus:
    status = read_status(StateDirectory(site.agent.state))
    assert status is not None
    return status
