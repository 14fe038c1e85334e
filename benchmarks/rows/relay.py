"""What does the gateway's relay cost by itself, per GB that it passes on?

A process with nothing but the relay and its two WebSockets. One end sends stream messages as a client does,
masked, back to back, the other one reads and drops them; both are in this process, so that only the relay's
CPU time is counted. With TLS it takes every byte off one connection and puts it on another.
"""

import datetime
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Row, at_most
from benchmarks.usage import cpu_s
from fairlead.protocol.message import INPUT_STREAM_DATA, PayloadType, make_frame
from fairlead.server.certificates import create_ca, issue_leaf
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.client_frames import BINARY, encode_frame
from fairlead.transport.tls_stream import TlsStream
from fairlead.transport.websocket_link import open_websocket

if TYPE_CHECKING:
    from fairlead.transport.tls_stream import Connection

GB = 1e9
HOST = "127.0.0.1"
BLOCK_BYTES = 1 << 20
READ_BYTES = 1 << 18
TIMEOUT_S = 60.0
GOALS = {(65536, False): at_most(0.4), (65536, True): at_most(0.9), (1024, False): at_most(1.5)}
GATES = {(65536, False): at_most(1.5), (65536, True): at_most(3.0), (1024, False): at_most(5.0)}


class RelayAlone:
    """The process, and connections to it."""

    def __init__(self, certificate: tuple[Path, Path] | None, ca: bytes) -> None:
        command = [sys.executable, "-m", "benchmarks.load.relay", *map(str, certificate or ())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._context.load_verify_locations(cadata=ca.decode())

    def __enter__(self) -> "RelayAlone":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.communicate("", timeout=TIMEOUT_S)

    def _connect(self) -> "Connection":
        sock = socket.create_connection((HOST, self.port), TIMEOUT_S)
        connection: Connection = sock
        if self._context is not None:
            connection = TlsStream(sock, self._context, HOST)
            connection.handshake(TIMEOUT_S)
        open_websocket(connection, parse_endpoint(f"ws://{HOST}:{self.port}/"), os.urandom)
        connection.settimeout(TIMEOUT_S)
        return connection

    def cost(self, payload_bytes: int, total_bytes: int) -> float:
        """CPU seconds per GB of payload for `total_bytes` in messages of `payload_bytes`."""
        message = make_frame(
            INPUT_STREAM_DATA,
            os.urandom(payload_bytes),
            message_id=os.urandom(16),
            created_date=1,
            payload_type=PayloadType.OUTPUT,
        )
        frame = encode_frame(BINARY, message, os.urandom(4))
        in_block = max(1, BLOCK_BYTES // len(frame))
        blocks = max(1, total_bytes // (payload_bytes * in_block))
        expected = (len(frame) - 4) * in_block * blocks  # the relay's own frames have no mask
        with self._connect() as agent, self._connect() as client:
            reading = threading.Thread(target=_drop, args=(agent, expected))
            before = cpu_s(self._process.pid)
            reading.start()
            block = frame * in_block
            for _ in range(blocks):
                client.sendall(block)
            reading.join(TIMEOUT_S)
            used = cpu_s(self._process.pid) - before
        return used / (payload_bytes * in_block * blocks) * GB


def _drop(connection: "Connection", size: int) -> None:
    buffer = bytearray(READ_BYTES)
    while size > 0:
        count = connection.recv_into(buffer)
        if not count:
            raise ConnectionError("the relay ended the connection")
        size -= count


def measure(bench: Bench) -> Iterator[Figure]:
    """Both sizes, both ways, in turn."""
    now = datetime.datetime.now(datetime.UTC)
    ca = create_ca("123456789012", now)
    leaf = issue_leaf(ca, [HOST], now)
    files = bench.directory / "leaf.pem", bench.directory / "leaf.key"
    for path, content in zip(files, (leaf.certificate, leaf.key), strict=True):
        path.write_bytes(content)
    large = bench.pick(full=1 << 30, quick=1 << 28)
    with ExitStack() as running:
        relays = {
            tls: running.enter_context(RelayAlone(files if tls else None, ca.certificate))
            for tls in (False, True)
        }
        variants: dict[str, Callable[[], float]] = {}
        goals = {}
        for tls, relay in relays.items():
            for size, total in ((65536, large), (1024, large // 4)):
                name = f"{size // 1024} KiB, {'TLS' if tls else 'no TLS'}"
                variants[name] = partial(relay.cost, size, total)
                goals[name] = GOALS.get((size, tls)), GATES.get((size, tls))
        for name, costs in bench.interleave(variants, bench.pick(full=5, quick=2)).items():
            goal, gate = goals[name]
            yield Figure.of_samples(name, "s/GB", costs, goal=goal, gate=gate)


ROW = Row(
    name="relay",
    title="The gateway's relay alone",
    question="What does the gateway's relay cost by itself, per GB that it passes on?",
    order=60,
    in_gate=True,
    measure=measure,
)
