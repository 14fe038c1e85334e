"""Child processes that are started together and never left behind."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STOP_TIMEOUT_S = 30.0
_PORTS = range(10_000, 32_768)
"""Below those that Linux and others hand out by themselves, to clients as well: nobody gets one between our
choice and its use."""


class StartFailed(Exception):
    """A process ended, or did not become ready, before it could be used; the text holds its last words."""


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A running child whose output goes to a file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Ask the process to end, insist after STOP_TIMEOUT_S, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def last_words(self, lines: int = 8) -> str:
        """The end of what it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Wait until `is_ready()`; raise StartFailed when the process ends or the time is up."""
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            if self.process.poll() is not None:
                raise StartFailed(
                    f"{self.name} ended with status {self.process.returncode}: {self.last_words()}"
                )
            if time.monotonic() > deadline:
                raise StartFailed(f"{self.name} was not ready after {timeout_s:.0f} s: {self.last_words()}")
            time.sleep(0.02)


def start(name: str, command: Sequence[object], log: Path, env: Mapping[str, str]) -> ChildProcess:
    """Start a child; its output is appended to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,  # a Ctrl-C at the terminal is the parent's to handle
        )
    return ChildProcess(name, process, log)


def children(pid: int) -> list[int]:
    """The children of every thread of a process, now: a program in Go starts them from any (Linux)."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for each in lists for word in each.read_text(encoding="ascii").split()]


def descendants(pid: int) -> list[int]:
    """A process, its children, theirs and so on (Linux)."""
    found = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        found.append(parent)
        try:
            waiting += children(parent)
        except OSError:  # it ended since its parent was asked
            continue
    return found


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on, and that nobody is given by chance."""
    while True:
        port = random.choice(_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def accepts(host: str, port: int) -> bool:
    """True when something listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would lead AWS programs elsewhere, and with `changes`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        kept.pop(name, None)
        kept.pop(name.lower(), None)
    return {**kept, **changes}
