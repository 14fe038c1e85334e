"""The asyncio driver of one data channel: window, acknowledgement after the write, either side replaced.

The link is real (a WebSocket over loopback), the far end a DataChannel in the client's role, the local side a
list that a test can stop.
"""

import asyncio
import os
import time
from contextlib import asynccontextmanager

import pytest
from picows import WSFrame, WSListener, WSMsgType, ws_connect, ws_create_server

from fairlead.protocol.acknowledgements import encode_cumulative
from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.events import EndOfInput, HandshakeFinished, StreamData, TerminateRequested
from fairlead.protocol.message import ACKNOWLEDGE, make_frame
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.roles import AGENT, CLIENT
from fairlead.protocol.settings import AGENT_VERSION, CLIENT_VERSION, ChannelSettings
from fairlead.transport import asyncio_link
from fairlead.transport.asyncio_endpoint import AsyncioEndpoint
from fairlead.transport.asyncio_link import WebSocketLink
from tests.support.waiting import PATIENCE_S

WINDOW = 256 * 1024


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # conditions of many kinds, looked at in one place
            await asyncio.sleep(0.005)


class FarEnd(WSListener):
    """The client behind the gateway, one listener for all connections."""

    def __init__(self, settings):
        loop = asyncio.get_running_loop()
        self.clock = loop.time
        ids = MessageIds(os.urandom(SEED_BYTES))
        self.channel = DataChannel(CLIENT, settings, ids, time.time() - loop.time())
        self.transport = None
        self.opens = []
        self.received = bytearray()
        self.events = []
        self.acknowledges = True

    def on_ws_connected(self, transport):
        self.transport = transport

    def on_ws_frame(self, transport, frame: WSFrame):
        if frame.msg_type == WSMsgType.TEXT:
            self.opens.append(frame.get_payload_as_ascii_text())
            if len(self.opens) > 1:
                self.channel.connection_restored(self.clock())
        elif frame.msg_type == WSMsgType.BINARY:
            self.channel.receive(frame.get_payload_as_bytes(), self.clock())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        self.step()

    def on_ws_disconnected(self, transport):
        if transport is self.transport:
            self.channel.connection_lost(self.clock())

    def step(self):
        for event in self.channel.events():
            if isinstance(event, StreamData):
                self.received += event.data
                if self.acknowledges:
                    self.channel.written(event.sequence, self.clock())
            else:
                self.events.append(event)
        for frame in self.channel.frames_to_send():
            self.transport.send(WSMsgType.BINARY, bytes(frame.message))

    def tick(self):
        self.channel.handle_deadline(self.clock())
        self.step()

    def say(self, data):
        self.channel.send_data(data, self.clock())
        self.step()


