"""What happens when the server is killed with thousands of agents connected, and started again?

The agents, played by one process on the same machine, come back by themselves with their own delays, each
with two signed requests over TLS. They have been connected long enough to have been told at what pace. A
fleet of as many machines would notice within a second that the server is gone, and try once, before any
server can be started again; one process that plays it takes some ten times as long, and the server waits.

Beside them two more agents, of processes of their own, lead to an echo. On one node a user had worked before,
who keeps starting sessions to it from the moment the server accepts connections: `fairlead proxy`, 64 bytes
there and back, again. On the other node nobody had: one session is started at the same moment, and waits
until that agent has had its turn. No session may fail, whatever is going on.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.crowd import agents_of, stack_with_nodes
from benchmarks.echoes import NoEcho, command_echo, echo_server
from benchmarks.figures import Figure, Row, at_most
from benchmarks.statistics import quantile
from benchmarks.usage import cpu_s
from tools.stack import LocalStack

MS_PER_S = 1000


class User:
    """Somebody who starts `most` sessions, one after the other, unless he is told to stop before."""

    def __init__(self, stack: LocalStack, node_id: str, port: int, log: Path, most: int = 10**9) -> None:
        self.took_s: list[float] = []
        self.failures: list[str] = []
        self._command = ["fairlead", "proxy", node_id, str(port)]
        self._most = most
        self._stack = stack
        self._log = log
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the session under way and start no other."""
        self._stopping.set()
        self.wait()

    def wait(self) -> None:
        """Wait for the last session."""
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set() and len(self.took_s) + len(self.failures) < self._most:
            began = time.monotonic()
            try:
                with command_echo(self._command, self._stack.env, self._log):
                    self.took_s.append(time.monotonic() - began)
            except NoEcho as error:
                self.failures.append(str(error))


def measure(bench: Bench) -> Iterator[Figure]:
    """Fill, connect, kill, start, wait."""
    count = bench.pick(full=10_000, quick=1_000)
    with stack_with_nodes(bench, count, tls=True) as (stack, key), echo_server() as port:
        guest, stranger = stack.add_agent("guest"), stack.add_agent("stranger")
        with agents_of(stack, key, count) as agents:
            agents.wait_until_up()
            agents.wait_until_paced()
            User(stack, guest.node_id, port, bench.directory / "user.log", most=1).wait()
            bench.say(f"  {count} agents are connected, to come back in {agents.now.paced_s[1]:.0f} s")
            failures = agents.now.failures
            stack.server.process.kill()
            stack.server.process.wait()
            agents.wait_until_tried(failures)
            failures = agents.now.failures
            server = stack.start_server()
            began, used_s = time.time(), cpu_s(server.pid)
            user = User(stack, guest.node_id, port, bench.directory / "user.log")
            other = User(stack, stranger.node_id, port, bench.directory / "other.log", most=1)
            took_s = agents.wait_until_up() - began
            used_s = cpu_s(server.pid) - used_s
            user.stop()
            other.wait()
            failures = agents.now.failures - failures
    failed = user.failures + other.failures
    bench.say(f"  back after {took_s:.1f} s; {len(user.took_s)} sessions meanwhile; {failed[:3]}")
    note = f"{count} agents with TLS, {failures} attempts in vain, those before it listened among them"
    yield Figure.of_value("all agents back after", "s", took_s, goal=at_most(60), note=note)
    yield Figure.of_value("server, CPU for each agent", "ms", used_s * MS_PER_S / count)
    refused = f"of {len(user.took_s) + len(other.took_s) + len(failed)}"
    yield Figure.of_value(
        "sessions that failed meanwhile", "sessions", len(failed), goal=at_most(0), note=refused
    )
    if user.took_s:
        for share, label in ((0.5, "p50"), (0.99, "p99")):
            yield Figure.of_value(f"from start to echo meanwhile, {label}", "s", quantile(user.took_s, share))
    if other.took_s:
        note = "a node on which nobody had worked"
        yield Figure.of_value("from start to echo, the first", "s", other.took_s[0], note=note)


ROW = Row(
    name="storm",
    title="Everybody returns",
    question="How long until all agents are back after a restart of the server? Can users work then?",
    order=95,
    in_quick=False,
    measure=measure,
)
