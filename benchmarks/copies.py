"""Copies over several ways in turn, with what each cost the processes on its way."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_most
from benchmarks.usage import children, cpu_s, peak_rss_mb, reset_peak
from tools.ssh_connection import DIRECTIONS, Route, SshConnection, fill, standing

MB, GB = 1e6, 1e9
DIRECT, NC, PLAIN, TLS = "direct", "nc", "no TLS", "TLS"
PLAIN_DIGESTS, TLS_DIGESTS = "no TLS, digests", "TLS, digests"
_RIGS = {
    PLAIN: {"tls": False, "digests": False},
    TLS: {"tls": True, "digests": False},
    PLAIN_DIGESTS: {"tls": False, "digests": True},
    TLS_DIGESTS: {"tls": True, "digests": True},
}
CPU_GATE = at_most(4)
"""s/GB with TLS: for each process about twice what a quiet machine shows."""
MEMORY_GATES = {"server": at_most(130), "agent": at_most(50), "client": at_most(32)}


@dataclass(slots=True)
class Way:
    """A connection and the processes that its bytes pass through, with what was measured of them.

    `copy_s` has the seconds of each copy by direction, `cpu_s` the CPU seconds it took each process.
    """

    connection: SshConnection
    processes: Mapping[str, int]
    copy_s: dict[str, list[float]] = field(default_factory=dict)
    cpu_s: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def copy(self, direction: str, source: Path, target: Path, limit_mb_per_s: float | None) -> None:
        """One scp, and what it cost."""
        before = {name: cpu_s(pid) for name, pid in self.processes.items()}
        seconds = self.connection.copy(direction, source, target, limit_mb_per_s=limit_mb_per_s)
        self.copy_s.setdefault(direction, []).append(seconds)
        for name, pid in self.processes.items():
            self.cpu_s.setdefault((direction, name), []).append(cpu_s(pid) - before[name])

    def forget(self) -> None:
        """Begin anew: what was so far was to warm up."""
        self.copy_s.clear()
        self.cpu_s.clear()
        for pid in self.processes.values():
            reset_peak(pid)


@contextlib.contextmanager
def open_ways(bench: Bench, *names: str) -> Iterator[dict[str, Way]]:
    """Connections of these names while in the block; that through nc is absent where there is no nc."""
    ways: dict[str, Way] = {}
    with contextlib.ExitStack() as at_end:

        def add(name: str, route: Route, processes: Mapping[str, int]) -> None:
            connection = at_end.enter_context(standing(route, bench.directory / name.replace(" ", "-")))
            found = dict(processes)
            if found:
                (found["client"],) = children(connection.pid)
            ways[name] = Way(connection, found)

        rigs = {name: at_end.enter_context(bench.rig(**_RIGS[name])) for name in names if name in _RIGS}
        some_rig = next(iter(rigs.values()))  # all lead to the same SSH server without a tunnel
        for name in names:
            if name == DIRECT:
                add(name, some_rig.direct, {})
            elif name == NC:
                if some_rig.nc is not None:
                    add(name, some_rig.nc, {})
            else:
                add(name, rigs[name].tunnel, rigs[name].processes)
        yield ways


def copy_in_rounds(
    bench: Bench, ways: Mapping[str, Way], size: int, rounds: int, limit_mb_per_s: float | None = None
) -> None:
    """Copy over every way, up and down, once per round, after a round that warms up."""
    source, target = bench.directory / "source", bench.directory / "target"
    fill(source, size)
    for number in range(rounds + 1):
        for direction in DIRECTIONS:
            for way in ways.values():
                way.copy(direction, source, target, limit_mb_per_s)
        if number == 0:
            for way in ways.values():
                way.forget()
            continue
        for direction in DIRECTIONS:
            rates = (f"{name} {size / way.copy_s[direction][-1] / MB:.0f}" for name, way in ways.items())
            bench.say(f"  round {number} of {rounds}, {direction}, MB/s: {', '.join(rates)}")


def costs(ways: Mapping[str, Way], size: int) -> Iterator[Figure]:
    """What the copies cost each process: CPU seconds per GB, and its peak of memory."""
    for way_name, way in ways.items():
        for direction in DIRECTIONS:
            for process in way.processes:
                yield Figure.of_samples(
                    f"{direction}, {way_name}: CPU of the {process}",
                    "s/GB",
                    [seconds / size * GB for seconds in way.cpu_s[direction, process]],
                    gate=CPU_GATE if way_name == TLS else None,
                )
    for way_name, way in ways.items():
        for process, pid in way.processes.items():
            yield Figure.of_value(
                f"{way_name}: peak memory of the {process}",
                "MB",
                peak_rss_mb(pid),
                gate=MEMORY_GATES[process] if way_name == TLS else None,
            )
