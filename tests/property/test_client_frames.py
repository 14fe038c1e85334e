"""Our WebSocket framing against two strangers': the websockets and picows packages, and against noise."""

from __future__ import annotations

import asyncio

import picows
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.client_frames import (
    BINARY,
    CLOSE,
    MAX_MESSAGE_BYTES,
    PING,
    PONG,
    TEXT,
    FrameError,
    FrameReader,
    encode_frame,
)
from fairlead.transport.http import parse_head
from fairlead.transport.upgrade import check_upgrade, upgrade_request

PAYLOADS = st.one_of(st.binary(max_size=200), st.integers(0, 70_000).map(lambda size: b"\xa5" * size))
KEYS = st.binary(min_size=4, max_size=4)
CUTS = st.lists(st.integers(1, 5000), max_size=20)


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    pieces, start = [], 0
    for size in cuts:
        pieces.append(data[start : start + size])
        start += size
    return [*pieces, data[start:]]


def read(pieces: list[bytes], limit: int = MAX_MESSAGE_BYTES) -> list[tuple[int, bytes]]:
    reader = FrameReader(limit)
    found = []
    for piece in pieces:
        reader.feed(piece)
        found += [(opcode, bytes(payload)) for opcode, payload in reader.messages()]
    return found


@given(payload=PAYLOADS, key=KEYS, opcode=st.sampled_from((TEXT, BINARY)))
def test_websockets_reads_what_we_write(payload, key, opcode):
    reader = StreamReader()
    reader.feed_data(encode_frame(opcode, payload, key))
    parser = Frame.parse(reader.read_exact, mask=True)
    try:
        next(parser)
        raise AssertionError("the frame is not complete")
    except StopIteration as done:
        frame = done.value
    assert (int(frame.opcode), bytes(frame.data), frame.fin) == (opcode, payload, True)


@st.composite
def messages_as_frames(draw):
    """Messages, and the frames a server may send them in: fragmented, with control frames between."""
    expected, frames = [], []
    for _ in range(draw(st.integers(1, 5))):
        fragments = draw(st.lists(PAYLOADS, min_size=1, max_size=4))
        opcode = draw(st.sampled_from((Opcode.TEXT, Opcode.BINARY)))
        for index, fragment in enumerate(fragments):
            if index and draw(st.booleans()):
                control = draw(st.binary(max_size=125))
                kind = draw(st.sampled_from((Opcode.PING, Opcode.PONG)))
                frames.append(Frame(kind, control))
                expected.append((int(kind), control))
            code = Opcode.CONT if index else opcode
            frames.append(Frame(code, fragment, fin=index == len(fragments) - 1))
        expected.append((int(opcode), b"".join(fragments)))
    return expected, b"".join(frame.serialize(mask=False) for frame in frames)


@given(case=messages_as_frames(), cuts=CUTS)
def test_we_read_what_websockets_writes_however_it_arrives(case, cuts):
    expected, data = case
    assert read(in_pieces(data, cuts)) == expected


@given(data=st.binary(max_size=400), cuts=st.lists(st.integers(1, 50), max_size=10))
def test_noise_never_does_more_than_end_the_connection_and_cuts_do_not_matter(data, cuts):
    def outcome(pieces):
        try:
            return read(pieces, limit=500)
        except FrameError as error:
            return error.code

    whole, cut = outcome([data]), outcome(in_pieces(data, cuts))
    assert whole == cut


@given(data=st.binary(max_size=300))
def test_what_is_held_is_bounded_by_what_was_fed(data):
    reader = FrameReader(100)
    reader.feed(data)
    try:
        for _ in reader.messages():
            pass
    except FrameError:
        return
    assert reader.buffered_bytes <= len(data)


@settings(max_examples=25, deadline=None)
@given(
    frames=st.lists(
        st.tuples(st.sampled_from((TEXT, BINARY, PING)), st.integers(0, 120_000)), min_size=1, max_size=6
    ),
    keys=st.lists(KEYS, min_size=6, max_size=6),
    cuts=CUTS,
)
def test_picows_echoes_what_we_send(frames, keys, cuts):
    """picows is the gateway's library: it must understand us, and we it."""
    sent = [
        (opcode, (bytes(range(256)) * 500)[: min(size, 125) if opcode == PING else size])
        for opcode, size in frames
    ]
    data = b"".join(encode_frame(op, payload, key) for (op, payload), key in zip(sent, keys, strict=False))
    expected = [(PONG if opcode == PING else opcode, payload) for opcode, payload in sent]
    assert asyncio.run(_echo(in_pieces(data, cuts), len(expected))) == expected


class _Echo(picows.WSListener):
    def on_ws_frame(self, transport, frame):
        if frame.msg_type in (picows.WSMsgType.TEXT, picows.WSMsgType.BINARY):
            transport.send(frame.msg_type, frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())


async def _echo(pieces: list[bytes], count: int) -> list[tuple[int, bytes]]:
    server = await picows.ws_create_server(
        lambda request: _Echo(), "127.0.0.1", 0, enable_auto_pong=False, max_frame_size=MAX_MESSAGE_BYTES
    )
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        reader, writer = await asyncio.open_connection(host, port)
        nonce = bytes(16)
        writer.write(upgrade_request(parse_endpoint(f"ws://{host}:{port}/"), nonce))
        head, _ = parse_head(await reader.readuntil(b"\r\n\r\n"))
        check_upgrade(head, nonce, host)
        frames, found = FrameReader(), []
        for piece in pieces:
            writer.write(piece)
        while len(found) < count:
            frames.feed(await asyncio.wait_for(reader.read(65536), 10))
            found += [(opcode, bytes(payload)) for opcode, payload in frames.messages()]
        writer.close()
        await writer.wait_closed()
        server.close()
    return found


def test_a_close_frame_of_websockets_is_understood():
    server = ServerProtocol()
    server.receive_data(upgrade_request(parse_endpoint("ws://127.0.0.1/"), bytes(16)))
    server.send_response(server.accept(server.events_received()[0]))
    server.data_to_send()
    server.send_close(1001, "going away")
    assert read([b"".join(server.data_to_send())]) == [(CLOSE, b"\x03\xe9going away")]
