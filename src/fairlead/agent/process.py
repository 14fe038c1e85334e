"""A running agent: everything put together, started, restarted by SIGHUP, and stopped by SIGTERM or SIGINT.

The process listens nowhere and needs no privilege. Its tasks live in one group: role credentials, heartbeat,
control channel, and one task for each session. A restart replaces the program inside the process, and the
sessions go on (docs/decisions/0010).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import random
import signal
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from fairlead.agent import restart
from fairlead.agent.audit_checkpoint import keep_checkpoint
from fairlead.agent.backoff import Backoff, ReturnDelay
from fairlead.agent.connector import Connector
from fairlead.agent.control_channel import ControlChannel
from fairlead.agent.credentials import RoleCredentials
from fairlead.agent.endurance import run_for_ever
from fairlead.agent.errors import IdentityError
from fairlead.agent.gateway_client import GatewayClient, Liveness
from fairlead.agent.handover import AgentState, InvalidHandover
from fairlead.agent.heartbeat import Heartbeat
from fairlead.agent.host_facts import read_host_facts
from fairlead.agent.identity import Registration, StateDirectory
from fairlead.agent.port_session import PortSession
from fairlead.agent.restarting import Restarting
from fairlead.agent.run_status import clear_status, read_status
from fairlead.agent.service_client import ServiceClient
from fairlead.agent.sessions import Sessions
from fairlead.protocol.settings import AGENT_VERSION
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.loop_errors import quieten_failed_handshakes
from fairlead.transport.tls import Trust, trust_source

if TYPE_CHECKING:
    from fairlead.agent.handover import SessionState
    from fairlead.agent.program import Inherited, Program
    from fairlead.agent.settings import AgentSettings
    from fairlead.protocol.control_channel import Body

logger = logging.getLogger(__name__)

WANTED_FOR_S = 3600.0
"""How long a node counts as wanted behind its last session: when a whole fleet comes back, it goes before
others."""

STOP_GRACE_S = 1.5
"""How long a stopping agent waits for the gateway to hear of the sessions' ends."""

STOP_LIMIT_S = 2.0
"""When a process that was told to stop ends whatever it still waits for."""


class _StoppedError(Exception):
    """Raised in the task group to end it."""


def run_agent(settings: AgentSettings, environ: Mapping[str, str], program: Program) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP starts `program` anew in this process. Raises `IdentityError`
    when this node is not registered."""
    asyncio.run(_run_until_signal(settings, environ, program))


async def serve(
    settings: AgentSettings,
    environ: Mapping[str, str],
    stopping: asyncio.Event,
    program: Program | None = None,
    hangup: asyncio.Event | None = None,
) -> None:
    """Serve until `stopping` is set: the agent inside a process of someone else. Raises `IdentityError`.

    Where the process is its own, `program` is what it runs, and `hangup` asks for a new start of that.
    """
    state = StateDirectory(settings.state_dir)
    inherited = program.inherited if program else None
    registration = state.load()
    with state.locked(inherited=inherited.lock if inherited else None) as lock:
        logger.info(
            "agent %s of node %s starts, server %s, trusting %s",
            AGENT_VERSION,
            registration.instance_id,
            registration.endpoint,
            node_trust(state, environ).shown,
        )
        if inherited is None:
            clear_status(state)  # that of a process which was killed names nobody, or by now a stranger
        before, sessions = _taken_over(inherited, state)
        try:
            async with asyncio.TaskGroup() as group:
                agent = _Agent(group, state, registration, settings, environ, before.incarnation)
                kept = agent.start(group, before, sessions)
                del sessions  # the file that they were read from goes with them
                if program is not None and hangup is not None:
                    restarting = Restarting(program, lock, state, agent, hangup, stopping)
                    restarting.started(before.restarts, kept, lost=before.sessions - kept)
                    group.create_task(restarting.run(), name="restarting")
                await stopping.wait()
                await agent.stop()
                raise _StoppedError
        except* _StoppedError:
            if program is not None:
                clear_status(state)
            logger.info("stopped")


def _taken_over(
    inherited: Inherited | None, state: StateDirectory
) -> tuple[AgentState, Iterator[SessionState]]:
    """What the process before handed over; a new beginning where there was none or it cannot be used."""
    beginning = AgentState(incarnation=str(uuid.uuid4()))
    if inherited is None:
        return beginning, iter(())
    try:
        return restart.read_handover(inherited)
    except InvalidHandover as error:
        logger.error("the sessions of the program before are lost: %s", error)
        restart.close_targets(inherited)
    # Whoever asked for the restart still waits for its number.
    status = None
    with contextlib.suppress(IdentityError):
        status = read_status(state)
    number = 1 if status is None else status.restarts + 1
    return replace(beginning, restarts=number, sessions=len(inherited.targets)), iter(())


def node_trust(state: StateDirectory, environ: Mapping[str, str]) -> Trust:
    """The node's own trust anchors where it has some, else what the environment or the system names."""
    anchors = state.anchors_path
    return Trust(str(anchors), "this node's registration") if anchors else trust_source(None, environ)


