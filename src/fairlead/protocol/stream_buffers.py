"""Buffers that stream bytes are read into, each with room in front for the headers of the frame it becomes.

What is read stays where it is: the header is written in front of it, the frame is kept until the other end
acknowledges it, and its buffer is read into again.
"""

from __future__ import annotations

from fairlead.protocol.outgoing import PAYLOAD_OFFSET, behind_room

MAX_FREE_BUFFERS = 4
"""Kept for the next reads: what an acknowledgement gives back, and as much again."""


class StreamBuffers:
    """Those of one sender, whose largest payload has `payload_bytes`."""

    __slots__ = ("_buffer", "_free", "_least_full", "_size", "_view")

    def __init__(self, payload_bytes: int) -> None:
        self._size = PAYLOAD_OFFSET + payload_bytes
        self._least_full = PAYLOAD_OFFSET + payload_bytes * 3 // 4
        self._free: list[bytearray] = []
        self._buffer: bytearray | None = None
        self._view = memoryview(b"")

    def view(self, limit: int) -> memoryview:
        """Where the next bytes are to be read to, at most `limit` of them; valid until the next call."""
        if self._buffer is None:
            self._buffer = self._free.pop() if self._free else bytearray(self._size)
        self._view.release()
        self._view = memoryview(self._buffer)[PAYLOAD_OFFSET : PAYLOAD_OFFSET + limit]
        return self._view

    def take(self, count: int) -> bytearray:
        """The buffer of a frame whose payload are the first `count` bytes that were read. What does not fill
        most of it is copied: the window counts payloads, and a key stroke must not hold a whole buffer."""
        self._view.release()
        buffer, end = self._buffer, PAYLOAD_OFFSET + count
        assert buffer is not None, "read into a view first"
        if end < self._least_full:
            with memoryview(buffer) as whole, whole[PAYLOAD_OFFSET:end] as part:
                return behind_room(part)
        self._buffer = None
        del buffer[end:]  # no copy: it stays where it is as long as more than half of it is used
        return buffer

    def give_back(self, buffer: bytearray) -> None:
        """The frame of `buffer` will not be sent again, and nobody looks at it any more."""
        if len(self._free) < MAX_FREE_BUFFERS and self._least_full <= len(buffer) <= self._size:
            buffer.extend(bytes(self._size - len(buffer)))
            self._free.append(buffer)

    def let_most_go(self) -> None:
        """Nothing is under way: keep what the next two reads need."""
        del self._free[1:]
