"""Verified connections to the one server of this node: single HTTP requests and WebSockets.

Nothing is ever sent before the TLS handshake has proved the server's name under the trust anchors. The one
exception is made on purpose by `agent.registration`, which passes a context of its own to fetch a
certificate.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING

from picows import WSError, WSHandshakeError, WSListener, WSProtocolError, WSTransport, ws_connect

from fairlead.agent.backoff import Patience
from fairlead.transport.asyncio_dialer import open_endpoint
from fairlead.transport.errors import (
    ConnectionLost,
    PeerError,
    TlsError,
    TransportError,
    UpgradeError,
    printable,
)
from fairlead.transport.http import RECEIVE_BYTES, Response, ResponseReader, request_bytes
from fairlead.transport.tls import Trust, client_context, explain_tls_failure

if TYPE_CHECKING:
    from fairlead.transport.addresses import Endpoint

READ_BUFFER_BYTES = 4 * 1024
"""First size of a WebSocket's read buffer, which grows on demand and is resident memory."""

LONGEST_WAIT_S = 60.0
"""For an answer of a server that let earlier requests wait in vain."""


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
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes = b""
    ) -> Response:
        """Send one request on a connection of its own and return the answer.

        `headers` must hold `Host`. Raises a `TransportError`; `TlsError` means that nothing was sent.
        """
        request = request_bytes(method, target, [*headers, ("Connection", "close")], body)
        wait_s = self._patience.wait_s
        try:
            async with asyncio.timeout(wait_s):
                response = await self._talk(request)
        except TimeoutError:
            raise self._no_answer(wait_s) from None
        self._patience.answered()
        return response

    async def _talk(self, request: bytes) -> Response:
        context = self.context
        connected = await open_endpoint(self.endpoint, self._environ, self._timeout_s)
        server_hostname = self.endpoint.host if context is not None else None
        try:
            stream, writer = await asyncio.open_connection(
                sock=connected, ssl=context, server_hostname=server_hostname
            )
        except OSError as error:
            raise self._handshake_failure(error) from error
        try:
            writer.write(request)
            reader = ResponseReader()
            while True:
                response = reader.feed(await stream.read(RECEIVE_BYTES))
                if response is not None:
                    return response
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConnectionLost(f"the connection to {self.endpoint.authority} failed: {reason}") from error
        finally:
            writer.transport.abort()  # the answer is complete or worthless: a closing handshake gains nothing

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

        It is pinged when silent, and dropped when a ping finds no sign of life. `pong_timeout_s` must not
        exceed `ping_interval_s`. Raises a `TransportError`, an `UpgradeError` with the HTTP status when the
        server refuses.
        """
        context = self.context
        connected = await open_endpoint(self.endpoint, self._environ, self._timeout_s)
        scheme = "ws" if context is None else "wss"
        wait_s = self._patience.wait_s
        try:
            async with asyncio.timeout(wait_s):
                transport, accepted = await ws_connect(
                    lambda *_: listener,
                    f"{scheme}://{self.endpoint.host_header}{target}",
                    ssl_context=context,
                    socket_factory=lambda _: connected,
                    websocket_handshake_timeout=wait_s,
                    enable_auto_ping=True,
                    auto_ping_idle_timeout=ping_interval_s,
                    auto_ping_reply_timeout=pong_timeout_s,
                    max_frame_size=max_frame_bytes,
                    max_redirects=0,
                    read_buffer_init_size=READ_BUFFER_BYTES,
                    extra_headers=headers,
                )
        except BaseException as error:
            # picows leaves the connection open when the wait for its handshake is given up.
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
            if isinstance(error, TimeoutError):
                raise self._no_answer(wait_s) from error
            if isinstance(error, OSError | WSError):
                raise self._upgrade_failure(error) from error
            raise
        if accepted is None:  # picows reports an end before the answer as a success without a listener
            raise ConnectionLost(f"{self.endpoint.authority} closed the connection instead of answering")
        self._patience.answered()
        return transport

    def _no_answer(self, wait_s: float) -> ConnectionLost:
        self._patience.waited_in_vain(wait_s)
        return ConnectionLost(f"{self.endpoint.authority} gave no answer in {wait_s:g} s")

    def _handshake_failure(self, error: OSError) -> TransportError:
        if self.endpoint.uses_tls:
            return TlsError(explain_tls_failure(error, self.endpoint.authority, self.trust))
        reason = error.strerror or type(error).__name__
        return ConnectionLost(f"the connection to {self.endpoint.authority} failed: {reason}")

    def _upgrade_failure(self, error: OSError | WSError) -> TransportError:
        """What to raise instead of picows's and asyncio's own errors."""
        authority = self.endpoint.authority
        if isinstance(error, OSError):
            return self._handshake_failure(error)
        if isinstance(error, WSHandshakeError) and error.response is not None:
            status = int(error.response.status)
            body = printable((error.raw_body or b"").decode("utf-8", "replace"))
            return UpgradeError(
                f"{authority} refused the WebSocket with HTTP status {status}: {body}", status
            )
        return PeerError(f"{authority} does not answer as a WebSocket server: {printable(str(error))}")


async def wait_closed(transport: WSTransport) -> None:
    """Wait for the end of a WebSocket. Raises `PeerError` when this side had to end it."""
    try:
        await transport.wait_disconnected()
    except WSProtocolError as error:
        raise PeerError(f"the gateway broke the WebSocket protocol: {printable(str(error))}") from error
