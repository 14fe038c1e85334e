"""One verified connection to the server: HTTP requests, one after the other, and then perhaps a WebSocket.

What is waited for is bounded by whoever waits (`agent.connector`); a wait that is given up ends the
connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING, NamedTuple

import aiofastnet
from picows import WSAutoPingStrategy, WSError, WSHandshakeError, WSListener, WSTransport
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # left out of the stub

from fairlead.transport.asyncio_dialer import open_endpoint
from fairlead.transport.errors import (
    ClosedUnanswered,
    ConnectionLost,
    PeerError,
    TlsError,
    TransportError,
    UpgradeError,
    printable,
)
from fairlead.transport.http import Response, ResponseReader
from fairlead.transport.tls import Trust, explain_tls_failure

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from fairlead.transport.addresses import Endpoint

READ_BUFFER_BYTES = 4 * 1024
"""First size of a WebSocket's read buffer, which grows on demand and is resident memory."""

_PICOWS_LOG = logging.getLogger("picows.client")


class WebSocketLimits(NamedTuple):
    """Of one WebSocket. It is pinged when silent, and dropped when a ping finds no sign of life.

    `pong_timeout_s` must not exceed `ping_interval_s`.
    """

    max_frame_bytes: int
    ping_interval_s: float
    pong_timeout_s: float


class ServerConnection(asyncio.Protocol):
    """Made by `connect`. `exchange` as long as it `is_usable`, then `close` or `upgrade`."""

    def __init__(self, endpoint: Endpoint, trust: Trust) -> None:
        self._endpoint = endpoint
        self._trust = trust
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._reader = ResponseReader()
        self._has_begun = False
        self.is_usable = False
        """Whether another request may go over it."""

    @classmethod
    async def connect(
        cls,
        endpoint: Endpoint,
        trust: Trust,
        context: ssl.SSLContext | None,
        environ: Mapping[str, str],
        timeout_s: float,
    ) -> ServerConnection:
        """Dial `endpoint` within `timeout_s`, through the proxy that `environ` names for it, and let the
        server prove its name under `context`; None is without TLS.

        Raises a `TransportError`; a `TlsError` means that nothing was sent.
        """
        dialled = await open_endpoint(endpoint, environ, timeout_s)
        connection = cls(endpoint, trust)
        try:
            await aiofastnet.create_connection(
                asyncio.get_running_loop(),
                lambda: connection,
                sock=dialled,
                ssl=context,
                server_hostname=endpoint.host if context is not None else None,
            )
        except BaseException as error:
            # Of a handshake that is given up aiofastnet waits for the server's goodbye.
            with contextlib.suppress(OSError):
                dialled.shutdown(socket.SHUT_RDWR)
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise connection._handshake_failure(error) from error
            raise
        return connection

    async def exchange(self, request: bytes) -> Response:
        """Send one request and return the answer.

        Raises `ConnectionLost`, as `ClosedUnanswered` where not a byte of the answer came, or `PeerError`.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._reader = ResponseReader()
        self._has_begun = False
        try:
            if self._transport is None or not self.is_usable:
                raise self._closed_unanswered()
            self.is_usable = False
            self._transport.write(request)
            response = await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            self._answer = None
        self.is_usable = response.reusable and not self._transport.is_closing()
        return response

    async def upgrade(
        self,
        listener: WSListener,
        target: str,
        headers: list[tuple[str, str]],
        limits: WebSocketLimits,
    ) -> WSTransport:
        """Turn the connection into a WebSocket at `target`, whose Host is the endpoint's `host_header`.

        Raises `UpgradeError` with the HTTP status when the server refuses, `PeerError` or `ConnectionLost`,
        the latter as `ClosedUnanswered` when nothing was answered.
        """
        if self._transport is None or not self.is_usable:
            raise self._closed_unanswered()
        self.is_usable = False
        picows: asyncio.BufferedProtocol = WSProtocol(
            self._endpoint.host_header,
            target,
            True,  # is_client_side
            lambda *_: listener,
            _PICOWS_LOG,
            True,  # disconnect_on_exception
            None,  # websocket_handshake_timeout: the caller's
            True,  # enable_auto_ping
            limits.ping_interval_s,
            limits.pong_timeout_s,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            True,  # enable_auto_pong
            limits.max_frame_bytes,
            headers,
            READ_BUFFER_BYTES,
        )
        stream, self._transport = self._transport, None
        try:
            stream.set_protocol(picows)
            picows.connection_made(stream)
            await picows.wait_until_handshake_complete()  # type: ignore[attr-defined]  # as above
        except BaseException as error:
            stream.abort()
            if isinstance(error, OSError | WSError):
                raise self._upgrade_failure(error) from error
            raise
        if picows.listener is None:  # type: ignore[attr-defined]  # an end before the answer
            raise self._closed_unanswered()
        transport: WSTransport = picows.transport  # type: ignore[attr-defined]
        return transport

    def close(self) -> None:
        """Give it up. The answer is complete or worthless: a closing handshake gains nothing."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # asyncio.Protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # aiofastnet's are, without saying so
        self.is_usable = True

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # nobody asked
            return
        self._has_begun = True
        self._feed(data)

    def eof_received(self) -> bool:
        self.is_usable = False
        if self._has_begun:
            self._feed(b"")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_usable = False
        self._transport = None
        if self._answer is None or self._answer.done():
            return
        if not self._has_begun:
            self._answer.set_exception(self._closed_unanswered())
        elif isinstance(exc, OSError):
            self._answer.set_exception(self._broken(exc))
        else:
            self._feed(b"")

    def _feed(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            return
        try:
            response = self._reader.feed(data)
        except TransportError as error:
            self._answer.set_exception(error)
        else:
            if response is not None:
                self._answer.set_result(response)

    # Errors.

    def _closed_unanswered(self) -> ClosedUnanswered:
        return ClosedUnanswered(f"{self._endpoint.authority} closed the connection instead of answering")

    def _broken(self, error: OSError) -> ConnectionLost:
        reason = error.strerror or type(error).__name__
        return ConnectionLost(f"the connection to {self._endpoint.authority} failed: {reason}")

    def _handshake_failure(self, error: OSError) -> TransportError:
        if self._endpoint.uses_tls:
            return TlsError(explain_tls_failure(error, self._endpoint.authority, self._trust))
        return self._broken(error)

    def _upgrade_failure(self, error: OSError | WSError) -> TransportError:
        """What to raise instead of picows's and asyncio's own errors."""
        authority = self._endpoint.authority
        if isinstance(error, OSError):
            return self._broken(error)
        if isinstance(error, WSHandshakeError) and error.response is not None:
            status = int(error.response.status)
            body = printable((error.raw_body or b"").decode("utf-8", "replace"))
            return UpgradeError(
                f"{authority} refused the WebSocket with HTTP status {status}: {body}", status
            )
        return PeerError(f"{authority} does not answer as a WebSocket server: {printable(str(error))}")
