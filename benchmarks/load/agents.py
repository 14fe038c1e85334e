"""Thousands of agents in one process, each with the real agent's credentials, heartbeat and control channel.

Writes one JSON object per line, at most five times a second and only when something changed:

    {"at": EPOCH_S, "up": N, "reported": N, "paced_s": [LEAST, MOST], "failures": {REASON: N}}

`up` counts the control channels that stand: the gateway has answered a ping that followed the open frame,
which it reads only once the token is judged. `reported` counts heartbeats that were taken, `failures` the
attempts at a control channel that failed; `paced_s` is the pace at which to come back, as the agents were
told it. Each has connections, patience and pauses of its own. All nodes share one RSA key and one TLS
context, which costs the server nothing less. Ends when its standard input does.
"""

import argparse
import asyncio
import base64
import json
import logging
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from picows import WSFrame, WSListener, WSMsgType, WSTransport

from benchmarks.stored import FINGERPRINT, node_id
from fairlead.agent.backoff import Backoff, ReturnDelay
from fairlead.agent.connector import Connector
from fairlead.agent.control_channel import ControlChannel
from fairlead.agent.credentials import role_signer
from fairlead.agent.endurance import run_for_ever
from fairlead.agent.errors import AgentError
from fairlead.agent.gateway_client import GatewayClient, Liveness
from fairlead.agent.heartbeat import Heartbeat
from fairlead.agent.host_facts import HostFacts
from fairlead.agent.keys import SALT_BYTES
from fairlead.agent.service_client import ServiceClient
from fairlead.agent.settings import AgentSettings
from fairlead.aws.sigv4 import Credentials, Request, Scope, sign
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import TransportError
from fairlead.transport.tls import Trust, client_context

REPORT_S = 0.2
SIGN_OF_JUDGEMENT = b"judged?"
MAX_REASON_CHARACTERS = 200
_VARYING = re.compile(r"[0-9a-f-]{8,}|[0-9]+(?:\.[0-9]+)*")
FACTS = HostFacts("node.example", "192.0.2.1", "Debian GNU/Linux", "Linux", "12")


class Crowd:
    """What all agents of the process share, and their counts."""

    def __init__(self, endpoint: str, ca: str | None, key: bytes, region: str) -> None:
        self._endpoint = parse_endpoint(endpoint)
        self._trust = Trust(ca, "the command line")
        self._context = client_context(self._trust) if self._endpoint.uses_tls else None
        self.settings = AgentSettings(state_dir=Path())
        self.delays: list[ReturnDelay] = []
        loaded = load_pem_private_key(key, password=None)
        assert isinstance(loaded, RSAPrivateKey)
        self.key = loaded
        self.region = region
        self.up = 0
        self.reported = 0
        self.failures: Counter[str] = Counter()

    def connector(self) -> Connector:
        """One of an agent's own."""
        timeout_s = self.settings.request_timeout_s
        return Connector(self._endpoint, self._trust, {}, timeout_s, self._context)

    def failed(self, why: str) -> None:
        """Count a failure; `why` without what differs from node to node."""
        self.failures[_VARYING.sub("*", why)[:MAX_REASON_CHARACTERS]] += 1

    async def report(self) -> None:
        """Print the counts whenever they changed."""
        told: dict[str, object] = {}
        while True:
            counts = {
                "up": self.up,
                "reported": self.reported,
                "paced_s": self._paced_s(),
                "failures": dict(self.failures),
            }
            if counts != told:
                told = counts
                print(json.dumps({"at": round(time.time(), 3), **counts}), flush=True)
            await asyncio.sleep(REPORT_S)

    def _paced_s(self) -> tuple[float, float]:
        told = [delay.spread_s for delay in self.delays] or [0.0]
        return min(told), max(told)


