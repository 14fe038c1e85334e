"""A real server in a thread of this process: its own event loop, a loopback port, TLS, a state directory.

    with FairleadServer(tmp_path / "state") as server:
        sts = server.boto3_client("sts")
        assert sts.get_caller_identity()["Account"] == server.account_id
        node = server.start_agent("web-1")
        ssm = server.boto3_client("ssm")
        assert ssm.get_connection_status(Target=node.node_id)["Status"] == "connected"

It is ready in a fraction of a second, and starts again on the same state with `stop()` and `start()`. Needs
`fairlead[server]`.
"""

import asyncio
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from fairlead.server.admin_env import parse
from fairlead.server.serving import RunningServer, serve
from fairlead.server.settings import ServerSettings, read_settings
from fairlead.testing.agent import FairleadAgent
from fairlead.testing.calls import call_ssm

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
DRAIN_S = 1.0
"""How long `stop` waits for open connections."""
NODE_ROLE = "service-role/FairleadNode"


class Activation(NamedTuple):
    """What a machine needs to register."""

    id: str
    code: str


class FairleadServer:
    """Starts with the `with` block or `start()`. `options` are those of `fairlead server`, as in Python.

    For instance `regions=("eu-test-1",)` or `insecure_http=True`; see `fairlead.server.settings`.
    """

    def __init__(self, state_dir: Path, **options: Any) -> None:  # Any: each option has a type of its own
        options.setdefault("listen", "127.0.0.1:0")
        self._settings: ServerSettings = read_settings(state_dir=state_dir, **options)
        self._agents: list[FairleadAgent] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._running: RunningServer | None = None

    def __enter__(self) -> "FairleadServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when the server accepts connections. Raises StartError."""
        ready: Future[RunningServer] = Future()
        self._thread = threading.Thread(
            target=self._serve, args=(ready,), name="fairlead-server", daemon=True
        )
        self._thread.start()
        self._running = ready.result(START_TIMEOUT_S)

    def stop(self) -> None:
        """End the agents that were started here, then the server. The state directory stays."""
        while self._agents:
            self._agents.pop().stop()
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_TIMEOUT_S)
        if self._thread.is_alive():
            raise RuntimeError(f"the server did not stop within {STOP_TIMEOUT_S} s")
        self._thread = None

    @property
    def running(self) -> RunningServer:
        """Addresses, files and ids of the server."""
        if self._running is None:
            raise RuntimeError("the server was not started")
        return self._running

    @property
    def endpoint_url(self) -> str:
        """For `AWS_ENDPOINT_URL` and `endpoint_url=`."""
        return self.running.url

    @property
    def state_dir(self) -> Path:
        """The state directory."""
        return self._settings.state_dir

    @property
    def ca_bundle(self) -> Path:
        """System roots and the server's own: for `AWS_CA_BUNDLE` and `verify=`."""
        return self.running.ca_bundle

    @property
    def ca_pin(self) -> str | None:
        """For `fairlead agent register --ca-pin`."""
        return self.running.pin

    @property
    def account_id(self) -> str:
        """The account, 12 digits."""
        return self.running.account_id

    @property
    def region(self) -> str:
        """The default region."""
        return self.running.region

    @property
    def admin_env(self) -> dict[str, str]:
        """The variables of the first administrator."""
        return parse(self.running.admin_env.read_text(encoding="utf-8"))

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """`base` (default: this process's environment) as the administrator's, without its AWS settings."""
        inherited = os.environ if base is None else base
        kept = {
            name: value
            for name, value in inherited.items()
            if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
        }
        return {**kept, **self.admin_env, "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}

    def boto3_client(self, service: str, **options: Any) -> Any:  # Any: as boto3.client
        """A boto3 client of the administrator; `options` as for `boto3.client`, such as another's keys."""
        import boto3

        variables = self.admin_env
        defaults = {
            "endpoint_url": self.endpoint_url,
            "region_name": self.region,
            "aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"],
            "verify": str(self.ca_bundle) if self.ca_pin else None,
        }
        return boto3.session.Session().client(service, **(defaults | options))

    def create_activation(self, name: str = "test", *, registration_limit: int = 1) -> Activation:
        """An activation with the role for nodes that every installation has."""
        answer = self.call_ssm(
            "CreateActivation",
            {"IamRole": NODE_ROLE, "DefaultInstanceName": name, "RegistrationLimit": registration_limit},
        )
        return Activation(answer["ActivationId"], answer["ActivationCode"])

    def call_ssm(self, operation: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation of `ssm` as the administrator, without boto3. Raises CallFailed."""
        return call_ssm(self.endpoint_url, self.admin_env, operation, members)

    def start_agent(self, name: str = "node", *, options: tuple[str, ...] = ()) -> FairleadAgent:
        """Register a node and run its agent as a process; returns when it is connected.

        `options` are further ones of `fairlead agent run`. `stop` ends the agent.
        """
        agent = FairleadAgent(self.state_dir.with_name(f"{self.state_dir.name}-agent-{name}"))
        self._agents.append(agent)
        trust = ("--ca", str(self.running.ca_certificate)) if self.ca_pin else ()
        activation = self.create_activation(name)
        agent.register(self.endpoint_url, activation.id, activation.code, self.region, trust)
        agent.start(options)
        agent.wait_until(lambda: self.is_connected(agent.node_id), START_TIMEOUT_S)
        return agent

    def is_connected(self, node_id: str) -> bool:
        """Whether the node's agent has its control channel open."""
        return bool(self.call_ssm("GetConnectionStatus", {"Target": node_id})["Status"] == "connected")

    def _serve(self, ready: Future[RunningServer]) -> None:
        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            await serve(self._settings, ready=ready.set_result, stop=self._stop, drain_s=DRAIN_S)

        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)
