"""From an HTTP request to a WebSocket: the protocol class that uvicorn starts on an upgrade.

uvicorn parses the request; this class gets the accepted transport and the request's bytes. With reading
paused it checks the address and, where there is one, the signature; only then it puts picows's server
protocol on the transport. Until the open frame is accepted it stays in front of picows and counts bytes, so
that an unrecognised peer cannot make the read buffer grow; then it steps aside.

Who may join what is left to `openings`; WebSocket messages to `sockets`.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, cast

from fairlead.aws.canonical import Request
from fairlead.gateway.admission import Admission
from fairlead.gateway.clock import Rounds
from fairlead.gateway.doorkeeper import Doorkeeper, Identity, Refused, access_denied
from fairlead.gateway.picows_edge import NO_MORE_HEADERS, BoundedReader, feed, make_picows_protocol
from fairlead.gateway.refusal_log import refusal_log
from fairlead.gateway.requests import ChannelAddress, ChannelKind, Peer, is_node, single_header
from fairlead.gateway.security_events import SecurityEvents
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.sockets import ChannelSocket
from fairlead.gateway.work import BackgroundWork
from fairlead.protocol.open_channel import RESUME_HEADER, RESUME_HEADER_VALUE

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.server import ServerState

_WEBSOCKET_VERSION = "13"
_ROLES = {ChannelKind.CONTROL: "role=subscribe", ChannelKind.DATA: "role=publish_subscribe"}
"""What the query must have among its arguments; an agent adds `stream=input` for its control channel."""

_DATA_CHANNEL_HEADERS = {RESUME_HEADER: RESUME_HEADER_VALUE}
"""By these a client of ours knows that it may come back without a call of the API."""


class UpgradeHost(Protocol):
    """What an upgrade needs of the gateway."""

    settings: GatewaySettings
    loop: asyncio.AbstractEventLoop
    work: BackgroundWork
    admission: Admission
    silence_rounds: Rounds
    doorkeeper: Doorkeeper
    security_events: SecurityEvents
    is_stopping: bool

    def begin_stop(self) -> None: ...
    def socket_opened(self, socket: ChannelSocket) -> None: ...
    def socket_gone(self, socket: ChannelSocket) -> None: ...
    def open_channel(
        self,
        socket: ChannelSocket,
        address: ChannelAddress,
        identity: Identity,
        recognised: Callable[[], None],
    ) -> "OpeningState":
        """Wait for the open frame of a new WebSocket; call `recognised` when it is accepted."""
        ...


class OpeningState(Protocol):
    """How far an opening is."""

    @property
    def is_judging(self) -> bool:
        """True from the open frame on."""
        ...


def make_upgrade_protocol(host: UpgradeHost) -> type[asyncio.Protocol]:
    """The class for `uvicorn.Config(ws=...)`."""

    class GatewayUpgradeProtocol(UpgradeProtocol):
        """Bound to one gateway; the arguments are those that uvicorn gives."""

        def __init__(
            self,
            config: "Config",
            server_state: "ServerState",
            app_state: dict[str, Any],  # Any: uvicorn's type
            _loop: asyncio.AbstractEventLoop | None = None,
        ) -> None:
            super().__init__(host, server_state.connections)

    return GatewayUpgradeProtocol


class UpgradeProtocol(asyncio.Protocol):
    """One upgrade, and the guard of its WebSocket until the open frame is accepted."""

    def __init__(self, host: UpgradeHost, connections: set[Any]) -> None:  # Any: uvicorn's protocol classes
        self._host = host
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._fileno = -1
        self._is_upgrading = False
        self._picows: asyncio.BufferedProtocol | None = None
        self._socket: ChannelSocket | None = None
        self._opening_allowance = host.settings.max_opening_bytes
        self._early_allowance = host.settings.max_early_bytes
        self._opening: OpeningState | None = None
        self._max_read_bytes = host.settings.max_short_read_bytes

    # Called by uvicorn and by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """uvicorn hands over its transport."""
        self._transport = cast(asyncio.Transport, transport)  # aiofastnet's are, without saying so
        self._fileno = transport.get_extra_info("socket").fileno()
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        """First the request, from uvicorn; then what the peer sends before its open frame is accepted."""
        assert self._transport is not None
        if self._picows is not None:
            self._receive_unrecognised(self._transport, self._picows, data)
        elif not self._is_upgrading:
            self._is_upgrading = True
            self._transport.pause_reading()
            self._host.work.spawn(self._upgrade(self._transport, data), purpose="answer an upgrade request")

    def _receive_unrecognised(
        self, transport: asyncio.Transport, picows: asyncio.BufferedProtocol, data: bytes
    ) -> None:
        """Little may come up to the open frame. With it reading pauses; what a side that returns replays
        right behind it was on its way by then, and has an allowance of its own."""
        opening, early = data[: self._opening_allowance], data[self._opening_allowance :]
        self._opening_allowance -= len(opening)
        if opening:
            feed(picows, opening)
            if self._is_judging:
                self._host.admission.forget(self._fileno)
        if not early:
            return
        self._early_allowance -= len(early)
        if not self._is_judging or self._early_allowance < 0:
            refusal_log.info("closing a WebSocket that sent too much before its open frame was accepted")
            transport.abort()
        else:
            feed(picows, early)

    @property
    def _is_judging(self) -> bool:
        return self._opening is not None and self._opening.is_judging

    def eof_received(self) -> bool:
        """The peer sends no more: the transport closes."""
        return False

    def pause_writing(self) -> None:
        """Passed on to the WebSocket."""
        if self._picows is not None:
            self._picows.pause_writing()

    def resume_writing(self) -> None:
        """Passed on to the WebSocket."""
        if self._picows is not None:
            self._picows.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended before the open frame was accepted."""
        self._connections.discard(self)
        if self._picows is not None:
            self._picows.connection_lost(exc)

    def shutdown(self) -> None:
        """uvicorn stops; so does the gateway, which closes its sockets in an order of its own."""
        self._host.begin_stop()

    # The upgrade.

    async def _upgrade(self, transport: asyncio.Transport, data: bytes) -> None:
        try:
            request = parse_request(data)
            address = _checked_address(request)
            self._host.admission.forget(self._fileno)  # from here on it waits for us
            identity = await self._host.doorkeeper.identify(request, _peer(transport))
            if self._host.is_stopping:
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", "The server is stopping.")
            if address.kind is ChannelKind.CONTROL and not is_node(identity.caller, address.id):
                who = identity.caller or identity.origin
                self._host.security_events.report(who, "ChannelRefused", {"channelId": address.id})
                raise access_denied("A control channel is for its own node only.")
        except Refused as refused:
            refusal_log.info("refused an upgrade from %s: %s", _peer(transport).address, refused)
            _answer(transport, refused)
            return
        except Exception:
            _answer(transport, Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalFailure", "Try again."))
            raise
        if not transport.is_closing():
            self._start_websocket(transport, request, address, identity)

    def _start_websocket(
        self, transport: asyncio.Transport, request: Request, address: ChannelAddress, identity: Identity
    ) -> None:
        settings = self._host.settings
        is_control = address.kind is ChannelKind.CONTROL
        limit = settings.max_control_message_bytes if is_control else settings.max_frame_bytes
        socket = ChannelSocket(
            settings,
            self._host.loop,
            self._host.silence_rounds,
            max_message_bytes=limit,
            source_address=identity.origin.source_address,
            on_gone=self._host.socket_gone,
        )
        if not is_control and transport.get_extra_info("ssl_object") is None:
            self._max_read_bytes = settings.max_read_bytes
        headers = NO_MORE_HEADERS if is_control else _DATA_CHANNEL_HEADERS
        buffer_bytes = settings.control_read_buffer_bytes if is_control else settings.read_buffer_bytes
        self._picows = make_picows_protocol(socket, limit, buffer_bytes, headers)
        self._picows.connection_made(transport)
        transport.resume_reading()  # first: one that picows closes at once must still see the peer's goodbye
        feed(self._picows, _minimal_request(request))
        self._socket = socket
        if socket.is_open:  # else picows found the key wanting, and has answered
            for_s = settings.open_timeout_s + settings.close_timeout_s
            self._host.admission.add(transport.get_extra_info("socket"), _peer(transport).address, for_s)
            self._host.socket_opened(socket)
            self._opening = self._host.open_channel(socket, address, identity, self._recognised)

    def _recognised(self) -> None:
        self._host.admission.forget(self._fileno)
        self._opening = None  # and with it all that was known of the request
        if self._transport is None or self._picows is None or self._socket is None:
            return
        if not self._transport.is_closing():
            self._transport.set_protocol(
                BoundedReader(
                    self._picows, self._socket, self._transport, self._host.loop, self._max_read_bytes
                )
            )
            self._connections.discard(self)  # nothing is to hold this guard any more


def parse_request(data: bytes) -> Request:
    """The request as uvicorn writes it for a WebSocket protocol: parsed once, one header per line.

    Raises Refused for a target that is not a path.
    """
    lines = data.decode("latin-1").split("\r\n")
    method, _, rest = lines[0].partition(" ")
    target = rest.rpartition(" ")[0]
    if method != "GET" or not target.startswith("/"):
        raise Refused(HTTPStatus.BAD_REQUEST, "BadRequest", "A WebSocket begins with GET and a path.")
    headers = []
    for line in lines[1:]:
        if line:
            name, _, value = line.partition(": ")
            headers.append((name, value))
    path, _, query = target.partition("?")
    return Request(method, path, query, headers)


def _checked_address(request: Request) -> ChannelAddress:
    address = ChannelAddress.parse(request.path)
    if address is None:
        raise Refused(HTTPStatus.NOT_FOUND, "NotFound", "No WebSocket here.")
    if _ROLES[address.kind] not in request.query.split("&"):
        raise Refused(HTTPStatus.BAD_REQUEST, "BadRequest", f"The query must contain {_ROLES[address.kind]}.")
    if single_header(request, "sec-websocket-version") != _WEBSOCKET_VERSION:
        raise Refused(HTTPStatus.UPGRADE_REQUIRED, "UpgradeRequired", "WebSocket version 13 is needed.")
    return address


def _minimal_request(request: Request) -> bytes:
    """What picows needs of the request; it would keep credentials for as long as the connection lasts."""
    key = single_header(request, "sec-websocket-key")
    return (
        "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: {_WEBSOCKET_VERSION}\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode("latin-1")


def _peer(transport: asyncio.Transport) -> Peer:
    name = transport.get_extra_info("peername")
    return Peer(name[0] if name else "", transport.get_extra_info("ssl_object") is not None)


def _answer(transport: asyncio.Transport, refused: Refused) -> None:
    if transport.is_closing():
        return
    body = f"<{refused.code}> {refused}\n".encode()
    head = (
        f"HTTP/1.1 {refused.status.value} {refused.status.phrase}\r\nconnection: close\r\n"
        f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
    )
    if refused.status is HTTPStatus.UPGRADE_REQUIRED:
        head += f"sec-websocket-version: {_WEBSOCKET_VERSION}\r\n"
    transport.resume_reading()
    transport.write(head.encode() + b"\r\n" + body)
    transport.close()