class Agent:
    """One agent of the crowd; of the real one everything but its state on a disk and its sessions."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd = crowd
        self._id = node_id(number)
        self._credentials: Credentials | None = None
        self._is_known = asyncio.Event()
        connector = crowd.connector()
        incarnation = f"00000000-0000-4000-8000-{number:012x}"
        self._gateway = CountedGateway(crowd, connector, self.credentials, incarnation)
        self._service = CountedService(crowd, connector)
        settings = crowd.settings
        backoff = Backoff(settings.reconnect_first_s, settings.reconnect_cap_s, random.uniform)
        self._delay = ReturnDelay(backoff, random.uniform)
        crowd.delays.append(self._delay)

    async def credentials(self) -> Credentials:
        """The role's, once they are there."""
        await self._is_known.wait()
        assert self._credentials is not None
        return self._credentials

    async def signer(self) -> Callable[[Request], list[tuple[str, str]]]:
        """A signer with the role's credentials."""
        return role_signer(await self.credentials(), self._crowd.region, time.time)

    async def run(self) -> None:
        """Live as an agent does."""
        settings = self._crowd.settings
        heartbeat = Heartbeat(
            self._service,
            self,  # type: ignore[arg-type]  # it asks for nothing but a signer
            self._id,
            lambda: FACTS,
            settings.heartbeat_interval_s,
            random.uniform,
        )
        control = ControlChannel(
            self._gateway,
            self._id,
            "Linux",
            handle=lambda _body: None,
            refused=lambda: None,
            liveness=Liveness(settings.ping_interval_s, settings.pong_timeout_s),
            delay=self._delay,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._obtain())
            group.create_task(run_for_ever("heartbeat", heartbeat.run, random.uniform))
            group.create_task(run_for_ever("control channel", control.run, random.uniform))

    async def _obtain(self) -> None:
        retry = Backoff(1.0, 60.0, random.uniform)
        while True:
            try:
                token = await self._service.request_role_token(FINGERPRINT, self._prove, time.time())
                break
            except (AgentError, TransportError) as error:
                self._crowd.failed(str(error))
                await asyncio.sleep(retry.next_delay_s())
        self._credentials = Credentials(token.access_key_id, token.secret_access_key, token.session_token)
        self._is_known.set()

    def _prove(self, request: Request) -> list[tuple[str, str]]:
        def proof(_: Scope, text: str) -> str:
            signed = self._crowd.key.sign(
                text.encode(), PSS(MGF1(hashes.SHA256()), SALT_BYTES), hashes.SHA256()
            )
            return base64.b64encode(signed).decode()

        now = time.time()
        return sign(
            request, credential_id=self._id, signer=proof, region=self._crowd.region, service="ssm", now=now
        )


class CountedService(ServiceClient):
    """Counts the heartbeats that were taken."""

    def __init__(self, crowd: Crowd, connector: Connector) -> None:
        super().__init__(connector)
        self._crowd = crowd

    async def update_instance_information(
        self, members: Mapping[str, str], signer: Callable[[Request], list[tuple[str, str]]]
    ) -> None:
        await super().update_instance_information(members, signer)
        self._crowd.reported += 1


class CountedGateway(GatewayClient):
    """Counts the channels that stand and the attempts that fail."""

    def __init__(
        self,
        crowd: Crowd,
        connector: Connector,
        credentials: Callable[[], Awaitable[Credentials]],
        incarnation: str,
    ) -> None:
        super().__init__(connector, crowd.region, credentials, incarnation)
        self._crowd = crowd

    async def create_control_channel(self, instance_id: str) -> str:
        try:
            return await super().create_control_channel(instance_id)
        except (AgentError, TransportError) as error:
            self._crowd.failed(str(error))
            raise

    async def open_control_channel(
        self, instance_id: str, listener: WSListener, max_frame_bytes: int, liveness: Liveness
    ) -> WSTransport:
        try:
            counted = CountedListener(self._crowd, listener)
            return await super().open_control_channel(instance_id, counted, max_frame_bytes, liveness)
        except (AgentError, TransportError) as error:
            self._crowd.failed(str(error))
            raise


class CountedListener(WSListener):
    """Asks for a pong behind the open frame; when it comes the channel stands."""

    def __init__(self, crowd: Crowd, inner: WSListener) -> None:
        self._crowd = crowd
        self._inner = inner
        self._is_up = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._inner.on_ws_connected(transport)
        transport.send_ping(SIGN_OF_JUDGEMENT)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.PONG and not self._is_up:
            self._is_up = True
            self._crowd.up += 1
        self._inner.on_ws_frame(transport, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._crowd.up -= self._is_up
        if not self._is_up:
            self._crowd.failed("closed before it stood")
        self._is_up = False

    def send_user_specific_ping(self, transport: WSTransport) -> None:
        self._inner.send_user_specific_ping(transport)


async def run(crowd: Crowd, count: int, per_s: float) -> None:
    """Start the agents, `per_s` of them in a second, and keep them until standard input ends."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def read() -> None:
        if not os.read(sys.stdin.fileno(), 64):
            ended.set()

    loop.add_reader(sys.stdin.fileno(), read)
    tasks = [loop.create_task(crowd.report())]
    for number in range(count):
        tasks.append(loop.create_task(Agent(crowd, number).run()))
        if not (number + 1) % 10:
            await asyncio.sleep(10 / per_s)
    await ended.wait()


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description="Thousands of agents in one process.")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--ca")
    parser.add_argument("--key", required=True, type=Path, help="the RSA key of all nodes, PEM")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--per-second", type=float, default=150.0, help="agents that start in a second")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    crowd = Crowd(options.endpoint, options.ca, options.key.read_bytes(), options.region)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(crowd, options.count, options.per_second))


if __name__ == "__main__":
    main()
