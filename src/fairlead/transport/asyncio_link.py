"""The WebSocket of one data channel on asyncio, client side of RFC 6455.

Agent messages in both directions, one per binary frame; what they mean is left to the endpoint, which is told
of everything by the calls of `LinkUser`. Sees to what a connection needs of its own: the open frame, pings,
a bounded buffer, the goodbye. Dialling is `asyncio_dialer`'s part, reconnecting the owner's.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from fairlead.protocol.message import MAX_FRAME_BYTES
from fairlead.protocol.settings import MAX_BACKLOG_BYTES
from fairlead.transport.errors import printable
from fairlead.transport.tls_leftovers import read_what_is_left

MAX_LINK_FRAME_BYTES = MAX_FRAME_BYTES
"""Largest WebSocket frame that is taken; a larger one ends the connection with code 1009."""

LINK_WATERMARK_BYTES = 256 * 1024
"""Bytes waiting in the link's own buffer above which the local side is not read."""

TOO_MUCH_WAITS = "the peer asks for more and more and reads nothing"

CLOSE_GRACE_S = 2.0
"""How long a closed link may take to hand its last bytes to the network."""

KEEP_ALIVE_S = 1.0
"""While the link is not read, its pings are taken for answered this long after they are sent."""


class LinkUser(Protocol):
    """Whose link it is: `AsyncioEndpoint`. Called on the event loop; may call the link back."""

    def link_up(self, link: WebSocketLink) -> None:
        """The link stands and its open frame was sent."""
        ...

    def link_down(self, link: WebSocketLink, reason: str) -> None:
        """The link is gone. `reason` is what the peer said or did wrong, often nothing."""
        ...

    def link_writable(self) -> None:
        """`is_writable` has changed."""
        ...

    def receive(self, frame: memoryview) -> None:
        """One agent message; the view is valid only until this returns."""
        ...


class WebSocketLink(WSListener):
    """The WebSocket of one data channel, client side of RFC 6455. `open_frame` is sent first, as text."""

    def __init__(self, endpoint: LinkUser, open_frame: str) -> None:
        self._endpoint = endpoint
        self._open_frame = open_frame
        self._transport: WSTransport | None = None
        self._is_read = True
        self._reason = ""
        self.is_writable = True

    def send(self, message: memoryview) -> None:
        """Send one agent message; it is copied and masked, so it stays as it is. Above MAX_BACKLOG_BYTES the
        link is given up."""
        transport = self._transport
        if transport is None:
            return
        transport.send(WSMsgType.BINARY, message)
        if transport.underlying_transport.get_write_buffer_size() > MAX_BACKLOG_BYTES:
            self._reason = TOO_MUCH_WAITS
            self._transport = None
            transport.disconnect(False)

    def set_reading(self, wanted: bool) -> None:
        """Read the socket, or leave what comes to the operating system."""
        self._is_read = wanted
        if self._transport is not None and not self._transport.is_disconnected:
            stream = self._transport.underlying_transport
            (stream.resume_reading if wanted else stream.pause_reading)()
            if wanted:
                read_what_is_left(stream, asyncio.get_running_loop())

    def close(self, code: WSCloseCode) -> None:
        """Send a close frame and end the connection once everything is sent."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send_close(code)
            self._transport.disconnect()
            asyncio.get_running_loop().call_later(CLOSE_GRACE_S, self._transport.disconnect, False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=LINK_WATERMARK_BYTES)
        transport.send(WSMsgType.TEXT, self._open_frame)
        self._endpoint.link_up(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        transport.notify_user_specific_pong_received()  # any frame is a sign of life
        if frame.msg_type in (WSMsgType.BINARY, WSMsgType.TEXT) and frame.fin:
            self._endpoint.receive(frame.get_payload_as_memoryview())
        elif frame.msg_type == WSMsgType.CLOSE:
            self._reason = printable(frame.get_close_message().decode("utf-8", "replace"))
            self.close(WSCloseCode.OK)
        elif frame.msg_type != WSMsgType.PONG:
            self._reason = "the peer sent a message in fragments"
            self.close(WSCloseCode.UNSUPPORTED_DATA)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._endpoint.link_down(self, self._reason)

    def send_user_specific_ping(self, transport: WSTransport) -> None:
        transport.send_ping(b"keepalive")
        if not self._is_read:
            asyncio.get_running_loop().call_later(KEEP_ALIVE_S, transport.notify_user_specific_pong_received)

    def pause_writing(self) -> None:
        self.is_writable = False
        self._endpoint.link_writable()

    def resume_writing(self) -> None:
        self.is_writable = True
        self._endpoint.link_writable()
