"""A stack with an agent of each kind, and the routes of every corner over it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.demo import PROXY_SSH_CONFIG
from tools.interop.corners import CORNERS, OUR_AGENT, OUR_PROXY, STOCK_AGENT, STOCK_PLUGIN, Corner
from tools.ssh_connection import Route
from tools.stack import SEED_SSH_CONFIG, LocalStack
from tools.stock_programs import NotHere, find_agent, find_plugin, path_with_plugin, register


@dataclass(frozen=True, slots=True)
class Corners:
    """The routes there are, why the others are not, and the processes: the one server that all lead through,
    and the agent of each kind."""

    routes: dict[Corner, Route]
    missing: list[str]
    server_pid: int
    agent_pids: dict[str, int]


@contextlib.contextmanager
def running_routes(directory: Path) -> Iterator[Corners]:
    """One server with its agents while in the block."""
    stack = LocalStack(directory)
    missing = []
    with contextlib.ExitStack() as at_end:
        at_end.callback(stack.stop)
        server = stack.start_server()
        ours = stack.add_agent("ours")
        nodes, agent_pids = {OUR_AGENT: ours.node_id}, {OUR_AGENT: ours.child.pid}
        ssh_server = stack.add_ssh_server()
        by_cli = stack.write_ssh_config(ssh_server, "ssh_config_aws", SEED_SSH_CONFIG)
        by_proxy = stack.write_ssh_config(ssh_server, "ssh_config_proxy", PROXY_SSH_CONFIG)
        environments = {}
        try:
            environments[STOCK_PLUGIN] = path_with_plugin(stack, find_plugin())
        except NotHere as reason:
            missing.append(str(reason))
        try:
            agent = register(stack, find_agent(), "stock")
            at_end.callback(agent.stop)
            agent.start()
            assert agent.child is not None
            nodes[STOCK_AGENT], agent_pids[STOCK_AGENT] = agent.node_id, agent.child.pid
        except NotHere as reason:
            missing.append(str(reason))
        routes = {
            corner: Route(
                corner.name,
                config=by_proxy if corner.client == OUR_PROXY else by_cli,
                host=nodes[corner.agent],
                env=environments.get(corner.client, stack.env),
            )
            for corner in CORNERS
            if corner.agent in nodes and (corner.client != STOCK_PLUGIN or STOCK_PLUGIN in environments)
        }
        yield Corners(routes, missing, server.pid, agent_pids)
