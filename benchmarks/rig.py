"""What most rows measure on: a server, agents and an SSH server on this machine, and the ways to that one.

Everything is started when a row first asks for it and kept for the rows after it.
"""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.demo import PROXY_SSH_CONFIG
from tools.ssh_connection import Route
from tools.ssh_server import SshServer
from tools.stack import LocalStack, RunningAgent

DIRECT_SSH_CONFIG = """\
Host direct
    HostName 127.0.0.1
"""
NC_SSH_CONFIG = """\
Host nc
    ProxyCommand nc 127.0.0.1 %p
"""
DIGESTS_CONFIG = "payload_digests = true\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A server with one agent and an SSH server behind it; the routes lead to that SSH server.

    `nc` goes through `ProxyCommand nc`: what any ProxyCommand costs. None where nc is not installed.
    """

    stack: LocalStack
    agent: RunningAgent
    ssh_server: SshServer
    direct: Route
    nc: Route | None
    tunnel: Route

    @property
    def processes(self) -> dict[str, int]:
        """The process ids of what a session passes through, besides its client."""
        return {"server": self.stack.server.pid, "agent": self.agent.child.pid}


class Rigs:
    """Starts rigs in a directory; `stop` ends them all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: dict[tuple[bool, bool], Rig] = {}
        self._stacks: dict[bool, tuple[LocalStack, SshServer]] = {}
        self._at_end = contextlib.ExitStack()

    def get(self, *, tls: bool, digests: bool) -> Rig:
        """The one with these properties. Rigs that differ in `digests` only share server and SSH server."""
        key = (tls, digests)
        if key not in self._running:
            self._running[key] = self._start(tls=tls, digests=digests)
        return self._running[key]

    def stop(self) -> None:
        """End everything that was started."""
        self._at_end.close()

    def _start(self, *, tls: bool, digests: bool) -> Rig:
        stack, ssh_server = self._stack(tls=tls)
        name = "digests" if digests else "plain"
        config = stack.directory / f"agent-{name}.toml"
        config.write_text(DIGESTS_CONFIG if digests else "", encoding="utf-8")
        agent = stack.add_agent(name, ["--config", str(config)])

        def route(route_name: str, block: str, host: str) -> Route:
            written = stack.write_ssh_config(ssh_server, f"ssh_config_{route_name}", block)
            return Route(route_name, written, host, stack.env)

        return Rig(
            stack=stack,
            agent=agent,
            ssh_server=ssh_server,
            direct=route("direct", DIRECT_SSH_CONFIG, "direct"),
            nc=route("nc", NC_SSH_CONFIG, "nc") if shutil.which("nc") else None,
            tunnel=route("tunnel", PROXY_SSH_CONFIG, agent.node_id),
        )

    def _stack(self, *, tls: bool) -> tuple[LocalStack, SshServer]:
        if tls not in self._stacks:
            directory = self._directory / ("tls" if tls else "plain")
            directory.mkdir()
            stack = LocalStack(directory, [] if tls else ["--insecure-http"])
            self._at_end.callback(stack.stop)
            stack.start_server()
            self._stacks[tls] = (stack, stack.add_ssh_server())
        return self._stacks[tls]
