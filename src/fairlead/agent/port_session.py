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
import sys
import time
import uuid
from dataclasses import dataclass
from socket import AF_INET
from typing import TYPE_CHECKING

from fairlead.agent.backoff import Backoff
from fairlead.agent.connector import wait_closed
from fairlead.agent.credentials import explain
from fairlead.agent.errors import AgentError, ServiceError, TargetUnreachableError
from fairlead.agent.gateway_client import TERMINATED, GatewayClient, Liveness
from fairlead.agent.source_address import source_address
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
from fairlead.protocol.open_channel import AgentOpen
from fairlead.protocol.roles import AGENT
from fairlead.protocol.settings import AGENT_VERSION, ChannelSettings
from fairlead.transport.addresses import bracketed, is_loopback
from fairlead.transport.asyncio_dialer import connect, resolve
from fairlead.transport.asyncio_endpoint import AsyncioEndpoint
from fairlead.transport.asyncio_link import MAX_LINK_FRAME_BYTES, WebSocketLink
from fairlead.transport.errors import TransportError, printable

if TYPE_CHECKING:
    from socket import socket

    from picows import WSTransport

    from fairlead.agent.session_document import PortRequest
    from fairlead.agent.settings import AgentSettings
    from fairlead.protocol.control_channel import StartSession
    from fairlead.protocol.events import Event

logger = logging.getLogger(__name__)

RECONNECT_FIRST_S = 0.1
RECONNECT_CAP_S = 2.0
"""Bounds of the delay before a lost data channel is opened again."""

REDIAL_FIRST_S = 0.05
REDIAL_CAP_S = 1.0
"""Bounds of the delay before a target that hung up early is dialled again."""

HALF_CLOSED_GRACE_S = 1.0
"""How long a client may be silent after its target's last byte before the session ends without its word."""

FLAG_DELAY_S = 0.3
"""Head start of the completion message, whose text the gateway shows to the user, over the bare flag that the
client would get from us."""


MAX_LOGGED_DROPS = 20
"""Frames of one session that are dropped with a line in the log: with more, a client could fill the disk."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended: an AWS `FinalTaskStatus`, and a sentence for the user unless it is a success."""

    status: str
    output: str = ""


