"""How fast does scp go, and how soon does ssh connect, between each pair of ends?

Every round takes every corner once, up and down, so that what else the machine does falls on all of them
alike. A copy goes over an ssh connection that stands already, so it is the stream that is measured; its size
is fitted to the corner, whose speeds lie a factor of some hundred apart. Connecting is measured by itself, as
the time of `ssh node true`. MB = 10^6 bytes.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.interop.corners import Corner
from tools.ssh_connection import DIRECTIONS, Route, SshConnection, fill, standing

MB = 1_000_000
SMALLEST_BYTES = 256 * 1024
LARGEST_BYTES = 512 * 1024 * 1024
WANTED_S = 3.0
"""A copy is made at least as large as takes this long, or as large as is allowed."""


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

    def measure(self, routes: dict[Corner, Route], rounds: int, say: Callable[[str], None]) -> list[Speed]:
        """All rounds over all routes, after one that finds the sizes; raises CopyFailed."""
        speeds = [Speed(corner) for corner in routes]
        for route, speed in zip(routes.values(), speeds, strict=True):
            with standing(route, self._directory / "connection") as connection:
                for direction in DIRECTIONS:
                    speed.size_bytes[direction] = self.fit(connection, direction)
        for number in range(rounds):
            for route, speed in zip(routes.values(), speeds, strict=True):
                speed.connect_s.append(connect_s(route))
                with standing(route, self._directory / "connection") as connection:
                    for direction in DIRECTIONS:
                        seconds = self.copy(connection, direction, speed.size_bytes[direction])
                        speed.copy_s[direction].append(seconds)
                        rate = speed.size_bytes[direction] / seconds / MB
                        say(f"round {number + 1}: {route.name}: {direction} {rate:.2f} MB/s")
        return speeds

    def fit(self, connection: SshConnection, direction: str) -> int:
        """A size worth measuring with over this connection."""
        return fitting_size(lambda size: self.copy(connection, direction, size))

    def copy(self, connection: SshConnection, direction: str, size: int) -> float:
        """Seconds of one scp."""
        source, target = self._directory / "source", self._directory / "target"
        fill(source, size)
        return connection.copy(direction, source, target)


def connect_s(route: Route) -> float:
    """Seconds until `ssh node true` was done."""
    began = time.perf_counter()
    route.run(*route.ssh(route.host, "true"))
    return time.perf_counter() - began
