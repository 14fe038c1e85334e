"""Does one session that runs flat out slow the others down?

200 sessions of half a megabyte per second each through one relay with TLS, first alone, then while another
session sends as fast as it can. A round trip is a message of 16 KiB to the other end and its answer of 64
bytes, counted from the moment it was due. The load's own processes share the machine with the relay, so what
it shows is more than the relay's part.
"""

import datetime
import json
import subprocess
import sys
import threading
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Row, at_most
from benchmarks.rows.relay import HOST, RelayAlone
from benchmarks.statistics import quantile
from fairlead.server.certificates import create_ca, issue_leaf

SESSIONS = 200
GOAL_MS = at_most(20)
MESSAGE_BYTES = 64 * 1024
PORTION_BYTES = 64 << 20


def measure(bench: Bench) -> Iterator[Figure]:
    """With and without the one."""
    seconds = bench.pick(full=10, quick=4)
    now = datetime.datetime.now(datetime.UTC)
    ca = create_ca("123456789012", now)
    leaf = issue_leaf(ca, [HOST], now)
    certificate, key, anchor = (bench.directory / name for name in ("leaf.pem", "leaf.key", "ca.pem"))
    certificate.write_bytes(leaf.certificate)
    key.write_bytes(leaf.key)
    anchor.write_bytes(ca.certificate)
    command = [sys.executable, "-m", "benchmarks.load.paced"]
    for flat_out in (False, True):
        with RelayAlone((certificate, key), ca.certificate) as relay:
            arguments = [str(relay.port), str(SESSIONS), str(seconds), str(anchor)]
            paced = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
            assert paced.stdout is not None
            paced.stdout.readline()  # all sessions stand
            over = threading.Event()
            sent = [0]
            beside = threading.Thread(target=_run_flat_out, args=(relay, over, sent))
            if flat_out:
                beside.start()
            found = json.loads(paced.communicate()[0])
            over.set()
            if flat_out:
                beside.join()
        what = "while one runs flat out" if flat_out else "alone"
        note = f"{found['mb_per_s']:.0f} MB/s in {SESSIONS} sessions"
        if flat_out:
            note += f", {sent[0] / seconds / 1e6:.0f} MB/s in the one"
        for label, part in (("p50", 0.50), ("p99", 0.99)):
            goal = GOAL_MS if flat_out and label == "p99" else None
            value = quantile(found["round_trips_s"], part) * 1000
            yield Figure.of_value(f"{what}, {label}", "ms", value, goal=goal, note=note)


def _run_flat_out(relay: RelayAlone, over: threading.Event, sent: list[int]) -> None:
    while not over.is_set():
        relay.cost(MESSAGE_BYTES, PORTION_BYTES)
        sent[0] += PORTION_BYTES


ROW = Row(
    name="fairness",
    title="200 sessions beside a fast one",
    question="How long do the messages of 200 sessions of 0.5 MB/s take while one session runs flat out?",
    order=80,
    in_quick=False,
    measure=measure,
)
