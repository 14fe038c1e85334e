"""One WebSocket as a client, over a non-blocking socket: opening handshake, messages both ways, liveness.

The owner polls: it registers `descriptor` for `poll_events`, calls `receive` and `flush` when poll says so,
and asks `next_deadline` when to look again. Nothing here waits, except `open_websocket` before it begins.
"""

from __future__ import annotations

import select
import ssl
import time

from fairlead.protocol.settings import MAX_BACKLOG_BYTES
from fairlead.transport.client_frames import (
    BINARY,
    CLOSE,
    NORMAL_CLOSURE,
    PING,
    PONG,
    TEXT,
    FrameError,
    FrameReader,
    append_frame,
    decode_close,
    encode_close,
)
from fairlead.transport.errors import ConnectionLost, PeerError, printable
from fairlead.transport.http import parse_head
from fairlead.transport.tls_stream import TlsStream
from fairlead.transport.upgrade import NONCE_BYTES, check_upgrade, upgrade_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fairlead.transport.addresses import Endpoint
    from fairlead.transport.http import ResponseHead
    from fairlead.transport.tls_stream import Connection

    Random = Callable[[int], bytes]
    """A source of chance such as `os.urandom`: so many bytes."""

UPGRADE_TIMEOUT_S = 10.0
"""For the answer to the upgrade request."""

RECEIVE_BYTES = 128 * 1024
"""Most that one system call reads."""

RECEIVE_ROUNDS = 4
"""Most system calls before the other descriptors get their turn."""

WRITE_WATERMARK_BYTES = 256 * 1024
"""With more than this unsent the owner stops reading its source."""

PING_AFTER_S = 30.0
"""Silence after which the other end is asked for a sign of life."""

DEAD_AFTER_S = 75.0
"""Silence after which the connection is taken for lost."""

MASK_POOL_BYTES = 4096
"""Random bytes fetched at a time for mask keys, four for each frame."""


def open_websocket(sock: Connection, endpoint: Endpoint, random: Random) -> tuple[ResponseHead, bytes]:
    """Turn a fresh (or reusable) connection to `endpoint` into a WebSocket; blocking.

    Returns the answer and the bytes behind it. Raises `UpgradeError`, `PeerError` or `ConnectionLost`.
    """
    nonce = random(NONCE_BYTES)
    deadline = time.monotonic() + UPGRADE_TIMEOUT_S
    received = b""
    try:
        sock.settimeout(UPGRADE_TIMEOUT_S)
        sock.sendall(upgrade_request(endpoint, nonce))
        while (parsed := parse_head(received)) is None:
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            chunk = sock.recv(RECEIVE_BYTES)
            if not chunk:
                raise ConnectionLost(
                    f"{endpoint.authority} closed the connection instead of opening a WebSocket"
                )
            received += chunk
    except TimeoutError:
        raise ConnectionLost(
            f"{endpoint.authority} did not open a WebSocket in {UPGRADE_TIMEOUT_S:.0f} s"
        ) from None
    except OSError as exc:
        raise ConnectionLost(
            f"the connection to {endpoint.authority} failed: {exc.strerror or exc}"
        ) from None
    head, size = parsed
    check_upgrade(head, nonce, endpoint.authority)
    return head, received[size:]


