"""WebSocket framing of a client (RFC 6455 §5), sans-I/O: bytes in, messages out; messages in, bytes out.

No extensions, so every RSV bit is an error. The reader keeps at most one message and one control frame.
Opening handshake: `transport.upgrade`. When to ping and when to give up: `transport.poll_endpoint`.
"""

from __future__ import annotations

from struct import Struct

from fairlead.transport.errors import PeerError
from fairlead.transport.mask import apply_mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
OPCODES = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))

MAX_MESSAGE_BYTES = 1024 * 1024
"""Longest message that is read, all fragments together; a stream message of ours has 128 KiB and a header."""

MAX_FRAGMENTS = 1024
"""Most frames of one message: an endless run of empty fragments is not a message."""

MAX_CONTROL_BYTES = 125
"""RFC 6455 §5.5."""

BUFFER_BYTES = 256 * 1024
"""What the reader's buffer holds at first: two messages of the largest size that our own ends send."""

LEAST_ROOM_BYTES = 64 * 1024
"""With less room behind it than this, the beginning of a frame is moved to the front of the buffer."""

NORMAL_CLOSURE, PROTOCOL_ERROR, TOO_BIG = 1000, 1002, 1009

_U16, _U64 = Struct("!H"), Struct("!Q")
_WHOLE_BINARY = 0x80 | BINARY
_SHORT_HEAD, _MEDIUM_HEAD, _LONG_HEAD = Struct("!BB4s"), Struct("!BBH4s"), Struct("!BBQ4s")


