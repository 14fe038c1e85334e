"""A gateway in an attacker's hands: it has the server's own certificate, reads every frame, and changes it.

It stands between a client and the real server as a TLS endpoint of its own. HTTP passes; of a WebSocket every
message goes through a tamperer of the test, which says what is sent on in its place.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Protocol

from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

CHUNK_BYTES = 65_536
HEAD_END = b"\r\n\r\n"


class Tamperer(Protocol):
    """Is told every binary message and says what passes in its place."""

    def __call__(self, message: bytes, *, to_client: bool) -> list[bytes]: ...


class TamperingGateway:
    """Listens on `port` of loopback, serves from `start` to `stop`, and passes all on to the server."""

    def __init__(self) -> None:
        self.tamper: Tamperer = lambda message, *, to_client: [message]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._server_context: ssl.SSLContext
        self._client_context: ssl.SSLContext
        self._server_port = 0
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self, server_state: Path, server_port: int) -> None:
        """Serve with the certificate of the server that has this state directory and port."""
        self._server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server_context.load_cert_chain(server_state / "tls.pem")
        self._client_context = ssl.create_default_context(cafile=str(server_state / "ca.pem"))
        self._server_port = server_port
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()

    def stop(self) -> None:
        """Close everything."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._loop.close()
        self._listener.close()

    async def _serve(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            with contextlib.suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
                await self._connection(reader, writer)
            tasks.discard(task)
            writer.transport.abort()

        server = await asyncio.start_server(connection, sock=self._listener, ssl=self._server_context)
        await self._stopping.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(
            "127.0.0.1", self._server_port, ssl=self._client_context, server_hostname="127.0.0.1"
        )
        upgraded = asyncio.Event()
        pumps = [
            asyncio.ensure_future(self._pump(reader, far_writer, upgraded, to_client=False)),
            asyncio.ensure_future(self._pump(far_reader, writer, upgraded, to_client=True)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            far_writer.transport.abort()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        upgraded: asyncio.Event,
        *,
        to_client: bool,
    ) -> None:
        """HTTP as it comes, until the server has said 101; then frame by frame."""
        while data := await source.read(CHUNK_BYTES):
            if upgraded.is_set():
                break
            if to_client and data.startswith(b"HTTP/1.1 101"):
                upgraded.set()
                head, _, data = data.partition(HEAD_END)
                sink.write(head + HEAD_END)
                break
            sink.write(data)
            await sink.drain()
        frames = FrameCutter(is_masked=not to_client)
        while True:
            for frame in frames.feed(data):
                sink.write(b"".join(self._passed(frame, to_client=to_client)))
            await sink.drain()
            data = await source.read(CHUNK_BYTES)
            if not data:
                return

    def _passed(self, frame: Frame, *, to_client: bool) -> list[bytes]:
        messages = [frame.data]
        if frame.opcode is Opcode.BINARY:
            messages = self.tamper(bytes(frame.data), to_client=to_client)
        return [Frame(frame.opcode, message).serialize(mask=not to_client) for message in messages]


class FrameCutter:
    """Cuts a stream into frames; a frame of ours is a message."""

    def __init__(self, *, is_masked: bool) -> None:
        self._reader = StreamReader()
        self._is_masked = is_masked
        self._parser = self._parse()

    def _parse(self) -> Generator[None, None, Frame]:
        return Frame.parse(self._reader.read_exact, mask=self._is_masked)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete by now."""
        self._reader.feed_data(data)
        frames = []
        while True:
            try:
                next(self._parser)
                return frames
            except StopIteration as done:
                frames.append(done.value)
                self._parser = self._parse()