class WebSocketLink:
    """An open WebSocket. Every method that talks to the socket raises `ConnectionLost` when it has ended."""

    def __init__(self, sock: Connection, leftover: bytes, random: Random, now: float) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._tls = sock if isinstance(sock, TlsStream) else None
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._reader = FrameReader()
        self._reader.feed(leftover)
        self._random = random
        self._keys: list[bytes] = []
        self._unsent = bytearray()
        self._send_failure = ""
        self._heard_at = now
        self._pinged = False
        self.has_received = False
        """Whether a message came, so that the gateway has accepted the open frame or said why not."""

    @property
    def descriptor(self) -> int:
        return self._sock.fileno()

    @property
    def unsent_bytes(self) -> int:
        return len(self._unsent) + (self._tls.unsent_bytes if self._tls is not None else 0)

    @property
    def has_input(self) -> bool:
        """Whether bytes wait on our side of the socket, where poll does not see them."""
        return self._reader.has_more or (self._tls is not None and self._tls.has_input)

    def poll_events(self, wants_input: bool) -> int:
        events = select.POLLIN if wants_input else 0
        return events | select.POLLOUT if self.unsent_bytes else events

    # -- out --

    def send_text(self, text: str) -> None:
        self._send(TEXT, text.encode())

    def send_binary(self, message: bytes | bytearray | memoryview) -> None:
        """Queue one message; `flush` sends it. What is given is copied. Raises `ConnectionLost` when more
        than MAX_BACKLOG_BYTES wait."""
        self._send(BINARY, message)
        if self.unsent_bytes > MAX_BACKLOG_BYTES:
            raise ConnectionLost("the gateway asks for more and more and reads nothing")

    def _send(self, opcode: int, payload: bytes | bytearray | memoryview) -> None:
        if not self._send_failure:
            append_frame(self._unsent, opcode, payload, self._mask_key())

    def _mask_key(self) -> bytes:
        if not self._keys:
            random = self._random(MASK_POOL_BYTES)
            self._keys = [random[start : start + 4] for start in range(0, MASK_POOL_BYTES, 4)]
        return self._keys.pop()

    def flush(self) -> None:
        """Send what the socket takes now. A connection that takes nothing any more is reported by `receive`,
        behind what still waits there: the other end's last words may be among it."""
        sent = 0
        try:
            if self._tls is not None:
                self._tls.flush()
            with memoryview(self._unsent) as view:
                while sent < len(view):
                    sent += self._sock.send(view[sent:])
        except BlockingIOError:
            pass
        except ssl.SSLError as exc:
            raise ConnectionLost(_reason(exc)) from None
        except OSError as exc:
            self._send_failure = _reason(exc)
            sent = len(self._unsent)
        finally:
            del self._unsent[:sent]

    def close(self, reason: str = "") -> None:
        """Say goodbye as far as the socket takes it at once, and close it. Never raises."""
        try:
            self._unsent += encode_close(NORMAL_CLOSURE, reason, self._mask_key())
            self.flush()
        except ConnectionLost:
            pass
        self.abandon()

    def abandon(self) -> None:
        """Close the socket without a word."""
        try:  # noqa: SIM105 (contextlib costs a millisecond to import)
            self._sock.close()
        except OSError:
            pass

    # -- in --

    def receive(self, now: float) -> Iterator[memoryview]:
        """Yield the messages that can be read now, text or binary; pings are answered. Whoever stops early
        finds the rest at the next call.

        Raises `ConnectionLost` for the end of the connection, a close frame, or bytes that break RFC 6455.
        """
        yield from self._messages()
        for _ in range(RECEIVE_ROUNDS):
            count = self._read()
            if not count:
                return
            self._heard_at, self._pinged = now, False
            self._reader.feed(bytes(self._buffer[:count]))
            yield from self._messages()
            if count < RECEIVE_BYTES and not self._send_failure:
                return  # that was all; asking once more would be a system call for nothing

    def _read(self) -> int:
        """Fill the buffer; how many bytes came, 0 when there are none now."""
        try:
            count = self._sock.recv_into(self._buffer)
        except BlockingIOError:
            return 0
        except OSError as exc:
            raise ConnectionLost(self._send_failure or _reason(exc)) from None
        if not count:
            raise ConnectionLost(self._send_failure or "the gateway closed the connection")
        return count

    def _messages(self) -> Iterator[memoryview]:
        try:
            for opcode, payload in self._reader.messages():
                if opcode in (TEXT, BINARY):
                    self.has_received = True
                    yield payload
                elif opcode == PING:
                    # Only the last of many pings needs an answer (RFC 6455 §5.5.3).
                    if len(self._unsent) < WRITE_WATERMARK_BYTES:
                        self._send(PONG, payload)
                elif opcode == CLOSE:
                    code, reason = decode_close(bytes(payload))
                    raise ConnectionLost(
                        f"the gateway closed the WebSocket ({code} {printable(reason)})".strip(), code
                    )
        except FrameError as exc:
            self._unsent += encode_close(exc.code, "", self._mask_key())
            raise ConnectionLost(str(exc)) from None
        except PeerError as exc:
            raise ConnectionLost(str(exc)) from None

    # -- liveness --

    def next_deadline(self) -> float:
        """When `check_alive` has something to do, on the clock of `now`."""
        return self._heard_at + (DEAD_AFTER_S if self._pinged else PING_AFTER_S)

    def check_alive(self, now: float) -> None:
        """Ping after a silence; raise `ConnectionLost` after a longer one."""
        silence = now - self._heard_at
        if silence >= DEAD_AFTER_S:
            raise ConnectionLost(f"nothing was heard from the gateway for {silence:.0f} s")
        if silence >= PING_AFTER_S and not self._pinged:
            self._pinged = True
            self._send(PING, b"fairlead")

    def excuse_silence(self, now: float) -> None:
        """The owner did not read, so silence up to now says nothing about the other end."""
        self._heard_at = now


def _reason(exc: OSError) -> str:
    if isinstance(exc, ssl.SSLEOFError):
        return "the gateway closed the connection"
    if isinstance(exc, ssl.SSLError):
        return f"the TLS connection to the gateway failed: {printable(exc.reason or 'error').lower()}"
    return f"the connection to the gateway failed: {exc.strerror or exc}"
