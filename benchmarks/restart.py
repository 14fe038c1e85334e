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
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from fairlead.store.engine import open_engine, sqlite_url
from fairlead.store.migration import migrate
from fairlead.store.tables import nodes, sessions
from tools.processes import free_port

ACCOUNT, REGION = "111122223333", "us-east-1"
ROWS_TOGETHER = 5_000
GIVE_UP_S = 60.0
PUBLIC_KEY_BYTES = 294  # RSA-2048, as every agent has

Row = dict[str, object]


def fill(state: Path, node_count: int, active: int, ended: int) -> None:
    """A database as a large installation leaves it behind."""
    engine = open_engine(sqlite_url(state / "fairlead.db"))
    migrate(engine)
    now = datetime.now(UTC)
    with engine.begin() as connection:
        for table, rows in (
            (nodes, _nodes(node_count, now)),
            (sessions, _sessions(node_count, active, ended, now)),
        ):
            batch: list[Row] = []
            for row in rows:
                batch.append(row)
                if len(batch) == ROWS_TOGETHER:
                    connection.execute(insert(table), batch)
                    batch = []
            if batch:
                connection.execute(insert(table), batch)
    engine.dispose()


def _nodes(count: int, now: datetime) -> Iterator[Row]:
    for number in range(count):
        yield {
            "id": _node_id(number),
            "account_id": ACCOUNT,
            "region": REGION,
            "activation_id": "0f0e0d0c-0b0a-4908-8706-050403020100",
            "iam_role": "service-role/FairleadNode",
            "name": f"node-{number}",
            "public_key": os.urandom(PUBLIC_KEY_BYTES),
            "fingerprint": "9e1f7c52-8f0a-4a43-9d6f-0d6f5a3f9a10",
            "registered_at": now,
            "last_ping_at": now,
            "connected_since": now,
            "agent_name": "fairlead-agent",
            "agent_version": "3.3.0.0",
            "platform_type": "Linux",
            "platform_name": "Debian GNU/Linux",
            "platform_version": "12",
            "ip_address": "192.0.2.1",
            "computer_name": f"node-{number}.example",
        }


def _sessions(node_count: int, active: int, ended: int, now: datetime) -> Iterator[Row]:
    for number in range(active + ended):
        is_active = number < active
        started_at = now - timedelta(seconds=number)
        yield {
            "id": f"alice-{number:026d}",
            "account_id": ACCOUNT,
            "region": REGION,
            "target": _node_id(number % max(1, node_count)),
            "document_name": "AWS-StartSSHSession",
            "session_type": "Port",
            "parameters": {"portNumber": "22"},
            "properties": {"portNumber": "22"},
            "owner_arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
            "owner_id": "AIDAEXAMPLEALICE00001",
            "source_address": "192.0.2.7",
            "status": "Connected" if is_active else "Terminated",
            "is_active": is_active,
            "started_at": started_at,
            "ended_at": None if is_active else now,
            "end_reason": None if is_active else "CLIENT_LEFT",
            "end_details": None if is_active else "",
            "bytes_to_node": None if is_active else number,
            "bytes_to_client": None if is_active else number,
        }


def _node_id(number: int) -> str:
    return f"mi-{number:017x}"


def start(state: Path, port: int) -> tuple[float, float]:
    """Start a server, kill it when it has answered; wall seconds and CPU seconds until then."""
    command = [Path(sys.executable).parent / "fairlead", "server", "--state-dir", state]
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
