"""One Port session: the data channel joined to a TCP connection on this node, from the offer to the end.

The target and the data channel are dialled at the same time. The session ends when the target has sent its
last byte and the client has acknowledged it, when the client or the gateway ends it, or with a reason that
the user is told.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import time
from typing import TYPE_CHECKING

import aiofastnet

from fairlead.agent.backoff import Backoff
from fairlead.agent.data_link import DataLink
from fairlead.agent.dialing import dial_target, shown_target
from fairlead.agent.errors import TargetUnreachableError
from fairlead.agent.handover import SessionState
from fairlead.agent.outcome import Outcome
from fairlead.agent.target import TargetConnection
from fairlead.protocol.control_channel import FinalTaskStatus
from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.events import (
    ChannelClosed,
    DisconnectRequested,
    HandshakeFailed,
    HandshakeFinished,
    PeerError,
    PeerUnresponsive,
    TerminateRequested,
)
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.roles import AGENT
from fairlead.protocol.settings import AGENT_VERSION, ChannelSettings
from fairlead.transport.asyncio_endpoint import AsyncioEndpoint
from fairlead.transport.errors import printable

if TYPE_CHECKING:
    from fairlead.agent.gateway_client import GatewayClient
    from fairlead.agent.session_document import PortRequest
    from fairlead.agent.settings import AgentSettings
    from fairlead.protocol.control_channel import StartSession
    from fairlead.protocol.events import Event
    from fairlead.transport.endpoint_contract import EndpointState

logger = logging.getLogger(__name__)

REDIAL_FIRST_S = 0.05
REDIAL_CAP_S = 1.0
"""Bounds of the delay before a target that hung up early is dialled again."""

FLAG_DELAY_S = 0.3
"""Head start of the completion message, whose text the gateway shows to the user, over the bare flag that the
client would get from us."""


MAX_LOGGED_DROPS = 20
"""Frames of one session that are dropped with a line in the log: with more, a client could fill the disk."""


class PortSession:
    """Runs one session. `gateway` opens its data channel, for `instance_id`. With `resumed`, goes on with
    what `hand_over` gave in the process before this one; raises `InvalidSnapshot` or `OSError` where that
    cannot be."""

    def __init__(
        self,
        start: StartSession,
        request: PortRequest,
        gateway: GatewayClient,
        instance_id: str,
        settings: AgentSettings,
        resumed: SessionState | None = None,
    ) -> None:
        self._start = start
        self._request = request
        self._settings = settings
        self._shown_target = shown_target(request)
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[Outcome] = self._loop.create_future()
        self._target: TargetConnection | None = None
        self._early = resumed.early if resumed else b""
        """What the present connection to the target was told by one before it; None: it has spoken."""
        self._target_error: Exception | None = None
        if resumed and resumed.target_error:
            self._target_error = ConnectionError(resumed.target_error)
        self._hung_up: asyncio.Future[None] = self._loop.create_future()
        self._input_delivered = False
        self._output_delivered = False
        self._target_gone = resumed.target_is_gone if resumed else False
        self._dropped = 0
        state = resumed.endpoint if resumed else None
        self._endpoint = AsyncioEndpoint(self._make_channel(state), self, self._loop.time, state)
        self._is_new = state is None
        self._link = DataLink(self._endpoint, gateway, start.session_id, instance_id, settings, log=self._log)
        descriptor = resumed.target if resumed else None
        self._inherited = None if descriptor is None else socket.socket(fileno=descriptor)
        """The connection of the process before, until it is joined."""

    async def run(self) -> Outcome:
        """Serve the session to its end. `say_goodbye` or `close` must follow."""
        if self._is_new:
            self._endpoint.start_handshake("Port", self._request.properties)
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(self._keep_target()), group.create_task(self._keep_link())]
            outcome = await self._outcome
            for task in serving:
                task.cancel()
        return outcome

    # -- to a successor --

    @property
    def can_be_handed_over(self) -> bool:
        """Whether a successor could go on from here."""
        if self._outcome.done():
            return False
        if self._target is None or self._target.is_gone:
            # Else it would be said twice to the next connection: by us, and by the peer.
            return not self._endpoint.awaits_local
        return self._target.can_be_handed_over

    def hand_over(self) -> SessionState:
        """What a successor needs to go on. The session itself can go on as well, if none comes."""
        target = None if self._target is None else self._target.descriptor
        if self._inherited is not None:
            target = self._inherited.fileno()
        error = self._target_error
        return SessionState(
            start=self._start,
            endpoint=self._endpoint.hand_over(),
            target=target,
            early=self._early if target is None or self._target is None else self._target.early,
            target_is_gone=self._target_gone,
            target_error="" if error is None else _explained(error),
        )

    @property
    def is_gone(self) -> bool:
        """Whether nothing of an ended session is under way to the target any more."""
        return self._target is None or self._target.is_gone

    def stop(self, outcome: Outcome) -> None:
        """End the session from outside."""
        self._end(outcome)

    async def say_goodbye(self, outcome: Outcome) -> None:
        """Give the client time to hear of the end from the gateway, and the bare fact if it did not."""
        if outcome.status == FinalTaskStatus.FAILED and self._target is None and self._endpoint.is_open:
            await asyncio.sleep(FLAG_DELAY_S)
            if self._endpoint.is_open:
                self._endpoint.tell_connect_failed()
        self.close()

    def close(self) -> None:
        """Release everything; harmless when repeated."""
        if self._target is not None:
            self._target.close()
        if self._inherited is not None:
            self._inherited.close()
        self._endpoint.close()

    @property
    def input_bytes(self) -> int:
        """Bytes from the client so far."""
        return self._endpoint.input_bytes

    @property
    def output_bytes(self) -> int:
        """Bytes from the target so far."""
        return self._endpoint.output_bytes

    # -- the data channel --

    def _make_channel(self, state: EndpointState | None) -> DataChannel:
        settings = ChannelSettings(
            AGENT_VERSION,
            session_id=self._start.session_id,
            max_payload_bytes=self._settings.max_payload_bytes,
            window_bytes=self._settings.window_bytes,
            zero_digest=self._request.is_ssh and not self._settings.payload_digests,
        )
        ids = MessageIds(os.urandom(SEED_BYTES))
        wall_clock_offset_s = time.time() - self._loop.time()
        if state is None:
            return DataChannel(AGENT, settings, ids, wall_clock_offset_s)
        return DataChannel.restore(state.channel, AGENT, settings, ids, wall_clock_offset_s)

    async def _keep_link(self) -> None:
        self._end(await self._link.keep())

    # -- the target --

    async def _keep_target(self) -> None:
        """Connect to the target, again while it hangs up before its first word."""
        if self._target_gone:
            return
        backoff = Backoff(REDIAL_FIRST_S, REDIAL_CAP_S, random.uniform, least=0.5)
        for attempt in range(1, self._settings.redial_limit + 2):
            try:
                await self._connect_target()
            except TargetUnreachableError as error:
                self._fail(str(error))
                return
            await self._hung_up
            self._hung_up = self._loop.create_future()
            self._target = None
            self._log("%s hung up before its first word, attempt %d", self._shown_target, attempt)
            await asyncio.sleep(backoff.next_delay_s())
        self._fail(
            f"the program at {self._shown_target} hung up {attempt} times before its first word; if it is "
            "sshd, it is at its limit MaxStartups, or punishes this source by its PerSourcePenalties"
        )

    async def _connect_target(self) -> None:
        connected, self._inherited = self._inherited, None
        is_inherited = connected is not None
        if connected is None:
            connected = await dial_target(self._request, self._start.session_owner, self._settings)
        connected.setblocking(False)
        target = TargetConnection(self._endpoint, self, self._early, is_inherited=is_inherited)
        self._target = target
        # Not the loop's own transport: this one copies what it cannot write at once, as the endpoint expects,
        # and costs a fraction of it for each read and write.
        await aiofastnet.create_connection(self._loop, lambda: target, sock=connected)

    # -- as the target's owner --

    def target_hung_up_early(self, early: bytes) -> None:
        self._early = early
        if not self._hung_up.done():
            self._hung_up.set_result(None)

    def target_ended(self, error: Exception | None) -> None:
        self._target_error = error

    def target_gone(self) -> None:
        self._target_gone = True
        self._end_if_over()

    # -- as the endpoint's owner --

    def handle_event(self, event: Event) -> None:
        match event:
            case TerminateRequested() | DisconnectRequested():
                self._end(Outcome(FinalTaskStatus.SUCCESS))
            case ChannelClosed():
                self._end(Outcome(FinalTaskStatus.SUCCESS))
            case HandshakeFailed():
                self._fail(f"the session could not be agreed with the client: {printable(event.reason)}")
            case PeerUnresponsive():
                self._fail(f"the client has acknowledged nothing for {event.silent_s:.0f} s")
            case PeerError():
                self._log_dropped(event.reason)
            case HandshakeFinished():
                self._log("open, client version %s", printable(event.peer_version, 40), level=logging.DEBUG)

    def input_delivered(self) -> None:
        self._input_delivered = True
        self._end_if_over()

    def output_delivered(self) -> None:
        self._output_delivered = True
        self._end_if_over()
        self._loop.call_later(
            self._settings.half_closed_grace_s, self._end_if_idle, self._endpoint.input_bytes
        )

    def link_lost(self, reason: str) -> None:
        if not self._outcome.done():
            self._log("data channel lost %s", f"({reason})" if reason else "")

    # -- the end --

    def _end_if_over(self) -> None:
        """The target's last byte has arrived, and it has the client's or takes no more."""
        if self._output_delivered and (self._input_delivered or self._target_gone):
            self._end(self._natural_end())

    def _end_if_idle(self, input_bytes_before: int) -> None:
        """The target has ended and the client says nothing: it is taken to have ended as well. A target that
        still has bytes to take is waited for: they count as delivered only then."""
        input_bytes = self._endpoint.input_bytes
        if input_bytes == input_bytes_before and self._endpoint.is_input_written:
            self._end(self._natural_end())
        elif not self._outcome.done():
            self._loop.call_later(self._settings.half_closed_grace_s, self._end_if_idle, input_bytes)

    def _natural_end(self) -> Outcome:
        if self._target_error is None:
            return Outcome(FinalTaskStatus.SUCCESS)
        reason = _explained(self._target_error)
        return Outcome(
            FinalTaskStatus.FAILED, f"the connection to {self._shown_target} on the node broke: {reason}"
        )

    def _fail(self, text: str) -> None:
        self._end(Outcome(FinalTaskStatus.FAILED, text))

    def _end(self, outcome: Outcome) -> None:
        """Settle how the session ends; the first reason counts."""
        if not self._outcome.done():
            self._outcome.set_result(outcome)

    def _log_dropped(self, reason: str) -> None:
        self._dropped += 1
        if self._dropped <= MAX_LOGGED_DROPS:
            more = "; further ones are dropped in silence" if self._dropped == MAX_LOGGED_DROPS else ""
            self._log("dropped a frame: %s%s", reason, more)

    def _log(self, text: str, *arguments: object, level: int = logging.INFO) -> None:
        logger.log(level, f"session %s: {text}", self._start.session_id, *arguments)


def _explained(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
