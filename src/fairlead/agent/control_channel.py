"""The control channel: one WebSocket to the gateway, held open for ever, on which sessions are offered.

What is offered goes to a handler; the completion of a session is sent until the gateway acknowledges it. A
lost connection does not touch the sessions, which have connections of their own.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
import uuid
from typing import TYPE_CHECKING

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from fairlead.agent.backoff import ReturnDelay
from fairlead.agent.completions import Completions
from fairlead.agent.connector import wait_closed
from fairlead.agent.credentials import explain
from fairlead.agent.errors import AgentError, ServiceError
from fairlead.agent.gateway_client import GatewayClient, Liveness
from fairlead.protocol.control_channel import (
    MAX_CONTROL_PAYLOAD_BYTES,
    Received,
    ReturnPace,
    TaskAcknowledge,
    TaskComplete,
    UnknownMessage,
    decode_control_message,
    encode_control_message,
)
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.message import HEADER_BYTES
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.open_channel import ControlOpen
from fairlead.protocol.settings import AGENT_VERSION
from fairlead.transport.errors import TransportError, UpgradeError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fairlead.agent.completions import Pending
    from fairlead.protocol.control_channel import Body

logger = logging.getLogger(__name__)

MAX_CONTROL_FRAME_BYTES = HEADER_BYTES + MAX_CONTROL_PAYLOAD_BYTES
"""Largest frame that is taken; a larger one ends the connection with code 1009."""

LINK_OPEN = "open"
"""What is told of the channel while it stands; of one that does not, why."""

DISPLACED_REASON = "a newer control channel took this place"
"""What the gateway says to that of two agents which it serves no longer (docs/protocol.md, close reasons)."""

_SENT_AWAY = (WSCloseCode.SERVICE_RESTART, WSCloseCode.TRY_AGAIN_LATER)

STEADY_S = 10.0
"""A connection that lasted this long counts as a success: the next loss starts from the first delay again."""


class ControlChannel:
    """Holds the channel of one node. `handle` is given each message of the gateway but acknowledgements;
    `refused` is called when the gateway does not accept the node's credentials. `is_wanted` says whether
    people are probably waiting for this node."""

    def __init__(
        self,
        gateway: GatewayClient,
        instance_id: str,
        platform_type: str,
        *,
        handle: Callable[[Body], None],
        refused: Callable[[], None],
        liveness: Liveness,
        delay: ReturnDelay,
        is_wanted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._gateway = gateway
        self._instance_id = instance_id
        self._platform_type = platform_type
        self._handle = handle
        self._refused = refused
        self._liveness = liveness
        self._delay = delay
        self._is_wanted = is_wanted
        self._completions = Completions(MessageIds(os.urandom(SEED_BYTES)).next_id)
        self._none_pending = asyncio.Event()
        self._none_pending.set()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: WSTransport | None = None
        self._up_since = math.inf
        self.is_up = asyncio.Event()
        """Set while the channel stands."""
        self.link = ""
        """`LINK_OPEN`, or why the channel does not stand; empty before the first attempt has ended."""
        self.displaced_at = 0.0
        """When another agent took the channel, in epoch seconds; 0 if none did."""
        self.link_changed = asyncio.Event()
        """Set at each change of `link`; whoever waits for it clears it."""

    async def run(self) -> None:
        """Hold the channel open until cancelled."""
        while True:
            self._up_since = math.inf
            is_sent_away = False
            try:
                goodbye, is_sent_away = await self._hold()
            except (AgentError, TransportError) as error:
                self._tell(explain(error))
                logger.warning("no control channel: %s", explain(error))
                if isinstance(error, ServiceError | UpgradeError) and error.status in (400, 401, 403):
                    self._refused()
            else:
                if goodbye == DISPLACED_REASON:
                    self.displaced_at = time.time()
                self._tell(f"lost: {goodbye or 'without a word of the gateway'}")
                logger.warning("control channel lost")
            was_steady = time.monotonic() - self._up_since > STEADY_S
            if was_steady:
                self._delay.reset()
            if was_steady and not is_sent_away:
                delay_s = self._delay.after_loss_s()
            else:
                delay_s = self._delay.after_failure_s(is_wanted=self._is_wanted())
            await asyncio.sleep(delay_s)

    def report(self, completion: TaskComplete) -> None:
        """Send `completion`, now and whenever a channel stands, until it is acknowledged."""
        forgotten = self._completions.add(completion, time.monotonic())
        if forgotten is not None:
            logger.warning("session %s: the gateway did not acknowledge its end; it is forgotten", forgotten)
        self._none_pending.clear()
        self._send_due()

    async def all_acknowledged(self) -> None:
        """Wait until the gateway has acknowledged every completion."""
        await self._none_pending.wait()

    @property
    def pending(self) -> tuple[Pending, ...]:
        """The completions that are not acknowledged."""
        return self._completions.pending

    def take_over(self, pending: Iterable[Pending]) -> None:
        """Send also these completions, of the process before this one."""
        self._completions.take_over(pending, time.monotonic())
        if not self._completions.is_empty:
            self._none_pending.clear()

    def close(self) -> None:
        """Say goodbye on the WebSocket, if there is one."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send_close(WSCloseCode.GOING_AWAY)
            self._transport.disconnect()

    def _tell(self, link: str) -> None:
        if link != self.link:
            self.link = link
            self.link_changed.set()

    async def _hold(self) -> tuple[str, bool]:
        """Hold one channel to its end; the reason that the gateway gave, and whether it sent all away."""
        token = await self._gateway.create_control_channel(self._instance_id)
        open_frame = ControlOpen(
            str(uuid.uuid4()),
            token,
            AGENT_VERSION,
            self._platform_type.lower(),
            incarnation=self._gateway.incarnation,
        ).encode()
        listener = _Listener(open_frame, self._receive)
        transport = await self._gateway.open_control_channel(
            self._instance_id, listener, MAX_CONTROL_FRAME_BYTES, self._liveness
        )
        logger.info("control channel open")
        self._transport = transport
        self._up_since = time.monotonic()
        self.is_up.set()
        self._tell(LINK_OPEN)
        self._completions.connection_restored(time.monotonic())
        self._send_due()
        try:
            await wait_closed(transport)
        finally:
            self.is_up.clear()
            self._send_due()
        return listener.goodbye, listener.is_sent_away

    def _send_due(self) -> None:
        """Send the completions that are due, and come back for the next; only while the channel stands."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is None or not self.is_up.is_set():
            return
        now = time.monotonic()
        for message_id, completion in self._completions.take_due(now):
            frame = encode_control_message(completion, message_id=message_id, created_date=_now_ms())
            self._transport.send(WSMsgType.BINARY, frame)
        due_at = self._completions.next_due()
        if due_at is not None:
            self._timer = asyncio.get_running_loop().call_later(due_at - now, self._send_due)

    def _receive(self, received: Received) -> None:
        match received.body:
            case TaskAcknowledge():
                self._completions.acknowledge(received.body.message_id)
                if self._completions.is_empty:
                    self._none_pending.set()
            case ReturnPace():
                self._delay.told(received.body.spread_s)
            case UnknownMessage():
                logger.debug("ignored a control message of type %s", received.body.message_type)
            case _:
                self._handle(received.body)


class _Listener(WSListener):
    """The WebSocket's callbacks."""

    def __init__(self, open_frame: str, receive: Callable[[Received], None]) -> None:
        self._open_frame = open_frame
        self._receive = receive
        self.goodbye = ""
        """The gateway's reason for closing, once it has."""
        self.is_sent_away = False
        """The gateway closes every channel now, or takes none."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, self._open_frame)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        transport.notify_user_specific_pong_received()  # any frame is a sign of life
        if frame.msg_type in (WSMsgType.BINARY, WSMsgType.TEXT) and frame.fin:
            try:
                self._receive(decode_control_message(frame.get_payload_as_bytes()))
            except MalformedMessage as error:
                logger.warning("dropped a control message: %s", error)
        elif frame.msg_type == WSMsgType.CLOSE:
            self.is_sent_away = frame.get_close_code() in _SENT_AWAY
            self.goodbye = printable(frame.get_close_message().decode("utf-8", "replace"))
            logger.info(
                "the gateway closes the control channel %s", f"({self.goodbye})" if self.goodbye else ""
            )
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif frame.msg_type != WSMsgType.PONG:
            logger.warning("the gateway sent a control message in fragments")
            transport.send_close(WSCloseCode.UNSUPPORTED_DATA)
            transport.disconnect()

    def send_user_specific_ping(self, transport: WSTransport) -> None:
        transport.send_ping(b"keepalive")


def _now_ms() -> int:
    return int(time.time() * 1000)
