"""How much longer does an echo take through the tunnel?

64 bytes there and back, one message at a time. First as a user has it, through `ssh host cat`: directly,
through `ProxyCommand nc`, and through the tunnel without TLS and with it. Then without ssh, to an echo on a
port of the node: a connection of our own beside `fairlead proxy NODE PORT`.

All of them stay open side by side, and take turns of some hundred round trips. Quantiles are taken of each
turn; what is *added* is the tunnel's less the direct one's of the same round.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.bench import Bench
from benchmarks.copies import DIRECT, NC, PLAIN, TLS
from benchmarks.echoes import (
    Echo,
    command_echo,
    echo_server,
    measure_round_trips,
    quantile_of_rounds,
    socket_echo,
)
from benchmarks.figures import Bound, Figure, Pairing, Row, at_most
from benchmarks.rig import Rig
from tools.ssh_connection import Route

QUANTILES = (("p50", 0.50), ("p99", 0.99))
GOALS = {
    (PLAIN, "p50"): at_most(160),
    (PLAIN, "p99"): at_most(300),
    (TLS, "p50"): at_most(220),
    (TLS, "p99"): at_most(450),
}
SSH, RAW = "ssh", "without ssh"


def measure(bench: Bench) -> Iterator[Figure]:
    """Through ssh, then without it."""
    rounds, trips = bench.pick(full=12, quick=4), bench.pick(full=500, quick=250)
    with bench.rig(tls=False) as plain, bench.rig() as tls:
        with contextlib.ExitStack() as at_end:
            echoes = _through_ssh(bench, at_end, plain, tls)
            yield from _figures(SSH, measure_round_trips(bench, echoes, rounds, trips), GOALS)
        with contextlib.ExitStack() as at_end:
            echoes = _without_ssh(bench, at_end, plain, tls)
            yield from _figures(RAW, measure_round_trips(bench, echoes, rounds, trips), {})


def _through_ssh(bench: Bench, at_end: contextlib.ExitStack, plain: Rig, tls: Rig) -> dict[str, Echo]:
    def echo(name: str, route: Route) -> Echo:
        command = route.ssh("-T", route.host, "cat")
        return at_end.enter_context(command_echo(command, route.env, bench.directory / f"{name}.log"))

    routes = {DIRECT: tls.direct, NC: tls.nc, PLAIN: plain.tunnel, TLS: tls.tunnel}
    return {name: echo(name, route) for name, route in routes.items() if route is not None}


def _without_ssh(bench: Bench, at_end: contextlib.ExitStack, plain: Rig, tls: Rig) -> dict[str, Echo]:
    port = at_end.enter_context(echo_server())
    echoes = {DIRECT: at_end.enter_context(socket_echo(port))}
    for name, rig in ((PLAIN, plain), (TLS, tls)):
        command = ["fairlead", "proxy", rig.agent.node_id, port]
        log = bench.directory / f"raw-{name}.log"
        echoes[name] = at_end.enter_context(command_echo(command, rig.stack.env, log))
    return echoes


def _figures(
    kind: str, taken: Mapping[str, Sequence[Sequence[float]]], goals: Mapping[tuple[str, str], Bound]
) -> Iterator[Figure]:
    """Each quantile of each echo, and what it is above that of the direct one."""
    for label, share in QUANTILES:
        direct = quantile_of_rounds(taken[DIRECT], share)
        yield Figure.of_samples(f"{kind}, direct: {label}", "µs", direct)
        for name, rounds in taken.items():
            if name != DIRECT:
                yield Figure.of_pairs(
                    f"{kind}, {name}: added, {label}",
                    "µs",
                    quantile_of_rounds(rounds, share),
                    direct,
                    how=Pairing.DIFFERENCE,
                    goal=goals.get((name, label)),
                )


ROW = Row(
    name="echo",
    title="Echo of 64 bytes",
    question="How much longer does an echo take through the tunnel than directly?",
    order=20,
    measure=measure,
)
