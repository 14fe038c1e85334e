"""The sending half of a data channel: numbers, window, copies until acknowledged, resends and replay.

Nothing is ever dropped. A message gets its number and enters the list of unacknowledged ones before it is
handed out, so an acknowledgement can never come too early (it can in the official agent, which then repeats
that message for ever).
"""

from __future__ import annotations

from fairlead.protocol import json_fields
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.message import PayloadType
from fairlead.protocol.outgoing import PAYLOAD_OFFSET, behind_room
from fairlead.protocol.retransmission import ResendTimer
from fairlead.protocol.settings import MAX_UNACKNOWLEDGED_MESSAGES
from fairlead.protocol.stream_buffers import StreamBuffers

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from fairlead.protocol.acknowledgements import Acknowledgement
    from fairlead.protocol.handshake import Terms
    from fairlead.protocol.outgoing import FrameWriter, OutgoingFrame
    from fairlead.protocol.roles import Role


class Unacknowledged:
    """A message that the other end has not yet acknowledged. `window_bytes` is what it takes of the window:
    its payload if that is stream data, else nothing. `is_read_into`: its buffer may be read into again."""

    __slots__ = ("frame", "is_queued", "is_read_into", "sent_again", "sent_at", "window_bytes")

    def __init__(self, frame: OutgoingFrame, window_bytes: int, sent_at: float) -> None:
        self.frame = frame
        self.is_read_into = False
        self.window_bytes = window_bytes
        self.sent_at = sent_at
        self.sent_again = False
        self.is_queued = True


