"""Just enough HTTP/1.1 (RFC 9112) for one API call after another on a connection that is already open.

Request bytes, a response reader, and `exchange`, which joins the two over a blocking socket. A body ends by
its length, by chunks, or with the connection. Signing and the meaning of an answer belong to the caller.
"""

from __future__ import annotations

import time

from fairlead.transport.errors import ClosedUnanswered, ConnectionLost, PeerError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fairlead.transport.tls_stream import Connection

MAX_HEADER_BYTES = 16 * 1024
"""Longest status line and header section that is read."""

MAX_BODY_BYTES = 1024 * 1024
"""Longest body that is read; an answer of the session API has a few hundred bytes."""

RECEIVE_BYTES = 64 * 1024


class ResponseHead:
    """Status line and headers. Header names are lower case; repeated ones are kept in order."""

    __slots__ = ("headers", "reason", "status", "version")

    def __init__(self, version: str, status: int, reason: str, headers: list[tuple[str, str]]) -> None:
        self.version = version
        self.status = status
        self.reason = reason
        self.headers = headers

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.headers)

    def value(self, name: str) -> str:
        """The values of one header joined with a comma; empty when it is absent."""
        return ", ".join(value for key, value in self.headers if key == name)

    def tokens(self, name: str) -> list[str]:
        """The comma-separated words of a header, lower case."""
        return [word.strip().lower() for word in self.value(name).split(",") if word.strip()]


class Response:
    """A whole answer. `reusable` says whether the connection can carry another request."""

    __slots__ = ("body", "head", "reusable")

    def __init__(self, head: ResponseHead, body: bytes, reusable: bool) -> None:
        self.head = head
        self.body = body
        self.reusable = reusable


