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
"""Longest message that is read, all fragments together; a stream message of ours has 64 KiB and a header."""

MAX_FRAGMENTS = 1024
"""Most frames of one message: an endless run of empty fragments is not a message."""

MAX_CONTROL_BYTES = 125
"""RFC 6455 §5.5."""

NORMAL_CLOSURE, PROTOCOL_ERROR, TOO_BIG = 1000, 1002, 1009

_U16, _U64 = Struct("!H"), Struct("!Q")
_SHORT_HEAD, _MEDIUM_HEAD, _LONG_HEAD = Struct("!BB4s"), Struct("!BBH4s"), Struct("!BBQ4s")


class FrameError(PeerError):
    """The server's bytes are not what RFC 6455 allows; `code` is the status for our close frame."""

    def __init__(self, text: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(f"the endpoint sent a malformed WebSocket frame: {text}")
        self.code = code


def encode_frame(opcode: int, payload: bytes | bytearray | memoryview, key: bytes) -> bytes:
    """One final frame, masked with the 4 bytes of `key` (fresh chance for every frame: §10.3)."""
    frame = bytearray()
    append_frame(frame, opcode, payload, key)
    return bytes(frame)


def append_frame(buffer: bytearray, opcode: int, payload: bytes | bytearray | memoryview, key: bytes) -> None:
    """Put such a frame behind what is in `buffer`."""
    size = len(payload)
    if size < 126:
        buffer += _SHORT_HEAD.pack(0x80 | opcode, 0x80 | size, key)
    elif size < 65536:
        buffer += _MEDIUM_HEAD.pack(0x80 | opcode, 0xFE, size, key)
    else:
        buffer += _LONG_HEAD.pack(0x80 | opcode, 0xFF, size, key)
    buffer += apply_mask(payload, key)


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
    """Cuts the server's byte stream into messages: `feed` what came, then iterate `messages()`.

    Payloads are views into what was fed where a message lies in one piece, and stay valid while referenced:
    nothing here is ever changed in place. Parts are joined once, when a frame is all there.
    """

    def __init__(self, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max = max_message_bytes
        self._parts: list[bytes] = []
        self._available = 0
        self._needed = 2
        self._buffer = b""
        self._start = 0
        self._opcode: int | None = None
        self._message = bytearray()
        self._fragments = 0

    @property
    def buffered_bytes(self) -> int:
        """What is held: at most one message and what the last `feed` brought."""
        return self._available + len(self._message)

    @property
    def has_more(self) -> bool:
        """Whether `messages()` may have something to yield without another `feed`."""
        return self._available >= self._needed

    def feed(self, data: bytes) -> None:
        self._parts.append(data)
        self._available += len(data)

    def messages(self) -> Iterator[tuple[int, memoryview]]:
        """Yield (opcode, payload): whole text and binary messages, and control frames as they come.

        Raises `FrameError`; the reader must not be used after that.
        """
        while self._available >= self._needed and (header := self._header()) is not None:
            final, opcode, begin, end = header
            self._available -= end - self._start
            self._start, self._needed = end, 2
            payload = memoryview(self._buffer)[begin:end]
            if opcode >= CLOSE or (final and opcode != CONTINUATION):
                yield opcode, payload
                continue
            self._opcode = self._opcode if opcode == CONTINUATION else opcode
            self._message += payload
            self._fragments += 1
            if final:
                whole, message = self._opcode, self._message
                self._opcode, self._message, self._fragments = None, bytearray(), 0
                assert whole is not None  # _check refuses a continuation of nothing
                yield whole, memoryview(message)

    def _join(self) -> None:
        rest = self._buffer[self._start :]
        self._buffer = b"".join((rest, *self._parts)) if rest or len(self._parts) != 1 else self._parts[0]
        self._start = 0
        self._parts.clear()

    def _header(self) -> tuple[bool, int, int, int] | None:
        """FIN, opcode, begin and end of the next frame's payload, or None while it is not all here."""
        if self._parts:
            self._join()
        buffer, start = self._buffer, self._start
        first, second = buffer[start], buffer[start + 1]
        final, opcode, size = bool(first & 0x80), first & 0x0F, second & 0x7F
        self._check(first, second, final, opcode, size)
        begin = start + {126: 4, 127: 10}.get(size, 2)
        self._needed = begin - start
        if self._available < self._needed:
            return None
        if size >= 126:
            size = (_U16 if size == 126 else _U64).unpack_from(buffer, start + 2)[0]
        if opcode < CLOSE and size + len(self._message) > self._max:
            raise FrameError(f"a message of more than {self._max} bytes", TOO_BIG)
        self._needed += size
        end = begin + size
        return (final, opcode, begin, end) if self._available >= self._needed else None

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
