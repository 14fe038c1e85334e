"""Where does the time go on the byte path?

    make profile                         256 MiB each way, with TLS
    make profile TLS=no MIB=1024         without, and more of it

Bytes go from a pipe through `fairlead proxy`, the server and the agent to a socket, and back: everything but
ssh itself. For server, agent and client, each way:

* CPU seconds per GB, user and system;
* with perf(1): system calls, page faults, context switches and (where the processor counts them) instructions
  per MiB; and the share of the time in each library and in the kernel;
* the share of each Python function, the C code and system calls that it makes included, sampled by CPU time.

Shares hold also on a busy machine, seconds do not: compare those of one run only. What happens before the
session stands is left out.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sampler.sitecustomize import STARTS_AND_STOPS
from benchmarks.transfer import Transfer
from tools.stack import LocalStack

MIB = 1 << 20
WAIT_S = 60.0
EVENTS = ("raw_syscalls:sys_enter", "page-faults", "context-switches", "instructions:u")
EVENT_NAMES = ("system calls", "page faults", "context switches", "instructions in user mode")
MIN_SHARE = 0.01
MAX_LINES = 14
SAMPLER = Path(__file__).parent / "sampler"
SOURCES = Path(__file__).parents[1] / "src"


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds of a process so far."""

    user_s: float
    system_s: float

    @classmethod
    def of(cls, pid: int) -> "CpuTime":
        """As the kernel counts it, in steps of 10 ms."""
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        tick_s = 1 / os.sysconf("SC_CLK_TCK")
        return cls(int(fields[11]) * tick_s, int(fields[12]) * tick_s)


class Perf:
    """perf(1) at the side of one process: counters, and samples by library."""

    def __init__(self, pid: int, directory: Path) -> None:
        self._data = directory / f"perf-{pid}"
        self._stat = self._start("stat", "-x,", "-e", ",".join(EVENTS), "-p", str(pid))
        self._record = self._start("record", "-q", "-F", "1999", "-p", str(pid), "-o", str(self._data))

    @staticmethod
    def _start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(["perf", *arguments], stderr=subprocess.PIPE, text=True)

    def stop(self) -> tuple[list[str], list[tuple[float, str]]]:
        """Counts, as perf writes them, in the order of EVENTS; shares by library, the largest first."""
        for process in (self._stat, self._record):
            process.send_signal(signal.SIGINT)
        counted = self._stat.communicate(timeout=WAIT_S)[1]
        self._record.communicate(timeout=WAIT_S)
        command = ["perf", "report", "-i", str(self._data), "--stdio", "--sort", "dso", "-F", "overhead,dso"]
        report = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)
        return [line.split(",")[0] for line in counted.splitlines() if line], shares_by_library(report.stdout)


def shares_by_library(report: str) -> list[tuple[float, str]]:
    """From `perf report --stdio`: (share, library), without what is below a hundredth."""
    found = []
    for line in report.splitlines():
        share, _, library = line.strip().partition("%")
        if library.strip() and not line.startswith("#") and float(share) / 100 >= MIN_SHARE:
            found.append((float(share) / 100, library.strip().replace("[kernel.kallsyms]", "the kernel")))
    return found


def shares_by_function(samples: Sequence[Sequence[object]]) -> list[tuple[float, str]]:
    """From what a process has written: (share, "module: function"), the largest first."""
    counts: Counter[str] = Counter()
    for file, function, count in samples:
        counts[f"{shown_file(str(file))}: {function}"] += int(str(count))
    total = counts.total()
    return [
        (count / total, name) for name, count in counts.most_common(MAX_LINES) if count / total >= MIN_SHARE
    ]


def shown_file(path: str) -> str:
    """The end of a path that tells modules apart."""
    if path.startswith(str(SOURCES)):
        return path.removeprefix(f"{SOURCES}/fairlead/")
    return "/".join(Path(path).parts[-2:])


class Profiler:
    """Watches processes while bytes pass."""

    def __init__(self, directory: Path, pids: Mapping[str, int]) -> None:
        self._directory = directory
        self._pids = pids
        self._has_perf = shutil.which("perf") is not None

    @contextmanager
    def watch(self, size: int) -> Iterator[None]:
        """Print what became of `size` bytes that pass within the block."""
        before = {name: CpuTime.of(pid) for name, pid in self._pids.items()}
        perfs = {name: Perf(pid, self._directory) for name, pid in self._pids.items() if self._has_perf}
        for pid in self._pids.values():
            os.kill(pid, STARTS_AND_STOPS)
        yield
        after = {name: CpuTime.of(pid) for name, pid in self._pids.items()}
        for pid in self._pids.values():
            os.kill(pid, STARTS_AND_STOPS)
        for name, pid in self._pids.items():
            user_s, system_s = (
                (getattr(after[name], field) - getattr(before[name], field)) / size * 1e9
                for field in ("user_s", "system_s")
            )
            print(f"\n  {name}: {user_s + system_s:.2f} CPU s/GB, {user_s:.2f} user, {system_s:.2f} system")
            if name in perfs:
                counts, libraries = perfs[name].stop()
                for label, count in zip(EVENT_NAMES, counts, strict=False):
                    if count.isdigit():
                        print(f"    {int(count) / size * MIB:10.1f} {label} per MiB")
                _print_shares("by library", libraries)
            _print_shares("by Python function, with what it calls in C", self._functions(pid))

    def _functions(self, pid: int) -> list[tuple[float, str]]:
        path = self._directory / f"samples-{pid}"
        wait_until(path.exists)
        samples = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        return shares_by_function(samples)


def _print_shares(title: str, shares: Sequence[tuple[float, str]]) -> None:
    print(f"    {title}:")
    for share, name in shares:
        print(f"      {share:6.1%}  {name}")


def wait_until(is_true: Callable[[], bool]) -> None:
    """Raises TimeoutError after a minute."""
    ends_at = time.monotonic() + WAIT_S
    while not is_true():
        if time.monotonic() > ends_at:
            raise TimeoutError("a process did not answer")
        time.sleep(0.02)


def profile(directory: Path, size: int, server_options: Sequence[str]) -> None:
    """Run both ways and print."""
    stack = LocalStack(directory, server_options)
    stack.env["PYTHONPATH"] = str(SAMPLER)
    stack.env["FAIRLEAD_SAMPLES"] = str(directory / "samples-")
    transfer = None
    try:
        server = stack.start_server()
        agent = stack.add_agent("profiled")
        transfer = Transfer(stack, agent.node_id)
        transfer.up(16 * MIB)
        pids = {"client": transfer.client.pid, "server": server.pid, "agent": agent.child.pid}
        profiler = Profiler(directory, pids)
        for direction, move in (("up", transfer.up), ("down", transfer.down)):
            print(f"\n{direction}, {size // MIB} MiB, {'no TLS' if server_options else 'TLS'}")
            with profiler.watch(size):
                move(size)
    finally:
        if transfer is not None:
            transfer.close()
        stack.stop()


def main() -> int:
    """0 when the bytes have passed."""
    parser = argparse.ArgumentParser(prog="make profile", description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=256, help="MiB each way")
    parser.add_argument("--no-tls", action="store_true", help="server and agent without TLS")
    options = parser.parse_args()
    if shutil.which("perf") is None:
        print("perf(1) is not installed: no counters and no shares by library", file=sys.stderr)
    directory = Path(tempfile.mkdtemp(prefix="fairlead-profile-"))
    try:
        profile(directory, options.mib * MIB, ("--insecure-http",) if options.no_tls else ())
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