def request_bytes(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """One request; `Host` is among `headers`, `Content-Length` is added when there is a body or a POST.

    Raises `ValueError` when a value would break out of its line.
    """
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in headers:
        if any(char in "\r\n\0" for char in name + value):
            raise ValueError(f"header {name!r} has a line break in it")
        lines.append(f"{name}: {value}")
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def parse_head(received: bytes | bytearray) -> tuple[ResponseHead, int] | None:
    """Head and its length in bytes, or None while it is incomplete.

    Raises `PeerError` when it is not HTTP/1.x or longer than `MAX_HEADER_BYTES`.
    """
    end = received.find(b"\r\n\r\n", 0, MAX_HEADER_BYTES)
    if end < 0:
        if len(received) >= MAX_HEADER_BYTES:
            raise PeerError(f"the endpoint answers with more than {MAX_HEADER_BYTES} bytes of headers")
        if received[:7] != b"HTTP/1."[: len(received)]:
            raise PeerError("the endpoint does not answer in HTTP/1.1; is the address right?")
        return None
    lines = bytes(received[:end]).decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    code, _, reason = rest.partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0") or not (len(code) == 3 and code.isascii() and code.isdigit()):
        raise PeerError(f"the endpoint does not answer in HTTP/1.1 but with {printable(lines[0], 60)!r}")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise PeerError(f"the endpoint sent a malformed header line {printable(line, 60)!r}")
        headers.append((name.lower(), value.strip(" \t")))
    return ResponseHead(version, int(code), reason, headers), end + 4


class ResponseReader:
    """Collects one response from the bytes of a connection; `feed` until `response` is set."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: ResponseHead | None = None
        self._body = bytearray()
        self._length: int | None = None
        self._chunked = False
        self._in_trailer = False
        self._has_ended = False

    def feed(self, data: bytes) -> Response | None:
        """Take received bytes, `b""` for the end of the connection; the response when it is complete.

        Raises `PeerError` for a malformed or oversized answer, `ConnectionLost` for an early end.
        """
        self._has_ended = not data
        self._buffer += data
        while self._head is None:
            parsed = parse_head(self._buffer)
            if parsed is None:
                self._check_ended()
                return None
            head, size = parsed
            del self._buffer[:size]
            if head.status >= 200 or head.status == 101:
                self._start_body(head)
        return self._advance(self._head)

    def _start_body(self, head: ResponseHead) -> None:
        self._head = head
        self._chunked = "chunked" in head.tokens("transfer-encoding")
        lengths = set(head.tokens("content-length"))
        if head.status in (101, 204, 304):
            self._length, self._chunked = 0, False
        elif lengths and not self._chunked:
            text = lengths.pop()
            if lengths or not (text.isascii() and text.isdigit() and len(text) < 16):
                raise PeerError("the endpoint sent an impossible Content-Length")
            self._length = int(text)

    def _advance(self, head: ResponseHead) -> Response | None:
        if self._chunked:
            complete = self._take_chunks()
        else:
            wanted = len(self._buffer) if self._length is None else self._length - len(self._body)
            self._take(wanted)
            complete = self._has_ended if self._length is None else len(self._body) == self._length
        if (self._length or 0) > MAX_BODY_BYTES or len(self._body) > MAX_BODY_BYTES:
            raise PeerError(f"the endpoint answers with more than {MAX_BODY_BYTES} bytes")
        if not complete:
            self._check_ended()
            return None
        delimited = self._chunked or self._length is not None
        reusable = (
            delimited
            and not self._buffer
            and head.version == "HTTP/1.1"
            and "close" not in head.tokens("connection")
        )
        return Response(head, bytes(self._body), reusable)

    def _take(self, count: int) -> None:
        self._body += self._buffer[:count]
        del self._buffer[:count]

    def _take_chunks(self) -> bool:
        """Move whole chunks to the body; True after the last one and the trailer (RFC 9112 §7.1)."""
        while True:
            line_end = self._buffer.find(b"\r\n", 0, MAX_HEADER_BYTES)
            if line_end < 0:
                if len(self._buffer) >= MAX_HEADER_BYTES:
                    raise PeerError("the endpoint sent a malformed chunk")
                return False
            line = bytes(self._buffer[:line_end])
            if self._in_trailer:
                del self._buffer[: line_end + 2]
                if not line:
                    return True
                continue
            size_text = line.partition(b";")[0].strip()
            if not size_text or len(size_text) > 8 or size_text.strip(b"0123456789abcdefABCDEF"):
                raise PeerError("the endpoint sent a malformed chunk")
            size = int(size_text, 16)
            if size + len(self._body) > MAX_BODY_BYTES:
                raise PeerError(f"the endpoint answers with more than {MAX_BODY_BYTES} bytes")
            if size and len(self._buffer) < line_end + 2 + size + 2:
                return False
            del self._buffer[: line_end + 2]
            self._take(size)
            if size:
                if self._buffer[:2] != b"\r\n":
                    raise PeerError("the endpoint sent a malformed chunk")
                del self._buffer[:2]
            self._in_trailer = size == 0

    def _check_ended(self) -> None:
        if self._has_ended:
            raise ConnectionLost("the endpoint closed the connection before its answer was complete")


def exchange(
    sock: Connection,
    request: bytes,
    timeout_s: float,
    authority: str,
    meanwhile: Callable[[], object] = lambda: None,
) -> Response:
    """Send `request` and read its answer over a blocking socket, all within `timeout_s`; `meanwhile` is done
    while the answer is on its way.

    Raises `ConnectionLost` when the connection fails or the time is up, as `ClosedUnanswered` when it ended
    before the first byte of the answer; `PeerError` for a malformed answer.
    """
    deadline = time.monotonic() + timeout_s
    reader = ResponseReader()
    has_begun = False
    try:
        sock.settimeout(timeout_s)
        sock.sendall(request)
        meanwhile()
        while True:
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            data = sock.recv(RECEIVE_BYTES)
            if not (data or has_begun):
                raise ClosedUnanswered(f"{authority} closed the connection instead of answering")
            has_begun = True
            response = reader.feed(data)
            if response is not None:
                return response
    except TimeoutError:
        raise ConnectionLost(f"{authority} gave no answer in {timeout_s:.0f} s") from None
    except OSError as exc:
        failure = ConnectionLost if has_begun else ClosedUnanswered
        raise failure(f"the connection to {authority} failed: {exc.strerror or exc}") from None
