"""One WebSocket of the gateway, on picows: messages in and out, pings, fragments, the goodbye.

Whatever a peer sends, memory stays bounded: a message by its limit, the answers to pings by answering only
the latest one while the peer does not read (RFC 6455 §5.5.3 allows it), unsent bytes by the handler, which is
told when they pass the high-water mark. What a message means is left to the handler.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

import aiofastnet
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from fairlead.gateway.clock import Rounds, Timer
from fairlead.gateway.close_codes import CloseCode
from fairlead.gateway.refusal_log import refusal_log
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.socket_handlers import Nobody, SocketHandler
from fairlead.transport.tcp import unpace_local
from fairlead.transport.tls_leftovers import read_what_is_left

MAX_REASON_BYTES = 123
"""Text in a close frame: a control frame has at most 125 bytes, two of them are the code (RFC 6455 §5.5)."""
_NO_HEADERS: Any = {}  # Any: picows's type is of a library that it uses
_NO_STATUS = 0  # picows's number for a close frame without a code
_FINAL_BINARY = 0x82
_SHORT_HEADER = struct.Struct(">BB")
_MEDIUM_HEADER = struct.Struct(">BBH")
_LONG_HEADER = struct.Struct(">BBQ")
_SHORT = 126
_MEDIUM = 1 << 16
_BINARY = WSMsgType.BINARY


class ChannelSocket(WSListener):
    """A picows listener with one handler at a time: first the opening, then the channel it leads to.

    `on_gone` is called with the socket itself when its connection has ended.
    """

    __slots__ = (
        "_answered",
        "_close_code",
        "_copies",
        "_cork_below_bytes",
        "_corked",
        "_frames",
        "_frames_checked",
        "_handler",
        "_is_closing",
        "_is_probing",
        "_is_reading",
        "_loop",
        "_max_corked_bytes",
        "_max_message_bytes",
        "_on_gone",
        "_owed_pong",
        "_partial",
        "_partial_type",
        "_rounds",
        "_settings",
        "_spoke",
        "_timer",
        "_transport",
        "fileno",
        "is_congested",
        "source_address",
    )

    def __init__(
        self,
        settings: GatewaySettings,
        loop: asyncio.AbstractEventLoop,
        rounds: Rounds,
        *,
        max_message_bytes: int,
        source_address: str,
        on_gone: Callable[["ChannelSocket"], None] = lambda socket: None,
    ) -> None:
        self.source_address = source_address
        self.fileno = -1
        self.is_congested = False
        self._settings = settings
        self._cork_below_bytes = settings.cork_below_bytes
        self._max_corked_bytes = settings.max_corked_bytes
        self._loop = loop
        self._rounds = rounds
        self._max_message_bytes = max_message_bytes
        self._on_gone = on_gone
        self._handler: SocketHandler = Nobody()
        self._transport: WSTransport | None = None
        self._copies = False
        self._corked: bytearray | None = None
        self._partial: bytearray | None = None
        self._partial_type = WSMsgType.BINARY
        self._owed_pong: bytes | None = None
        self._close_code: int | None = None
        self._answered: Callable[[int | None], None] | None = None
        self._is_closing = False
        self._frames = 0
        self._frames_checked = 0
        self._is_probing = False
        self._is_reading = True
        self._spoke: int | None = None
        self._timer: Timer | None = None

    @property
    def is_open(self) -> bool:
        """True while messages can be sent and will be received."""
        return self._transport is not None and not self._is_closing

    @property
    def is_broken(self) -> bool:
        """True after picows found an error in the stream: it has said goodbye and will disconnect."""
        transport = self._transport
        return transport is not None and transport.is_close_frame_sent and not self._is_closing

    def require_signs_of_life(self) -> None:
        """For a peer that always reads: ping it when it is silent, and close when it stays so.

        A half-open connection shows itself only when it is written to, and then late. Peers that may stop
        reading, as the stock client does while its terminal is stopped, are left to TCP's own keep-alive.
        """
        if self.is_open and self._spoke is None:
            self._spoke = self._rounds.join(self)

    def set_handler(self, handler: SocketHandler) -> None:
        """Who receives from now on."""
        self._handler = handler

    # Called by picows.

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is done. picows keeps both of its heads for whoever may ask: a kilobyte, and nobody."""
        self._transport = transport
        transport.request.headers = transport.response.headers = _NO_HEADERS
        underlying = transport.underlying_transport
        # Only aiofastnet's transports promise to copy what they cannot send at once.
        self._copies = not isinstance(underlying, aiofastnet.Transport)
        if not transport.is_secure:
            self._cork_below_bytes = self._max_corked_bytes // 2
        underlying.set_write_buffer_limits(
            high=self._settings.write_high_water_bytes, low=self._settings.write_low_water_bytes
        )
        sock = underlying.get_extra_info("socket")
        self.fileno = sock.fileno()
        _keep_alive(sock, self._settings.tcp_keepalive_s)
        unpace_local(sock)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame; the usual one is a whole binary message."""
        self._frames += 1
        if transport.is_close_frame_sent and self.is_broken:
            self._handler.flush()
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._fail(CloseCode.PROTOCOL_ERROR, "no extension was negotiated")
        elif frame.msg_type == _BINARY and frame.fin and self._partial is None:
            view = frame.get_payload_as_memoryview()
            self._handler.receive_binary(bytes(view) if self._copies else view, frame.last_in_buffer)
        else:
            self._receive_other(frame)
            if frame.last_in_buffer:
                self._handler.flush()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is gone."""
        self._transport = None
        self._corked = None
        if self._timer is not None:
            self._timer.cancel()
        self._leave_rounds()
        self._on_gone(self)
        handler, self._handler = self._handler, Nobody()
        handler.disconnected(self._close_code)

    def pause_writing(self) -> None:
        """Unsent bytes passed the high-water mark."""
        self.is_congested = True
        self._handler.congested()

    def resume_writing(self) -> None:
        """Unsent bytes fell to the low-water mark."""
        self.is_congested = False
        if self._owed_pong is not None and self.is_open and self._transport is not None:
            self._transport.send_pong(self._owed_pong)
            self._owed_pong = None
        self._handler.drained()

    # Sending.

    def send_binary(self, frame: bytes | memoryview, *, more: bool) -> None:
        """Send one message. Those of which `more` come at once leave together: one write costs less, and
        wakes the receiver once."""
        transport = self._transport
        if transport is None or self._is_closing:
            return
        size = len(frame)
        corked = self._corked
        if corked is not None and len(corked) + size > self._max_corked_bytes:
            self.flush()
            corked = None
        if size >= self._cork_below_bytes or (corked is None and not more):
            self.flush()
            transport.send(_BINARY, frame)
            return
        if corked is None:
            corked = self._corked = bytearray()
        corked += _server_header(size)
        corked += frame
        if not more:
            self.flush()

    def flush(self) -> None:
        """Write what was kept back."""
        corked, self._corked = self._corked, None
        if corked is not None and self._transport is not None and not self._is_closing:
            self._transport.underlying_transport.write(corked)

    def send_pong(self) -> None:
        """An unsolicited pong (RFC 6455 §5.5.3): a sign of life to a peer whose pings are not read."""
        if self.is_open and self._transport is not None:
            self._transport.send_pong(b"")

    # Reading and leaving.

    def pause_reading(self) -> None:
        """Leave what comes in the kernel's hands, and so with the sender."""
        if self._transport is not None and self._is_reading and not self._is_closing:
            self._is_reading = False
            self._transport.underlying_transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self._transport is not None and not self._is_reading:
            self._is_reading = True
            self._is_probing = False
            self._transport.underlying_transport.resume_reading()
            read_what_is_left(self._transport.underlying_transport, self._loop)

    @property
    def system_socket(self) -> socket.socket | None:
        """What the connection is made of; None before it and after it."""
        transport = self._transport
        return None if transport is None else transport.underlying_transport.get_extra_info("socket")

    def read_on(self) -> None:
        """The peer has reset the connection: read what came before that, and so its end (`resets`)."""
        underlying = None if self._transport is None else self._transport.underlying_transport
        if underlying is not None and self._is_reading and not underlying.is_closing():
            underlying.pause_reading()
            underlying.resume_reading()

    def close(
        self, code: CloseCode, reason: str, answered: Callable[[int | None], None] | None = None
    ) -> None:
        """Say goodbye after everything sent so far, and give the peer `close_timeout_s` to read it.

        `answered` is told the code of the peer's own goodbye, if there comes one.

        Nothing more reaches the handler, not even `disconnected`. The peer is still read, for nobody: closing
        a socket with unread bytes resets the connection, and then the peer may never see what was sent.
        """
        self._handler = Nobody()
        if self.is_open:
            self._answered = answered
        self._close(code, reason)

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.disconnect(False)

    def _fail(self, code: CloseCode, reason: str) -> None:
        """The peer broke a rule of WebSockets: close, and let the handler see the end of the connection."""
        if not self._is_closing:
            refusal_log.info("closing a WebSocket of %s: %s", self.source_address, reason)
            self._close(code, reason)

    def _close(self, code: CloseCode, reason: str) -> None:
        if self._transport is None or self._is_closing:
            return
        self.flush()
        self._transport.send_close(WSCloseCode(int(code)), _cut(reason))
        self.resume_reading()
        self._is_closing = True
        self._leave_rounds()
        self._timer = self._loop.call_later(self._settings.close_timeout_s, self.abort)

    def _receive_other(self, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.PING:
            self._answer_ping(frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            self._answer_close(frame)
        elif kind != WSMsgType.PONG and not self._is_closing:
            self._receive_fragment(frame)

    def _answer_ping(self, payload: bytes) -> None:
        if self._transport is None or self._is_closing:
            return
        if self.is_congested:
            self._owed_pong = payload
        else:
            self._transport.send_pong(payload)

    def _answer_close(self, frame: WSFrame) -> None:
        code = int(frame.get_close_code())  # type: ignore[call-overload]  # an IntFlag, in the stub an Enum
        self._close_code = None if code == _NO_STATUS else code
        if self._transport is None:
            return
        if self._is_closing:
            answered, self._answered = self._answered, None
            if answered is not None:
                answered(self._close_code)
            # The peer has read all that was sent. A TLS transport that closes in good order would wait for
            # the peer to close first, which the stock programs do not do.
            self.abort()
        else:
            self._close(CloseCode.NORMAL, "")
            self._transport.disconnect()

    def _receive_fragment(self, frame: WSFrame) -> None:
        """Text, or a message in fragments: the stock agent sends what is over 4 KiB in fragments."""
        starts = frame.msg_type != WSMsgType.CONTINUATION
        if starts == (self._partial is not None):
            self._fail(CloseCode.PROTOCOL_ERROR, "a fragmented message was broken off or never begun")
            return
        if starts:
            self._partial = bytearray()
            self._partial_type = frame.msg_type
        assert self._partial is not None
        if len(self._partial) + frame.payload_size > self._max_message_bytes:
            self._partial = None
            self._fail(CloseCode.TOO_BIG, f"a message has more than {self._max_message_bytes} bytes")
            return
        self._partial += frame.get_payload_as_memoryview()
        if frame.fin:
            self._deliver_partial(frame.last_in_buffer)

    def _deliver_partial(self, last: bool) -> None:
        message, self._partial = bytes(self._partial or b""), None
        if self._partial_type == WSMsgType.TEXT:
            self._handler.receive_text(message)
        else:
            self._handler.receive_binary(message, last)

    def visit(self) -> None:
        """A round of `require_signs_of_life`."""
        is_silent = self._frames == self._frames_checked and self._is_reading
        self._frames_checked = self._frames
        if is_silent and self._is_probing:
            self._fail(CloseCode.SILENT, "no answer to a ping")
            self.abort()
            return
        self._is_probing = is_silent
        if is_silent and self._transport is not None and not self.is_congested:
            self._transport.send_ping(b"")

    def _leave_rounds(self) -> None:
        spoke, self._spoke = self._spoke, None
        if spoke is not None:
            self._rounds.leave(self, spoke)


def _server_header(size: int) -> bytes:
    """Header of an unmasked final binary frame (RFC 6455 §5.2)."""
    if size < _SHORT:
        return _SHORT_HEADER.pack(_FINAL_BINARY, size)
    if size < _MEDIUM:
        return _MEDIUM_HEADER.pack(_FINAL_BINARY, 126, size)
    return _LONG_HEADER.pack(_FINAL_BINARY, 127, size)


def _keep_alive(sock: socket.socket, interval_s: int) -> None:
    """Let the kernel find out that a peer is gone, whether it is read or not; within five intervals."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", interval_s), ("TCP_KEEPINTVL", interval_s), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):  # the system's default where it has no such option
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _cut(reason: str) -> str:
    """What of a reason fits into a close frame."""
    return reason.encode()[:MAX_REASON_BYTES].decode("utf-8", "ignore")