class FrameError(PeerError):
    """The server's bytes are not what RFC 6455 allows; `code` is the status for our close frame."""

    def __init__(self, text: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(f"the endpoint sent a malformed WebSocket frame: {text}")
        self.code = code


def encode_frame(opcode: int, payload: bytes | bytearray | memoryview, key: bytes) -> bytes:
    """One final frame, masked with the 4 bytes of `key` (fresh chance for every frame: §10.3)."""
    return _header(opcode, len(payload), key) + apply_mask(payload, key)


def encode_behind_headroom(buffer: bytearray, headroom: int, key: bytes) -> bytes:
    """The binary frame of the message `buffer[headroom:]`, by one pass over it.

    Its header is written into the headroom (`protocol.outgoing.HEADROOM_BYTES` hold the largest), and masked
    there, so that masking the whole makes it plain again. The message stays as it is.
    """
    header = _header(BINARY, len(buffer) - headroom, key)
    start = headroom - len(header)
    turn = -len(header) % len(key)
    turned = key[turn:] + key[:turn]  # so that the key begins with the message
    buffer[start:headroom] = apply_mask(header, turned)
    with memoryview(buffer) as view, view[start:] as frame:
        return apply_mask(frame, turned)


def _header(opcode: int, size: int, key: bytes) -> bytes:
    if size < 126:
        return _SHORT_HEAD.pack(0x80 | opcode, 0x80 | size, key)
    if size < 65536:
        return _MEDIUM_HEAD.pack(0x80 | opcode, 0xFE, size, key)
    return _LONG_HEAD.pack(0x80 | opcode, 0xFF, size, key)


def encode_close(code: int, reason: str, key: bytes) -> bytes:
    """A close frame; the reason is cut to what a control frame can carry."""
    text = reason.encode()[: MAX_CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return encode_frame(CLOSE, _U16.pack(code) + text, key)


def decode_close(payload: bytes) -> tuple[int, str]:
    """Status and reason of a close frame; 1005 when it carries none (§7.1.5). Bad UTF-8 is replaced."""
    if len(payload) < 2:
        return 1005, ""
    return _U16.unpack_from(payload)[0], payload[2:].decode(errors="replace")


class FrameReader:
    """Cuts the server's byte stream into messages: `feed` what came, or read it straight into `room` and say
    `filled`; then take the messages.

    One buffer is used again and again, and grows only for a frame that it cannot hold. Payloads are views
    into it: they are valid until `room` or `feed` is called again.
    """

    __slots__ = (
        "_buffer",
        "_end",
        "_fragments",
        "_max",
        "_message",
        "_needed",
        "_opcode",
        "_start",
        "_view",
    )

    def __init__(self, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max = max_message_bytes
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._needed = 2
        self._opcode: int | None = None
        self._message = bytearray()
        self._fragments = 0

    @property
    def buffered_bytes(self) -> int:
        """What is held: at most one message and what was fed last."""
        return self._end - self._start + len(self._message)

    @property
    def has_more(self) -> bool:
        """Whether `next_message` may have something without more being fed."""
        return self._end - self._start >= self._needed

    def room(self, least: int = 1) -> memoryview:
        """Where the next bytes are to be put, `least` of them or more."""
        start, end = self._start, self._end
        rest = end - start
        if not rest:
            self._start = self._end = start = end = 0
        needed = max(self._needed, rest + least)
        if start and max(start + needed, end + LEAST_ROOM_BYTES) > len(self._buffer):
            self._view[:rest] = self._view[start:end]
            self._start, self._end = 0, rest
        if needed > len(self._buffer):
            self._buffer = bytearray().join((self._view[self._start : self._end], bytes(needed)))
            self._view = memoryview(self._buffer)
            self._start, self._end = 0, rest
        return self._view[self._end :]

    def filled(self, count: int) -> None:
        """So many bytes were put into the room."""
        self._end += count

    def feed(self, data: bytes) -> None:
        """Take a copy of `data`."""
        size = len(data)
        self.room(size)[:size] = data
        self.filled(size)

    def messages(self) -> Iterator[tuple[int, memoryview]]:
        """Yield what `next_message` gives, while there is something."""
        while (message := self.next_message()) is not None:
            yield message

    def next_message(self) -> tuple[int, memoryview] | None:
        """(opcode, payload): a whole text or binary message, or a control frame as it comes; None while
        there is none. Raises `FrameError`; the reader must not be used after that."""
        while self._end - self._start >= self._needed and (header := self._next_header()) is not None:
            final, opcode, begin, end = header
            self._start, self._needed = end, 2
            payload = self._view[begin:end]
            if opcode >= CLOSE or (final and opcode != CONTINUATION):
                return opcode, payload
            self._opcode = self._opcode if opcode == CONTINUATION else opcode
            self._message += payload
            self._fragments += 1
            if final:
                whole, message = self._opcode, self._message
                self._opcode, self._message, self._fragments = None, bytearray(), 0
                assert whole is not None  # _check refuses a continuation of nothing
                return whole, memoryview(message)
        return None

    def _next_header(self) -> tuple[bool, int, int, int] | None:
        """FIN, opcode, begin and end of the next frame's payload, or None while it is not all here."""
        buffer, start = self._buffer, self._start
        first, size = buffer[start], buffer[start + 1]
        final, opcode = first >= 0x80, first & 0x0F
        if first != _WHOLE_BINARY or size > 127 or self._opcode is not None:
            self._check(first, size, final, opcode, size & 0x7F)
        begin = start + (2 if size < 126 else 4 if size == 126 else 10)
        if begin > self._end:
            self._needed = begin - start
            return None
        if size >= 126:
            size = (_U16 if size == 126 else _U64).unpack_from(buffer, start + 2)[0]
        if opcode < CLOSE and size + len(self._message) > self._max:
            raise FrameError(f"a message of more than {self._max} bytes", TOO_BIG)
        end: int = begin + size
        if end > self._end:
            self._needed = end - start
            return None
        return final, opcode, begin, end

    def _check(self, first: int, second: int, final: bool, opcode: int, size: int) -> None:
        if first & 0x70:
            raise FrameError("a reserved bit is set, but no extension was agreed")
        if opcode not in OPCODES:
            raise FrameError(f"unknown opcode {opcode:#x}")
        if second & 0x80:
            raise FrameError("a server must not mask")
        if opcode >= CLOSE:
            if not final or size > MAX_CONTROL_BYTES:
                raise FrameError("a control frame is fragmented or too long")
            if opcode == CLOSE and size == 1:
                raise FrameError("a close frame with half a status")
        elif (opcode == CONTINUATION) != (self._opcode is not None):
            raise FrameError(
                "a continuation of nothing" if opcode == CONTINUATION else "a message inside another"
            )
        elif self._fragments >= MAX_FRAGMENTS:
            raise FrameError(f"a message of more than {MAX_FRAGMENTS} fragments", TOO_BIG)