class Sender:
    """Numbered messages from here to the other end."""

    __slots__ = (
        "_buffers",
        "_last_resent",
        "_message_type",
        "_messages",
        "_outstanding_bytes",
        "_peer_received",
        "_probe",
        "_queue",
        "_role",
        "_terms",
        "_timer",
        "_waiting_since",
        "_writer",
        "is_paused",
        "next_sequence",
    )

    def __init__(self, role: Role, writer: FrameWriter, terms: Terms) -> None:
        self._role = role
        self._message_type = role.sends.ljust(32)
        self._writer = writer
        self._terms = terms
        self._buffers = StreamBuffers(terms.max_payload_bytes)
        self._timer = ResendTimer()
        self._messages: dict[int, Unacknowledged] = {}  # in order of their numbers
        self._queue: list[Unacknowledged] = []
        self._outstanding_bytes = 0
        self._peer_received = -1
        self._last_resent = -1
        self._probe: tuple[int, int] | None = None  # the number probed, the highest sent before
        self._waiting_since = 0.0
        self.is_paused = False
        self.next_sequence = 0

    def use_terms(self, terms: Terms) -> None:
        """From now on send under these terms."""
        self._terms = terms
        self._buffers = StreamBuffers(terms.max_payload_bytes)
        if terms.cumulative_acks:
            self._timer.use_probes()

    # -- sending --

    def send(self, payload_type: int, payload: bytes | bytearray | memoryview, now: float) -> None:
        """Number and queue one message."""
        self._send(payload_type, behind_room(payload), now)

    def _send(self, payload_type: int, buffer: bytearray, now: float) -> Unacknowledged:
        sequence = self.next_sequence
        frame = self._writer.write_in_front(
            buffer,
            self._message_type,
            now,
            sequence=sequence,
            flags=self._role.first_flags if sequence == 0 else 0,
            payload_type=payload_type,
            digest=not self._terms.zero_digest,
        )
        window_bytes = len(buffer) - PAYLOAD_OFFSET if payload_type == PayloadType.OUTPUT else 0
        message = Unacknowledged(frame, window_bytes, now)
        if not self._messages:
            self._timer.restart(now)
            self._waiting_since = now
        self._messages[sequence] = message
        self._queue.append(message)
        self._outstanding_bytes += window_bytes
        self.next_sequence = sequence + 1
        return message

    def send_stream(self, data: bytes | bytearray | memoryview, now: float) -> None:
        """Queue stream data in payloads as large as the peer takes."""
        limit = self._terms.max_payload_bytes
        if len(data) <= limit:
            self.send(PayloadType.OUTPUT, data, now)
            return
        view = memoryview(data)
        for start in range(0, len(view), limit):
            self.send(PayloadType.OUTPUT, view[start : start + limit], now)

    def stream_buffer(self, limit: int) -> memoryview:
        """Where stream bytes are to be read to that `send_read` will send: one message at most."""
        return self._buffers.view(min(limit, self._terms.max_payload_bytes))

    def send_read(self, count: int, now: float) -> None:
        """Number and queue the first `count` bytes of `stream_buffer`, where they are if they are many."""
        self._send(PayloadType.OUTPUT, self._buffers.take(count), now).is_read_into = True

    def take(self) -> list[OutgoingFrame]:
        """The frames to put on the wire now."""
        if self.is_paused or not self._queue:
            return []
        frames = []
        for message in self._queue:
            message.is_queued = False
            if message.frame.sequence in self._messages:
                frames.append(message.frame)
        self._queue.clear()
        return frames

    def resume(self, now: float) -> None:
        """End a pause."""
        if self.is_paused:
            self.is_paused = False
            self._waiting_since = now
            self._timer.restart(now)
            for message in self._queue:
                message.sent_at = now

    # -- acknowledgements --

    def acknowledge(self, ack: Acknowledgement, now: float) -> bool:
        """Take an acknowledgement; false when it names a number that was never sent."""
        if ack.sequence >= self.next_sequence or ack.received >= self.next_sequence:
            return False
        if self._terms.cumulative_acks and ack.cumulative:
            self._acknowledge_through(ack, now)
        else:
            self._acknowledge_one(ack.sequence, now)
        return True

    def _acknowledge_one(self, sequence: int, now: float) -> None:
        message = self._messages.get(sequence)
        if message is None:
            return
        was_oldest = sequence == self._oldest_sequence
        self._forget(sequence)
        if not message.sent_again:
            self._timer.sample(now - message.sent_at)
        if was_oldest:
            self._timer.restart(now)
            self._last_resent = -1

    def _acknowledge_through(self, ack: Acknowledgement, now: float) -> None:
        covered = []
        for sequence in self._messages:
            if sequence > ack.sequence:
                break
            covered.append(sequence)
        for sequence in covered:
            self._forget(sequence)
        if covered:
            self._timer.restart(now)
        if ack.reconnected:
            # The peer may also come back as a successor that has less than was reported before.
            self._peer_received = ack.received
            self.replay(now)
            return
        self._peer_received = max(self._peer_received, ack.received)
        if self._probe is not None and ack.received >= self._probe[0]:
            # Messages keep their order on a connection, so what was sent before the probe and has not
            # arrived with it was lost: in a relay that dropped the peer's old connection, say.
            highest = self._probe[1]
            self._probe = None
            self._queue_again(
                (s for s in list(self._messages) if self._peer_received < s <= highest),
                now,
            )

    def _forget(self, sequence: int) -> None:
        message = self._messages.pop(sequence)
        self._outstanding_bytes -= message.window_bytes
        if message.is_read_into:
            self._buffers.give_back(message.frame.buffer)
        if not self._messages:
            self._buffers.let_most_go()

    # -- again --

    def replay(self, now: float) -> None:
        """Queue everything that has not arrived, in order: the connection is new, here or at the peer."""
        self._probe = None
        for message in self._queue:
            message.is_queued = False
        self._queue.clear()
        self._queue_again((s for s in self._messages if s > self._peer_received), now)
        self._timer.restart(now)
        self._waiting_since = now

    def _queue_again(self, sequences: Iterable[int], now: float) -> None:
        for sequence in sequences:
            message = self._messages[sequence]
            if not message.is_queued:
                message.is_queued = True
                message.sent_again = True
                message.sent_at = now
                self._queue.append(message)

    @property
    def deadline(self) -> float | None:
        """When a message is due to be sent again."""
        return None if self.is_paused or not self._messages else self._timer.deadline

    def handle_deadline(self, now: float) -> None:
        """Send one message again if it is time."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return
        sequence = self._oldest_sequence
        if self._terms.cumulative_acks:
            self._probe = (sequence, self.next_sequence - 1)
        else:
            # One after the other rather than always the oldest: the official client never acknowledges a
            # number again, so the oldest may be one whose acknowledgement was lost and another the one that
            # is missing.
            sequence = next((s for s in self._messages if s > self._last_resent), sequence)
            self._last_resent = sequence
        self._queue_again((sequence,), now)
        self._timer.resent(now)

    # -- state --

    @property
    def _oldest_sequence(self) -> int:
        return next(iter(self._messages))

    @property
    def capacity(self) -> int:
        """Bytes of stream data that still fit into the window."""
        if self.is_paused:
            return 0
        terms = self._terms
        left = terms.window_bytes - self._outstanding_bytes
        in_messages = (MAX_UNACKNOWLEDGED_MESSAGES - len(self._messages)) * terms.max_payload_bytes
        if in_messages < left:
            left = in_messages
        return left if left > 0 else 0

    @property
    def is_full(self) -> bool:
        """Whether no further message at all should be queued."""
        return len(self._messages) >= MAX_UNACKNOWLEDGED_MESSAGES

    @property
    def is_drained(self) -> bool:
        """Whether everything was acknowledged."""
        return not self._messages

    @property
    def waiting_since(self) -> float | None:
        """Since when an acknowledgement has been awaited on this connection; None: nothing is awaited."""
        return self._waiting_since if self._messages and not self.is_paused else None

    def unacknowledged(self) -> list[tuple[OutgoingFrame, int]]:
        """Every message that is kept, in order, and what each takes of the window."""
        return [(message.frame, message.window_bytes) for message in self._messages.values()]

    def state(self) -> dict[str, Any]:
        """What a successor needs besides the frames of `unacknowledged`, as JSON."""
        return {"next_sequence": self.next_sequence, "peer_received": self._peer_received}

    def restore(self, state: Mapping[str, Any], kept: Iterable[tuple[OutgoingFrame, int]]) -> None:
        """Take over what another Sender kept; `replay` queues it. Raises MalformedMessage."""
        self.next_sequence = json_fields.integer(state, "next_sequence", "the snapshot")
        self._peer_received = json_fields.integer(state, "peer_received", "the snapshot")
        for frame, window_bytes in kept:
            if frame.sequence >= self.next_sequence:
                raise MalformedMessage("the snapshot has a frame with a number not yet given")
            message = Unacknowledged(frame, window_bytes, 0.0)
            message.is_queued = False
            self._messages[frame.sequence] = message
            self._outstanding_bytes += window_bytes
