"""A server with thousands of agents, and the program that plays them."""

import base64
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.bench import Bench
from benchmarks.stored import ACCOUNT, fill
from fairlead.agent.keys import generate_key
from tools.stack import LocalStack

PATIENCE_S = 600.0
STARTS_PER_S = 150
"""Agents that are started in a second: fewer than a server lets in."""


class CrowdLeft(Exception):
    """The agents' program ended, or they did not do in time what was waited for."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What the agents told last. `at` is the time of day of that."""

    at: float = 0.0
    up: int = 0
    reported: int = 0
    failures: int = 0
    paced_s: tuple[float, float] = (0.0, 0.0)
    """The pace at which to come back that the agents know of, the least and the most of them."""


class Agents:
    """The process of the agents. `now` is what they told last."""

    def __init__(self, process: subprocess.Popen[str], count: int) -> None:
        self.pid = process.pid
        self.count = count
        self.now = Crowd()
        assert process.stdout is not None
        self._listener = threading.Thread(target=self._listen, args=(process.stdout,), daemon=True)
        self._listener.start()

    def wait_until_up(self) -> float:
        """Wait until all control channels stand; the time of day when they did. Raises CrowdLeft."""
        deadline = time.monotonic() + PATIENCE_S
        while self.now.up < self.count:
            self._require(deadline)
        return self.now.at

    def wait_until_tried(self, failures: int) -> None:
        """Wait until all have noticed that the server is gone and have tried in vain, where there had been so
        many `failures` before: as a fleet has within a second. Raises CrowdLeft."""
        deadline = time.monotonic() + PATIENCE_S
        while self.now.up or self.now.failures < failures + self.count:
            self._require(deadline)

    def wait_until_paced(self) -> None:
        """Wait until all know at what pace a fleet of this size comes back. Raises CrowdLeft."""
        deadline = time.monotonic() + PATIENCE_S
        while self.now.paced_s[0] < self.now.paced_s[1] / 2:
            self._require(deadline)

    def wait_until_reported(self) -> None:
        """Wait until each has sent the two heartbeats of its start. Raises CrowdLeft."""
        deadline = time.monotonic() + PATIENCE_S
        while self.now.reported < 2 * self.count:
            self._require(deadline)

    def _require(self, deadline: float) -> None:
        if not self._listener.is_alive():
            raise CrowdLeft("the agents' program ended")
        if time.monotonic() > deadline:
            raise CrowdLeft(f"after {PATIENCE_S:.0f} s: {self.now}")
        time.sleep(0.05)

    def _listen(self, output: IO[str]) -> None:
        for line in output:
            told = json.loads(line)
            failures, (least_s, most_s) = sum(told["failures"].values()), told["paced_s"]
            self.now = Crowd(told["at"], told["up"], told["reported"], failures, (least_s, most_s))


@contextlib.contextmanager
def stack_with_nodes(bench: Bench, count: int, *, tls: bool) -> Iterator[tuple[LocalStack, Path]]:
    """A running server that knows `count` nodes, and the key of all of them."""
    with bench.stack(["--account-id", ACCOUNT, *([] if tls else ["--insecure-http"])]) as stack:
        stack.start_server().stop()
        pair = generate_key()
        key = stack.directory / "nodes.pem"
        key.write_bytes(pair.private_pem)
        fill(stack.server_state, count, public_key=base64.b64decode(pair.public_base64))
        stack.start_server()
        yield stack, key


@contextlib.contextmanager
def agents_of(stack: LocalStack, key: Path, count: int) -> Iterator[Agents]:
    """The agents of the first `count` nodes, which start one after the other; gone after the block."""
    command = [sys.executable, "-m", "benchmarks.load.agents", "--endpoint", stack.env["AWS_ENDPOINT_URL"]]
    command += ["--key", str(key), "--count", str(count), "--per-second", str(STARTS_PER_S)]
    ca = stack.server_state / "ca.pem"
    command += ["--ca", str(ca)] if ca.exists() else []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=stack.env
    ) as process:
        try:
            yield Agents(process, count)
        finally:
            process.kill()
