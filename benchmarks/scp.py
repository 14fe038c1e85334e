"""How fast is scp through the tunnel, against scp directly to the same SSH server?

Question answered: MB/s each way, direct and through `fairlead proxy`, interleaved round by round on one
machine, as medians and as the median of the ratios pair by pair; and what it costs: CPU seconds per GB and
the peak resident size of server and agent. MB = 10^6 bytes.

    make bench            256 MiB, 5 rounds
    make bench QUICK=1    64 MiB, 3 rounds

Results go to benchmarks/results/ as JSON and Markdown, with machine and date.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import fairlead._version
from tools.demo import PROXY_SSH_CONFIG
from tools.stack import LocalStack

RESULTS = Path(__file__).parent / "results"
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Route:
    """One way to reach the SSH server: an ssh configuration and a host name for it."""

    name: str
    config: Path
    host: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far."""

    cpu_s: float
    peak_rss_mb: float


def usage_of(pid: int) -> Usage:
    """CPU time and peak resident size of a process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    status = Path(f"/proc/{pid}/status").read_text()
    peak_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), peak_kib * 1024 / MB)


class Benchmark:
    """Runs the rounds over one stack."""

    def __init__(self, directory: Path, file_bytes: int, rounds: int) -> None:
        self._stack = LocalStack(directory)
        self._directory = directory
        self._bytes = file_bytes
        self._rounds = rounds
        self._file = directory / "random.bin"
        self._file.write_bytes(os.urandom(file_bytes))

    def run(self) -> dict[str, object]:
        """Start everything, measure, stop; the figures as plain data."""
        try:
            server = self._stack.start_server()
            agent = self._stack.add_agent("bench")
            ssh = self._stack.add_ssh_server()
            direct = self._stack.write_ssh_config(ssh, "direct", "Host direct\n    HostName 127.0.0.1\n")
            tunnel = self._stack.write_ssh_config(ssh, "tunnel", PROXY_SSH_CONFIG)
            routes = [Route("direct", direct, "direct"), Route("tunnel", tunnel, agent.node_id)]
            watched = {"server": server.pid, "agent": agent.child.pid}
            return self._measure(routes, watched)
        finally:
            self._stack.stop()

    def _measure(self, routes: Sequence[Route], watched: dict[str, int]) -> dict[str, object]:
        for route in routes:
            self._copy(route, "up")  # warm: keys known, pages cached
        before = {name: usage_of(pid) for name, pid in watched.items()}
        seconds: dict[tuple[str, str], list[float]] = {}
        for number in range(self._rounds):
            for direction in ("up", "down"):
                for route in routes:
                    taken = self._copy(route, direction)
                    seconds.setdefault((route.name, direction), []).append(taken)
                    speed = self._bytes / taken / MB
                    print(f"round {number + 1}: {route.name:6} {direction:4} {speed:6.0f} MB/s")
        after = {name: usage_of(pid) for name, pid in watched.items()}
        carried_gb = 2 * self._rounds * self._bytes / 1e9
        return {
            "mb_per_s": {
                f"{name} {direction}": round(self._bytes / statistics.median(taken) / MB, 1)
                for (name, direction), taken in seconds.items()
            },
            "ratio_to_direct": {
                direction: round(
                    statistics.median(
                        direct / tunnel
                        for direct, tunnel in zip(
                            seconds["direct", direction], seconds["tunnel", direction], strict=True
                        )
                    ),
                    3,
                )
                for direction in ("up", "down")
            },
            "cpu_s_per_gb": {
                name: round((after[name].cpu_s - before[name].cpu_s) / carried_gb, 2) for name in watched
            },
            "peak_rss_mb": {name: round(after[name].peak_rss_mb, 1) for name in watched},
        }

    def _copy(self, route: Route, direction: str) -> float:
        """One scp; seconds taken. The copy is compared byte for byte outside the measured time."""
        remote, local = self._directory / "remote.bin", self._directory / "local.bin"
        if direction == "up":
            source, target, result = str(self._file), f"{route.host}:{remote}", remote
        else:
            source, target, result = f"{route.host}:{self._file}", str(local), local
        command = ["scp", "-q", "-F", str(route.config), source, target]
        start = time.perf_counter()
        subprocess.run(command, env=self._stack.env, stdin=subprocess.DEVNULL, check=True, timeout=600)
        taken = time.perf_counter() - start
        subprocess.run(["cmp", self._file, result], check=True)
        result.unlink()
        return taken


def conditions(file_bytes: int, rounds: int) -> dict[str, object]:
    """What a reader has to know to place the figures."""
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True).stderr.strip()
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "fairlead": fairlead._version.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}",
        "python": platform.python_version(),
        "ssh": ssh,
        "tls": True,
        "file_mib": file_bytes // 2**20,
        "rounds": rounds,
    }


def as_markdown(result: dict[str, dict[str, object]]) -> str:
    """The figures as a table per group."""
    lines = ["# scp, direct and through the tunnel", ""]
    for group, values in result.items():
        lines += [f"## {group.replace('_', ' ')}", "", "| | |", "|---|---|"]
        lines += [f"| {name} | {value} |" for name, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description="scp: direct against tunnel")
    parser.add_argument("--quick", action="store_true", help="64 MiB and 3 rounds")
    parser.add_argument("--output", type=Path, default=RESULTS, help="directory of the results")
    options = parser.parse_args()
    file_bytes, rounds = (64 << 20, 3) if options.quick else (256 << 20, 5)
    directory = Path(tempfile.mkdtemp(prefix="fairlead-bench-"))
    try:
        measured = Benchmark(directory, file_bytes, rounds).run()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    result = {"conditions": conditions(file_bytes, rounds), **measured}
    text = as_markdown(result)  # type: ignore[arg-type]  # every group is a dict by construction
    options.output.mkdir(parents=True, exist_ok=True)
    name = f"scp-{'quick' if options.quick else 'full'}"
    (options.output / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
    (options.output / f"{name}.md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
