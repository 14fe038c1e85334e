"""The sessions of this node: which run, which are refused, and what the gateway is told at their end.

The gateway repeats an offer until the session's data channel shows up, and the request to end one until it
hears of the end. For a running session a second offer is ignored; for one that is over its completion is
sent again. A failure inside one session ends that session only.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING

from fairlead.agent.errors import SessionRefusedError
from fairlead.agent.port_session import Outcome, PortSession
from fairlead.agent.session_document import is_usable_session_id, parse_port_request, session_type
from fairlead.protocol.control_channel import (
    ChannelClosed,
    FinalTaskStatus,
    StartSession,
    TaskComplete,
)
from fairlead.transport.errors import printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from fairlead.agent.ceiling import Ceiling
    from fairlead.agent.session_document import PortRequest
    from fairlead.protocol.control_channel import Body

    Report = Callable[[TaskComplete], Awaitable[bool]]
    MakeSession = Callable[[StartSession, PortRequest], PortSession]

logger = logging.getLogger(__name__)

MAX_REMEMBERED = 1000
"""Ended sessions whose completion can be sent again."""

WAITING_FACTOR = 2
"""How many times `max_sessions` may exist including those that only wait for their end to be acknowledged."""

STOPPED = Outcome(FinalTaskStatus.CANCELLED, "the agent on the node was stopped")
ENDED_BY_SERVER = Outcome(FinalTaskStatus.SUCCESS)
UNKNOWN = Outcome(
    FinalTaskStatus.FAILED, "the agent does not know the session; it was started anew meanwhile"
)


class Sessions:
    """Starts, finds and ends sessions, each in a task of `group`."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        ceiling: Ceiling,
        max_sessions: int,
        instance_id: str,
        *,
        make_session: MakeSession,
        report: Report,
    ) -> None:
        self._group = group
        self._ceiling = ceiling
        self._max_sessions = max_sessions
        self._instance_id = instance_id
        self._make_session = make_session
        self._report = report
        self._running: dict[str, PortSession | None] = {}
        """By session id; None before a session is accepted and after it is over."""
        self._ended: OrderedDict[str, Outcome] = OrderedDict()
        self._is_stopping = False
        self._none_running = asyncio.Event()
        self._none_running.set()

    def handle(self, message: Body) -> None:
        """Act on a message of the control channel."""
        match message:
            case StartSession():
                self._offered(message)
            case ChannelClosed():
                self._closed(message.session_id)

    async def stop_all(self, within_s: float) -> None:
        """Accept no more, end all, and wait until the gateway knows or the time is over."""
        self._is_stopping = True
        for session in self._running.values():
            if session is not None:
                session.stop(STOPPED)
        try:
            async with asyncio.timeout(within_s):
                await self._none_running.wait()
        except TimeoutError:
            logger.warning("stopping without an answer of the gateway for %d sessions", len(self._running))

    def _offered(self, start: StartSession) -> None:
        session_id = start.session_id
        if not is_usable_session_id(session_id):
            logger.warning("ignored a session with the impossible id %s", printable(session_id, 80))
        elif session_id in self._running or self._is_stopping:
            logger.debug("session %s: offered again", session_id)
        elif len(self._running) >= WAITING_FACTOR * self._max_sessions:
            logger.warning("session %s: ignored, too many sessions wait for their end", session_id)
        elif session_id in self._ended:
            self._begin(session_id, self._tell(session_id, self._ended[session_id]))
        else:
            self._begin(session_id, self._run(start))

    def _closed(self, session_id: str) -> None:
        """The server ends a session. It says so again until it hears of the end, so that is told again."""
        session = self._running.get(session_id)
        if session is not None:
            session.stop(ENDED_BY_SERVER)
        elif session_id not in self._running and is_usable_session_id(session_id) and not self._is_stopping:
            if session_id not in self._ended:
                self._remember(session_id, UNKNOWN)
            self._begin(session_id, self._tell(session_id, self._ended[session_id]))

    def _begin(self, session_id: str, work: Coroutine[None, None, None]) -> None:
        self._running[session_id] = None
        self._none_running.clear()
        self._group.create_task(self._track(session_id, work), name=f"session {session_id}")

    async def _track(self, session_id: str, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception:  # the errors of one session must not end the others
            logger.exception("session %s: a fault in the agent, at the session's end", session_id)
        finally:
            del self._running[session_id]
            if not self._running:
                self._none_running.set()

    async def _run(self, start: StartSession) -> None:
        session_id = start.session_id
        session: PortSession | None = None
        try:
            session = self._accept(start)
            outcome = await session.run()
        except asyncio.CancelledError:
            if session is not None:
                session.close()
            raise
        except SessionRefusedError as error:
            outcome = Outcome(FinalTaskStatus.FAILED, str(error))
        except Exception:  # the errors of one session must not end the others
            logger.exception("session %s: a fault in the agent", session_id)
            outcome = Outcome(
                FinalTaskStatus.FAILED, "a fault in the agent ended the session; see the agent's log"
            )
        self._running[session_id] = None
        self._remember(session_id, outcome)
        logger.info(
            "session %s: ended, %s, %d bytes in, %d bytes out %s",
            session_id,
            outcome.status,
            session.input_bytes if session is not None else 0,
            session.output_bytes if session is not None else 0,
            outcome.output,
        )
        async with asyncio.TaskGroup() as ending:
            ending.create_task(self._tell(session_id, outcome))
            if session is not None:
                ending.create_task(session.say_goodbye(outcome))

    def _accept(self, start: StartSession) -> PortSession:
        """Hold the offer against ceiling and limits. Raises `SessionRefusedError`."""
        serving = sum(session is not None for session in self._running.values())
        if serving >= self._max_sessions:
            raise SessionRefusedError(
                f"this node serves {serving} sessions already; its setting max_sessions allows no more"
            )
        self._ceiling.check_session_type(session_type(start))
        request = parse_port_request(start)
        self._ceiling.check_target(request.host, request.port)
        logger.info(
            "session %s: to %s port %d for %s",
            start.session_id,
            request.host,
            request.port,
            printable(start.session_owner),
        )
        session = self._running[start.session_id] = self._make_session(start, request)
        return session

    async def _tell(self, session_id: str, outcome: Outcome) -> None:
        await self._report(TaskComplete(session_id, outcome.status, self._instance_id, outcome.output))

    def _remember(self, session_id: str, outcome: Outcome) -> None:
        self._ended[session_id] = outcome
        if len(self._ended) > MAX_REMEMBERED:
            self._ended.popitem(last=False)
