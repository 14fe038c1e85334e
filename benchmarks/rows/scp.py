"""How much of direct ssh's speed is left through the tunnel, and what does a byte cost each process?

scp of one file of random bytes, up and down, over ssh connections that stand already: directly, through
`ProxyCommand nc`, and through `fairlead proxy` without TLS, with it, and with payload digests. Every round
takes every way once.

A process's CPU time is read before and after each copy, in steps of 10 ms; its peak of memory is that of all
its copies. What arrived is compared outside of the measured time.
"""

from collections.abc import Iterator, Mapping

from benchmarks.bench import Bench, Form
from benchmarks.copies import (
    DIRECT,
    MB,
    NC,
    PLAIN,
    PLAIN_DIGESTS,
    TLS,
    TLS_DIGESTS,
    Way,
    copy_in_rounds,
    costs,
    open_ways,
)
from benchmarks.figures import Figure, Row, at_least
from tools.ssh_connection import DIRECTIONS

RATIO_GOALS = {
    PLAIN: at_least(0.75),
    TLS: at_least(0.62),
    PLAIN_DIGESTS: at_least(0.60),
    TLS_DIGESTS: at_least(0.50),
}


def measure(bench: Bench) -> Iterator[Figure]:
    """The gate takes the way with TLS alone, and only what it costs."""
    if bench.form is Form.GATE:
        names: tuple[str, ...] = (TLS,)
    else:
        names = (DIRECT, NC, PLAIN, TLS, PLAIN_DIGESTS, TLS_DIGESTS)
    size = bench.pick(full=192 << 20, quick=64 << 20, gate=64 << 20)
    with open_ways(bench, *names) as ways:
        copy_in_rounds(bench, ways, size, bench.pick(full=5, quick=2, gate=3))
        if DIRECT in ways:
            yield from _speeds(ways, size)
        yield from costs(ways, size)


def _speeds(ways: Mapping[str, Way], size: int) -> Iterator[Figure]:
    for direction in DIRECTIONS:
        taken = {name: way.copy_s[direction] for name, way in ways.items()}
        for name, seconds in taken.items():
            yield Figure.of_samples(f"{direction}, {name}", "MB/s", [size / each / MB for each in seconds])
        for base in (DIRECT, NC):
            for name, seconds in taken.items() if base in taken else ():
                goal = RATIO_GOALS.get(name) if base == DIRECT else None
                if name not in (DIRECT, base) and (base == DIRECT or name in (PLAIN, TLS)):
                    yield Figure.of_pairs(
                        f"{direction}, {name} / {base}", "ratio", taken[base], seconds, goal=goal
                    )


ROW = Row(
    name="scp",
    title="scp",
    question="How much of direct ssh's speed is left through the tunnel, and what does a byte cost each"
    " process?",
    order=10,
    in_gate=True,
    measure=measure,
)
