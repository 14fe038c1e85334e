"""The WebSocket of a data channel on asyncio, over loopback against a server that does what a test says."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, ws_connect, ws_create_server

from fairlead.transport import asyncio_link
from fairlead.transport.asyncio_link import TOO_MUCH_WAITS, WebSocketLink
from tests.support.waiting import PATIENCE_S


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # conditions of many kinds, looked at in one place
            await asyncio.sleep(0.005)


class Server(WSListener):
    """Keeps every frame; answers pings and close frames as any server does."""

    def __init__(self):
        self.transport = None
        self.frames = []

    def on_ws_connected(self, transport):
        self.transport = transport

    def on_ws_frame(self, transport, frame: WSFrame):
        self.frames.append((frame.msg_type, frame.get_payload_as_bytes()))
        if frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def got(self, kind):
        return [payload for msg_type, payload in self.frames if msg_type == kind]


class User:
    """What a link tells its endpoint, in order."""

    def __init__(self):
        self.ups = []
        self.downs = []
        self.messages = []
        self.writable_changes = 0

    def link_up(self, link):
        self.ups.append(link)

    def link_down(self, link, reason):
        self.downs.append((link, reason))

    def link_writable(self):
        self.writable_changes += 1

    def receive(self, frame):
        self.messages.append(bytes(frame))


class Rig:
    def __init__(self, server, user, link):
        self.server, self.user, self.link = server, user, link

    @property
    def reasons(self):
        return [reason for _, reason in self.user.downs]


@asynccontextmanager
async def rig(**options):
    far = Server()
    server = await ws_create_server(
        lambda _: far, "127.0.0.1", 0, enable_auto_pong=False, use_aiofastnet=False
    )
    user = User()
    link = WebSocketLink(user, '{"open": 1}')
    port = server.sockets[0].getsockname()[1]
    try:
        await ws_connect(lambda *_: link, f"ws://127.0.0.1:{port}/", **options)
        await until(lambda: far.got(WSMsgType.TEXT))
        yield Rig(far, user, link)
    finally:
        link.close(WSCloseCode.OK)
        server.close()
        if far.transport is not None:
            far.transport.disconnect(False)
        await asyncio.sleep(0.01)


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario(), PATIENCE_S * 2))


def test_the_open_frame_is_text_and_goes_first():
    async def scenario():
        async with rig() as rig_:
            assert rig_.user.ups == [rig_.link]
            rig_.link.send(memoryview(b"message"))
            await until(lambda: len(rig_.server.frames) == 2)
            assert rig_.server.frames[0] == (WSMsgType.TEXT, b'{"open": 1}')

    run(scenario)


def test_a_message_is_one_binary_frame_and_stays_as_it_is():
    async def scenario():
        async with rig() as rig_:
            message = bytearray(range(256))
            rig_.link.send(memoryview(message))
            await until(lambda: rig_.server.got(WSMsgType.BINARY) == [bytes(range(256))])
            assert message == bytes(range(256))
            rig_.server.transport.send(WSMsgType.BINARY, b"an answer")
            await until(lambda: rig_.user.messages == [b"an answer"])

    run(scenario)


def test_what_is_sent_without_a_connection_goes_nowhere():
    WebSocketLink(User(), "{}").send(memoryview(b"early"))


def test_the_reason_of_a_close_frame_is_told():
    async def scenario():
        async with rig() as rig_:
            rig_.server.transport.send_close(1000, b"draining\x1b")
            await until(lambda: rig_.user.downs)
            assert rig_.user.downs == [(rig_.link, "draining")]

    run(scenario)


def test_a_message_in_fragments_ends_the_link():
    async def scenario():
        async with rig() as rig_:
            rig_.server.transport.send(WSMsgType.BINARY, b"half", fin=False)
            await until(lambda: rig_.reasons == ["the peer sent a message in fragments"])
            [close] = rig_.server.got(WSMsgType.CLOSE)
            assert int.from_bytes(close[:2], "big") == WSCloseCode.UNSUPPORTED_DATA
            assert rig_.user.messages == []

    run(scenario)


def test_a_closed_link_says_its_code_and_goes():
    async def scenario():
        async with rig() as rig_:
            rig_.link.send(memoryview(b"last words"))
            rig_.link.close(WSCloseCode.GOING_AWAY)
            await until(lambda: rig_.reasons == [""])
            [close] = rig_.server.got(WSMsgType.CLOSE)
            assert int.from_bytes(close[:2], "big") == WSCloseCode.GOING_AWAY
            assert rig_.server.got(WSMsgType.BINARY) == [b"last words"]

    run(scenario)


def test_a_link_that_is_not_read_takes_nothing_until_it_is_read_again():
    async def scenario():
        async with rig() as rig_:
            rig_.link.set_reading(False)
            rig_.server.transport.send(WSMsgType.BINARY, b"waits")
            await asyncio.sleep(0.05)
            assert rig_.user.messages == []
            rig_.link.set_reading(True)
            await until(lambda: rig_.user.messages == [b"waits"])

    run(scenario)


def test_a_full_buffer_is_told_and_so_is_its_end():
    async def scenario():
        async with rig() as rig_:
            stream = rig_.server.transport.underlying_transport
            stream.pause_reading()
            while rig_.link.is_writable:
                rig_.link.send(memoryview(bytes(64 * 1024)))
            assert rig_.user.writable_changes == 1
            stream.resume_reading()
            await until(lambda: rig_.link.is_writable)
            assert rig_.user.writable_changes == 2

    run(scenario)


def test_a_peer_that_never_reads_is_cut_off_at_the_limit(monkeypatch):
    monkeypatch.setattr(asyncio_link, "MAX_BACKLOG_BYTES", 512 * 1024)

    async def scenario():
        async with rig() as rig_:
            rig_.server.transport.underlying_transport.pause_reading()
            async with asyncio.timeout(PATIENCE_S):
                while not rig_.user.downs:
                    rig_.link.send(memoryview(bytes(64 * 1024)))
                    await asyncio.sleep(0)
            assert rig_.reasons == [TOO_MUCH_WAITS]

    run(scenario)


@pytest.mark.parametrize("is_read", [True, False])
def test_a_link_outlives_its_pings_as_long_as_the_peer_answers_or_we_do_not_read(monkeypatch, is_read):
    monkeypatch.setattr(asyncio_link, "KEEP_ALIVE_S", 0.02)
    pings = {
        "enable_auto_ping": True,
        "auto_ping_idle_timeout": 0.05,
        "auto_ping_reply_timeout": 0.05,
    }

    async def scenario():
        async with rig(**pings) as rig_:
            rig_.link.set_reading(is_read)
            await until(lambda: len(rig_.server.got(WSMsgType.PING)) >= 3)
            assert rig_.user.downs == []

    run(scenario)
