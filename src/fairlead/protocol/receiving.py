"""The receiving half of a data channel: order, duplicates, and what is acknowledged when.

Stream data is acknowledged when it has been written to the local side, not before; everything else when it
has been acted upon. A number that was acknowledged before is acknowledged again when it comes again: the
first acknowledgement may have been lost with a connection. (The official client stays silent then, and can
so bring a session to a halt.)

Messages that come early are kept until their turn, within limits in bytes and in number. What does not fit is
left without acknowledgement, so that its sender keeps it and sends it again.
"""

from __future__ import annotations

from collections import deque

from fairlead.protocol import json_fields
from fairlead.protocol.acknowledgements import encode_cumulative, encode_one
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.message import ACKNOWLEDGE, FLAG_SYN_FIN, AgentMessage
from fairlead.protocol.settings import (
    CUMULATIVE_ACK_BYTES,
    CUMULATIVE_ACK_DELAY_S,
    MAX_HELD_MESSAGES,
    MAX_WINDOW_BYTES,
)

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fairlead.protocol.handshake import Terms
    from fairlead.protocol.outgoing import FrameWriter, OutgoingFrame
    from fairlead.protocol.roles import Role

RECENT_ACKNOWLEDGEMENTS = 1024
"""How many single acknowledgements are sent once more after a reconnect; an official program at full rate
sends as many messages in about a second."""

_ACKNOWLEDGE = ACKNOWLEDGE.ljust(32)


