"""Verified connections to the one server of this node: single HTTP requests and WebSockets.

Nothing is ever sent before the TLS handshake has proved the server's name under the trust anchors. The one
exception is made on purpose by `agent.registration`, which passes a context of its own to fetch a
certificate.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from picows import WSListener, WSProtocolError, WSTransport

from fairlead.agent.backoff import Patience
from fairlead.agent.server_connection import ServerConnection, WebSocketLimits
from fairlead.transport.errors import ClosedUnanswered, ConnectionLost, PeerError, printable
from fairlead.transport.http import Response, request_bytes
from fairlead.transport.tls import Trust, client_context

if TYPE_CHECKING:
    from fairlead.transport.addresses import Endpoint

LONGEST_WAIT_S = 60.0
"""For an answer of a server that let earlier requests wait in vain."""

KEEP_S = 5.0
"""How long an answered connection waits for the WebSocket that is to follow; that is due at once."""

T = TypeVar("T")


class Connector:
    """Opens connections to `endpoint` under `trust`, through the proxy that `environ` names for it.

    Dialling may take `timeout_s`, and so may a request with all that belongs to it, unless the one before it
    waited in vain (`backoff.Patience`).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        trust: Trust,
        environ: Mapping[str, str],
        timeout_s: float,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.trust = trust
        self._environ = environ
        self._timeout_s = timeout_s
        self._patience = Patience(timeout_s, LONGEST_WAIT_S)
        self._context = context
        self._kept: dict[ServerConnection, asyncio.TimerHandle] = {}

    @property
    def context(self) -> ssl.SSLContext | None:
        """The TLS context, None for a loopback endpoint without TLS. Made on first use: it costs memory."""
        if self._context is None and self.endpoint.uses_tls:
            self._context = client_context(self.trust)
        return self._context

    def reload_trust(self) -> None:
        """Read the trust anchors anew for the next connection, because their file was extended."""
        self._context = None

    async def exchange(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: bytes = b"",
        *,
        keep: bool = False,
    ) -> Response:
        """Send one request on a connection of its own and return the answer.

        `headers` must hold `Host`. With `keep` the connection stays for the WebSocket that is to follow.
        Raises a `TransportError`; `TlsError` means that nothing was sent.
        """
        request = request_bytes(method, target, headers if keep else [*headers, _LAST_REQUEST], body)

        async def talk() -> Response:
            connection = await self._connect()
            response = await connection.exchange(request)
            if keep and connection.is_usable:
                self._keep(connection)
            else:
                connection.close()
            return response

        return await self._patiently(talk)

    async def open_websocket(
        self,
        listener: WSListener,
        target: str,
        headers: list[tuple[str, str]],
        *,
        max_frame_bytes: int,
        ping_interval_s: float,
        pong_timeout_s: float,
    ) -> WSTransport:
        """Open a WebSocket at `target`; the Host that must be signed is the endpoint's `host_header`.

        It goes over a connection that `exchange` has kept, if there is one. It is pinged when silent, and
        dropped when a ping finds no sign of life. `pong_timeout_s` must not exceed `ping_interval_s`. Raises
        a `TransportError`, an `UpgradeError` with the HTTP status when the server refuses.
        """
        limits = WebSocketLimits(max_frame_bytes, ping_interval_s, pong_timeout_s)

        async def upgrade() -> WSTransport:
            kept = self._take_kept()
            if kept is not None:
                try:
                    return await kept.upgrade(listener, target, headers, limits)
                except ClosedUnanswered:
                    pass  # by the server, or by something in between that keeps no connections
            connection = await self._connect()
            return await connection.upgrade(listener, target, headers, limits)

        return await self._patiently(upgrade)

    async def _connect(self) -> ServerConnection:
        return await ServerConnection.connect(
            self.endpoint, self.trust, self.context, self._environ, self._timeout_s
        )

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        wait_s = self._patience.wait_s
        try:
            async with asyncio.timeout(wait_s):
                answer = await call()
        except TimeoutError:
            self._patience.waited_in_vain(wait_s)
            raise ConnectionLost(f"{self.endpoint.authority} gave no answer in {wait_s:g} s") from None
        self._patience.answered()
        return answer

    def _keep(self, connection: ServerConnection) -> None:
        loop = asyncio.get_running_loop()
        self._kept[connection] = loop.call_later(KEEP_S, self._let_go, connection)

    def _let_go(self, connection: ServerConnection) -> None:
        del self._kept[connection]
        connection.close()

    def _take_kept(self) -> ServerConnection | None:
        """The connection that was kept last, which is the likeliest to be alive."""
        if not self._kept:
            return None
        connection, timer = self._kept.popitem()
        timer.cancel()
        return connection


_LAST_REQUEST = ("Connection", "close")


async def wait_closed(transport: WSTransport) -> None:
    """Wait for the end of a WebSocket. Raises `PeerError` when this side had to end it."""
    try:
        await transport.wait_disconnected()
    except WSProtocolError as error:
        raise PeerError(f"the gateway broke the WebSocket protocol: {printable(str(error))}") from error