class PortSession:
    """Runs one session. `gateway` opens its data channel, for `instance_id`."""

    def __init__(
        self,
        start: StartSession,
        request: PortRequest,
        gateway: GatewayClient,
        instance_id: str,
        settings: AgentSettings,
    ) -> None:
        self._start = start
        self._request = request
        self._gateway = gateway
        self._instance_id = instance_id
        self._settings = settings
        self._shown_target = f"{bracketed(request.host)}:{request.port}"
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[Outcome] = self._loop.create_future()
        self._target: TargetConnection | None = None
        self._target_error: Exception | None = None
        self._hung_up: asyncio.Future[bytes] = self._loop.create_future()
        self._input_delivered = False
        self._output_delivered = False
        self._target_gone = False
        self._dropped = 0
        self._endpoint = AsyncioEndpoint(self._make_channel(), self, self._loop.time)

    async def run(self) -> Outcome:
        """Serve the session to its end. `say_goodbye` or `close` must follow."""
        self._endpoint.start_handshake("Port", self._request.properties)
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(self._keep_target()), group.create_task(self._keep_link())]
            outcome = await self._outcome
            for task in serving:
                task.cancel()
        return outcome

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

    def _make_channel(self) -> DataChannel:
        settings = ChannelSettings(
            AGENT_VERSION,
            session_id=self._start.session_id,
            max_payload_bytes=self._settings.max_payload_bytes,
            window_bytes=self._settings.window_bytes,
            zero_digest=self._request.is_ssh,
        )
        ids = MessageIds(os.urandom(SEED_BYTES))
        return DataChannel(AGENT, settings, ids, time.time() - self._loop.time())

    async def _keep_link(self) -> None:
        """Hold a data channel open until the session ends or none could be had for too long."""
        backoff = Backoff(RECONNECT_FIRST_S, RECONNECT_CAP_S, random.uniform)
        last_up = self._loop.time()
        while True:
            opened_at = self._loop.time()
            was_up = False
            try:
                # Also the wait for credentials is part of the time that a session may be without a link.
                left_s = last_up + self._settings.resume_window_s - opened_at
                async with asyncio.timeout(max(left_s, self._settings.request_timeout_s)):
                    transport = await self._open_link()
                was_up = True
                await wait_closed(transport)
            except TimeoutError:
                self._log("no data channel: no answer in time")
            except ServiceError as error:
                if TERMINATED in error.text:
                    self._end(Outcome(FinalTaskStatus.SUCCESS, "the session was ended by the server"))
                    return
                self._log("data channel refused: %s", explain(error))
            except (AgentError, TransportError) as error:
                self._log("no data channel: %s", error)
            if was_up:
                last_up = self._loop.time()
                if last_up - opened_at > RECONNECT_CAP_S:
                    backoff.reset()
            if self._loop.time() - last_up > self._settings.resume_window_s:
                self._fail(
                    "the data channel was lost and could not be restored within the agent's resume_window_s "
                    f"of {self._settings.resume_window_s:g} s"
                )
                return
            await asyncio.sleep(backoff.next_delay_s())

    async def _open_link(self) -> WSTransport:
        session_id = self._start.session_id
        token = await self._gateway.create_data_channel(session_id)
        open_frame = AgentOpen(
            str(uuid.uuid4()), token, self._instance_id, incarnation=self._gateway.incarnation
        ).encode()
        link = WebSocketLink(self._endpoint, open_frame)
        liveness = Liveness(
            self._settings.data_ping_interval_s,
            min(self._settings.pong_timeout_s, self._settings.data_ping_interval_s),
        )
        return await self._gateway.open_data_channel(session_id, link, MAX_LINK_FRAME_BYTES, liveness)

    # -- the target --

    async def _keep_target(self) -> None:
        """Connect to the target, again while it hangs up before its first word."""
        backoff = Backoff(REDIAL_FIRST_S, REDIAL_CAP_S, random.uniform, least=0.5)
        early = b""
        for attempt in range(1, self._settings.redial_limit + 2):
            try:
                await self._connect_target(early)
            except TargetUnreachableError as error:
                self._fail(str(error))
                return
            early = await self._hung_up
            self._hung_up = self._loop.create_future()
            self._target = None
            self._log("%s hung up before its first word, attempt %d", self._shown_target, attempt)
            await asyncio.sleep(backoff.next_delay_s())
        self._fail(
            f"the program at {self._shown_target} hung up {attempt} times before its first word; if it is "
            "sshd, it is at its limit MaxStartups, or punishes this source by its PerSourcePenalties"
        )

    async def _connect_target(self, early: bytes) -> None:
        _, self._target = await self._loop.create_connection(
            lambda: TargetConnection(self._endpoint, self, early), sock=await self._dial()
        )

    async def _dial(self) -> socket:
        source = None
        try:
            async with asyncio.timeout(self._settings.dial_timeout_s):
                addresses = await resolve(self._request.host, self._request.port)
                if self._settings.source_address_per_principal and sys.platform == "linux":
                    # A principal's own address exists in IPv4 only, so that family goes first.
                    addresses.sort(key=lambda address: address[0] != AF_INET)
                    if is_loopback(str(addresses[0][1][0])):
                        source = source_address(self._start.session_owner)
                return await connect(addresses, self._shown_target, source)
        except TimeoutError:
            reason = f"{self._shown_target} did not answer within {self._settings.dial_timeout_s:g} s"
        except TransportError as error:
            reason = str(error)
        raise TargetUnreachableError(
            f"Unable to connect to specified port: {reason}; is it running on the node?"
        )

    # -- as the target's owner --

    def target_hung_up_early(self, early: bytes) -> None:
        if not self._hung_up.done():
            self._hung_up.set_result(early)

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
        self._loop.call_later(HALF_CLOSED_GRACE_S, self._end_if_idle, self._endpoint.input_bytes)

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
            self._loop.call_later(HALF_CLOSED_GRACE_S, self._end_if_idle, input_bytes)

    def _natural_end(self) -> Outcome:
        if self._target_error is None:
            return Outcome(FinalTaskStatus.SUCCESS)
        error = self._target_error
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
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
