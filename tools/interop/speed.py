"""How fast does scp go, and how soon does ssh connect, between each pair of ends?

Every round takes every corner once, up and down, so that what else the machine does falls on all of them
alike. A copy goes over an ssh connection that stands already (ControlMaster), so it is the stream that is
measured; its size is fitted to the corner, whose speeds lie a factor of some hundred apart. Connecting is
measured by itself, as the time of `ssh node true`. MB = 10^6 bytes.
"""

import contextlib
import filecmp
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.interop.corners import Corner

MB = 1_000_000
SMALLEST_BYTES = 256 * 1024
LARGEST_BYTES = 512 * 1024 * 1024
WANTED_S = 3.0
"""A copy is made at least as large as takes this long, or as large as is allowed."""
COPY_TIMEOUT_S = 300.0
START_TIMEOUT_S = 60.0
UP, DOWN = "up", "down"
DIRECTIONS = (UP, DOWN)


class MeasurementFailed(Exception):
    """A connection or a copy did not work out; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Route:
    """How a corner's user reaches the SSH server behind its node."""

    corner: Corner
    node_id: str
    config: Path
    env: dict[str, str]


@dataclass(slots=True)
class Speed:
    """What was measured of one corner: bytes of a copy and its seconds, one per round, by direction; seconds
    until `ssh node true` was done, one per round."""

    corner: Corner
    size_bytes: dict[str, int] = field(default_factory=dict)
    copy_s: dict[str, list[float]] = field(
        default_factory=lambda: {direction: [] for direction in DIRECTIONS}
    )
    connect_s: list[float] = field(default_factory=list)

    def mb_per_s(self, direction: str) -> float:
        """The median."""
        return self.size_bytes[direction] / statistics.median(self.copy_s[direction]) / MB

    def connect_ms(self) -> float:
        """The median."""
        return statistics.median(self.connect_s) * 1000


def fitting_size(seconds_for: Callable[[int], float]) -> int:
    """The size that takes at least WANTED_S, found by trying ever larger ones; at most LARGEST_BYTES."""
    size = SMALLEST_BYTES
    while size < LARGEST_BYTES and seconds_for(size) < WANTED_S:
        size *= 2
    return size


class Copies:
    """Measures in a directory that client and node share, since both are this machine."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._log = directory / "master.log"
        self._random = os.urandom(1 << 20)
        self._master = directory / "master"

    def measure(self, routes: Sequence[Route], rounds: int, say: Callable[[str], None]) -> list[Speed]:
        """All rounds over all routes, after one that finds the sizes; raises MeasurementFailed."""
        speeds = [Speed(route.corner) for route in routes]
        for route, speed in zip(routes, speeds, strict=True):
            with self._connection(route):
                for direction in DIRECTIONS:
                    speed.size_bytes[direction] = self._fit(route, direction)
        for number in range(rounds):
            for route, speed in zip(routes, speeds, strict=True):
                speed.connect_s.append(self._connect(route))
                with self._connection(route):
                    for direction in DIRECTIONS:
                        seconds = self._copy(route, direction, speed.size_bytes[direction])
                        speed.copy_s[direction].append(seconds)
                        rate = speed.size_bytes[direction] / seconds / MB
                        say(f"round {number + 1}: {route.corner.name}: {direction} {rate:.2f} MB/s")
        return speeds

    def _fit(self, route: Route, direction: str) -> int:
        return fitting_size(lambda size: self._copy(route, direction, size))

    def _connect(self, route: Route) -> float:
        began = time.perf_counter()
        self._run(route, "ssh", "-F", route.config, route.node_id, "true")
        return time.perf_counter() - began

    @contextlib.contextmanager
    def _connection(self, route: Route) -> Iterator[None]:
        """An ssh connection that copies share."""
        command = ["ssh", "-F", route.config, "-N", "-M", "-S", self._master, route.node_id]
        words = [str(word) for word in command]
        with (
            self._log.open("wb") as log,
            subprocess.Popen(words, env=route.env, stdin=subprocess.DEVNULL, stderr=log) as process,
        ):
            try:
                self._wait_for_master(process)
                yield
            finally:
                process.terminate()

    def _wait_for_master(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._master.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise MeasurementFailed(f"no connection: {self._log.read_text(errors='replace').strip()}")
            time.sleep(0.02)

    def _copy(self, route: Route, direction: str, size: int) -> float:
        """Seconds of one scp, without those of comparing what arrived."""
        source, target = self._directory / "source", self._directory / "target"
        self._fill(source, size)
        there = source if direction == DOWN else target
        ends = (
            [f"{route.node_id}:{there}", target]
            if direction == DOWN
            else [source, f"{route.node_id}:{there}"]
        )
        shared = f"ControlPath={self._master}"
        began = time.perf_counter()
        self._run(route, "scp", "-q", "-F", route.config, "-o", shared, *ends)
        seconds = time.perf_counter() - began
        if not filecmp.cmp(source, target, shallow=False):
            raise MeasurementFailed(f"{direction} over {route.corner.name}: another file arrived")
        target.unlink()
        return seconds

    def _fill(self, path: Path, size: int) -> None:
        if path.exists() and path.stat().st_size == size:
            return
        with path.open("wb") as file:
            for _ in range(0, size, len(self._random)):
                file.write(self._random)
            file.truncate(size)

    @staticmethod
    def _run(route: Route, *command: object) -> None:
        words = [str(word) for word in command]
        done = subprocess.run(
            words, env=route.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=COPY_TIMEOUT_S
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()
            raise MeasurementFailed(
                f"{words[0]} over {route.corner.name} ended with {done.returncode}: {said}"
            )
