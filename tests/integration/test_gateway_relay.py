"""The relay with real WebSockets on both sides."""

import asyncio
import random
from contextlib import asynccontextmanager

import aiofastnet
import pytest

from fairlead.domain.sessions import EndReason
from fairlead.protocol import message as m
from tests.support.gateway_rig import (
    SESSION,
    GatewayRig,
    close_code,
    closed_text,
    eventually,
    golden,
    receive,
    stream,
)
from tests.support.waiting import at_rest


@pytest.mark.parametrize("use_tls", [True, False])
@pytest.mark.parametrize("size", [1, 1024, 65536, 1024 * 1024 - 120])
def test_a_frame_arrives_as_it_was_sent_in_both_directions(size, use_tls):
    async def test(rig):
        client, agent = await rig.pair()
        up, down = (stream(kind, bytes(size)) for kind in (m.INPUT_STREAM_DATA, m.OUTPUT_STREAM_DATA))
        for sender, frame, receiver in ((client, up, agent), (agent, down, client)):
            await sender.send(frame)
            assert await receive(receiver) == frame

    GatewayRig.run(test, use_tls=use_tls)


@pytest.mark.parametrize(
    "scenario",
    ["ssh-true", "scp-upload", "scp-download", "portforward-smux", "shell", "noninteractive-command"],
)
def test_recorded_frames_pass_byte_for_byte_and_in_order(scenario):
    frames = [
        event
        for event in golden(scenario)
        if event.get("channel") == "data" and event.get("opcode") == "binary" and event["from"] != "server"
    ]
    recorded = {event["hex"] for event in frames}

    async def next_recorded(ws):
        """Past the acknowledgements that the gateway reminds a stock end of."""
        while (frame := await receive(ws)).hex() not in recorded:
            assert m.peek_type(frame) == m.ACKNOWLEDGE
        return frame.hex()

    async def test(rig):
        client, agent = await rig.pair(is_ours=False)
        for event in frames:
            await (client if event["from"] == "client" else agent).send(bytes.fromhex(event["hex"]))
        for sender, receiver in (("client", agent), ("agent", client)):
            for event in frames:
                is_state = event["decoded"]["message_type"] == "agent_session_state"
                if event["from"] == sender and not is_state:
                    assert await next_recorded(receiver) == event["hex"]

    GatewayRig.run(test)


def test_the_sockets_are_on_the_fast_transports():
    async def test(rig):
        await rig.pair()
        for socket in rig.gateway._open_sockets:
            underlying = socket._transport.underlying_transport
            assert isinstance(underlying, aiofastnet.Transport)
            assert "SSLTransport" in type(underlying).__name__

    GatewayRig.run(test)


def test_many_small_frames_keep_their_order_and_their_borders():
    async def test(rig):
        client, agent = await rig.pair()
        frames = [stream(m.INPUT_STREAM_DATA, b"x" * (n % 300), n) for n in range(2000)]
        async with asyncio.TaskGroup() as group:
            group.create_task(_send_all(client, frames))
            assert [await receive(agent) for _ in frames] == frames

    GatewayRig.run(test)


def test_frames_for_a_side_that_is_not_there_yet_wait_for_it():
    async def test(rig):
        rig.channels.add_session()
        agent = await rig.agent()
        frames = [stream(m.OUTPUT_STREAM_DATA, b"early", n) for n in range(3)]
        await _send_all(agent, frames)
        client = await rig.client()
        assert [await receive(client) for _ in frames] == frames

    GatewayRig.run(test)


def test_a_sender_whose_peer_is_missing_is_stopped_at_the_limit():
    async def test(rig):
        rig.channels.add_session()
        agent = await rig.agent()
        frame = stream(m.OUTPUT_STREAM_DATA, bytes(65536))

        def held():
            relay = rig.gateway.live_sessions._sessions[SESSION].relay
            return sum(leg.held_bytes for leg in relay._legs.values())

        async with _sending(agent, [frame] * 1000) as sending:
            await eventually(lambda: len(rig.gateway.live_sessions) == 1 and held() >= 128 * 1024)
            await at_rest(held)
            assert not sending.done()
            assert held() <= 128 * 1024 + 4 * len(frame)

    GatewayRig.run(test)


@pytest.mark.parametrize("use_tls", [True, False])
def test_a_reader_that_stops_stops_the_sender_and_memory_stays_bounded(use_tls):
    async def test(rig):
        client, agent = await rig.pair()
        client.transport.pause_reading()
        frame = stream(m.OUTPUT_STREAM_DATA, bytes(65536))

        def unsent():
            return max(
                socket._transport.underlying_transport.get_write_buffer_size()
                for socket in rig.gateway._open_sockets
            )

        async with _sending(agent, [frame] * 5000) as sending:
            await eventually(lambda: unsent() > 256 * 1024)
            await at_rest(unsent)
            assert not sending.done()
            assert 256 * 1024 < unsent() < 1024 * 1024
            client.transport.resume_reading()
            assert await receive(client) == frame

    GatewayRig.run(test, use_tls=use_tls)


