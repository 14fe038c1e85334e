"""The sessions that are not over: their relays, the offers to their nodes, and how they end.

This is where the relay's events meet the store and the control channel. Commit, then notify: what happens to
a session is recorded first and told afterwards, and since a message to a node may be lost, an offer is made
again until the agent's data channel shows up. Calls about one session reach the store in the order in which
things happened.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from fairlead.domain.callers import Caller, Origin
from fairlead.domain.errors import DomainError, SessionEnded
from fairlead.domain.sessions import ChannelSide, EndReason, Session, SessionEnd, SessionStatus
from fairlead.gateway.assist import Assist, CopyBudget
from fairlead.gateway.clock import Clock, Repeating, Timer
from fairlead.gateway.close_codes import CloseCode
from fairlead.gateway.closings import Closings, RecentEnds
from fairlead.gateway.control_channels import ControlChannels
from fairlead.gateway.messages import Messages, readable
from fairlead.gateway.reconnecting import ReconnectingNodes
from fairlead.gateway.relay import Relay
from fairlead.gateway.relay_sides import Attachment, RelaySocket
from fairlead.gateway.security_events import SecurityEvents
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.work import BackgroundWork
from fairlead.protocol.control_channel import FinalTaskStatus, TaskComplete

_log = logging.getLogger(__name__)

_ENDS_OF_THE_AGENT = frozenset({EndReason.AGENT_ENDED, EndReason.AGENT_FAILED})
"""Ends that the agent reported: it need not be told."""
_FAILURES = frozenset({EndReason.NEVER_CONNECTED, EndReason.NODE_STAYED_AWAY, EndReason.AGENT_FAILED})


class SessionRecords(Protocol):
    """What live sessions ask of `control.channels`."""

    def pending_sessions(self, node_id: str) -> list[Session] | None: ...
    def active_sessions(self) -> list[Session]: ...
    def session_connected(self, session_id: str) -> bool: ...
    def session_disconnected(self, session_id: str) -> bool: ...
    def sessions_disconnected(self, session_ids: Sequence[str]) -> None: ...
    def end_session(self, session_id: str, end: SessionEnd) -> bool: ...


Run = Callable[..., Awaitable[Any]]  # Any: what the function gives
"""`await run(function, *arguments)`: calls a use case on the thread of the database."""


class TooManyDataChannels(DomainError):
    """The node has as many open data channels as the gateway allows it."""


class _Live:
    """One session: what is known of it, its relay, and the offers that go on."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.relay: Relay
        self.offers: Repeating | None = None
        self.orphan_timer: Timer | None = None
        self.order = asyncio.Lock()
        self.end: SessionEnd | None = None
        self.is_finished = False
        self.acknowledge_end: Callable[[], None] | None = None
        """For the node that reported the end, as soon as a server killed now would know of it."""
        self.sources: dict[ChannelSide, Caller | Origin] = {}

    def stop_timers(self) -> None:
        """Those about its node: that is there now, or never will be."""
        if self.offers is not None:
            self.offers.cancel()
            self.offers = None
        if self.orphan_timer is not None:
            self.orphan_timer.cancel()
            self.orphan_timer = None


