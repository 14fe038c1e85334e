"""Frames on their way out: agent messages in buffers that leave room for a WebSocket header."""

from __future__ import annotations

import struct
from hashlib import sha256

from fairlead.protocol.message import HEADER_LENGTH, SCHEMA_VERSION, ZERO_DIGEST

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from fairlead.protocol.message_ids import MessageIds

HEADROOM_BYTES = 14
"""Room for the largest WebSocket header: 2 bytes, 8 of length, 4 of mask (RFC 6455 §5.2)."""

UNNUMBERED = -1

_HEADROOM_AND_HEADER = struct.Struct(f">{HEADROOM_BYTES}xI32sIQqQ16s32sII")


class OutgoingFrame:
    """`buffer[HEADROOM_BYTES:]` is the agent message. The driver may write into the headroom and must leave
    the rest alone: numbered frames stay with the channel until acknowledged and may be handed out again
    (a client masks a copy). `sequence` is -1 for unnumbered messages."""

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


class FrameWriter:
    """Makes frames. The payload is copied once, straight behind its header, and hashed once or not at all."""

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
        message_id = self._message_ids.next_id()
        header = _HEADROOM_AND_HEADER.pack(
            HEADER_LENGTH,
            message_type,
            SCHEMA_VERSION,
            # Zero is refused by every receiver; a clock at the epoch must not stop the session.
            int((now + self._wall_clock_offset_s) * 1000) or 1,
            sequence if sequence > 0 else 0,
            flags,
            message_id[8:] + message_id[:8],
            sha256(payload).digest() if digest else ZERO_DIGEST,
            payload_type,
            len(payload),
        )
        # join() of a bytearray allocates exactly and copies once, without first filling with zeros.
        return OutgoingFrame(bytearray().join((header, payload)), sequence)
