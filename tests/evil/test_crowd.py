"""A crowd of sockets that say nothing, or say it very slowly: those who work are not disturbed."""

import contextlib
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from fairlead.gateway.settings import GatewaySettings
from tests.interop.conftest import Site

pytestmark = [pytest.mark.interop, pytest.mark.slow]

SILENT_SOCKETS = 5_000
SLOW_SOCKETS = 50
ECHOES = 50
A_TURN_S = GatewaySettings().request_timeout_s / 2
"""Whoever waits for a silent socket waits for twice as long, before the server closes it."""


@pytest.fixture
def echo(own_site: Site) -> Iterator["subprocess.Popen[bytes]"]:
    ssh = own_site.start("proxy", own_site.node_id, "cat")
    yield ssh
    ssh.kill()
    ssh.communicate()


def test_an_ssh_keeps_its_echo_and_a_new_one_connects_beside_5000_silent_sockets(
    own_site: Site, echo: "subprocess.Popen[bytes]"
) -> None:
    _echo_times(echo)
    with _silent_sockets(own_site), _slow_loris(own_site):
        assert statistics.median(_echo_times(echo)) < A_TURN_S
        done = own_site.ssh("proxy", own_site.node_id, "echo in")
        assert (done.status, done.stdout) == (0, "in\n")
        assert statistics.median(_echo_times(echo)) < A_TURN_S


def _echo_times(ssh: "subprocess.Popen[bytes]") -> list[float]:
    assert ssh.stdin is not None
    assert ssh.stdout is not None
    times = []
    for number in range(ECHOES):
        line = f"{number}\n".encode()
        began = time.monotonic()
        ssh.stdin.write(line)
        ssh.stdin.flush()
        assert ssh.stdout.readline() == line
        times.append(time.monotonic() - began)
    return times


@contextlib.contextmanager
def _silent_sockets(site: Site) -> Iterator[None]:
    """Open them from many loopback addresses; the server may close them, but must not wait for them."""
    with contextlib.ExitStack() as opened:
        for number in range(SILENT_SOCKETS):
            source = f"127.1.{number // 200}.{number % 200 + 1}"
            with contextlib.suppress(OSError):
                peer = socket.create_connection(("127.0.0.1", site.stack.port), 5, (source, 0))
                opened.enter_context(peer)
        yield


@contextlib.contextmanager
def _slow_loris(site: Site) -> Iterator[None]:
    """Requests that come a byte at a time and never end."""
    over = threading.Event()

    def drip() -> None:
        with contextlib.ExitStack() as opened:
            peers = []
            for _ in range(SLOW_SOCKETS):
                with contextlib.suppress(OSError):
                    peer = socket.create_connection(("127.0.0.1", site.stack.port), 5)
                    peers.append(opened.enter_context(peer))
            while not over.wait(0.2):
                for peer in peers:
                    with contextlib.suppress(OSError):
                        peer.send(b"\x16")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
