"""How much memory do the three programs take?

Resident memory, which counts pages of shared libraries in full for each process that uses them. The server
right after its start, before any agent is there; the agent when it has been connected and idle for a while,
and for each further session that stands; the client of one such session. Over TLS. Beside the client stands
what no client in Python could do without: the interpreter when it has made one TLS connection, and nothing
else.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Row, at_most
from benchmarks.usage import rss_mb
from tools.demo import PROXY_SSH_CONFIG
from tools.processes import descendants
from tools.ssh_connection import Route, standing
from tools.stack import LocalStack

ONE_CONNECTION = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(sys.argv[1])
sock = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
with context.wrap_socket(sock, server_hostname="localhost"):
    print(flush=True)
    sys.stdin.read()
"""
SESSIONS = 16
SETTLE_S = 2.0
CLIENT, AGENT, FURTHER, SERVER = at_most(18), at_most(35), at_most(1), at_most(100)
CLIENT_GATE, AGENT_GATE, FURTHER_GATE, SERVER_GATE = at_most(24), at_most(42), at_most(1.5), at_most(125)


def measure(bench: Bench) -> Iterator[Figure]:
    """One stack of its own, from its start on."""
    with bench.stack() as stack, contextlib.ExitStack() as at_end:
        server = stack.start_server()
        time.sleep(SETTLE_S)
        yield Figure.of_value("server, at start", "MB", rss_mb(server.pid), goal=SERVER, gate=SERVER_GATE)
        ssh_server = stack.add_ssh_server()
        agent = stack.add_agent("memory")
        time.sleep(SETTLE_S)
        yield Figure.of_value("agent, idle", "MB", rss_mb(agent.child.pid), goal=AGENT, gate=AGENT_GATE)
        config = stack.write_ssh_config(ssh_server, "ssh_config", PROXY_SSH_CONFIG)
        route = Route("tunnel", config, agent.node_id, stack.env)
        connections = [at_end.enter_context(standing(route, bench.directory / "first"))]
        time.sleep(SETTLE_S)
        with_one_mb = rss_mb(agent.child.pid)
        yield Figure.of_value("agent, one session", "MB", with_one_mb)
        for number in range(SESSIONS):
            connections.append(at_end.enter_context(standing(route, bench.directory / f"session-{number}")))
        time.sleep(SETTLE_S)
        further_mb = (rss_mb(agent.child.pid) - with_one_mb) / SESSIONS
        yield Figure.of_value(
            "agent, each further session", "MB", further_mb, goal=FURTHER, gate=FURTHER_GATE
        )
        clients = [rss_mb(pid) for each in connections for pid in descendants(each.pid) if pid != each.pid]
        yield Figure.of_value("client", "MB", median(clients), goal=CLIENT, gate=CLIENT_GATE)
        yield Figure.of_value("client: an interpreter with a TLS connection", "MB", _floor_mb(stack))
        yield Figure.of_value(f"server, {len(connections)} sessions", "MB", rss_mb(server.pid))


def _floor_mb(stack: LocalStack) -> float:
    ca = str(stack.server_state / "ca.pem")
    command = [sys.executable, "-I", "-c", ONE_CONNECTION, ca, str(stack.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        resident_mb = rss_mb(process.pid)
        process.stdin.close()
    return resident_mb


ROW = Row(
    name="memory",
    title="Memory",
    question="How much memory do the three programs take?",
    order=40,
    in_gate=True,
    measure=measure,
)
