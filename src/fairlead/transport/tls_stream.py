"""TLS over a connected socket, for the client's loop: the ciphertext passes through memory.

`ssl.SSLSocket` makes one system call for each record of 16 KiB, and each wakes the other end. Here the
records of everything that is to be sent leave in one call, and one call brings in what has arrived. The calls
are those of a socket, as far as this package uses them; only `sendmsg` says otherwise: what it takes may wait
in here, as `unsent_bytes` tells, until `flush`.
"""

from __future__ import annotations

import ssl
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

READ_BYTES = 128 * 1024
"""Most ciphertext that one system call reads: two messages of the largest size."""

MAX_PLAIN_BYTES = 256 * 1024
"""Most that is encrypted ahead of the socket."""


class TlsStream:
    """A TLS connection as a client. Like a socket it is blocking at first and raises `OSError`."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server_hostname: str) -> None:
        self._sock = sock
        self._arrived = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        name = server_hostname.encode()  # for text, Python loads its tables of international names: 2 ms
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=name)
        self._read: Callable[[int, memoryview], int] = self._tls.read  # type: ignore[assignment]  # see ssl
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._unsent = memoryview(b"")
        self.has_input = False
        """Whether bytes wait on this side of the socket, where poll does not see them."""

    def handshake(self, timeout_s: float) -> None:
        """Agree with the other end, and check who it is. Raises as `ssl.SSLSocket.do_handshake` does."""
        deadline = time.monotonic() + timeout_s
        while True:
            self.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send_all()
                self._fetch()
            except ssl.SSLError:
                self._say_why()
                raise
            else:
                self._send_all()
                return

    # -- as a socket --

    def __enter__(self) -> TlsStream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def fileno(self) -> int:
        return self._sock.fileno()

    def setblocking(self, blocking: bool) -> None:
        self._sock.setblocking(blocking)

    def settimeout(self, timeout_s: float | None) -> None:
        self._sock.settimeout(timeout_s)

    def close(self) -> None:
        """Close the socket, without TLS's goodbye, as `ssl.SSLSocket` does."""
        self._sock.close()

    def sendall(self, data: bytes) -> None:
        """Send everything; for a blocking stream."""
        self._encrypt(memoryview(data))
        self._send_all()

    def sendmsg(self, pieces: Iterable[bytes | memoryview]) -> int:
        """Encrypt and send; how many bytes were taken. Raises `BlockingIOError` while earlier ones wait."""
        if self._unsent:
            self.flush()
        chosen, size = [], 0
        for piece in pieces:
            chosen.append(piece)
            size += len(piece)
            if size >= MAX_PLAIN_BYTES:
                break
        # Joined, so that small frames share a record.
        data = memoryview(b"".join(chosen) if len(chosen) > 1 else chosen[0])[:MAX_PLAIN_BYTES]
        self._encrypt(data)
        try:  # noqa: SIM105 (contextlib costs a millisecond to import)
            self.flush()
        except BlockingIOError:
            pass
        return len(data)

    @property
    def unsent_bytes(self) -> int:
        """Ciphertext that waits for the socket."""
        return len(self._unsent)

    def flush(self) -> None:
        """Send what waits; raises `BlockingIOError` when the socket does not take all of it."""
        while self._unsent:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]

    def recv(self, limit: int) -> bytes:
        """Bytes of the other end, at most `limit` of them; empty at its end."""
        buffer = bytearray(limit)
        return bytes(memoryview(buffer)[: self.recv_into(buffer)])

    def recv_into(self, buffer: bytearray | memoryview) -> int:
        """Read into `buffer` what is there, without waiting for more than the first byte; 0 at the end.

        Raises `BlockingIOError` when there is nothing and the stream does not block.
        """
        view = memoryview(buffer)
        while True:
            count = self._decrypt_into(view)
            if count is not None:
                self.has_input = count == len(view)
                return count
            self._fetch()

    # -- within --

    def _decrypt_into(self, view: memoryview) -> int | None:
        """How many bytes were read; 0 at the end of the connection, None when more must arrive first."""
        if not (self._holds_input or self._arrived.eof):
            return None
        count = 0
        try:
            while count < len(view):
                record = self._read(len(view) - count, view[count:])
                count += record
                if not (record and self._holds_input):
                    break
        except ssl.SSLWantReadError:
            if not count:
                return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass  # a peer that vanishes without TLS's goodbye has ended, too
        except ssl.SSLError:
            self._say_why()
            if not count:
                raise
        if self._leaving.pending:
            self._answer()
        return count

    @property
    def _holds_input(self) -> bool:
        """Whether reading may give something. To ask costs a tenth of being told by an exception."""
        return bool(self._arrived.pending or self._tls.pending())

    def _fetch(self) -> None:
        """Read ciphertext from the socket, or note its end."""
        count = self._sock.recv_into(self._buffer)
        if count:
            self._arrived.write(self._buffer[:count])
        else:
            self._arrived.write_eof()

    def _encrypt(self, data: memoryview) -> None:
        while data:
            data = data[self._tls.write(data) :]  # one record at most
        self._take_leaving()

    def _take_leaving(self) -> None:
        leaving = self._leaving.read()
        self._unsent = memoryview(bytes(self._unsent) + leaving) if self._unsent else memoryview(leaving)

    def _answer(self) -> None:
        """What TLS has to say of itself while it reads, such as to a key update. A socket that takes nothing
        any more is no reason not to read: the next `send` will say so."""
        self._take_leaving()
        try:  # noqa: SIM105 (contextlib costs a millisecond to import)
            self.flush()
        except OSError:
            pass

    def _send_all(self) -> None:
        self._take_leaving()
        waiting, self._unsent = self._unsent, memoryview(b"")
        self._sock.sendall(waiting)

    def _say_why(self) -> None:
        """Send the alert that says what is wrong, if the socket takes it."""
        try:
            self._take_leaving()
            self._sock.send(self._unsent)
        except OSError:
            pass


if TYPE_CHECKING:
    Connection = socket.socket | TlsStream
    """A connection as the dialer gives it: both have the calls of a socket that are used."""
