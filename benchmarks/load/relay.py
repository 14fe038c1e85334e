"""The gateway's relay by itself, for two WebSockets: no session, no store, no control channel.

    python -m benchmarks.load.relay [CERTIFICATE KEY]      (PEM files; without them no TLS)

Prints the port it listens on. The first WebSocket is taken for the agent's, the second for the client's, and
so on in pairs. Ends when its standard input does.
"""

import asyncio
import ssl
import sys
from collections.abc import Callable
from typing import cast

import aiofastnet
import uvloop
from picows import WSTransport

from fairlead.domain.sessions import ChannelSide, EndReason
from fairlead.gateway.assist import Assist, CopyBudget
from fairlead.gateway.clock import Rounds
from fairlead.gateway.picows_edge import BoundedReader, make_picows_protocol
from fairlead.gateway.relay import Relay
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.sockets import ChannelSocket
from fairlead.server.http_server import with_tls_buffers


class _Socket(ChannelSocket):
    """Told to somebody when it stands."""

    joined: Callable[["_Socket"], None]

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.joined(self)


class _Front(asyncio.Protocol):
    """Puts the gateway's own readers on an accepted transport, as the upgrade does."""

    def __init__(self, pairs: "Pairs") -> None:
        self._pairs = pairs

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        settings, loop = self._pairs.settings, asyncio.get_running_loop()
        accepted = cast("asyncio.Transport", transport)
        socket = _Socket(
            settings,
            loop,
            self._pairs.rounds,
            max_message_bytes=settings.max_frame_bytes,
            source_address="127.0.0.1",
        )
        socket.joined = self._pairs.joined
        picows = make_picows_protocol(socket, settings.max_frame_bytes, settings.read_buffer_bytes)
        picows.connection_made(accepted)
        has_tls = accepted.get_extra_info("ssl_object") is not None
        max_read_bytes = settings.max_short_read_bytes if has_tls else settings.max_read_bytes
        accepted.set_protocol(BoundedReader(picows, socket, accepted, loop, max_read_bytes))


class Pairs:
    """Joins every two sockets by a relay, whose owner it is."""

    def __init__(self) -> None:
        self.settings = GatewaySettings()
        self.rounds = Rounds(asyncio.get_running_loop(), self.settings.silence_check_s)
        self._half: Relay | None = None

    def joined(self, socket: ChannelSocket) -> None:
        """Another WebSocket stands."""
        relay, side = self._half, ChannelSide.CLIENT
        if relay is None:
            side = ChannelSide.AGENT
            relay = self._half = Relay(
                "alone",
                "mi-alone",
                settings=self.settings,
                clock=asyncio.get_running_loop(),
                owner=self,
                make_assist=self._assist,
            )
        else:
            self._half = None
        socket.set_handler(relay.join(side, socket, is_ours=True))

    def _assist(self) -> Assist:
        return Assist(self.settings, CopyBudget(0), lambda _frame: b"")

    def both_sides_joined(self, relay: Relay) -> None:
        """Nothing is recorded here."""

    def side_left(self, relay: Relay, side: ChannelSide) -> None:
        """The other one goes, too."""
        relay.end(EndReason.CLIENT_LEFT, "")

    def session_is_over(self, relay: Relay, reason: EndReason, details: str) -> None:
        """Stop its timers."""
        relay.suspend()

    def frame_refused(self, relay: Relay, side: ChannelSide, details: str) -> None:
        """The load generator is wrong."""
        sys.exit(f"a frame was refused: {details}")


async def serve(context: ssl.SSLContext | None) -> None:
    """Until standard input ends."""
    loop = asyncio.get_running_loop()
    aiofastnet.patch_loop(loop)
    pairs = Pairs()
    create_server = with_tls_buffers(loop.create_server)
    server = await create_server(lambda: _Front(pairs), "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main(arguments: list[str]) -> None:
    """With or without TLS."""
    context = None
    if arguments:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*arguments)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(context))


if __name__ == "__main__":
    main(sys.argv[1:])
