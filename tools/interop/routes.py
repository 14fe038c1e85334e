"""A stack with an agent of each kind, and the routes of every corner over it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tools.demo import PROXY_SSH_CONFIG
from tools.interop.corners import CORNERS, OUR_AGENT, OUR_PROXY, STOCK_AGENT, STOCK_PLUGIN
from tools.interop.speed import Route
from tools.stack import SEED_SSH_CONFIG, LocalStack
from tools.stock_programs import NotHere, find_agent, find_plugin, path_with_plugin, register


@contextlib.contextmanager
def running_routes(directory: Path) -> Iterator[tuple[list[Route], list[str]]]:
    """One server with its agents while in the block: the routes there are, and why the others are not."""
    stack = LocalStack(directory)
    missing = []
    with contextlib.ExitStack() as at_end:
        at_end.callback(stack.stop)
        stack.start_server()
        nodes = {OUR_AGENT: stack.add_agent("ours").node_id}
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
            nodes[STOCK_AGENT] = agent.node_id
        except NotHere as reason:
            missing.append(str(reason))
        routes = [
            Route(
                corner=corner,
                node_id=nodes[corner.agent],
                config=by_proxy if corner.client == OUR_PROXY else by_cli,
                env=environments.get(corner.client, stack.env),
            )
            for corner in CORNERS
            if corner.agent in nodes and (corner.client != STOCK_PLUGIN or STOCK_PLUGIN in environments)
        ]
        yield routes, missing