def test_a_side_that_is_not_read_gets_pongs():
    async def test(rig):
        client, agent = await rig.pair()
        client.transport.pause_reading()
        pongs = []
        agent.protocol.recv_frame, inner = (
            lambda frame: (pongs.append(frame) if frame.opcode == 10 else None, inner(frame)),
            agent.protocol.recv_frame,
        )
        async with _sending(agent, [stream(m.OUTPUT_STREAM_DATA, bytes(65536))] * 5000):
            await eventually(lambda: len(pongs) >= 3)

    GatewayRig.run(test, paused_pong_interval_s=0.2)


def test_a_forbidden_message_type_ends_the_session_and_is_recorded():
    async def test(rig):
        client, agent = await rig.pair()
        await client.send(stream(m.OUTPUT_STREAM_DATA, b"not mine to send"))
        assert "may not send" in await closed_text(client)
        assert m.peek_type(await receive(agent)) == m.CHANNEL_CLOSED
        assert rig.channels.ends[SESSION].reason is EndReason.PROTOCOL_VIOLATION
        await eventually(lambda: [name for name, _ in rig.channels.security_events] == ["FrameRefused"])

    GatewayRig.run(test)


@pytest.mark.parametrize(
    "frame", [b"", b"short", bytes(200), stream(m.CHANNEL_CLOSED, b"{}"), "text"], ids=lambda f: repr(f[:12])
)
def test_whatever_else_a_client_sends_ends_the_session(frame):
    async def test(rig):
        client, _ = await rig.pair()
        await client.send(frame)
        assert "may not send" in await closed_text(client)

    GatewayRig.run(test)


def test_a_frame_over_the_limit_closes_its_connection_only():
    async def test(rig):
        client, agent = await rig.pair()
        await agent.send(bytes(1024 * 1024 + 1))
        assert await close_code(agent) == 1009
        await eventually(lambda: (SESSION, "Disconnected") in rig.channels.steps)
        assert SESSION not in rig.channels.ends
        again = await rig.agent()
        frame = stream(m.INPUT_STREAM_DATA, b"still here")
        await client.send(frame)
        assert await receive(again) == frame

    GatewayRig.run(test)


def test_a_message_in_fragments_arrives_as_one():
    async def test(rig):
        client, agent = await rig.pair()
        frame = stream(m.INPUT_STREAM_DATA, b"in three parts")
        await client.send([frame[:50], frame[50:100], frame[100:]])
        assert await receive(agent) == frame

    GatewayRig.run(test)


def test_fragments_beyond_the_limit_close_the_connection():
    async def test(rig):
        client, _ = await rig.pair()
        await client.send([bytes(600_000), bytes(600_000)])
        assert await close_code(client) == 1009

    GatewayRig.run(test)


def test_the_state_of_the_agent_stays_in_the_gateway():
    async def test(rig):
        client, agent = await rig.pair()
        data = stream(m.OUTPUT_STREAM_DATA, b"data")
        await agent.send(stream(m.AGENT_SESSION_STATE, b"{}"))
        await agent.send(data)
        assert await receive(client) == data

    GatewayRig.run(test)


@pytest.mark.parametrize("use_tls", [True, False])
def test_nothing_stays_behind_when_readers_stop_and_go(use_tls):
    """Pauses in the middle of streams: what a TLS layer holds then has to be read without a further event."""

    async def use(rig, number):
        session_id = f"user{number}-0123456789abcdefghijklmnop"
        rig.channels.add_session(id=session_id)
        client, agent = await rig.client(session_id), await rig.agent(session_id)
        sizes = random.Random(number).choices([1, 100, 1024, 5000, 16000, 16384, 65536, 200_000], k=400)
        up = [stream(m.INPUT_STREAM_DATA, bytes(size), n) for n, size in enumerate(sizes)]
        down = [stream(m.OUTPUT_STREAM_DATA, bytes(size), n) for n, size in enumerate(reversed(sizes))]
        async with asyncio.TaskGroup() as group:
            group.create_task(_send_all(client, up))
            group.create_task(_send_all(agent, down))
            group.create_task(_receive_haltingly(agent, up))
            group.create_task(_receive_haltingly(client, down))

    async def test(rig):
        await asyncio.gather(*(use(rig, number) for number in range(12)))

    GatewayRig.run(test, use_tls=use_tls)


async def _receive_haltingly(ws, frames):
    for number, frame in enumerate(frames):
        assert await receive(ws) == frame
        if number % 31 == 0:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _sending(ws, frames):
    """Send for as long as the block lasts."""
    sending = asyncio.ensure_future(_send_all(ws, frames))
    try:
        yield sending
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send_all(ws, frames):
    for number, frame in enumerate(frames):
        await ws.send(frame)
        if number % 50 == 49:
            await asyncio.sleep(0.01)
