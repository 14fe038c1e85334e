"""Control channels: which nodes are connected, and the messages to and from them.

One channel per node: the newest wins, since a node that dials again has lost the older one whether the server
saw it or not. Where the older one turns out to be alive, and another process's, two agents use one identity
(docs/decisions/0019). What a completed session or an opened channel leads to is left to the `ControlEvents`.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from fairlead.domain.callers import Caller
from fairlead.domain.nodes import ChannelSighting
from fairlead.gateway.close_codes import CloseCode
from fairlead.gateway.messages import Messages
from fairlead.protocol.control_channel import TaskComplete, decode_control_message
from fairlead.protocol.errors import MalformedMessage

MAX_COMMON_VALUES = 1000
"""Roles, regions, addresses and programs that open control channels, kept once for all of them."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class ControlSocket(Protocol):
    """What is done with a control channel's WebSocket."""

    @property
    def is_congested(self) -> bool: ...
    def send_binary(self, frame: bytes | memoryview, *, more: bool) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def close(
        self, code: CloseCode, reason: str, answered: Callable[[int | None], None] | None = None
    ) -> None: ...


class ControlEvents(Protocol):
    """Told what nodes report."""

    def task_completed(self, node_id: str, completion: TaskComplete, acknowledge: Callable[[], None]) -> None:
        """A node says that a session is over; it may say so several times."""
        ...

    def control_channel_opened(self, node_id: str) -> None:
        """Now is the time for what the node has missed."""
        ...


class ControlChannels:
    """The connected nodes. Changed on the event loop's thread only; `is_connected` may be asked from any."""

    def __init__(
        self,
        messages: Messages,
        departed: Callable[[str, datetime], None],
        twins_seen: Callable[[Caller, ChannelSighting, ChannelSighting], None],
    ) -> None:
        """`departed` is told of each channel that ended: whose it was, and when it was opened. `twins_seen`
        is told of two that were alive at once: whose they are, the one that is served, the one before it."""
        self._messages = messages
        self._departed = departed
        self._twins_seen = twins_seen
        self._channels: dict[str, ControlChannel] = {}
        self._common: dict[Any, Any] = {}  # Any: a value is its own key
        self._events: ControlEvents | None = None

    def report_to(self, events: ControlEvents) -> None:
        """Who is told; once, before the first channel opens."""
        self._events = events

    def __len__(self) -> int:
        return len(self._channels)

    def is_connected(self, node_id: str) -> bool:
        """True while the node has an open control channel."""
        return node_id in self._channels

    def of_our_agents(self) -> list["ControlChannel"]:
        """The channels of all agents of ours."""
        return [channel for channel in self._channels.values() if channel.incarnation]

    def caller_of(self, node_id: str) -> Caller | None:
        """As whom a connected node signed, if that is known."""
        channel = self._channels.get(node_id)
        return channel.caller if channel is not None else None

    def incarnation_of(self, node_id: str) -> str:
        """What tells the process of our agent that is connected from those before it; empty for the stock
        agent and for a node that is not connected."""
        channel = self._channels.get(node_id)
        return channel.incarnation if channel is not None else ""

    def open(
        self,
        node_id: str,
        socket: ControlSocket,
        opened_at: datetime,
        caller: Caller | None = None,
        incarnation: str = "",
    ) -> "ControlChannel":
        """Take a node's new channel; the one it had is closed. `opened_at`: as it was recorded."""
        if caller is not None:
            caller = self._with_shared_parts(caller)
        older = self._channels.pop(node_id, None)
        channel = ControlChannel(node_id, socket, self, opened_at, caller, incarnation)
        self._channels[node_id] = channel
        if older is not None:
            _log.info("node %s opened a new control channel; the older one is closed", node_id)
            older.socket.close(
                CloseCode.REPLACED,
                "a newer control channel took this place",
                partial(self._older_one_answered, older, channel),
            )
        _log.info("node %s is connected", node_id)
        if self._events is not None:
            self._events.control_channel_opened(node_id)
        return channel

    def send(self, node_id: str, frame: bytes) -> bool:
        """Send a message; False if the node is not connected or does not read. No receipt is confirmed."""
        channel = self._channels.get(node_id)
        if channel is None or channel.socket.is_congested:
            return False
        channel.socket.send_binary(frame, more=False)
        return True

    def close(self, node_id: str, code: CloseCode, reason: str) -> None:
        """Close a node's channel, if it has one."""
        channel = self._channels.pop(node_id, None)
        if channel is not None:
            channel.socket.close(code, reason)
            self._departed(node_id, channel.opened_at)

    def close_all(self, code: CloseCode, reason: str) -> None:
        """Close every channel."""
        for node_id in list(self._channels):
            self.close(node_id, code, reason)

    def _with_shared_parts(self, caller: Caller) -> Caller:
        """Equal to `caller`. What the nodes of a fleet have in common is kept once: half a kilobyte for each
        of them, for as long as its channel is open."""
        origin, shared = caller.origin, self._shared
        return replace(
            caller,
            scope=shared(caller.scope),
            role_name=shared(caller.role_name),
            role_arn=shared(caller.role_arn),
            origin=replace(
                origin, source_address=shared(origin.source_address), user_agent=shared(origin.user_agent)
            ),
        )

    def _shared(self, value: T) -> T:
        """The first value that was equal to this one. Not `sys.intern`: the first releases of Python 3.12
        forget nothing there (gh-113993), and these are words of peers."""
        if len(self._common) >= MAX_COMMON_VALUES:
            self._common.clear()
        common: T = self._common.setdefault(value, value)
        return common

    def _older_one_answered(
        self, older: "ControlChannel", newer: "ControlChannel", close_code: int | None
    ) -> None:
        """The peer of a replaced channel was alive to read that it was replaced.

        AWS's agent repeats the code then, ours closes with NORMAL. Any other code is a goodbye of its own
        that crossed with ours, as of a process that was ending.
        """
        answers = (CloseCode.REPLACED, CloseCode.NORMAL) if older.incarnation else (CloseCode.REPLACED,)
        is_own_goodbye = close_code not in answers
        is_same_process = older.incarnation != "" and older.incarnation == newer.incarnation
        if is_own_goodbye or is_same_process or newer.caller is None:
            return
        _log.warning("node %s has two live agents; the newest is served", newer.node_id)
        self._twins_seen(newer.caller, newer.sighting, older.sighting)

    # Called by the channels.

    def send_on(self, channel: "ControlChannel", frame: bytes) -> bool:
        """As `send`, on this very channel; False if it is not the node's any more."""
        return self._channels.get(channel.node_id) is channel and self.send(channel.node_id, frame)

    def lost(self, channel: "ControlChannel") -> None:
        """A channel's connection is gone."""
        if self._channels.get(channel.node_id) is channel:
            del self._channels[channel.node_id]
            self._departed(channel.node_id, channel.opened_at)
            _log.info("node %s is no longer connected", channel.node_id)

    def received(self, channel: "ControlChannel", frame: bytes | memoryview) -> None:
        """A message of a node. All completions are acknowledged, as soon as they need not be said again; what
        nobody here reads is ignored."""
        try:
            message = decode_control_message(frame)
        except MalformedMessage as error:
            _log.warning("closing the control channel of node %s: %s", channel.node_id, error)
            self.close(channel.node_id, CloseCode.REFUSED, "malformed message")
            return
        if isinstance(message.body, TaskComplete):
            acknowledgement = self._messages.task_acknowledge(message.message_id, message.body.session_id)
            acknowledge = partial(channel.socket.send_binary, acknowledgement, more=False)
            if self._events is None:
                acknowledge()
            else:
                self._events.task_completed(channel.node_id, message.body, acknowledge)


