"""One WebSocket as a client, over a non-blocking socket: opening handshake, messages both ways, liveness.

The owner polls: it registers `descriptor` for `poll_events`, calls `receive` and `flush` when poll says so,
and asks `next_deadline` when to look again. Nothing here waits, except `open_websocket` before it begins.
"""

from __future__ import annotations

import select
import ssl
import time

from fairlead.protocol.outgoing import HEADROOM_BYTES
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
    decode_close,
    encode_behind_headroom,
    encode_close,
    encode_frame,
)
from fairlead.transport.errors import ConnectionLost, PeerError, printable
from fairlead.transport.http import parse_head
from fairlead.transport.tls_stream import TlsStream
from fairlead.transport.upgrade import NONCE_BYTES, check_upgrade, upgrade_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fairlead.protocol.outgoing import OutgoingFrame
    from fairlead.transport.addresses import Endpoint
    from fairlead.transport.http import ResponseHead
    from fairlead.transport.tls_stream import Connection

    Random = Callable[[int], bytes]
    """A source of chance such as `os.urandom`: so many bytes."""

UPGRADE_TIMEOUT_S = 10.0
"""For the answer to the upgrade request."""

ANSWER_BYTES = 16 * 1024
"""Most that one system call reads of the answer to the upgrade request."""

RECEIVE_ROUNDS = 4
"""Most system calls before the other descriptors get their turn."""

WRITE_WATERMARK_BYTES = 256 * 1024
"""With more than this unsent the owner stops reading its source."""

MAX_PIECES = 64
"""Most frames that one system call sends."""

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
            chunk = sock.recv(ANSWER_BYTES)
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
        self._reader = FrameReader()
        self._reader.feed(leftover)
        self._random = random
        self._keys: list[bytes] = []
        self._unsent: list[bytes | memoryview] = []
        self._unsent_bytes = 0
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
        return self._unsent_bytes + (self._tls.unsent_bytes if self._tls is not None else 0)

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

    def send_frame(self, frame: OutgoingFrame) -> None:
        """Queue one agent message; `flush` sends it. The message is copied, the headroom used. Raises
        `ConnectionLost` when more than MAX_BACKLOG_BYTES wait."""
        if not self._send_failure:
            self._queue(encode_behind_headroom(frame.buffer, HEADROOM_BYTES, self._mask_key()))
            if self.unsent_bytes > MAX_BACKLOG_BYTES:
                raise ConnectionLost("the gateway asks for more and more and reads nothing")

    def _send(self, opcode: int, payload: bytes | memoryview) -> None:
        if not self._send_failure:
            self._queue(encode_frame(opcode, payload, self._mask_key()))

    def _queue(self, data: bytes) -> None:
        self._unsent.append(data)
        self._unsent_bytes += len(data)

    def _mask_key(self) -> bytes:
        if not self._keys:
            random = self._random(MASK_POOL_BYTES)
            self._keys = [random[start : start + 4] for start in range(0, MASK_POOL_BYTES, 4)]
        return self._keys.pop()

    def flush(self) -> None:
        """Send what the socket takes now. A connection that takes nothing any more is reported by `receive`,
        behind what still waits there: the other end's last words may be among it."""
        try:
            if self._tls is not None:
                self._tls.flush()
            while self._unsent:
                self._forget(self._sock.sendmsg(self._unsent[:MAX_PIECES]))
        except BlockingIOError:
            pass
        except ssl.SSLError as exc:
            raise ConnectionLost(_reason(exc)) from None
        except OSError as exc:
            self._send_failure = _reason(exc)
            self._forget(self._unsent_bytes)

    def _forget(self, sent: int) -> None:
        """So many bytes of what was queued first have gone."""
        self._unsent_bytes -= sent
        done = 0
        for piece in self._unsent:
            if sent < len(piece):
                break
            sent -= len(piece)
            done += 1
        del self._unsent[:done]
        if sent:
            self._unsent[0] = memoryview(self._unsent[0])[sent:]

    def close(self, reason: str = "") -> None:
        """Say goodbye as far as the socket takes it at once, and close it. Never raises."""
        try:
            self._queue(encode_close(NORMAL_CLOSURE, reason, self._mask_key()))
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
        finds the rest at the next call. A message is valid until the next one is asked for.

        Raises `ConnectionLost` for the end of the connection, a close frame, or bytes that break RFC 6455.
        """
        yield from self._messages()
        for _ in range(RECEIVE_ROUNDS):
            room = self._reader.room()
            count = self._read_into(room)
            if not count:
                return
            self._heard_at, self._pinged = now, False
            self._reader.filled(count)
            yield from self._messages()
            if count < len(room) and not self._send_failure:
                return  # that was all; asking once more would be a system call for nothing

    def _read_into(self, room: memoryview) -> int:
        """How many bytes came; 0 when there are none now."""
        try:
            count = self._sock.recv_into(room)
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
                    if self._unsent_bytes < WRITE_WATERMARK_BYTES:
                        self._send(PONG, payload)
                elif opcode == CLOSE:
                    code, reason = decode_close(bytes(payload))
                    raise ConnectionLost(
                        f"the gateway closed the WebSocket ({code} {printable(reason)})".strip(), code
                    )
        except FrameError as exc:
            self._queue(encode_close(exc.code, "", self._mask_key()))
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
