"""How does it compare with AWS's own client and agent?

AWS's unmodified `session-manager-plugin` under the AWS CLI, and `amazon-ssm-agent`, each with the other and
with our end, against one server of ours with TLS. scp over connections that stand already, of a size that
takes each pair a few seconds; the echo of 64 bytes through `ssh host cat`; and the time of `ssh host true`.
Our client is `fairlead proxy`.

With a stock end the server assists: it remembers what is not acknowledged yet, message by message. What that
costs is the server's CPU time over the copies of the pair of stock ends, in steps of 10 ms. A stock client is
the AWS CLI and the plugin, a stock agent its three programs.

Needs the stock programs in the directory that REAL_AWS_BIN names.
"""

import contextlib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.bench import Bench
from benchmarks.copies import GB, MB
from benchmarks.echoes import command_echo, measure_round_trips, quantile_of_rounds
from benchmarks.figures import Figure, Pairing, Row, Skipped, at_least, at_most
from benchmarks.usage import children, tree_cpu_s
from tools.interop.corners import BOTH_STOCK, OUR_AGENT, OUR_PROXY, STOCK_AGENT, STOCK_PLUGIN, Corner
from tools.interop.routes import Corners, running_routes
from tools.interop.speed import Copies, connect_s
from tools.ssh_connection import DIRECTIONS, DOWN, UP, Route, SshConnection, standing

BOTH_OURS = Corner(OUR_PROXY, OUR_AGENT)
STOCK_CLIENT = Corner(STOCK_PLUGIN, OUR_AGENT)
OUR_CLIENT = Corner(OUR_PROXY, STOCK_AGENT)
PAIR_GOAL = at_least(300)
STOCK_CLIENT_GOAL = at_least(150)
OUR_CLIENT_GOAL = at_least(100)
ASSIST_GOAL = at_most(15)
OUR_SIZE = 256 << 20