class ControlChannel:
    """One node's channel, and the handler of what its socket receives."""

    __slots__ = ("_registry", "caller", "incarnation", "node_id", "opened_at", "socket", "told_spread_s")

    def __init__(
        self,
        node_id: str,
        socket: ControlSocket,
        registry: ControlChannels,
        opened_at: datetime,
        caller: Caller | None = None,
        incarnation: str = "",
    ) -> None:
        self.node_id = node_id
        self.opened_at = opened_at
        self.incarnation = incarnation
        self.socket = socket
        self.caller = caller
        self.told_spread_s = 0
        """What the agent was told last of the pace at which to come back."""
        self._registry = registry

    @property
    def sighting(self) -> ChannelSighting:
        """Where it came from, and since when it is open."""
        address = "" if self.caller is None else self.caller.origin.source_address
        return ChannelSighting(address, self.opened_at)

    def send(self, frame: bytes) -> bool:
        """Send a message; False if the channel has ended or its node does not read."""
        return self._registry.send_on(self, frame)

    def receive_binary(self, frame: bytes | memoryview, last: bool) -> None:
        """One message of the node."""
        self._registry.received(self, frame)

    def receive_text(self, text: bytes) -> None:
        """After the open frame every message is binary."""
        _log.warning("closing the control channel of node %s: a text frame", self.node_id)
        self._registry.close(self.node_id, CloseCode.REFUSED, "text frame")

    def flush(self) -> None:
        """Nothing is kept back here."""

    def congested(self) -> None:
        """A node that does not read its acknowledgements is not read either."""
        self.socket.pause_reading()

    def drained(self) -> None:
        """It reads again."""
        self.socket.resume_reading()

    def disconnected(self, close_code: int | None) -> None:
        """The connection is gone."""
        self._registry.lost(self)
