"""Driving picows's server protocol from outside: on a transport that somebody else accepted.

`picows.ws_create_server` does the same with a listening socket of its own. Left to the caller: everything
that happens before the upgrade.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from picows import WSAutoPingStrategy, WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # left out of the stub

from fairlead.gateway.sockets import ChannelSocket
from fairlead.transport.tls_leftovers import read_what_is_left

NO_MORE_HEADERS: Mapping[str, str] = {}

_WASTE_BYTES = 16 * 1024


class _PicowsLog(logging.LoggerAdapter[logging.Logger]):
    """picows reports as errors what peers do wrong; for a server these are everyday events.

    No `Logger` itself: of those, picows makes another one for each connection.
    """

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:  # Any: as its base
        super().log(min(level, logging.DEBUG), msg, *args, **kwargs)


_PICOWS_LOG = _PicowsLog(logging.getLogger("fairlead.gateway.picows"), {})


def make_picows_protocol(
    socket: ChannelSocket,
    max_frame_bytes: int,
    read_buffer_bytes: int,
    headers: Mapping[str, str] = NO_MORE_HEADERS,
) -> asyncio.BufferedProtocol:
    """picows's server protocol as `picows.ws_create_server` makes it, for a transport that exists already.

    `headers` go into the answer to the upgrade. Pings come to the listener (an answer must not grow the write
    buffer of a peer that does not read), and there is no timeout for a request that is here already.
    """
    protocol: asyncio.BufferedProtocol = WSProtocol(
        None,  # host and port: of clients
        None,  # path: of clients
        False,  # is_client_side
        lambda _request: WSUpgradeResponseWithListener(
            WSUpgradeResponse.create_101_response(headers), socket
        ),
        _PICOWS_LOG,
        True,  # disconnect_on_exception
        None,  # websocket_handshake_timeout
        False,  # enable_auto_ping
        1,  # auto_ping_idle_timeout: not used
        1,  # auto_ping_reply_timeout: not used
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # enable_auto_pong
        max_frame_bytes,
        None,  # extra_headers: of clients
        read_buffer_bytes,
    )
    return protocol


class BoundedReader(asyncio.BufferedProtocol):
    """Stands before picows and lets no single read be larger than `max_read_bytes`.

    picows doubles its read buffer whenever a read fills it, and never shrinks it: a fast sender would make it
    grow to the size of the kernel's own buffer. With a bound on reads the largest message bounds it. After an
    error in the stream picows reads on for a moment, without regard to its limit: that goes to waste.
    """

    __slots__ = ("_inner", "_loop", "_max_read_bytes", "_offered_bytes", "_socket", "_transport", "_waste")

    def __init__(
        self,
        inner: asyncio.BufferedProtocol,
        socket: ChannelSocket,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        max_read_bytes: int,
    ) -> None:
        self._inner = inner
        self._socket = socket
        self._transport = transport
        self._loop = loop
        self._max_read_bytes = max_read_bytes
        self._offered_bytes = 0
        self._waste: memoryview | None = None

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go: nowhere, once picows gave the stream up as broken."""
        if self._socket.is_broken:
            self._waste = memoryview(bytearray(_WASTE_BYTES))
            return self._waste
        buffer = memoryview(self._inner.get_buffer(sizehint))[: self._max_read_bytes]
        self._offered_bytes = len(buffer)
        return buffer

    def buffer_updated(self, nbytes: int) -> None:
        """They are there. If they filled the buffer, there may be more in the TLS layer."""
        if self._waste is None:
            self._inner.buffer_updated(nbytes)
        if nbytes == self._offered_bytes and self._transport.is_reading():
            read_what_is_left(self._transport, self._loop)

    def eof_received(self) -> bool | None:
        """The peer sends no more."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """The high-water mark."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The low-water mark."""
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended."""
        self._inner.connection_lost(exc)


def feed(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    """Put bytes into a buffered protocol."""
    rest = memoryview(data)
    while rest:
        buffer = memoryview(protocol.get_buffer(len(rest)))
        count = min(len(buffer), len(rest))
        buffer[:count] = rest[:count]
        rest = rest[count:]
        protocol.buffer_updated(count)