class Local:
    """A local stream: `written` is what the operating system took; while `is_stuck` it takes nothing."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.written = bytearray()
        self.stuck = bytearray()
        self.is_stuck = False
        self.is_read = True
        self.has_eof = False

    def say(self, data):
        """Something is read from it."""
        self.endpoint.read_buffer()[: len(data)] = data
        self.endpoint.local_read(len(data))

    def fill(self):
        """As much is read from it as may be; returns how much that is."""
        size = len(self.endpoint.read_buffer())
        self.endpoint.local_read(size)
        return size

    @property
    def is_drained(self):
        return not self.stuck

    @property
    def unwritten_bytes(self):
        return len(self.stuck)

    def write(self, data):
        (self.stuck if self.is_stuck else self.written).extend(data)

    def take(self, count):
        """The operating system takes some of what is stuck, and has no room for the rest."""
        self.written += self.stuck[:count]
        del self.stuck[:count]

    def write_eof(self):
        self.has_eof = True

    def pause_reading(self):
        self.is_read = False

    def resume_reading(self):
        self.is_read = True

    def unstick(self):
        self.is_stuck = False
        self.written += self.stuck
        self.stuck.clear()
        self.endpoint.local_drained()


class Owner:
    def __init__(self):
        self.events = []
        self.deliveries = 0
        self.input_deliveries = 0
        self.losses = []

    def handle_event(self, event):
        self.events.append(event)

    def output_delivered(self):
        self.deliveries += 1

    def input_delivered(self):
        self.input_deliveries += 1

    def link_lost(self, reason):
        self.losses.append(reason)


class Rig:
    """Everything joined; `connect` opens a (further) link."""

    def __init__(self, far, endpoint, owner, port):
        self.far, self.endpoint, self.owner, self.port = far, endpoint, owner, port
        self.local = Local(endpoint)

    async def connect(self):
        link = WebSocketLink(self.endpoint, "{}")
        await ws_connect(lambda *_: link, f"ws://127.0.0.1:{self.port}/")
        return link

    async def ready(self):
        await self.connect()
        self.endpoint.attach_local(self.local)
        await until(lambda: self.far.channel.is_open and self.endpoint.is_open)

    def has(self, kind):
        return any(isinstance(event, kind) for event in self.owner.events)

    async def hand_over(self):
        """Go on with an endpoint made from what this one hands over, as another process would; it still has
        to be connected, and gets the same local side."""
        state = self.endpoint.hand_over()
        self.endpoint.close()
        loop = asyncio.get_running_loop()
        ids, offset_s = MessageIds(os.urandom(SEED_BYTES)), time.time() - loop.time()
        channel = DataChannel.restore(state.channel, AGENT, AGENT_SETTINGS, ids, offset_s)
        self.owner = Owner()
        self.endpoint = AsyncioEndpoint(channel, self.owner, loop.time, state)
        self.local.endpoint = self.endpoint
        self.local.stuck.clear()
        self.local.has_eof = False
        return state


AGENT_SETTINGS = ChannelSettings(AGENT_VERSION, session_id="s-1", window_bytes=WINDOW, zero_digest=True)


@asynccontextmanager
async def rig(**client):
    loop = asyncio.get_running_loop()
    far = FarEnd(ChannelSettings(CLIENT_VERSION, window_bytes=WINDOW, zero_digest=True, **client))
    channel = DataChannel(
        AGENT, AGENT_SETTINGS, MessageIds(os.urandom(SEED_BYTES)), time.time() - loop.time()
    )
    owner = Owner()
    endpoint = AsyncioEndpoint(channel, owner, loop.time)
    endpoint.start_handshake("Port", {"portNumber": "22"})
    server = await ws_create_server(lambda _: far, "127.0.0.1", 0, use_aiofastnet=False)
    try:
        yield Rig(far, endpoint, owner, server.sockets[0].getsockname()[1])
    finally:
        endpoint.close()
        server.close()
        if far.transport is not None:
            far.transport.disconnect(False)
        await asyncio.sleep(0.01)


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario(), PATIENCE_S * 2))


def test_the_far_ends_input_counts_as_delivered_only_once_the_local_side_has_taken_it():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.local.is_stuck = True
            rig_.far.say(b"the last bytes")
            rig_.far.channel.end_input(rig_.far.clock())
            rig_.far.step()
            await until(lambda: rig_.has(EndOfInput))
            assert (rig_.owner.input_deliveries, rig_.endpoint.is_input_written) == (0, False)
            rig_.local.unstick()
            assert (rig_.owner.input_deliveries, rig_.endpoint.is_input_written) == (1, True)

    run(scenario)


def test_the_handshake_waits_for_a_link_and_is_reported():
    async def scenario():
        async with rig() as rig_:
            assert not rig_.endpoint.is_open
            await rig_.ready()
            assert rig_.has(HandshakeFinished)
            assert rig_.far.opens == ["{}"]

    run(scenario)


def test_bytes_pass_both_ways():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.local.say(b"to the client")
            rig_.far.say(b"to the node")
            await until(lambda: rig_.far.received == b"to the client")
            await until(lambda: rig_.local.written == b"to the node")

    run(scenario)


def test_the_local_side_is_not_read_before_the_handshake_is_finished():
    async def scenario():
        async with rig() as rig_:
            rig_.endpoint.attach_local(rig_.local)
            assert not rig_.local.is_read
            await rig_.ready()
            assert rig_.local.is_read

    run(scenario)


def test_a_full_window_stops_reading_the_local_side_and_an_acknowledgement_starts_it_again():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.far.acknowledges = False
            sent = 0
            while rig_.local.is_read:
                sent += rig_.local.fill()
                assert sent <= WINDOW
            assert sent == WINDOW
            await until(lambda: len(rig_.far.received) == WINDOW)
            assert not rig_.local.is_read
            rig_.far.channel.written(2**31, rig_.far.clock())
            rig_.far.tick()
            await until(lambda: rig_.local.is_read)

    run(scenario)


def test_what_the_operating_system_has_not_taken_is_not_acknowledged():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.local.is_stuck = True
            rig_.far.say(b"stuck")
            await until(lambda: rig_.local.stuck == b"stuck")
            await asyncio.sleep(0.15)
            assert not rig_.far.channel.is_drained
            rig_.local.unstick()
            await until(lambda: rig_.far.channel.is_drained)
            assert rig_.local.written == b"stuck"

    run(scenario)


def test_what_comes_before_the_local_side_stands_is_held_in_order_and_not_acknowledged():
    async def scenario():
        async with rig() as rig_:
            await rig_.connect()
            await until(lambda: rig_.far.channel.is_open)
            for word in (b"one ", b"two ", b"three"):
                rig_.far.say(word)
            rig_.far.channel.end_input(rig_.far.clock())
            rig_.far.step()
            await until(lambda: rig_.has(EndOfInput))
            assert not rig_.far.channel.is_drained
            rig_.endpoint.attach_local(rig_.local)
            assert rig_.local.written == b"one two three"
            assert rig_.local.has_eof
            await until(lambda: rig_.far.channel.is_drained)

    run(scenario)


def test_the_end_of_the_local_side_is_delivered_after_its_last_byte_once():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.local.say(b"last words")
            rig_.endpoint.local_ended()
            rig_.endpoint.local_ended()
            assert rig_.owner.deliveries == 0
            await until(lambda: rig_.owner.deliveries)
            assert rig_.far.received == b"last words"
            assert any(isinstance(event, EndOfInput) for event in rig_.far.events)
            rig_.far.say(b"more")
            await until(lambda: rig_.local.written == b"more")
            assert rig_.owner.deliveries == 1

    run(scenario)


def test_a_lost_link_is_reported_and_nothing_is_lost_with_it():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.far.transport.disconnect(False)
            await until(lambda: rig_.owner.losses == [""])
            rig_.local.say(b"while away")
            rig_.far.channel.send_data(b"there too", rig_.far.clock())
            await rig_.connect()
            await until(lambda: rig_.far.received == b"while away")
            await until(lambda: rig_.local.written == b"there too")

    run(scenario)


def test_a_newer_link_takes_the_place_of_an_older_one_without_a_loss():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            await rig_.connect()
            await until(lambda: len(rig_.far.opens) == 2)
            rig_.local.say(b"over the new one")
            await until(lambda: rig_.far.received == b"over the new one")
            assert rig_.owner.losses == []

    run(scenario)


def test_another_local_side_can_take_the_place_of_one_that_was_lost():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.endpoint.detach_local()
            rig_.far.say(b"for the second")
            second = Local(rig_.endpoint)
            await asyncio.sleep(0.05)
            assert not rig_.far.channel.is_drained
            rig_.endpoint.attach_local(second)
            await until(lambda: second.written == b"for the second")
            await until(lambda: rig_.far.channel.is_drained)

    run(scenario)


def test_the_clients_wish_to_end_reaches_the_owner():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.far.channel.terminate(rig_.far.clock())
            rig_.far.step()
            await until(lambda: rig_.has(TerminateRequested))

    run(scenario)


def test_a_closed_endpoint_does_nothing_more():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.endpoint.close()
            rig_.endpoint.close()
            rig_.endpoint.local_data(b"late")
            rig_.endpoint.local_read(len(rig_.endpoint.read_buffer()))
            rig_.endpoint.local_ended()
            rig_.endpoint.local_drained()
            await until(lambda: rig_.far.transport.is_disconnected)
            assert rig_.far.received == b""
            assert rig_.owner.losses == []
            link = await rig_.connect()
            await until(lambda: rig_.far.transport.is_disconnected)
            assert link is not None

    run(scenario)


@pytest.mark.parametrize("cumulative", [True, False])
def test_a_lost_message_is_sent_again_on_the_timer(cumulative):
    """The first data frame never reaches the far end's channel; only the driver's timer can bring it back."""

    async def scenario():
        async with rig(cumulative_acks=cumulative) as rig_:
            await rig_.ready()
            rig_.far.channel = _Deaf(rig_.far.channel)
            rig_.local.say(b"lost once")
            await until(lambda: rig_.far.channel.dropped)
            rig_.far.channel = rig_.far.channel.inner
            await until(lambda: rig_.far.received == b"lost once")

    run(scenario)


class _Deaf:
    """A channel that drops what it receives."""

    def __init__(self, inner):
        self.inner = inner
        self.dropped = 0

    def receive(self, frame, now):
        self.dropped += 1

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_a_message_in_fragments_ends_the_link_and_not_the_session():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.far.transport.send(WSMsgType.BINARY, b"half", fin=False)
            await until(lambda: rig_.owner.losses == ["the peer sent a message in fragments"])
            await rig_.connect()
            rig_.far.say(b"alive")
            await until(lambda: rig_.local.written == b"alive")

    run(scenario)


def test_a_peer_that_asks_for_everything_again_and_again_and_reads_nothing_is_cut_off(monkeypatch):
    monkeypatch.setattr(asyncio_link, "MAX_BACKLOG_BYTES", 4 * WINDOW)

    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.far.acknowledges = False
            while rig_.local.is_read:
                rig_.local.fill()
            await until(lambda: len(rig_.far.received) == WINDOW)
            rig_.far.transport.underlying_transport.pause_reading()
            again = encode_cumulative(b"output_stream_data", bytes(16), 0, 0, reconnected=True)
            frame = make_frame(ACKNOWLEDGE, again, message_id=bytes(16), created_date=1)
            for _ in range(100):
                rig_.far.transport.send(WSMsgType.BINARY, frame)
            await until(lambda: rig_.owner.losses == [asyncio_link.TOO_MUCH_WAITS])

    run(scenario)


# -- to a successor --


def test_an_endpoint_that_never_had_a_link_has_nothing_to_hand_over():
    async def scenario():
        async with rig() as rig_:
            rig_.endpoint.attach_local(rig_.local)
            assert rig_.endpoint.hand_over() is None

    run(scenario)


@pytest.mark.parametrize("taken", [0, 1, 4, 5, 9, 12, 13])
def test_a_local_side_gets_every_byte_once_however_much_of_it_was_taken_before(taken):
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.local.is_stuck = True
            for word in (b"one ", b"three", b"four"):
                rig_.far.say(word)
            await until(lambda: len(rig_.local.stuck) == 13)
            rig_.local.take(taken)
            state = await rig_.hand_over()
            assert state.input_bytes == max(size for size in (0, 4, 9, 13) if size <= taken)
            rig_.endpoint.attach_local(rig_.local)
            await rig_.connect()
            await until(lambda: len(rig_.local.written) + len(rig_.local.stuck) == 13)
            rig_.local.take(1)
            assert rig_.endpoint.input_bytes == 13
            await rig_.hand_over()
            rig_.local.is_stuck = False
            rig_.endpoint.attach_local(rig_.local)
            await rig_.connect()
            await until(lambda: rig_.far.channel.is_drained)
            assert rig_.local.written == b"one threefour"
            assert rig_.endpoint.input_bytes == 13

    run(scenario)


def test_what_was_held_for_a_local_side_comes_again_to_the_successor():
    async def scenario():
        async with rig() as rig_:
            await rig_.connect()
            await until(lambda: rig_.far.channel.is_open)
            rig_.far.say(b"held")
            await until(lambda: not rig_.endpoint.is_input_written)
            assert (await rig_.hand_over()).input_bytes == 0
            await rig_.connect()
            rig_.endpoint.attach_local(rig_.local)
            await until(lambda: rig_.local.written == b"held")

    run(scenario)


def test_what_the_far_end_has_not_acknowledged_comes_from_the_successor_once():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.far.acknowledges = False
            rig_.local.say(b"arrived, ")
            await until(lambda: rig_.far.received == b"arrived, ")
            rig_.far.transport.disconnect(False)
            await until(lambda: rig_.owner.losses)
            rig_.local.say(b"not sent yet, ")
            assert (await rig_.hand_over()).output_bytes == len(b"arrived, not sent yet, ")
            rig_.endpoint.attach_local(rig_.local)
            rig_.local.say(b"said later")
            await rig_.connect()
            await until(lambda: rig_.far.received == b"arrived, not sent yet, said later")

    run(scenario)


@pytest.mark.parametrize("is_stuck", [False, True])
def test_the_far_ends_end_reaches_the_local_side_after_its_last_byte(is_stuck):
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.local.is_stuck = is_stuck
            rig_.far.say(b"last words")
            rig_.far.channel.end_input(rig_.far.clock())
            rig_.far.step()
            await until(lambda: rig_.has(EndOfInput))
            assert (await rig_.hand_over()).input_ended is not is_stuck
            rig_.local.is_stuck = False
            await rig_.connect()
            rig_.endpoint.attach_local(rig_.local)
            await until(lambda: rig_.local.has_eof)
            assert rig_.local.written == b"last words"
            await until(lambda: rig_.owner.input_deliveries == 1)

    run(scenario)


def test_the_local_sides_end_is_delivered_by_the_successor():
    async def scenario():
        async with rig() as rig_:
            await rig_.ready()
            rig_.far.acknowledges = False
            rig_.local.say(b"last words")
            rig_.endpoint.local_ended()
            await until(lambda: any(isinstance(event, EndOfInput) for event in rig_.far.events))
            assert (await rig_.hand_over()).local_ended
            await rig_.connect()
            rig_.endpoint.attach_local(rig_.local)
            assert rig_.endpoint.read_buffer(), "its end is there to be read once more"
            assert rig_.owner.deliveries == 0
            rig_.far.channel.written(2**31, rig_.far.clock())
            rig_.far.tick()
            await until(lambda: rig_.owner.deliveries == 1)
            assert sum(isinstance(event, EndOfInput) for event in rig_.far.events) == 1

    run(scenario)


def test_the_time_for_the_handshake_begins_when_a_link_stands():
    async def scenario():
        async with rig() as rig_:
            assert rig_.endpoint._channel.next_deadline() is None
            await rig_.connect()
            assert rig_.endpoint._channel.next_deadline() is not None
            await until(lambda: rig_.endpoint.is_open)

    run(scenario)