class LiveSessions:
    """All sessions that are not over. On the event loop's thread only."""

    def __init__(
        self,
        *,
        records: SessionRecords,
        run: Run,
        work: BackgroundWork,
        control_channels: ControlChannels,
        reconnecting: ReconnectingNodes,
        messages: Messages,
        security_events: SecurityEvents,
        settings: GatewaySettings,
        clock: Clock,
        now: Callable[[], datetime],
    ) -> None:
        self._records = records
        self._run = run
        self._work = work
        self._control_channels = control_channels
        self._reconnecting = reconnecting
        self._messages = messages
        self._security_events = security_events
        self._settings = settings
        self._clock = clock
        self._now = now
        self._sessions: dict[str, _Live] = {}
        self._by_node: dict[str, dict[str, _Live]] = {}
        self._closings = Closings(settings, clock)
        self._recent_ends = RecentEnds(settings.max_recent_ends)
        self._copy_budget = CopyBudget(settings.max_assist_total_bytes)
        control_channels.report_to(self)

    def __len__(self) -> int:
        return len(self._sessions)

    async def recover(self) -> None:
        """After a start: give the sessions of before time to come back, and end what was ending."""
        disconnected: list[str] = []
        for session in await self._run(self._records.active_sessions):
            if session.id in self._sessions:
                continue
            if session.status is SessionStatus.TERMINATING:
                self._add(session).relay.end(EndReason.TERMINATED_BY_API, "")
            elif session.status is SessionStatus.CONNECTING:
                self.started(session)
            else:
                self._add(session)
                disconnected.append(session.id)
        await self._run(self._records.sessions_disconnected, disconnected)

    def stop(self, reason: str, side: ChannelSide) -> None:
        """The server goes away and comes back: close one side's sockets, end nothing."""
        for live in self._sessions.values():
            live.stop_timers()
            live.relay.close_side(side, CloseCode.RESTART, reason)

    def forget(self) -> None:
        """The server has gone: stop every timer."""
        self._closings.stop()
        for live in self._sessions.values():
            live.stop_timers()
            live.relay.suspend()
        self._sessions.clear()
        self._by_node.clear()

    def bytes_of(self, session_id: str) -> tuple[int, int]:
        """Bytes to the node and to the client. The one question that may be asked from any thread."""
        live = self._sessions.get(session_id)
        return (live.relay.bytes_to_node, live.relay.bytes_to_client) if live is not None else (0, 0)

    # News from use cases.

    def started(self, session: Session) -> None:
        """Offer a session to its node, now and until the agent's data channel appears."""
        if session.id in self._sessions or self._recent_ends.get(session.id) is not None:
            return
        live = self._add(session)
        offer = partial(self._offer, live)
        live.offers = Repeating(self._clock, offer, self._settings.offer_delays_s)
        offer()

    def terminated(self, session: Session, end: SessionEnd) -> None:
        """The API ended a session: tell both sides, and keep what passed until now."""
        live = self._sessions.get(session.id)
        if live is None:
            live = self._add(session)
        live.relay.is_over = True
        live.end = end
        self._begin_end(live, end)

    def node_removed(self, node_id: str) -> None:
        """A node was deregistered: its channels close, its sessions are over."""
        self._reconnecting.no_longer(node_id)
        self._control_channels.close(node_id, CloseCode.REFUSED, "the node was deregistered")
        for live in list(self._by_node.get(node_id, {}).values()):
            live.relay.end(EndReason.NODE_DEREGISTERED, "")
            live.relay.close_side(ChannelSide.AGENT, CloseCode.REFUSED, "the node was deregistered")

    def nodes_stayed_away(self, node_ids: Iterable[str]) -> None:
        """These have not come back after the start: what waits for them has waited in vain."""
        for node_id in node_ids:
            for live in list(self._by_node.get(node_id, {}).values()):
                if not live.relay.has_connected:
                    live.relay.end(EndReason.NODE_STAYED_AWAY, "")

    # News from sockets.

    def join(
        self,
        session: Session,
        side: ChannelSide,
        socket: RelaySocket,
        *,
        is_ours: bool,
        who: Caller | Origin,
    ) -> Attachment:
        """Put a socket whose token was good on its side; `session` is as the store has it since then.
        Raises SessionEnded, TooManyDataChannels."""
        live = self._sessions.get(session.id)
        if live is None:
            end = self._recent_ends.get(session.id)  # since the token was judged, on another thread
            if end is not None:
                raise SessionEnded(end.explanation)
            live = self._add(session)
        if live.relay.is_over:
            raise SessionEnded(live.end.explanation if live.end is not None else None)
        if side is ChannelSide.AGENT:
            self._check_node_limit(live)
            live.stop_timers()
            live.session = session  # which names its holder
        live.sources[side] = who
        _log.info("session %s: the %s joined", session.id, side.value)
        return live.relay.join(side, socket, is_ours=is_ours)

    def control_channel_opened(self, node_id: str) -> None:
        """Tell a node what it missed: sessions that ended, sessions that wait for it."""
        self._reconnecting.no_longer(node_id)
        self._closings.tell_node(node_id)
        is_stock = not self._control_channels.incarnation_of(node_id)
        for live in list(self._by_node.get(node_id, {}).values()):
            self._end_if_orphaned(live)
            if is_stock:
                live.relay.expect_stock_agent()
        for live in self._by_node.get(node_id, {}).values():
            if live.offers is not None:
                self._offer(live)
        self._work.spawn(self._offer_pending(node_id), purpose=f"offer sessions to node {node_id}")

    def task_completed(self, node_id: str, completion: TaskComplete, acknowledge: Callable[[], None]) -> None:
        """A node reports the end of a session; acted on once, and only for its own. Acknowledged when the end
        is recorded: until then the node is the only one that is sure to know of it."""
        live = self._sessions.get(completion.session_id)
        if self._closings.heard(completion.session_id, node_id) or live is None:
            acknowledge()
            return
        if live.session.target != node_id:
            acknowledge()
            _log.warning("node %s reported the end of another node's session", node_id)
            who = self._control_channels.caller_of(node_id)
            if who is not None:
                self._security_events.report(who, "ForeignCompletion", {"sessionId": live.session.id})
            return
        output = readable(completion.output, self._settings.max_client_text)
        if completion.final_task_status == FinalTaskStatus.SUCCESS:
            live.relay.end_when_output_is_delivered(EndReason.AGENT_ENDED, output)
        else:
            status = readable(completion.final_task_status, self._settings.max_client_text)
            live.relay.end_when_output_is_delivered(EndReason.AGENT_FAILED, output or status)
        if live.relay.is_over:
            live.acknowledge_end = acknowledge
        else:
            acknowledge()  # what its client still has to read may take minutes

    # News from relays.

    def both_sides_joined(self, relay: Relay) -> None:
        """The session is connected."""
        live = self._sessions[relay.session_id]
        self._record(live, self._records.session_connected)

    def side_left(self, relay: Relay, side: ChannelSide) -> None:
        """A side is away."""
        live = self._sessions.get(relay.session_id)
        _log.info("session %s: the %s left", relay.session_id, side.value)
        if live is not None and relay.has_connected and not relay.is_over:
            self._record(live, self._records.session_disconnected)
            self._end_if_orphaned(live)

    def frame_refused(self, relay: Relay, side: ChannelSide, details: str) -> None:
        """A side sent what it may not."""
        live = self._sessions[relay.session_id]
        self._security_events.report(
            live.sources[side],
            "FrameRefused",
            {"sessionId": relay.session_id, "side": side.value, "details": details},
        )

    def session_is_over(self, relay: Relay, reason: EndReason, details: str) -> None:
        """Record the end, then tell both sides."""
        status = SessionStatus.FAILED if reason in _FAILURES else SessionStatus.TERMINATED
        end = SessionEnd(status=status, reason=reason, details=details)
        live = self._sessions[relay.session_id]
        live.end = end
        self._begin_end(live, end)

    # How it is done.

    def _add(self, session: Session) -> _Live:
        live = _Live(session)
        waited_s = (self._now() - session.started_at).total_seconds()
        live.relay = Relay(
            session.id,
            session.target,
            settings=self._settings,
            clock=self._clock,
            owner=self,
            make_assist=self._make_assist,
            connect_within_s=max(
                self._settings.connect_timeout_s - max(0.0, waited_s),
                self._reconnecting.remaining_s(session.target),
            ),
            idle_timeout_s=_seconds(session.idle_timeout_minutes),
            end_within_s=_remaining_s(session.max_duration_minutes, waited_s),
            connected_before=session.status is not SessionStatus.CONNECTING,
        )
        self._sessions[session.id] = live
        self._by_node.setdefault(session.target, {})[session.id] = live
        return live

    def _make_assist(self) -> Assist:
        return Assist(self._settings, self._copy_budget, self._messages.acknowledge)

    def _remove(self, live: _Live) -> None:
        self._sessions.pop(live.session.id, None)
        of_node = self._by_node.get(live.session.target, {})
        of_node.pop(live.session.id, None)
        if not of_node:
            self._by_node.pop(live.session.target, None)

    def _check_node_limit(self, live: _Live) -> None:
        if live.relay.has_joined(ChannelSide.AGENT):
            return
        others = self._by_node[live.session.target].values()
        open_channels = sum(other.relay.has_joined(ChannelSide.AGENT) for other in others)
        if open_channels >= self._settings.max_data_channels_per_node:
            raise TooManyDataChannels(f"Node {live.session.target} has {open_channels} open data channels.")

    def _end_if_orphaned(self, live: _Live) -> None:
        """What an earlier process of the node's agent held died with that process: nobody will come back.

        Unless both run, under one id: a holder that this server has not seen yet has its time to come first.
        """
        if not self._is_orphaned(live):
            return
        if ChannelSide.AGENT in live.sources:
            live.relay.end(EndReason.AGENT_RESTARTED, "")
        elif live.orphan_timer is None:
            live.orphan_timer = self._clock.call_later(
                self._settings.holder_return_s, self._end_if_still_orphaned, live
            )

    def _end_if_still_orphaned(self, live: _Live) -> None:
        live.orphan_timer = None
        if self._is_orphaned(live):
            live.relay.end(EndReason.AGENT_RESTARTED, "")

    def _is_orphaned(self, live: _Live) -> bool:
        current = self._control_channels.incarnation_of(live.session.target)
        holder = live.session.agent_incarnation
        is_another = current != "" and holder not in ("", current)
        return is_another and not live.relay.has_joined(ChannelSide.AGENT)

    def _offer(self, live: _Live) -> None:
        self._control_channels.send(live.session.target, self._messages.interactive_shell(live.session))

    async def _offer_pending(self, node_id: str) -> None:
        sessions = await self._run(self._records.pending_sessions, node_id)
        if sessions is None:  # deregistered after its channel was judged, and before it was open
            self.node_removed(node_id)
            return
        for session in sessions:
            self.started(session)

    def _record(self, live: _Live, step: Callable[[str], bool]) -> None:
        self._work.spawn(self._record_in_order(live, step), purpose=f"record session {live.session.id}")

    async def _record_in_order(self, live: _Live, step: Callable[[str], bool]) -> None:
        async with live.order:
            await self._run(step, live.session.id)

    def _begin_end(self, live: _Live, end: SessionEnd) -> None:
        self._work.spawn(self._end(live, end), purpose=f"record the end of session {live.session.id}")

    async def _end(self, live: _Live, end: SessionEnd) -> None:
        """Record, then tell. When recording fails (a full disk, a database that is away) tell all the same,
        since the sides must not wait for ever, and record later: no session may stay active for nothing."""
        relay = live.relay
        end = SessionEnd(
            status=end.status,
            reason=end.reason,
            details=end.details,
            bytes_to_node=relay.bytes_to_node,
            bytes_to_client=relay.bytes_to_client,
        )
        try:
            async with live.order:
                await self._run(self._records.end_session, live.session.id, end)
            if live.acknowledge_end is not None:
                live.acknowledge_end()
        except Exception:
            self._clock.call_later(self._settings.record_again_s, self._begin_end, live, end)
            raise
        finally:
            self._finish(live, end)

    def _finish(self, live: _Live, end: SessionEnd) -> None:
        if live.is_finished:
            return
        live.is_finished = True
        live.stop_timers()
        self._remove(live)
        self._recent_ends.add(live.session.id, end)
        session, relay = live.session, live.relay
        _log.info("session %s is over: %s %s", session.id, end.reason.value, end.details)
        relay.finish(self._messages.channel_closed(session.id, session.owner_id, end.explanation))
        self._clock.call_later(
            self._settings.close_timeout_s, relay.close_side, ChannelSide.CLIENT, CloseCode.NORMAL, ""
        )
        close_agent = partial(relay.close_side, ChannelSide.AGENT, CloseCode.NORMAL, "the session is over")
        if end.reason in _ENDS_OF_THE_AGENT:
            close_agent()
        else:
            self._closings.begin(
                session.id, session.target, partial(self._tell_agent, session, relay), close_agent
            )

    def _tell_agent(self, session: Session, relay: Relay) -> None:
        """On both channels: the data channel is the shorter way, the control channel the surer one."""
        frame = self._messages.channel_closed(session.id, session.target)
        relay.tell_agent(frame)
        self._control_channels.send(session.target, frame)


def _seconds(minutes: int | None) -> float | None:
    return None if minutes is None else minutes * 60.0


def _remaining_s(minutes: int | None, passed_s: float) -> float | None:
    return None if minutes is None else minutes * 60.0 - passed_s
