"""The far end of a client's data channel in one thread: gateway and agent, over one end of a socket pair.

WebSocket framing is that of the `websockets` package, so that our own framing is checked by a stranger. The
agent is a DataChannel in the agent's role; what it does with the stream is a callable.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Container

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from fairlead.protocol.control_channel import ChannelClosed, encode_control_message
from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.events import Event, StreamData
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.open_channel import (
    RESUME_HEADER,
    RESUME_HEADER_VALUE,
    RESUME_UNKNOWN,
    ClientOpen,
    parse_data_channel_open,
)
from fairlead.protocol.roles import AGENT
from fairlead.protocol.settings import AGENT_VERSION, ChannelSettings
from tests.support.waiting import PATIENCE_S


class Stop(Exception):
    """Raised by a script to close the connection abruptly."""


class AgentPeer(threading.Thread):
    """Serves one connection after another from `sockets`; the channel survives them, as an agent's does.

    `on_event(peer, event)` is the script; `peer.channel`, `peer.say` and
    `peer.close_channel` are its means; `on_tick(peer)` runs every few milliseconds. `opens` collects
    the clients' open frames, `received` the stream, `events` all events. A resume secret is refused if it is
    among the `unknown_secrets`.
    """

    def __init__(
        self,
        on_event: Callable[[AgentPeer, Event], None] = lambda peer, event: None,
        *,
        settings: ChannelSettings | None = None,
        on_open: Callable[[AgentPeer], None] | None = None,
        on_tick: Callable[[AgentPeer], None] = lambda peer: None,
        properties: dict[str, object] | None = None,
        takes_resume_secrets: bool = False,
    ) -> None:
        super().__init__(daemon=True)
        self._takes_resume_secrets = takes_resume_secrets
        self.client_sockets: list[socket.socket] = []
        self._server_sockets: list[socket.socket] = []
        self._on_event = on_event
        self._on_open = on_open
        self._on_tick = on_tick
        self._properties = {"portNumber": "22"} if properties is None else properties
        settings = settings or ChannelSettings(AGENT_VERSION, session_id="s-1", zero_digest=True)
        self.channel = DataChannel(AGENT, settings, MessageIds(os.urandom(SEED_BYTES)), 1.0)
        self.opens: list[ClientOpen] = []
        self.unknown_secrets: Container[str] = ()
        self.events: list[Event] = []
        self.received = bytearray()
        self.failure: BaseException | None = None
        self.requests: list[Request] = []
        self.backlog = bytearray()
        self._is_closed = False
        self._listener: socket.socket | None = None
        self._raw: list[bytes] = []
        self._has_handshaken = False

    def add_connection(self) -> socket.socket:
        """A connection for the client; served when the one before it has ended."""
        server, client = socket.socketpair()
        self._server_sockets.append(server)
        self.client_sockets.append(client)
        return client

    def say(self, data: bytes) -> None:
        """Send stream bytes as the window allows."""
        self.backlog += data

    def listen(self) -> int:
        """Serve one TCP connection on loopback instead; the port."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._listener = server.dup()
            return server.getsockname()[1]

    @property
    def has_delivered(self) -> bool:
        """Whether everything said so far was acknowledged."""
        return not self.backlog and self.channel.is_drained

    def close_channel(self, output: str = "") -> None:
        """Say `channel_closed`, once, as the gateway does."""
        if not self._is_closed:
            self._is_closed = True
            body = ChannelClosed("s-1", output=output)
            message = encode_control_message(body, message_id=os.urandom(16), created_date=1_700_000_000_000)
            self._raw.append(message)

    def run(self) -> None:
        try:
            if self._listener is not None:
                with self._listener:
                    self._listener.settimeout(PATIENCE_S)
                    self._server_sockets.append(self._listener.accept()[0])
            for sock in self._server_sockets:
                self._serve(sock)
        except BaseException as exc:
            self.failure = exc

    def finish(self) -> None:
        """Wait for the end and raise what the script raised."""
        self.join(PATIENCE_S)
        assert not self.is_alive(), "the peer still runs"
        if self.failure is not None:
            raise self.failure

    def _serve(self, sock: socket.socket) -> None:
        protocol = ServerProtocol(max_size=2**21)
        deadline = time.monotonic() + PATIENCE_S
        is_open = False
        with sock:
            try:
                while time.monotonic() < deadline:
                    self._send(sock, protocol, is_open)
                    if protocol.close_expected() and is_open and not protocol.data_to_send():
                        return
                    if not select.select([sock], [], [], 0.01)[0]:
                        self.channel.handle_deadline(time.monotonic())
                        continue
                    data = sock.recv(65536)
                    if not data:
                        return
                    protocol.receive_data(data)
                    for event in protocol.events_received():
                        is_open = self._take(protocol, event, is_open)
            except Stop:
                pass
            except OSError:
                pass
            finally:
                self.channel.connection_lost(time.monotonic())

    def _take(self, protocol: ServerProtocol, event: object, is_open: bool) -> bool:
        now = time.monotonic()
        if isinstance(event, Request):
            self.requests.append(event)
            response = protocol.accept(event)
            if self._takes_resume_secrets:
                response.headers[RESUME_HEADER] = RESUME_HEADER_VALUE
            protocol.send_response(response)
        elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
            opened = parse_data_channel_open(bytes(event.data))
            assert isinstance(opened, ClientOpen)
            self.opens.append(opened)
            if opened.resume_secret in self.unknown_secrets:
                protocol.send_close(RESUME_UNKNOWN, "The resume secret is not known.")
                return False
            is_open = True
            if self._has_handshaken:
                self.channel.connection_restored(now)
            elif self._on_open is None:
                self.channel.start_handshake("Port", self._properties, now)
                self._has_handshaken = True
            if self._on_open is not None:
                self._on_open(self)
        elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
            self.channel.receive(bytes(event.data), now)
        for happened in self.channel.events():
            self._record(happened, now)
        return is_open

    def _record(self, event: Event, now: float) -> None:
        self.events.append(event)
        if isinstance(event, StreamData):
            self.received += event.data
            self.channel.written(event.sequence, now)
        self._on_event(self, event)

    def _send(self, sock: socket.socket, protocol: ServerProtocol, is_open: bool) -> None:
        now = time.monotonic()
        if is_open and protocol.state is State.OPEN:
            self._on_tick(self)
            count = min(self.channel.send_capacity, len(self.backlog))
            if count:
                self.channel.send_data(self.backlog[:count], now)
                del self.backlog[:count]
            for frame in self.channel.frames_to_send():
                protocol.send_binary(bytes(frame.message))
            for message in self._raw:
                protocol.send_binary(message)
            self._raw.clear()
        for data in protocol.data_to_send():
            if data:
                sock.sendall(data)

    def saw(self, kind: type[Event]) -> bool:
        return any(isinstance(event, kind) for event in self.events)
