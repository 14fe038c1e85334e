"""The near end of a data channel for tests: a PollEndpoint whose stdin and stdout are pipes."""

from __future__ import annotations

import os
import threading
import time

from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.open_channel import ClientOpen
from fairlead.protocol.roles import CLIENT
from fairlead.protocol.settings import CLIENT_VERSION, ChannelSettings
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.local_stream import DescriptorStream
from fairlead.transport.poll_endpoint import Outcome, PollEndpoint
from fairlead.transport.websocket_link import WebSocketLink, open_websocket
from tests.support.agent_peer import AgentPeer
from tests.support.waiting import PATIENCE_S

STREAM = parse_endpoint("ws://127.0.0.1:9/v1/data-channel/s-1?role=publish_subscribe")


class Pipes:
    """A program's stdin and stdout, seen from outside."""

    def __init__(self) -> None:
        self.stdin, self._feed = os.pipe()
        self._drain, self.stdout = os.pipe()
        self.output = bytearray()
        self._threads: list[threading.Thread] = []

    def feed(self, data: bytes, *, then_close: bool = True) -> None:
        """Write to stdin in a thread; with `then_close` it ends there."""

        def write() -> None:
            with open(self._feed, "wb", closefd=then_close) as file:
                file.write(data)

        self._start(write)

    def collect(self, *, chunk: int = 65536, pause_s: float = 0.0) -> None:
        """Read stdout in a thread until it ends, slowly if asked."""

        def read() -> None:
            while data := os.read(self._drain, chunk):
                self.output += data
                if pause_s:
                    time.sleep(pause_s)

        self._start(read)

    def _start(self, target: object) -> None:
        thread = threading.Thread(target=target, daemon=True)  # type: ignore[arg-type]  # a callable
        thread.start()
        self._threads.append(thread)

    def close_input(self) -> None:
        os.close(self._feed)

    def hang_up(self) -> None:
        """Nobody reads stdout any more."""
        os.close(self._drain)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


class PollClient:
    """One session's client side over connections of an AgentPeer."""

    def __init__(self, peer: AgentPeer, settings: ChannelSettings | None = None, **options: object) -> None:
        self.peer = peer
        self.pipes = Pipes()
        self.local = DescriptorStream(self.pipes.stdin, self.pipes.stdout)
        settings = settings or ChannelSettings(CLIENT_VERSION, zero_digest=True)
        ids = MessageIds(os.urandom(SEED_BYTES))
        self.channel = DataChannel(CLIENT, settings, ids, 1.0)
        self.endpoint = PollEndpoint(self.channel, self.local, **options)  # type: ignore[arg-type]  # passed on

    def connect(self, index: int = 0) -> None:
        sock = self.peer.client_sockets[index]
        _, leftover = open_websocket(sock, STREAM, os.urandom)
        link = WebSocketLink(sock, leftover, os.urandom, time.monotonic())
        link.send_text(ClientOpen(f"request-{index}", "token", "client-1", CLIENT_VERSION).encode())
        self.endpoint.attach(link)

    def run(self) -> Outcome:
        """Run once, then close stdout, as the end of a process would."""
        outcome = self.endpoint.run()
        if outcome.kind != Outcome.CONNECTION_LOST:
            self.local.close_writing()
        return outcome
