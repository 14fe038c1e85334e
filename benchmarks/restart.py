"""How long is a server away when it is restarted, with many nodes and sessions stored?

Question answered: from the start of `fairlead server` to the first answer on its port, in seconds, after the
server before was killed (kill -9), with 10,000 nodes that were connected, 1,000 sessions under way and
100,000 that are over, on SQLite; beside it the CPU seconds of that time, which other work on the machine
changes less.

    python -m benchmarks.restart [--rounds 7] [--nodes N] [--active N] [--ended N]

Prints one line for each round and the medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.stored import fill
from tools.processes import free_port

GIVE_UP_S = 60.0


def start(state: Path, port: int) -> tuple[float, float]:
    """Start a server, kill it when it has answered; wall seconds and CPU seconds until then."""
    command: list[str | Path] = [Path(sys.executable).parent / "fairlead", "server", "--state-dir", state]
    command += ["--listen", f"127.0.0.1:{port}", "--insecure-http"]
    log = state.with_name("server.log")
    began = time.monotonic()
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            while not answers(port):
                if process.poll() is not None or time.monotonic() - began > GIVE_UP_S:
                    sys.exit(f"the server did not start: {log.read_text()}")
                time.sleep(0.002)
            return time.monotonic() - began, cpu_s(process.pid)
        finally:
            process.kill()


def answers(port: int) -> bool:
    """True if the server answers a request."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=GIVE_UP_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, those before an exec included (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Fill, start and kill, and print."""
    parser = argparse.ArgumentParser(description="How long a restart of the server takes.")
    for name, default in (("rounds", 7), ("nodes", 10_000), ("active", 1_000), ("ended", 100_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory) / "state"
        port = free_port()
        start(state, port)
        fill(state, options.nodes, options.active, options.ended)
        measured = []
        for number in range(options.rounds):
            wall_s, cpu = start(state, port)
            measured.append((wall_s, cpu))
            print(f"round {number + 1}: {wall_s:.2f} s, CPU {cpu:.2f} s", flush=True)
    wall_s, cpu = (statistics.median(values) for values in zip(*measured, strict=True))
    print(
        f"{options.nodes} nodes, {options.active} active and {options.ended} ended sessions: "
        f"accepting after {wall_s:.2f} s, CPU {cpu:.2f} s (medians of {options.rounds})"
    )


if __name__ == "__main__":
    main()
