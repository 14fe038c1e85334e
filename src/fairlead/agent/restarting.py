"""The course of a restart, from the wish to the exec, and what is told about it.

Everything that can fail without touching a session comes first. From `prepare_hand_over` on the agent accepts
nothing new for a moment; when the exec fails all the same, it goes on as if nothing had been asked.
"""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from fairlead._version import __version__
from fairlead.agent import keys
from fairlead.agent.control_channel import LINK_OPEN
from fairlead.agent.errors import AgentError, IdentityError, RestartError
from fairlead.agent.handover import AgentState
from fairlead.agent.restart import check_program, hold_signals, release_signals, replace_program
from fairlead.agent.run_status import RunStatus, write_status

if TYPE_CHECKING:
    from typing import Protocol

    from fairlead.agent.control_channel import ControlChannel
    from fairlead.agent.identity import StateDirectory
    from fairlead.agent.program import Program
    from fairlead.agent.sessions import Sessions

    class Running(Protocol):
        """The agent that is to be restarted."""

        incarnation: str
        control: ControlChannel
        sessions: Sessions


logger = logging.getLogger(__name__)

HAND_OVER_PATIENCE_S = 2.0
"""How long sessions may take to get to where they can be handed over, and once more to end."""

_SIGNAL_DELAY_S = 0.01
"""Time for the event loop to see a signal that came just before they were held."""


class Restarting:
    """Restarts `agent` each time `hangup` is set, unless it is `stopping`. `lock` is the descriptor of the
    lock on the state directory."""

    def __init__(
        self,
        program: Program,
        lock: int,
        state: StateDirectory,
        agent: Running,
        hangup: asyncio.Event,
        stopping: asyncio.Event,
    ) -> None:
        self._program = replace(program, inherited=None)
        self._lock = lock
        self._state = state
        self._agent = agent
        self._hangup = hangup
        self._stopping = stopping
        self._status = RunStatus(pid=os.getpid(), version=__version__)

    def started(self, restarts: int, kept: int, lost: int) -> None:
        """The program runs, for the first time or after `restarts`; so many sessions go on, or do not."""
        if restarts:
            logger.info("restarted as version %s; sessions that go on: %d, lost: %d", __version__, kept, lost)
        self._say(restarts=restarts, kept_sessions=kept, lost_sessions=lost)

    async def run(self) -> None:
        """Do what is asked for, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_link())
            while True:
                await self._hangup.wait()
                self._hangup.clear()
                logger.info("restarting, until now as version %s", __version__)
                try:
                    await self._restart()
                except AgentError as error:
                    logger.error("not restarted, the agent goes on as before: %s", error)
                    self._refused(str(error))
                except Exception:  # a fault of ours must not take the sessions with it
                    logger.exception("not restarted, the agent goes on as before: a fault in it")
                    self._refused("a fault in the agent; see its log")

    def _refused(self, reason: str) -> None:
        self._say(restarts=self._status.restarts + 1, refusal=reason)

    async def _follow_link(self) -> None:
        """Say what the control channel is like, whenever that changes."""
        control = self._agent.control
        while True:
            await control.link_changed.wait()
            control.link_changed.clear()
            is_serving = self._status.is_serving or control.link == LINK_OPEN
            self._say(is_serving=is_serving, link=control.link, displaced_at=control.displaced_at)

    async def _restart(self) -> None:
        """Turn into the new program. Returns when the agent is told to stop; raises an `AgentError`."""
        await asyncio.to_thread(check_program, self._program)
        if not await asyncio.to_thread(keys.hold_children, keys.CHILD_TIMEOUT_S):
            raise RestartError("the process that uses the node's key does not end")
        hold_signals()
        try:
            await asyncio.sleep(_SIGNAL_DELAY_S)
            if self._stopping.is_set():
                return
            await self._agent.sessions.prepare_hand_over(HAND_OVER_PATIENCE_S)
            self._replace()
        finally:
            self._agent.sessions.go_on()
            release_signals()
            keys.release_children()

    def _replace(self) -> None:
        agent = AgentState(
            incarnation=self._agent.incarnation,
            restarts=self._status.restarts + 1,
            pending=self._agent.control.pending,
            ended=self._agent.sessions.ended,
        )
        replace_program(self._program, self._lock, agent, self._agent.sessions.hand_over())

    def _say(self, **changes: object) -> None:
        self._status = replace(self._status, **changes)  # type: ignore[arg-type]  # names of its fields
        try:
            write_status(self._state, self._status)
        except IdentityError as error:  # a full disk must not end the agent
            logger.warning("the agent's status could not be written: %s", error)
