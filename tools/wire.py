"""A TCP forwarder that cuts, stalls, slows and re-addresses connections, as bad networks do.

It runs on a thread and an event loop of its own; every method may be called from any thread, and has taken
effect when it returns.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from typing import TypeVar

CHUNK_BYTES = 65_536
CLOSE_TIMEOUT_S = 5.0
LOOPBACK = "127.0.0.1"

T = TypeVar("T")


def reset_at_close(connected: socket.socket) -> None:
    """Let close() throw away what is unsent and send RST (SO_LINGER with a time of zero)."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Way(Enum):
    """A direction through the wire, seen from who connects to it."""

    OUT = "out"
    BACK = "back"


class Cut(Enum):
    """How a connection breaks: with a goodbye (FIN), or with none that could be mistaken for one (RST)."""

    FIN = "fin"
    RST = "rst"


class Wire:
    """Listens on `port` of loopback and forwards to where `lead_to` says, until `close`.

    What is on its way when a connection is cut is lost, as in a real network. `cuts` counts how often
    `cut_after` has cut.
    """

    def __init__(self) -> None:
        self.cuts = 0
        self._cut_at: list[int] = []
        self._target_port = 0
        self._source = LOOPBACK
        self._carried = 0
        self._delay_s = 0.0
        self._lines: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        started: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), name="wire")
        self._thread.start()
        self.port: int = started.result()

    @property
    def connections(self) -> int:
        """How many stand."""
        return self._call(lambda: sum(not line.is_cut for line in self._lines))

    def lead_to(self, target_port: int) -> None:
        """Forward connections to this port of loopback from now on."""
        self._target_port = target_port

    def cut_after(self, *byte_counts: int) -> None:
        """Cut when so many bytes more have been carried, both directions together; ascending counts."""
        self._call(lambda: self._cut_at.__setitem__(slice(None), [self._carried + n for n in byte_counts]))

    def cut(self, how: Cut = Cut.FIN) -> int:
        """Break every connection; how many there were."""
        return self._call(lambda: self._cut(how))

    def stall(self, way: Way) -> None:
        """Let nothing pass in this direction until `release`; connections stand, and new ones are taken."""
        self._call(self._gates[way].clear)

    def release(self, way: Way) -> None:
        """Let pass what was stalled, and everything after it."""
        self._call(self._gates[way].set)

    def delay(self, seconds: float) -> None:
        """Hold everything back for so long, both ways, from now on; 0 for not at all."""
        self._call(lambda: setattr(self, "_delay_s", seconds))

    def readdress(self, source: str) -> int:
        """Connect from this address of this machine from now on, and break what came from the one before;
        how many connections that were."""

        def change() -> int:
            self._source = source
            return self._cut(Cut.RST)

        return self._call(change)

    def close(self) -> None:
        """Stop listening and cut what stands."""
        self._call(self._closing.set)
        self._thread.join()

    def _call(self, function: Callable[[], T]) -> T:
        """Run `function` on the wire's loop and wait for what it gives."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(function())
            except Exception as error:  # the caller's to handle, on its own thread
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result()

    # -- on the loop --

    async def _serve(self, started: "Future[int]") -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        self._gates = {way: asyncio.Event() for way in Way}
        for gate in self._gates.values():
            gate.set()
        server = await asyncio.start_server(self._accept, LOOPBACK, 0, limit=CHUNK_BYTES)
        started.set_result(server.sockets[0].getsockname()[1])
        await self._closing.wait()
        server.close()
        self._cut(Cut.FIN)
        for gate in self._gates.values():
            gate.set()
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=CLOSE_TIMEOUT_S)
            for task in left:
                task.cancel()

    async def _accept(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            far_reader, far = await asyncio.open_connection(
                LOOPBACK, self._target_port, local_addr=(self._source, 0), limit=CHUNK_BYTES
            )
        except OSError:
            near.transport.abort()
        else:
            line = _Line(near, far)
            self._lines.add(line)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(line, near_reader, far, Way.OUT))
                pumps.create_task(self._pump(line, far_reader, near, Way.BACK))
            self._lines.discard(line)
        finally:
            self._tasks.discard(task)

    async def _pump(
        self, line: "_Line", reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._gates[way].wait()
                if line.is_cut:
                    break
                self._count(len(data))
                writer.write(data)
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _count(self, size: int) -> None:
        self._carried += size
        if self._cut_at and self._carried >= self._cut_at[0]:
            self._cut_at.pop(0)
            self.cuts += 1
            self._cut(Cut.FIN)

    def _cut(self, how: Cut) -> int:
        lines = [line for line in self._lines if not line.is_cut]
        for line in lines:
            line.cut(how)
        return len(lines)


class _Line:
    """One connection through the wire."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._ends = (near, far)
        self.is_cut = False

    def cut(self, how: Cut) -> None:
        self.is_cut = True
        for end in self._ends:
            with contextlib.suppress(OSError):  # the peer may have been first
                sock = end.get_extra_info("socket")
                if how is Cut.RST:
                    reset_at_close(sock)
                else:
                    sock.shutdown(socket.SHUT_RDWR)
            end.transport.abort()