class Receiver:
    """Numbered messages from the other end to here."""

    __slots__ = (
        "_ack_at",
        "_ack_bytes",
        "_ack_now",
        "_acks",
        "_early",
        "_early_bytes",
        "_last_id",
        "_message_type",
        "_recent",
        "_reconnected",
        "_terms",
        "_unwritten",
        "_unwritten_bytes",
        "_writer",
        "expected",
    )

    def __init__(self, role: Role, writer: FrameWriter, terms: Terms) -> None:
        self._message_type = role.receives
        self._writer = writer
        self._terms = terms
        self._early: dict[int, AgentMessage] = {}
        self._early_bytes = 0
        # Number -> id and bytes, in order; 0 bytes: acted upon, but data ahead of it is not yet written.
        self._unwritten: dict[int, tuple[bytes, int]] = {}
        self._unwritten_bytes = 0
        self._acks: list[OutgoingFrame] = []
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT_ACKNOWLEDGEMENTS)
        self._last_id = bytes(16)
        self._ack_at: float | None = None
        self._ack_bytes = 0
        self._ack_now: float | None = None
        self._reconnected = False
        self.expected = 0

    def use_terms(self, terms: Terms) -> None:
        """From now on receive under these terms."""
        self._terms = terms

    # -- order --

    @property
    def _limit_bytes(self) -> int:
        return self._terms.window_bytes if self._terms.own else MAX_WINDOW_BYTES

    def has_room(self, size: int) -> bool:
        """Whether a message whose turn it is, with `size` bytes for the local side, may be taken."""
        return self._unwritten_bytes + size <= self._limit_bytes and len(self._unwritten) < MAX_HELD_MESSAGES

    def keep_early(self, message: AgentMessage) -> bool:
        """Keep a copy of a message that came before its turn; false when there is no room for it."""
        if message.sequence_number in self._early:
            return True
        size = len(message.payload)
        if (
            self._unwritten_bytes + self._early_bytes + size > self._limit_bytes
            or len(self._unwritten) + len(self._early) >= MAX_HELD_MESSAGES
        ):
            return False
        message.payload = bytes(message.payload)
        self._early[message.sequence_number] = message
        self._early_bytes += size
        return True

    def next_early(self) -> AgentMessage | None:
        """The kept message whose turn it is, if any."""
        return self._early.get(self.expected)

    def deliver(self, message: AgentMessage) -> None:
        """The message was handed to the local side, which will report it as written."""
        size = len(message.payload)
        self._unwritten[message.sequence_number] = (message.message_id, size)
        self._unwritten_bytes += size
        self._advance()

    def consume(self, message: AgentMessage, now: float) -> None:
        """The message was acted upon: acknowledge it, but not before the data ahead of it. So the numbers
        that a snapshot takes for acknowledged have no gap."""
        self._advance()
        if self._unwritten:
            self._unwritten[message.sequence_number] = (message.message_id, 0)
        else:
            self._acknowledge_consumed(message.sequence_number, message.message_id, now)

    def _advance(self) -> None:
        early = self._early.pop(self.expected, None)
        if early is not None:
            self._early_bytes -= len(early.payload)
        self.expected += 1

    # -- acknowledging --

    def written(self, sequence: int, now: float) -> None:
        """Everything delivered up to `sequence` has been written."""
        done = []
        for number, (_, size) in self._unwritten.items():
            if number > sequence and size:
                break
            done.append(number)
        for number in done:
            message_id, size = self._unwritten.pop(number)
            self._unwritten_bytes -= size
            if not size:
                self._acknowledge_consumed(number, message_id, now)
            elif self._terms.cumulative_acks:
                self._acknowledge_later(message_id, size, now)
            else:
                self._acknowledge_one(number, message_id, now)

    def repeated(self, message: AgentMessage, now: float) -> None:
        """A number came that has come before: acknowledge it again, unless it was not yet written."""
        if self._terms.cumulative_acks:
            self._ack_now = now
        elif message.sequence_number not in self._unwritten:
            self._acknowledge_one(message.sequence_number, message.message_id, now)

    def _acknowledge_one(self, sequence: int, message_id: bytes, now: float) -> None:
        self._recent.append((sequence, message_id))
        self._queue(encode_one(self._message_type, message_id, sequence), now)

    def _acknowledge_consumed(self, sequence: int, message_id: bytes, now: float) -> None:
        if self._terms.cumulative_acks:
            self._last_id = message_id
            self._ack_now = now
        else:
            self._acknowledge_one(sequence, message_id, now)

    def _acknowledge_later(self, message_id: bytes, size: int, now: float) -> None:
        self._last_id = message_id
        self._ack_bytes += size
        threshold = min(CUMULATIVE_ACK_BYTES, self._terms.window_bytes // 2)
        if self._ack_bytes >= threshold:
            self._ack_now = now
        elif self._ack_at is None:
            self._ack_at = now + CUMULATIVE_ACK_DELAY_S

    def acknowledge_now(self, now: float) -> None:
        """Do not wait with an acknowledgement that is due later."""
        if self._ack_at is not None:
            self._ack_now = now

    @property
    def deadline(self) -> float | None:
        """When an acknowledgement is due; None also while one waits to be taken."""
        return self._ack_at if self._ack_now is None else None

    def handle_deadline(self, now: float) -> None:
        """Queue the acknowledgement if it is due."""
        if self._ack_at is not None and now >= self._ack_at:
            self._ack_now = now

    def take(self) -> list[OutgoingFrame]:
        """The acknowledgements to put on the wire now."""
        if self._ack_now is not None:
            payload = encode_cumulative(
                self._message_type,
                self._last_id,
                self.acknowledged_through,
                self.expected - 1,
                reconnected=self._reconnected,
            )
            self._queue(payload, self._ack_now)
            self._ack_now = self._ack_at = None
            self._ack_bytes = 0
            self._reconnected = False
        if not self._acks:
            return []
        taken, self._acks = self._acks, []
        return taken

    def _queue(self, payload: bytes, now: float) -> None:
        digest = not self._terms.zero_digest
        self._acks.append(self._writer.write(_ACKNOWLEDGE, payload, now, flags=FLAG_SYN_FIN, digest=digest))

    # -- connection --

    def connection_lost(self) -> None:
        """Acknowledgements not yet sent are made anew afterwards."""
        self._acks.clear()

    def connection_restored(self, now: float) -> None:
        """Say again what has been received: the last acknowledgements may have been lost."""
        if self._terms.cumulative_acks:
            self._reconnected = True
            self._ack_now = now
            return
        for sequence, message_id in self._recent:
            self._queue(encode_one(self._message_type, message_id, sequence), now)

    # -- state --

    @property
    def acknowledged_through(self) -> int:
        """The highest number up to which everything was written or acted upon; -1: nothing."""
        return next(iter(self._unwritten), self.expected) - 1

    @property
    def wants_frames(self) -> bool:
        """Whether the local side keeps up: always true when the other end keeps to a window."""
        return self._terms.own or (
            self._unwritten_bytes < self._terms.window_bytes and len(self._unwritten) < MAX_HELD_MESSAGES // 2
        )

    def state(self) -> dict[str, Any]:
        """What a successor needs, as JSON. What is held here is not in it: it was never acknowledged, so the
        peer sends it again."""
        through = self.acknowledged_through
        return {
            "expected": through + 1,
            "recent": [[number, message_id.hex()] for number, message_id in self._recent],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over from the Receiver that gave `state`. Raises MalformedMessage."""
        self.expected = json_fields.integer(state, "expected", "the snapshot")
        try:
            self._recent.extend((int(number), bytes.fromhex(digits)) for number, digits in state["recent"])
        except (KeyError, TypeError, ValueError):
            raise MalformedMessage("acknowledgements of the snapshot are not readable") from None