@dataclass(slots=True)
class Copied:
    """The copies of one pair of ends: their size, and of each its rate in MB/s and the CPU s/GB of client,
    server and agent, with all the processes they consist of."""

    size: int
    mb_per_s: list[float] = field(default_factory=list)
    s_per_gb: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pair of ends and the directions of its copies: a stock end slows only what it sends."""

    corner: Corner
    directions: tuple[str, ...]


WANTED = (
    Wanted(BOTH_STOCK, DIRECTIONS),
    Wanted(STOCK_CLIENT, (DOWN,)),
    Wanted(OUR_CLIENT, (UP,)),
    Wanted(BOTH_OURS, DIRECTIONS),
)


def measure(bench: Bench) -> Iterator[Figure]:
    """Copies, then echoes, then connects; all pairs of ends take turns."""
    directory = bench.directory / "stack"
    directory.mkdir()
    with running_routes(directory) as corners:
        if corners.missing:
            raise Skipped("; ".join(corners.missing))
        yield from _copy_figures(_copies(bench, corners))
        yield from _echo_figures(bench, corners.routes)
        yield from _connect_figures(bench, corners.routes)


def _copies(bench: Bench, corners: Corners) -> dict[tuple[Corner, str], Copied]:
    rounds = bench.pick(full=3, quick=1)
    found: dict[tuple[Corner, str], Copied] = {}
    with contextlib.ExitStack() as at_end:
        copies = Copies(bench.directory)
        connections: dict[Corner, SshConnection] = {}
        for number, wanted in enumerate(WANTED):
            route, directory = corners.routes[wanted.corner], bench.directory / f"connection-{number}"
            connection = connections[wanted.corner] = at_end.enter_context(standing(route, directory))
            for direction in wanted.directions:
                size = OUR_SIZE if wanted.corner == BOTH_OURS else copies.fit(connection, direction)
                found[wanted.corner, direction] = Copied(size)
        for number in range(rounds):
            for (corner, direction), copied in found.items():
                (client,) = children(connections[corner].pid)
                agent = corners.agent_pids[corner.agent]
                processes = {"client": client, "server": corners.server_pid, "agent": agent}
                before = {name: tree_cpu_s(pid) for name, pid in processes.items()}
                seconds = copies.copy(connections[corner], direction, copied.size)
                copied.mb_per_s.append(copied.size / seconds / MB)
                for name, pid in processes.items():
                    spent = (tree_cpu_s(pid) - before[name]) / copied.size * GB
                    copied.s_per_gb.setdefault(name, []).append(spent)
                rate = copied.mb_per_s[-1]
                bench.say(f"  round {number + 1} of {rounds}: {corner.name}, {direction}: {rate:.2f} MB/s")
    return found


def _copy_figures(found: Mapping[tuple[Corner, str], Copied]) -> Iterator[Figure]:
    for direction in DIRECTIONS:
        ours, stock = found[BOTH_OURS, direction].mb_per_s, found[BOTH_STOCK, direction].mb_per_s
        yield Figure.of_samples(f"{direction}, our pair", "MB/s", ours)
        yield Figure.of_samples(f"{direction}, stock pair", "MB/s", stock)
        yield Figure.of_pairs(f"{direction}, our pair / stock pair", "ratio", ours, stock, goal=PAIR_GOAL)
    yield Figure.of_pairs(
        "down, stock plugin: our agent / stock agent",
        "ratio",
        found[STOCK_CLIENT, DOWN].mb_per_s,
        found[BOTH_STOCK, DOWN].mb_per_s,
        goal=STOCK_CLIENT_GOAL,
    )
    yield Figure.of_pairs(
        "up, stock agent: our client / stock plugin",
        "ratio",
        found[OUR_CLIENT, UP].mb_per_s,
        found[BOTH_STOCK, UP].mb_per_s,
        goal=OUR_CLIENT_GOAL,
    )
    for direction in DIRECTIONS:
        for process, samples in found[BOTH_STOCK, direction].s_per_gb.items():
            does = f"{process}, which assists" if process == "server" else process
            goal = ASSIST_GOAL if process == "server" else None
            yield Figure.of_samples(f"{direction}, stock pair: CPU of the {does}", "s/GB", samples, goal=goal)


def _echo_figures(bench: Bench, routes: Mapping[Corner, Route]) -> Iterator[Figure]:
    """Above direct, since a stock pair's echo is some milliseconds."""
    with contextlib.ExitStack() as at_end, bench.rig() as rig:
        ways = {"direct": rig.direct, "stock pair": routes[BOTH_STOCK], "our pair": routes[BOTH_OURS]}
        echoes = {
            name: at_end.enter_context(
                command_echo(route.ssh("-T", route.host, "cat"), route.env, bench.directory / f"{name}.log")
            )
            for name, route in ways.items()
        }
        taken = measure_round_trips(bench, echoes, bench.pick(full=5, quick=2), trips=100)
    direct = quantile_of_rounds(taken["direct"], 0.5)
    for name in ("our pair", "stock pair"):
        yield Figure.of_pairs(
            f"echo, {name}: added, p50",
            "µs",
            quantile_of_rounds(taken[name], 0.5),
            direct,
            how=Pairing.DIFFERENCE,
        )


def _connect_figures(bench: Bench, routes: Mapping[Corner, Route]) -> Iterator[Figure]:
    with bench.rig() as rig:
        ways = {"direct": rig.direct, "our pair": routes[BOTH_OURS], "stock pair": routes[BOTH_STOCK]}
        connects = {name: functools.partial(connect_s, route) for name, route in ways.items()}
        taken = bench.interleave(connects, bench.pick(full=5, quick=2))
    for name in ("our pair", "stock pair"):
        yield Figure.of_pairs(
            f"ssh host true, {name}: added",
            "ms",
            [seconds * 1000 for seconds in taken[name]],
            [seconds * 1000 for seconds in taken["direct"]],
            how=Pairing.DIFFERENCE,
        )


ROW = Row(
    name="stock",
    title="AWS's own programs",
    question="How do our ends compare with AWS's own client and agent, all with the same server?",
    order=99,
    in_quick=False,
    measure=measure,
)
