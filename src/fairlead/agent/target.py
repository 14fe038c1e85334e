"""The connection to the program that a session leads to, such as sshd.

An `asyncio` protocol that reads straight into the messages to be sent, no more than the session's window
allows, and writes without keeping anything back. What it adds is patience with a busy sshd: one that is at
its limit of connections hangs up before its first word (`MaxStartups`, sshd_config(5)), and trying again a
moment later succeeds. So until the target's first byte arrives, what was written is kept, and the connection
can be made anew without the client noticing.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from socket import socket

    from fairlead.transport.asyncio_endpoint import AsyncioEndpoint

MAX_EARLY_BYTES = 64 * 1024
"""Bytes kept for a new attempt; an ssh client says far less before it has heard anything."""

SSH_IDENTIFICATION = b"SSH-"
"""Start of everything an SSH client sends (RFC 4253 §4.2). Only such a beginning may be said twice: another
protocol's might be a request that must not be made twice."""

SSHD_IS_FULL = b"Exceeded MaxStartups\r\n"
"""What newer sshd say before they hang up for `MaxStartups`."""

CLOSE_GRACE_S = 2.0
"""How long a closed connection may take to hand its last bytes to the target."""


class TargetOwner(Protocol):
    """Told how a connection ends; called on the event loop."""

    def target_hung_up_early(self, early: bytes) -> None:
        """The target hung up before its first word. `early` is to be written to the next connection."""
        ...

    def target_ended(self, error: Exception | None) -> None:
        """The target sent its last byte, or the connection broke with `error`. Called once."""
        ...

    def target_gone(self) -> None:
        """The target takes no more bytes either. Called once, after `target_ended`."""
        ...


class TargetConnection(asyncio.BufferedProtocol):
    """One connection to the target; a `LocalStream` for `endpoint` once it stands.

    `early` was written to a connection before this one and is written first; where `is_inherited`, it was
    written to this very connection by the process before, and is None when the target has spoken since.
    """

    def __init__(
        self,
        endpoint: AsyncioEndpoint,
        owner: TargetOwner,
        early: bytes | None = b"",
        *,
        is_inherited: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._owner = owner
        self._early: bytearray | None = None if early is None else bytearray(early)
        """What was written, as long as it can still be said again; None from the target's first word on."""
        self._first_words = b"" if is_inherited else early
        self._refusal = b""
        self._transport: asyncio.Transport | None = None
        self._buffer = memoryview(b"")
        self._has_ended = False
        self._was_shut_down = False
        self.is_gone = False
        """Whether the connection is closed on both ways, and the file descriptor with it."""

    # -- as the endpoint's local stream --

    @property
    def is_drained(self) -> bool:
        return self._transport is None or self._transport.get_write_buffer_size() == 0

    @property
    def unwritten_bytes(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def write(self, data: bytes | memoryview) -> None:
        if self._early is not None:
            self._early += data
            if len(self._early) > MAX_EARLY_BYTES:
                self._early = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def write_eof(self) -> None:
        self._was_shut_down = True
        if self._transport is not None and not self._transport.is_closing():
            with contextlib.suppress(OSError):  # an inherited connection may have ended: reading tells how
                self._transport.write_eof()

    def pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Close once everything is written, at the latest after a moment."""
        if self._transport is not None:
            self._transport.close()
            asyncio.get_running_loop().call_later(CLOSE_GRACE_S, self._transport.abort)

    # -- to a successor --

    @property
    def descriptor(self) -> int | None:
        """File descriptor of the connection; None before it stands and once it is gone."""
        if self._transport is None or self._transport.is_closing():
            return None
        connected: socket = self._transport.get_extra_info("socket")
        return connected.fileno()

    @property
    def early(self) -> bytes | None:
        """What a successor can say again if the target hangs up; None once the target has spoken."""
        return None if self._early is None else bytes(self._early)

    @property
    def can_be_handed_over(self) -> bool:
        """Whether a successor could go on with what the operating system knows of the connection: it stands,
        is not about to end, and what could be said again has been taken."""
        if self._transport is None or self._transport.is_closing() or self._refusal:
            return False
        return self._early is None or self.unwritten_bytes == 0

    # -- as asyncio's protocol --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = cast("asyncio.Transport", transport)  # aiofastnet's are, without saying so
        self._transport = connection
        # Only what the operating system has taken is acknowledged: a byte kept here is not written yet.
        connection.set_write_buffer_limits(high=0)
        # Not at once: early releases of Python 3.11 begin to read after this call even where it paused
        # reading, and the endpoint pauses until the handshake is finished.
        asyncio.get_running_loop().call_soon(self._endpoint.attach_local, self)
        if self._first_words:
            connection.write(self._first_words)

    def get_buffer(self, sizehint: int) -> memoryview:
        self._buffer = self._endpoint.read_buffer(len(self._refusal))
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._early is not None:
            if self._may_be_refusal(nbytes):
                self._refusal = bytes(self._buffer[:nbytes])
                return
            self._early = None
        self._release_refusal()
        self._endpoint.local_read(nbytes)

    def eof_received(self) -> bool:
        if self._is_refused():
            return False  # close: this connection is worthless
        self._end(None)
        return True  # the writing side stays open until the client has ended, too

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_gone = True
        if not self._is_refused():
            self._end(exc)
            self._endpoint.local_drained()  # what it did not take any more is as good as written
            self._owner.target_gone()
            return
        self._has_ended = True
        early, self._early = bytes(self._early or b""), None
        self._endpoint.detach_local()
        self._owner.target_hung_up_early(early)

    def pause_writing(self) -> None:
        """Nothing to do: the endpoint asks `is_drained` after every write."""

    def resume_writing(self) -> None:
        self._endpoint.local_drained()

    # -- the first words --

    def _is_refused(self) -> bool:
        """Whether the target hung up without having spoken, on a client that can begin again."""
        if self._early is None or self._has_ended or self._was_shut_down:
            return False
        return not self._early or self._early.startswith(SSH_IDENTIFICATION)

    def _may_be_refusal(self, count: int) -> bool:
        return not self._refusal and self._is_refused() and self._buffer[:count] == SSHD_IS_FULL

    def _release_refusal(self) -> None:
        """It was no refusal after all, or cannot be helped: pass the text on."""
        text, self._refusal = self._refusal, b""
        if text:
            self._endpoint.local_data(text)

    def _end(self, error: Exception | None) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self._release_refusal()
        self._owner.target_ended(error)
        self._endpoint.local_ended()
