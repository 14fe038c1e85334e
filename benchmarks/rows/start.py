"""What does the start of the client cost, which ssh runs for every connection?

An interpreter that imports what `fairlead proxy` needs for a session and makes its TLS context, with the
bundle that the server writes, less one that does nothing; both with `-I`. Of the imports a third is
done while the service prepares the session: `before the request` leaves it out. CPU time beside it changes
less with what else the machine does.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Pairing, Row, at_most
from benchmarks.instructions import instructions

BARE, REQUEST, ALL = "interpreter", "before the request", "client"
GOAL = at_most(30)
CPU_GATE = at_most(6)
"""Measured: 3.3 to 4.1, on a quiet machine and beside eight busy processes."""

_CONTEXT = (
    "from fairlead.client.settings import ClientSettings; from fairlead.transport.dialer import Dialer; "
    "import os; Dialer(ClientSettings(os.environ).trust, os.environ).context"
)
_REQUEST = (
    f"import gc; gc.disable(); import fairlead.client.proxy, fairlead.client.session_process; {_CONTEXT}"
)
PROGRAMS: Mapping[str, str] = {
    BARE: "pass",
    REQUEST: _REQUEST,
    ALL: f"{_REQUEST}; import fairlead.client.ssh_proxy, fairlead.transport.local_stream",
}


def measure(bench: Bench) -> Iterator[Figure]:
    """Wall clock and CPU of the three programs, round by round."""
    with bench.rig() as rig:
        env = rig.stack.env
        commands = {name: [sys.executable, "-I", "-c", program] for name, program in PROGRAMS.items()}
        took = bench.interleave(
            {name: _run(command, env) for name, command in commands.items()},
            bench.pick(full=40, quick=20),
            show=lambda wall_and_cpu: f"{wall_and_cpu[0]:.0f} ms",
        )
        wall = {name: [each for each, _ in samples] for name, samples in took.items()}
        cpu = {name: [each for _, each in samples] for name, samples in took.items()}
        for name, goal in ((ALL, GOAL), (REQUEST, None)):
            yield Figure.of_pairs(
                f"{name} minus {BARE}", "ms", wall[name], wall[BARE], how=Pairing.DIFFERENCE, goal=goal
            )
        yield Figure.of_pairs(f"{ALL} minus {BARE}, CPU", "ms", cpu[ALL], cpu[BARE], how=Pairing.DIFFERENCE)
        yield Figure.of_value(
            f"{ALL} / {BARE}, least CPU", "ratio", min(cpu[ALL]) / min(cpu[BARE]), gate=CPU_GATE
        )
        client, bare = instructions(commands[ALL], env), instructions(commands[BARE], env)
        if client is not None and bare is not None:
            yield Figure.of_value(f"{ALL} minus {BARE}, instructions", "Minstr", (client - bare) / 1e6)


def _run(command: list[str], env: Mapping[str, str]) -> Callable[[], tuple[float, float]]:
    """Run it to its end: milliseconds by the clock, and of CPU."""

    def run() -> tuple[float, float]:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall_ms = (time.perf_counter() - began) * 1000
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{command[-1]} ended with {process.returncode}")
        return wall_ms, (used.ru_utime + used.ru_stime) * 1000

    return run


ROW = Row(
    name="start",
    title="Starting the client",
    question="What does the start of the client cost, which ssh runs for every connection?",
    order=31,
    in_gate=True,
    measure=measure,
)
