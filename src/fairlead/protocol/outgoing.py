"""Frames on their way out: agent messages in buffers that leave room for a WebSocket header."""

from __future__ import annotations

import struct
from hashlib import sha256

from fairlead.protocol.message import HEADER_BYTES, HEADER_LENGTH, SCHEMA_VERSION, ZERO_DIGEST

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from fairlead.protocol.message_ids import MessageIds

HEADROOM_BYTES = 14
"""Room for the largest WebSocket header: 2 bytes, 8 of length, 4 of mask (RFC 6455 §5.2)."""

PAYLOAD_OFFSET = HEADROOM_BYTES + HEADER_BYTES
"""Where the payload begins in the buffer of a frame."""

UNNUMBERED = -1

_HEADROOM_AND_HEADER = struct.Struct(f">{HEADROOM_BYTES}xI32sIQqQ16s32sII")
_ROOM = bytes(PAYLOAD_OFFSET)


class OutgoingFrame:
    """`buffer[HEADROOM_BYTES:]` is the agent message. The driver may write into the headroom and must leave
    the rest alone: numbered frames stay with the channel until acknowledged and may be handed out again
    (a client masks a copy). It may be written to once it is acknowledged, so no view of it is to be kept.
    `sequence` is -1 for unnumbered messages."""

    __slots__ = ("buffer", "sequence")

    def __init__(self, buffer: bytearray, sequence: int = UNNUMBERED) -> None:
        self.buffer = buffer
        self.sequence = sequence

    @property
    def message(self) -> memoryview:
        """The agent message, without headroom."""
        return memoryview(self.buffer)[HEADROOM_BYTES:]

    def __len__(self) -> int:
        """Bytes of the agent message."""
        return len(self.buffer) - HEADROOM_BYTES


def behind_room(payload: bytes | bytearray | memoryview) -> bytearray:
    """A copy of `payload`, with room for all headers in front of it."""
    # join() of a bytearray allocates exactly and copies once, without first filling with zeros.
    return bytearray().join((_ROOM, payload))


class FrameWriter:
    """Makes frames of a copy of the payload, or around one that is in place; hashes it once or not at all."""

    __slots__ = ("_message_ids", "_wall_clock_offset_s")

    def __init__(self, message_ids: MessageIds, wall_clock_offset_s: float) -> None:
        self._message_ids = message_ids
        self._wall_clock_offset_s = wall_clock_offset_s

    def write(
        self,
        message_type: bytes,
        payload: bytes | bytearray | memoryview,
        now: float,
        *,
        sequence: int = UNNUMBERED,
        flags: int = 0,
        payload_type: int = 0,
        digest: bool = True,
    ) -> OutgoingFrame:
        """One frame; `message_type` is padded to 32 bytes with spaces. An unnumbered message has 0 in its
        SequenceNumber field."""
        return self.write_in_front(
            behind_room(payload),
            message_type,
            now,
            sequence=sequence,
            flags=flags,
            payload_type=payload_type,
            digest=digest,
        )

    def write_in_front(
        self,
        buffer: bytearray,
        message_type: bytes,
        now: float,
        *,
        sequence: int,
        flags: int,
        payload_type: int,
        digest: bool,
    ) -> OutgoingFrame:
        """The same, where the payload stands already: `buffer[PAYLOAD_OFFSET:]`. The buffer is taken over."""
        message_id = self._message_ids.next_id()
        _HEADROOM_AND_HEADER.pack_into(
            buffer,
            0,
            HEADER_LENGTH,
            message_type,
            SCHEMA_VERSION,
            # Zero is refused by every receiver; a clock at the epoch must not stop the session.
            int((now + self._wall_clock_offset_s) * 1000) or 1,
            sequence if sequence > 0 else 0,
            flags,
            message_id[8:] + message_id[:8],
            _payload_digest(buffer) if digest else ZERO_DIGEST,
            payload_type,
            len(buffer) - PAYLOAD_OFFSET,
        )
        return OutgoingFrame(buffer, sequence)


def _payload_digest(buffer: bytearray) -> bytes:
    with memoryview(buffer) as whole, whole[PAYLOAD_OFFSET:] as payload:
        return sha256(payload).digest()
