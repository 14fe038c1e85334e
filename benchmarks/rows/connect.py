"""How much later than with direct ssh does a login through the tunnel finish?

`ssh HOST -s sftp` without input: authentication and a subsystem that ends at once, so that no shell's start
is measured. `tunnel` is `fairlead proxy` over TLS, its StartSession included. A connection through
`ProxyCommand nc` is sometimes faster than a direct one, because ssh then waits for nobody's delayed
acknowledgement.

The AWS CLI takes many times as long as a connection. What our `session-manager-plugin` adds to it is the
login through both, less a direct one, less the CLI with a plugin that ends at once.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Pairing, Row, at_most
from benchmarks.rig import Rig
from tools.ssh_connection import Route
from tools.stack import SEED_SSH_CONFIG

DIRECT, NC, TUNNEL, CLI, CLI_ALONE = "direct", "nc", "tunnel", "AWS CLI and our plugin", "AWS CLI alone"
TUNNEL_GOAL = at_most(60)
PLUGIN_NAME = "session-manager-plugin"
TIMEOUT_S = 60.0


def measure(bench: Bench) -> Iterator[Figure]:
    """The tunnel, then the AWS CLI, which takes longer and so comes in fewer rounds."""
    with bench.rig() as rig:
        routes = {DIRECT: rig.direct, NC: rig.nc, TUNNEL: rig.tunnel}
        took = bench.interleave(
            {name: _login(route) for name, route in routes.items() if route is not None},
            bench.pick(full=25, quick=8),
        )
        yield Figure.of_pairs(
            f"{TUNNEL} minus {DIRECT}",
            "ms",
            took[TUNNEL],
            took[DIRECT],
            how=Pairing.DIFFERENCE,
            goal=TUNNEL_GOAL,
        )
        for name, samples in took.items():
            yield Figure.of_samples(name, "ms", samples)
        yield from _plugin(bench, rig)


def _plugin(bench: Bench, rig: Rig) -> Iterator[Figure]:
    took = bench.interleave(
        {
            DIRECT: _login(rig.direct),
            CLI: _login(_seed_route(rig)),
            CLI_ALONE: _cli_alone(rig, bench.directory),
        },
        bench.pick(full=7, quick=2),
    )
    with_plugin = [cli - direct for cli, direct in zip(took[CLI], took[DIRECT], strict=True)]
    yield Figure.of_pairs(
        "our plugin, beside the AWS CLI", "ms", with_plugin, took[CLI_ALONE], how=Pairing.DIFFERENCE
    )
    yield Figure.of_samples(CLI_ALONE, "ms", took[CLI_ALONE])


def _login(route: Route) -> Callable[[], float]:
    return lambda: _took_ms(route, route.ssh("-s", route.host, "sftp"))


def _seed_route(rig: Rig) -> Route:
    """The block of the Session Manager documentation."""
    config = rig.stack.write_ssh_config(rig.ssh_server, "ssh_config_cli", SEED_SSH_CONFIG)
    return Route(CLI, config, rig.tunnel.host, rig.stack.env)


def _cli_alone(rig: Rig, directory: Path) -> Callable[[], float]:
    """`aws ssm start-session` with a plugin that does nothing."""
    programs = directory / "idle-plugin"
    programs.mkdir()
    plugin = programs / PLUGIN_NAME
    plugin.write_text("#!/bin/sh\n[ $# -gt 1 ] || echo installed\n", encoding="utf-8")
    plugin.chmod(0o755)
    env = {**rig.stack.env, "PATH": f"{programs}:{rig.stack.env['PATH']}"}
    route = Route(CLI_ALONE, rig.tunnel.config, rig.tunnel.host, env)
    command = ["aws", "ssm", "start-session", "--target", rig.agent.node_id]
    command += ["--document-name", "AWS-StartSSHSession", "--parameters", f"portNumber={rig.ssh_server.port}"]
    return lambda: _took_ms(route, command)


def _took_ms(route: Route, command: list[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        command, env=route.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S
    )
    took_ms = (time.perf_counter() - began) * 1000
    if done.returncode:
        raise RuntimeError(f"{route.name}: {done.stderr.decode(errors='replace').strip()}")
    return took_ms


ROW = Row(
    name="connect",
    title="Connecting",
    question="How much later than with direct ssh does a login through the tunnel finish?",
    order=30,
    measure=measure,
)
