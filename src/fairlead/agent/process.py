"""A running agent: everything put together, started, and stopped by SIGTERM or SIGINT.

The process listens nowhere and needs no privilege. Its tasks live in one group: role credentials, heartbeat,
control channel, and one task for each session.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import random
import signal
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fairlead.agent.backoff import Backoff
from fairlead.agent.connector import Connector
from fairlead.agent.control_channel import ControlChannel
from fairlead.agent.credentials import RoleCredentials
from fairlead.agent.gateway_client import GatewayClient, Liveness
from fairlead.agent.heartbeat import Heartbeat
from fairlead.agent.host_facts import read_host_facts
from fairlead.agent.identity import Registration, StateDirectory
from fairlead.agent.port_session import PortSession
from fairlead.agent.service_client import ServiceClient
from fairlead.agent.sessions import Sessions
from fairlead.protocol.settings import AGENT_VERSION
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.tls import Trust, trust_source

if TYPE_CHECKING:
    from fairlead.agent.settings import AgentSettings
    from fairlead.protocol.control_channel import Body

logger = logging.getLogger(__name__)

STOP_GRACE_S = 1.5
"""How long a stopping agent waits for the gateway to hear of the sessions' ends."""

STOP_LIMIT_S = 2.0
"""When a process that was told to stop ends whatever it still waits for."""


class _StoppedError(Exception):
    """Raised in the task group to end it."""


def run_agent(settings: AgentSettings, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT. Raises `IdentityError` when this node is not registered."""
    asyncio.run(_run_until_signal(settings, environ))


async def serve(settings: AgentSettings, environ: Mapping[str, str], stopping: asyncio.Event) -> None:
    """Serve until `stopping` is set: the agent inside a process of someone else. Raises `IdentityError`."""
    state = StateDirectory(settings.state_dir)
    registration = state.load()
    with state.locked():
        logger.info(
            "agent %s of node %s starts, server %s, trusting %s",
            AGENT_VERSION,
            registration.instance_id,
            registration.endpoint,
            node_trust(state, environ).shown,
        )
        try:
            async with asyncio.TaskGroup() as group:
                agent = _Agent(group, state, registration, settings, environ)
                agent.start(group)
                await stopping.wait()
                await agent.stop()
                raise _StoppedError
        except* _StoppedError:
            logger.info("stopped")


def node_trust(state: StateDirectory, environ: Mapping[str, str]) -> Trust:
    """The node's own trust anchors where it has some, else what the environment or the system names."""
    anchors = state.anchors_path
    return Trust(str(anchors), "this node's registration") if anchors else trust_source(None, environ)


async def _run_until_signal(settings: AgentSettings, environ: Mapping[str, str]) -> None:
    stopping = asyncio.Event()

    def stop(name: str) -> None:
        logger.info("stopping on %s", name)
        stopping.set()
        # A name lookup or another call to the system may still block a thread, which Python would wait for.
        limit = threading.Timer(STOP_LIMIT_S, os._exit, args=(0,))
        limit.daemon = True
        limit.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop, number.name)
    await serve(settings, environ, stopping)


class _Agent:
    """The parts of one agent, joined."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        state: StateDirectory,
        registration: Registration,
        settings: AgentSettings,
        environ: Mapping[str, str],
    ) -> None:
        endpoint = parse_endpoint(registration.endpoint)
        connector = Connector(endpoint, node_trust(state, environ), environ, settings.request_timeout_s)
        service = ServiceClient(connector)
        instance_id = registration.instance_id
        self._credentials = RoleCredentials(state, registration, service)
        gateway = GatewayClient(connector, registration.region, self._credentials.get)
        self._heartbeat = Heartbeat(
            service,
            self._credentials,
            instance_id,
            lambda: read_host_facts(endpoint.host, endpoint.port),
            settings.heartbeat_interval_s,
            random.uniform,
        )
        self._control = ControlChannel(
            gateway,
            instance_id,
            platform.system() or "Linux",
            handle=self._handle,
            refused=self._credentials.distrust,
            liveness=Liveness(
                settings.ping_interval_s, min(settings.pong_timeout_s, settings.ping_interval_s)
            ),
            backoff=Backoff(settings.reconnect_first_s, settings.reconnect_cap_s, random.uniform),
        )
        self._sessions = Sessions(
            group,
            settings.ceiling,
            settings.max_sessions,
            instance_id,
            make_session=lambda start, request: PortSession(start, request, gateway, instance_id, settings),
            report=self._control.report,
        )

    def start(self, group: asyncio.TaskGroup) -> None:
        """Start the parts that run for ever."""
        for part in (self._credentials, self._heartbeat, self._control):
            group.create_task(part.run(), name=type(part).__name__)

    async def stop(self) -> None:
        """End the sessions and say goodbye; takes little more than `STOP_GRACE_S`."""
        await self._sessions.stop_all(STOP_GRACE_S)
        self._control.close()

    def _handle(self, message: Body) -> None:
        self._sessions.handle(message)
