"""Does the tunnel keep up with a link of 1 Gbit/s?

scp with its own limit (`-l`) of 125 MB/s, which is what such a link carries, up and down: directly, through
`ProxyCommand nc` and through the tunnel. Client, server, agent, ssh and sshd share this machine's processors,
so all of them have to be done in the time that the limit leaves.

scp pauses after each stretch of bytes until its time is over, so a stretch that took longer is lost: a tunnel
that is fast enough on average only falls short here.
"""

from collections.abc import Iterator

from benchmarks.bench import Bench, Form
from benchmarks.copies import DIRECT, NC, PLAIN, TLS, copy_in_rounds, costs, open_ways
from benchmarks.figures import Figure, Row, at_least
from tools.ssh_connection import DIRECTIONS

LINK_MB_PER_S = 125.0
GOAL = at_least(0.98)
GATE_MB_PER_S = 20.0
"""A rate that a loaded machine keeps up with as well."""
GATE = at_least(0.85)


def measure(bench: Bench) -> Iterator[Figure]:
    """The gate takes a lower rate, and no more ways than it needs."""
    in_gate = bench.form is Form.GATE
    names = bench.pick(full=(DIRECT, NC, PLAIN, TLS), quick=(DIRECT, NC, TLS), gate=(DIRECT, TLS))
    rate = GATE_MB_PER_S if in_gate else LINK_MB_PER_S
    size = bench.pick(full=192 << 20, quick=96 << 20, gate=16 << 20)
    with open_ways(bench, *names) as ways:
        copy_in_rounds(bench, ways, size, bench.pick(full=3, quick=2, gate=3), rate)
        for direction in DIRECTIONS:
            direct = ways[DIRECT].copy_s[direction]
            yield Figure.of_samples(
                f"{direction} at {rate:.0f} MB/s, direct", "MB/s", [size / each / 1e6 for each in direct]
            )
            for name, way in ways.items():
                if name != DIRECT:
                    yield Figure.of_pairs(
                        f"{direction} at {rate:.0f} MB/s, {name} / direct",
                        "ratio",
                        direct,
                        way.copy_s[direction],
                        goal=GOAL if name in (PLAIN, TLS) and not in_gate else None,
                        gate=GATE if name == TLS and in_gate else None,
                    )
        if not in_gate:
            yield from costs(ways, size)


ROW = Row(
    name="scp_limited",
    title="scp at the speed of a link",
    question="Does the tunnel keep up with a link of 1 Gbit/s, 125 MB/s?",
    order=11,
    in_gate=True,
    measure=measure,
)
