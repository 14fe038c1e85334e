"""A registered agent against a `FakeGateway`, inside the test's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fairlead.agent.identity import Registration, StateDirectory
from fairlead.agent.process import serve
from fairlead.agent.registration import RegistrationRequest, register
from fairlead.agent.settings import load_settings
from tests.support.certificates import Authority
from tests.support.fake_gateway import FakeGateway
from tests.support.waiting import PATIENCE_S

ACTIVATION_ID = "9f0e2b0c-5a6e-4a4e-9d4a-2f6b8a5f0c11"
ACTIVATION_CODE = "Qk3mZ8vT1xYp0LwRs5Nd"

FAST = {"reconnect_first_s": 0.05, "reconnect_cap_s": 0.2}
"""Settings that keep tests short."""


@asynccontextmanager
async def gateway(directory: Path, authority: Authority | None = None) -> AsyncIterator[FakeGateway]:
    """A running gateway with a certificate of `authority`."""
    authority = authority or Authority()
    context = authority.server_context(directory / "server")
    async with FakeGateway(authority.pem).serving(context) as running:
        (directory / "ca.pem").write_bytes(authority.pem)
        yield running


async def registered(directory: Path, running: FakeGateway, **changes: object) -> Registration:
    """Register a node at `running`; its state directory is `directory / "state"`."""
    values = {
        "endpoint": running.url,
        "activation_id": ACTIVATION_ID,
        "activation_code": ACTIVATION_CODE,
        "region": "us-east-1",
        "ca_file": directory / "ca.pem",
        **changes,
    }
    return await register(RegistrationRequest(**values), StateDirectory(directory / "state"), {})


@asynccontextmanager
async def agent(directory: Path, running: FakeGateway, **options: object) -> AsyncIterator[asyncio.Event]:
    """A running agent whose control channel stands; the event stops it."""
    await registered(directory, running)
    settings = load_settings(directory / "state", None, {**FAST, **options})
    stopping = asyncio.Event()
    serving = asyncio.ensure_future(serve(settings, {}, stopping))
    try:
        await running.until(lambda gateway: gateway.control is not None or serving.done())
        yield stopping
    finally:
        stopping.set()
        await asyncio.wait_for(serving, PATIENCE_S)


@asynccontextmanager
async def tcp_server(
    serve_connection: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], port: int = 0
) -> AsyncIterator[int]:
    """A TCP server on IPv4 loopback, at any free port unless told; its port."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve_connection(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes until the end of it."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
