"""What does an agent cost that is connected and has nothing to do?

Thousands of agents, played by one process that speaks the real agent's protocol, connect one after the other.
When each has reported twice, as agents do at their start, the server's resident memory above that of its
start is divided by their number, and its CPU time is counted while they do nothing. What a further agent
takes is told by the second half of them: what the server takes once, with its first few hundred, drops out.
Memory of the kernel is left out.
"""

import time
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.crowd import PATIENCE_S, Agents, agents_of, stack_with_nodes
from benchmarks.figures import Bound, Figure, Row, at_most
from benchmarks.usage import cpu_s, rss_mb

KB_PER_MB = 1000
REST_S = 10.0
"""For how long the agents' idleness is watched."""
VARIANTS: tuple[tuple[str, bool, Bound], ...] = (("plain", False, at_most(14)), ("TLS", True, at_most(40)))


def measure(bench: Bench) -> Iterator[Figure]:
    """Without TLS, then with it."""
    count = bench.pick(full=10_000, quick=1_000)
    for name, tls, goal in VARIANTS:
        with stack_with_nodes(bench, count, tls=tls) as (stack, key):
            server = stack.server.pid
            before_mb = rss_mb(server)
            with agents_of(stack, key, count) as agents:
                half, half_mb = _when_half_are_up(agents, server)
                agents.wait_until_up()
                agents.wait_until_reported()
                time.sleep(REST_S)
                after_mb = rss_mb(server)
                used_s = cpu_s(server)
                time.sleep(REST_S)
                used_s = cpu_s(server) - used_s
        per_agent_kb = (after_mb - before_mb) * KB_PER_MB / count
        further_kb = (after_mb - half_mb) * KB_PER_MB / (count - half)
        bench.say(f"  {name}: {per_agent_kb:.1f} KB each, {used_s / REST_S:.3f} CPU s per second")
        note = f"{count} agents"
        yield Figure.of_value(f"memory of an agent, {name}", "KB", per_agent_kb, goal=goal, note=note)
        yield Figure.of_value(f"memory of a further agent, {name}", "KB", further_kb, note=note)
        yield Figure.of_value(f"CPU, {name}", "s/s", used_s / REST_S, note=note)


def _when_half_are_up(agents: Agents, server: int) -> tuple[int, float]:
    """How many are up when it is half of them, and the server's memory then."""
    gives_up_at = time.monotonic() + PATIENCE_S  # the wait for all of them says why
    while agents.now.up < agents.count // 2 and time.monotonic() < gives_up_at:
        time.sleep(0.05)
    return min(agents.now.up, agents.count - 1), rss_mb(server)


ROW = Row(
    name="idle_agents",
    title="Idle agents",
    question="How much of the server's memory and time does a connected agent take that has nothing to do?",
    order=90,
    in_quick=False,
    measure=measure,
)