async def _run_until_signal(settings: AgentSettings, environ: Mapping[str, str], program: Program) -> None:
    loop = asyncio.get_running_loop()
    quieten_failed_handshakes(loop)
    # Only the main thread takes signals, so that it can hold them.
    loop.set_default_executor(ThreadPoolExecutor(initializer=restart.hold_signals))
    stopping, hangup = asyncio.Event(), asyncio.Event()
    had_terminal = is_job_of_a_terminal()

    def stop(name: str) -> None:
        logger.info("stopping on %s", name)
        stopping.set()
        # A name lookup or another call to the system may still block a thread, which Python would wait for.
        limit = threading.Timer(STOP_LIMIT_S, os._exit, args=(0,))
        limit.daemon = True
        limit.start()

    def hang_up() -> None:
        if had_terminal and not is_job_of_a_terminal():
            stop("SIGHUP, as the terminal is gone")
        else:
            hangup.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number.name)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    restart.release_signals()
    await serve(settings, environ, stopping, program, hangup)


def is_job_of_a_terminal() -> bool:
    """Whether this process is in the foreground of a terminal, which a person may close."""
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


class _Agent:
    """The parts of one agent, joined."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        state: StateDirectory,
        registration: Registration,
        settings: AgentSettings,
        environ: Mapping[str, str],
        incarnation: str,
    ) -> None:
        endpoint = parse_endpoint(registration.endpoint)
        connector = Connector(endpoint, node_trust(state, environ), environ, settings.request_timeout_s)
        service = ServiceClient(connector)
        instance_id = registration.instance_id
        self._credentials = RoleCredentials(state, registration, service)
        self.incarnation = incarnation
        gateway = GatewayClient(connector, registration.region, self._credentials.get, incarnation)
        self._heartbeat = Heartbeat(
            service,
            self._credentials,
            instance_id,
            lambda: read_host_facts(endpoint.host, endpoint.port),
            settings.heartbeat_interval_s,
            random.uniform,
            lambda note: keep_checkpoint(state, note),
        )
        self.control = ControlChannel(
            gateway,
            instance_id,
            platform.system() or "Linux",
            handle=self._handle,
            refused=self._credentials.distrust,
            liveness=Liveness(
                settings.ping_interval_s, min(settings.pong_timeout_s, settings.ping_interval_s)
            ),
            delay=ReturnDelay(
                Backoff(settings.reconnect_first_s, settings.reconnect_cap_s, random.uniform), random.uniform
            ),
            is_wanted=lambda: self.sessions.were_there_within(WANTED_FOR_S),
        )
        self.sessions = Sessions(
            group,
            settings.ceiling,
            settings.max_sessions,
            instance_id,
            make_session=lambda start, request, resumed: PortSession(
                start, request, gateway, instance_id, settings, resumed
            ),
            report=self.control.report,
        )

    def start(self, group: asyncio.TaskGroup, before: AgentState, sessions: Iterator[SessionState]) -> int:
        """Go on with what was handed over, and start the parts that run for ever; how many sessions go on."""
        self.control.take_over(before.pending)
        kept = self.sessions.take_up(sessions, before.ended)
        if kept:
            self._credentials.hurry()
        for name, part in (
            ("credentials", self._credentials),
            ("heartbeat", self._heartbeat),
            ("control channel", self.control),
        ):
            group.create_task(run_for_ever(name, part.run, random.uniform), name=name)
        return kept

    async def stop(self) -> None:
        """End the sessions and say goodbye; takes little more than `STOP_GRACE_S`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE_S):
                await self.sessions.stop_all()
                await self.control.all_acknowledged()
        if self.control.pending:
            count = len(self.control.pending)
            logger.warning("stopping without an answer of the gateway for %d sessions", count)
        self.control.close()

    def _handle(self, message: Body) -> None:
        self.sessions.handle(message)
