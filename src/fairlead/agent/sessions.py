"""The sessions of this node: which run, which are refused, and what the gateway is told at their end.

The gateway repeats an offer until the session's data channel shows up, and the request to end one until it
hears of the end. For a running session a second offer is ignored; for one that is over its completion is
sent again. A failure inside one session ends that session only.

A process that replaces itself asks for `hand_over`, and its successor gives what came of it to `take_up`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from fairlead.agent.errors import SessionRefusedError
from fairlead.agent.outcome import (
    ENDED_BY_SERVER,
    FAULT,
    NOT_HANDED_OVER,
    STOPPED,
    UNKNOWN,
    Outcome,
    not_taken_up,
)
from fairlead.agent.port_session import PortSession
from fairlead.agent.session_document import is_usable_session_id, parse_port_request, session_type
from fairlead.protocol.control_channel import (
    ChannelClosed,
    FinalTaskStatus,
    StartSession,
    TaskComplete,
)
from fairlead.transport.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator

    from fairlead.agent.ceiling import Ceiling
    from fairlead.agent.handover import SessionState
    from fairlead.agent.session_document import PortRequest
    from fairlead.protocol.control_channel import Body

    Report = Callable[[TaskComplete], None]
    MakeSession = Callable[[StartSession, PortRequest, SessionState | None], PortSession]

logger = logging.getLogger(__name__)

MAX_REMEMBERED = 1000
"""Ended sessions whose completion can be sent again."""

LEAVING_FACTOR = 2
"""How many times `max_sessions` may exist including those that only say goodbye."""

_LOOK_AGAIN_S = 0.02


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
        self._leaving: list[PortSession] = []
        """Sessions that are over, and may have last bytes on their way."""
        self._ended: OrderedDict[str, Outcome] = OrderedDict()
        self._is_stopping = False
        self._last_end = -math.inf
        self._none_running = asyncio.Event()
        self._none_running.set()

    def handle(self, message: Body) -> None:
        """Act on a message of the control channel."""
        match message:
            case StartSession():
                self._offered(message)
            case ChannelClosed():
                self._closed(message.session_id)

    def were_there_within(self, seconds: float) -> bool:
        """Whether a session runs, or one ended no longer ago than that."""
        return bool(self._running) or asyncio.get_running_loop().time() - self._last_end <= seconds

    async def stop_all(self) -> None:
        """Accept no more, end all, and wait for their goodbyes."""
        self._is_stopping = True
        for session in self._running.values():
            if session is not None:
                session.stop(STOPPED)
        await self._none_running.wait()

    # -- from one process to the next --

    async def prepare_hand_over(self, within_s: float) -> None:
        """Accept no more, and wait until every session could be handed over; end those that cannot be after
        `within_s`. Nothing must run between the end of this and `hand_over`."""
        self._is_stopping = True
        await self._settle(within_s)
        for session in self._unsettled():
            session.stop(NOT_HANDED_OVER)
        await self._settle(within_s)

    def hand_over(self) -> Iterator[SessionState]:
        """What a successor needs to go on with the sessions, made one by one."""
        for session in self._running.values():
            if session is not None and session.can_be_handed_over:
                yield session.hand_over()

    @property
    def ended(self) -> tuple[tuple[str, Outcome], ...]:
        """Sessions whose completion can be sent again, oldest first."""
        return tuple(self._ended.items())

    def go_on(self) -> None:
        """There is no successor: accept sessions again."""
        self._is_stopping = False

    def take_up(self, states: Iterable[SessionState], ended: Iterable[tuple[str, Outcome]]) -> int:
        """Go on with the sessions of the process before; return how many. What cannot go on ends with a
        stated reason."""
        for session_id, outcome in ended:
            self._remember(session_id, outcome)
        taken = 0
        for state in states:
            session_id = state.start.session_id
            try:
                session = self._checked(state.start, state)
            except SessionRefusedError as error:
                self._lost(state, str(error))
            except Exception:  # whatever is wrong with one of them, the others go on
                logger.exception("session %s: cannot be taken up", session_id)
                self._lost(state, "its state could not be read")
            else:
                taken += 1
                self._go_on_with(session_id, session)
        return taken

    def _go_on_with(self, session_id: str, session: PortSession) -> None:
        self._begin(session_id, self._run(session_id, lambda: session))
        self._running[session_id] = session

    def _lost(self, state: SessionState, reason: str) -> None:
        if state.target is not None:
            with contextlib.suppress(OSError):
                os.close(state.target)
        outcome = not_taken_up(reason)
        self._remember(state.start.session_id, outcome)
        self._tell(state.start.session_id, outcome)

    async def _settle(self, within_s: float) -> None:
        deadline = asyncio.get_running_loop().time() + within_s
        while self._unsettled() or self._are_leaving():
            if asyncio.get_running_loop().time() >= deadline:
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    def _unsettled(self) -> list[PortSession]:
        running = (session for session in self._running.values() if session is not None)
        return [session for session in running if not session.can_be_handed_over]

    def _are_leaving(self) -> bool:
        self._leaving = [session for session in self._leaving if not session.is_gone]
        return bool(self._leaving) or None in self._running.values()

    # -- one session --

    def _offered(self, start: StartSession) -> None:
        session_id = start.session_id
        if not is_usable_session_id(session_id):
            logger.warning("ignored a session with the impossible id %s", printable(session_id, 80))
        elif session_id in self._running or self._is_stopping:
            logger.debug("session %s: offered again", session_id)
        elif session_id in self._ended:
            self._tell(session_id, self._ended[session_id])
        elif len(self._running) >= LEAVING_FACTOR * self._max_sessions:
            logger.warning("session %s: ignored, too many sessions are just ending", session_id)
        else:
            self._begin(session_id, self._run(session_id, lambda: self._accept(start)))

    def _closed(self, session_id: str) -> None:
        """The server ends a session. It says so again until it hears of the end, so that is told again."""
        session = self._running.get(session_id)
        if session is not None:
            session.stop(ENDED_BY_SERVER)
        elif session_id not in self._running and is_usable_session_id(session_id) and not self._is_stopping:
            if session_id not in self._ended:
                self._remember(session_id, UNKNOWN)
            self._tell(session_id, self._ended[session_id])

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
            self._last_end = asyncio.get_running_loop().time()
            if not self._running:
                self._none_running.set()

    async def _run(self, session_id: str, obtain: Callable[[], PortSession]) -> None:
        session: PortSession | None = None
        try:
            session = self._running[session_id] = obtain()
            outcome = await session.run()
        except asyncio.CancelledError:
            if session is not None:
                session.close()
            raise
        except SessionRefusedError as error:
            outcome = Outcome(FinalTaskStatus.FAILED, str(error))
        except Exception:  # the errors of one session must not end the others
            logger.exception("session %s: a fault in the agent", session_id)
            outcome = FAULT
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
        self._tell(session_id, outcome)
        if session is not None:
            self._leaving = [one for one in self._leaving if not one.is_gone]
            self._leaving.append(session)
            await session.say_goodbye(outcome)

    def _accept(self, start: StartSession) -> PortSession:
        """Hold the offer against ceiling and limits. Raises `SessionRefusedError`."""
        serving = sum(session is not None for session in self._running.values())
        if serving >= self._max_sessions:
            raise SessionRefusedError(
                f"this node serves {serving} sessions already; its setting max_sessions allows no more"
            )
        return self._checked(start, None)

    def _checked(self, start: StartSession, state: SessionState | None) -> PortSession:
        """The session, new or going on, unless it is beyond the ceiling. Raises `SessionRefusedError`; for
        one that goes on also what `PortSession` raises."""
        self._ceiling.check_session_type(session_type(start))
        request = parse_port_request(start)
        self._ceiling.check_target(request.host, request.port)
        logger.info(
            "session %s: %s to %s port %d for %s",
            start.session_id,
            "goes on" if state else "new",
            request.host,
            request.port,
            printable(start.session_owner),
        )
        return self._make_session(start, request, state)

    def _tell(self, session_id: str, outcome: Outcome) -> None:
        self._report(TaskComplete(session_id, outcome.status, self._instance_id, outcome.output))

    def _remember(self, session_id: str, outcome: Outcome) -> None:
        self._ended[session_id] = outcome
        if len(self._ended) > MAX_REMEMBERED:
            self._ended.popitem(last=False)
