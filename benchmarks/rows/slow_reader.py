"""How much memory does a reader take that has stopped reading?

One session; the sender sends as fast as it can, the receiver reads nothing at all, until nothing more is
taken. The peak of each process's resident memory from then on, less what it had when the session stood and
was idle. What the kernel holds in its own buffers is no process's.
"""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Row, at_most
from benchmarks.transfer import Transfer
from benchmarks.usage import peak_rss_mb, reset_peak, rss_mb

GOAL = at_most(8)
GATE = at_most(16)
QUIET_S = 2.0


def measure(bench: Bench) -> Iterator[Figure]:
    """Each way with processes of its own, which have carried nothing yet: what is freed stays resident."""
    for direction in ("up", "down"):
        with bench.stack() as stack:
            server, agent = stack.start_server(), stack.add_agent("slow")
            transfer = Transfer(stack, agent.node_id)
            pids = {"client": transfer.client.pid, "server": server.pid, "agent": agent.child.pid}
            try:
                idle = {name: rss_mb(pid) for name, pid in pids.items()}
                for pid in pids.values():
                    reset_peak(pid)
                taken = (transfer.fill_up if direction == "up" else transfer.fill_down)(QUIET_S)
                bench.say(f"  {direction}: {taken / 1e6:.1f} MB were taken from the sender")
                grown = {name: peak_rss_mb(pid) - idle[name] for name, pid in pids.items()}
            finally:
                transfer.client.kill()
                transfer.close()
        for name, megabytes in grown.items():
            yield Figure.of_value(f"{direction}, {name}", "MB", megabytes, goal=GOAL, gate=GATE)


ROW = Row(
    name="slow_reader",
    title="A reader that has stopped",
    question="How much memory above idle does each process take for a reader that has stopped reading?",
    order=70,
    in_gate=True,
    measure=measure,
)
