"""uvicorn on sockets that are bound already, stopped by its owner and not by signals of its own."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any

import aiofastnet
import uvicorn
from starlette.applications import Starlette

from fairlead.gateway.gateway import Gateway

KEEP_ALIVE_S = 65
"""How long an idle HTTP connection is kept: longer than the idle time of usual HTTP proxies, so that it is
rarely us who close a connection on which a request is under way."""
BACKLOG = 2048
"""Connections that may wait to be accepted."""
TLS_BUFFERS = {
    "ssl_incoming_bio_size": 32 * (16 * 1024 + 64),
    "ssl_outgoing_bio_size": 32 * (16 * 1024 + 64),
}
"""The two buffers of ciphertext that each connection has, in bytes: 32 records, twice what is usual.

A busy connection reads and writes more at once with them, for a tenth less processor time. An idle one has
used a page at each end of them, whatever their size. But where the heap happens to have as much in one piece,
glibc takes them from there, and such a piece is memory that others have written to. Once a crowd of agents
has shaken hands there are pieces of 257 KiB, but hardly any of this size.
"""


class HttpServer(uvicorn.Server):
    """Serves until `should_exit` is set."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway, drain_s: float) -> None:
        super().__init__(config)
        self._gateway = gateway
        self._drain_s = drain_s
        self.is_ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals are the program's business."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets)
        self.is_ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop in order: accept nobody, cut who is silent or idle, close channels, finish requests.

        Closing alone would wait for TLS's goodbye, which a silent peer never sends, while the next server
        waits for the port.
        """
        for server in self.servers:
            server.close()
        admission = self._gateway.admission
        admission.cut_oldest(len(admission))
        await self._gateway.stop(self._drain_s)
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)  # one that was upgraded is the gateway's
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)  # transports tell their protocols, and close their sockets, in the next turn


def make_http_server(
    app: Starlette, gateway: Gateway, context: ssl.SSLContext | None, drain_s: float
) -> HttpServer:
    """Configure uvicorn for the one port. Call on the loop that serves: it gets a faster TLS transport."""
    loop = aiofastnet.patch_loop(asyncio.get_running_loop())
    loop.create_server = with_tls_buffers(loop.create_server)  # type: ignore[assignment,method-assign]
    config = uvicorn.Config(
        app,
        http=gateway.http_protocol,
        ws=gateway.upgrade_protocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(drain_s)),
        backlog=BACKLOG,
    )
    config.load()
    config.ssl = context
    return HttpServer(config, gateway, drain_s)


def with_tls_buffers(
    create_server: Callable[..., Awaitable[asyncio.Server]],
) -> Callable[..., Awaitable[asyncio.Server]]:
    """The same function of a loop that aiofastnet has patched, which makes listeners for TLS with
    `TLS_BUFFERS`. uvicorn calls it, and has no option for them."""

    async def create(*arguments: Any, **options: Any) -> asyncio.Server:  # Any: as they are passed on
        sizes = TLS_BUFFERS if options.get("ssl") is not None else {}
        return await create_server(*arguments, **{**sizes, **options})

    return create
