"""Readers of the message gateway protocol: what a peer on a WebSocket can send."""

from contextlib import suppress

from fairlead.domain.sessions import ChannelSide
from fairlead.gateway.assist import COPY_OVERHEAD_BYTES, Assist, CopyBudget, Verdict
from fairlead.gateway.message_types import USE_BY_HEAD
from fairlead.gateway.messages import readable
from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol import (
    acknowledgements,
    control_channel,
    handshake,
    message,
    open_channel,
    snapshot,
    versions,
)
from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.errors import InvalidSnapshot, MalformedMessage
from fairlead.protocol.events import PeerError
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.outgoing import OutgoingFrame
from fairlead.protocol.roles import AGENT, CLIENT
from fairlead.protocol.settings import (
    AGENT_VERSION,
    CLIENT_VERSION,
    MAX_BACKLOG_BYTES,
    MAX_HELD_MESSAGES,
    MAX_WINDOW_BYTES,
    MIN_WINDOW_BYTES,
    ChannelSettings,
)
from fairlead.transport import client_frames
from tests.fuzz.target import as_json, recorded_frames
from tests.support.channel_pair import WALL_CLOCK_OFFSET_S, ChannelPair, make_channel

TYPES = (
    message.OUTPUT_STREAM_DATA,
    message.INPUT_STREAM_DATA,
    message.ACKNOWLEDGE,
    message.CHANNEL_CLOSED,
    message.PAUSE_PUBLICATION,
    message.START_PUBLICATION,
    message.AGENT_SESSION_STATE,
    b"unheard_of",
)
CONTROL_TYPES = (
    message.INTERACTIVE_SHELL,
    message.CHANNEL_CLOSED,
    message.AGENT_TASK_COMPLETE,
    message.AGENT_TASK_ACKNOWLEDGE,
)
MAX_WEBSOCKET_MESSAGE = 4096
AGENT_SETTINGS = ChannelSettings(
    AGENT_VERSION, session_id="s-1", window_bytes=MIN_WINDOW_BYTES, max_payload_bytes=8192
)
CLIENT_SETTINGS = ChannelSettings(CLIENT_VERSION, zero_digest=True)


def framed(message_type: bytes, payload: bytes, sequence: int = 0, payload_type: int = 0) -> bytes:
    """A frame whose digest is right, so that what lies behind the digest is reached."""
    return message.make_frame(
        message_type,
        payload,
        message_id=bytes(range(16)),
        created_date=1,
        sequence_number=sequence,
        payload_type=payload_type,
    )


def read_message(data: bytes) -> None:
    """Decoded, encoded again, and looked at as a relay does: all agree."""
    with suppress(MalformedMessage):
        message.decode(memoryview(data))
    decoded = message.decode(data, verify_digest=False)
    assert message.decode(message.encode(decoded), verify_digest=False) == decoded
    assert message.peek_type(data) == decoded.message_type
    assert message.peek_payload_type(data) == decoded.payload_type
    assert message.peek_sequence_number(data) == decoded.sequence_number
    assert message.peek_message_id(data) == decoded.message_id
    for side in ChannelSide:
        if data[: message.PEEK_BYTES] in USE_BY_HEAD.get(side, {}):
            assert decoded.message_type in TYPES


def peek(data: bytes) -> None:
    """All that the gateway reads of a relayed frame."""
    message.peek_type(data)
    message.peek_payload_type(data)
    message.peek_sequence_number(data)
    message.peek_message_id(data)


def read_control_message(data: bytes) -> None:
    """The first byte chooses the type; what was read can be sent on."""
    message_type = CONTROL_TYPES[data[0] % len(CONTROL_TYPES)] if data else b""
    received = control_channel.decode_control_message(framed(message_type, data[1:]) if data else data)
    body = received.body
    assert not isinstance(body, control_channel.UnknownMessage)
    again = control_channel.encode_control_message(body, message_id=bytes(16), created_date=1)
    assert control_channel.decode_control_message(again).body == body
    readable(getattr(body, "output", ""), 500)


def control_seeds() -> list[bytes]:
    seeds = []
    for frame in recorded_frames():
        found = message.decode(frame)
        if found.message_type in CONTROL_TYPES:
            seeds.append(bytes([CONTROL_TYPES.index(found.message_type)]) + bytes(found.payload))
    return seeds


def read_data_open(data: bytes) -> None:
    opened = open_channel.parse_data_channel_open(data)
    # Who says Version 0 is taken for an official program, which has nothing of ours to repeat.
    assert not opened.fairlead_version or open_channel.parse_data_channel_open(opened.encode()) == opened


def read_control_open(data: bytes) -> None:
    opened = open_channel.parse_control_channel_open(data)
    assert not opened.fairlead_version or open_channel.parse_control_channel_open(opened.encode()) == opened


def open_seeds() -> list[bytes]:
    own = open_channel
    return [
        own.ClientOpen("r", "t", "c", CLIENT_VERSION, resume_digest="d1" * 32).encode().encode(),
        own.ClientOpen("r", "", "c", resume_secret="5e" * 32, resume_digest="d1" * 32).encode().encode(),
        own.AgentOpen("r", "t", "mi-1", "").encode().encode(),
        own.ControlOpen("r", "t", AGENT_VERSION, "linux", incarnation="i").encode().encode(),
    ]


def read_request(data: bytes) -> None:
    """A request, and what a client with any settings makes of it."""
    request = handshake.parse_handshake_request(data)
    versions.version_numbers(request.agent_version)
    choice = handshake.choose(request.offer, CLIENT_SETTINGS)
    if choice is not None:
        terms = handshake.terms_of(choice, CLIENT_SETTINGS)
        assert 1 <= terms.max_payload_bytes <= CLIENT_SETTINGS.max_payload_bytes
        assert terms.max_payload_bytes <= terms.window_bytes <= MAX_WINDOW_BYTES
    for action in request.actions:
        handshake.parse_session_type(action)


def read_response(data: bytes) -> None:
    """A response; terms that it chooses stay within what was offered."""
    response = handshake.parse_handshake_response(data)
    assert len(versions.client_too_old_text(response.client_version)) < 200
    versions.is_client_too_old(response.client_version)
    terms = handshake.terms_of(response.choice, AGENT_SETTINGS)
    assert 1 <= terms.max_payload_bytes <= AGENT_SETTINGS.max_payload_bytes
    assert terms.max_payload_bytes <= terms.window_bytes <= AGENT_SETTINGS.window_bytes


def handshake_seeds() -> list[bytes]:
    pair = ChannelPair().start()
    own = [message.decode(frame) for end in pair.ends for frame in end.frames]
    stock = [message.decode(frame) for frame in recorded_frames()]
    return [bytes(found.payload) for found in (*own, *stock) if found.payload_type in (5, 6, 7)]


def acknowledgement_seeds() -> list[bytes]:
    return [
        acknowledgements.encode_one(message.INPUT_STREAM_DATA, bytes(16), 3),
        acknowledgements.encode_cumulative(message.INPUT_STREAM_DATA, bytes(16), 3, 5, reconnected=True),
    ]


def closed_seeds() -> list[bytes]:
    return as_json({"SessionId": "s-1", "DestinationId": "d", "Output": "over", "CreatedDate": "x"})


def read_snapshot(data: bytes) -> None:
    """What can be restored can run, and gives a snapshot that can be restored."""
    with suppress(InvalidSnapshot):
        snapshot.decode_snapshot(data)
    role = CLIENT if b'"role":"client"' in data else AGENT
    settings = CLIENT_SETTINGS if role is CLIENT else AGENT_SETTINGS
    channel = DataChannel.restore(data, role, settings, MessageIds(bytes(SEED_BYTES)), WALL_CLOCK_OFFSET_S)
    channel.connection_restored(5.0)
    channel.frames_to_send()
    channel.next_deadline()
    channel.receive(framed(role.receives, b"x", sequence=1, payload_type=1), 5.0)
    channel.receive(framed(message.ACKNOWLEDGE, acknowledgement_seeds()[1]), 5.0)
    channel.events()
    DataChannel.restore(
        channel.snapshot(), role, settings, MessageIds(bytes(SEED_BYTES)), WALL_CLOCK_OFFSET_S
    )


def snapshot_seeds() -> list[bytes]:
    pair = ChannelPair().start()
    fresh = [end.channel.snapshot() for end in pair.ends]
    pair.client.channel.send_data(b"unacknowledged", pair.clock.now)
    pair.agent.channel.send_data(b"unacknowledged too", pair.clock.now)
    return [*fresh, *(end.channel.snapshot() for end in pair.ends), make_channel(AGENT).snapshot()]


def run_channel(data: bytes) -> None:
    """A dialogue: the first byte chooses the role and whether the handshake is over, then messages follow,
    each of type, number, payload type and length (one byte each) and payload. Behind some the local side is
    read, as much as may be. Nothing is ever raised, and what was read is what is sent, also when it is sent
    again."""
    if not data:
        return
    role = AGENT if data[0] & 1 else CLIENT
    pair = ChannelPair().start() if data[0] & 2 else None
    end = None if pair is None else (pair.agent if role is AGENT else pair.client)
    channel = make_channel(role) if end is None else end.channel
    now, position = 1000.0, 1
    read: dict[int, bytes] = {}
    while position + 4 <= len(data):
        kind, sequence, payload_type, size = data[position : position + 4]
        payload = data[position + 4 : position + 4 + size]
        position += 4 + size
        now += 0.01 * (kind >> 3)
        channel.receive(memoryview(framed(TYPES[kind & 7], payload, sequence - 1, payload_type)), now)
        for event in channel.events():
            if isinstance(event, PeerError):
                assert len(event.reason) < 500, event.reason
        deadline = channel.next_deadline()
        if deadline is not None and deadline <= now:
            channel.handle_deadline(now)
        if kind & 64:
            channel.connection_lost(now)
            channel.connection_restored(now)
        if kind & 128 and channel.can_send:
            buffer = channel.stream_buffer()
            number = channel._sender.next_sequence
            read[number] = bytes([len(read) % 256]) * len(buffer)
            buffer[:] = read[number]
            channel.send_read(len(buffer), now)
        for frame in _checked_frames(channel):
            assert frame.sequence not in read or frame.message[message.HEADER_BYTES :] == read[frame.sequence]
    channel.snapshot()


def _checked_frames(channel: DataChannel) -> list[OutgoingFrame]:
    """What is to be sent now. What waits in the channel is bounded."""
    frames = channel.frames_to_send()
    assert sum(len(frame) for frame in frames) <= MAX_BACKLOG_BYTES
    receiver = channel._receiver
    assert receiver._early_bytes + receiver._unwritten_bytes <= MAX_WINDOW_BYTES
    assert len(receiver._early) + len(receiver._unwritten) <= MAX_HELD_MESSAGES
    return frames


def channel_seeds() -> list[bytes]:
    seeds = []
    for index, role in ((0, CLIENT), (1, AGENT)):
        pair = ChannelPair().start()
        sender = pair.agent if role is CLIENT else pair.client
        sender.to_send = [b"SSH-2.0-x\r\n", b"more"]
        pair.pass_time(1.0)
        sender.channel.end_input(pair.clock.now)
        pair.settle()
        script = bytearray([index])
        for frame in sender.frames:
            found = message.decode(frame, zero_digest_allowed=True)
            if found.message_type in TYPES and len(found.payload) < 256:
                reads = 128 if found.message_type == message.ACKNOWLEDGE else 0
                script += bytes([TYPES.index(found.message_type) | reads, found.sequence_number + 1])
                script += bytes([found.payload_type, len(found.payload)]) + bytes(found.payload)
        seeds.append(bytes(script))
    return seeds


def read_websocket_frames(data: bytes) -> None:
    """As it comes and cut into pieces: the same messages and the same refusal; what is held is bounded."""
    if not data:
        return
    step = data[0] % 64 + 1
    messages, refusal = _messages([data[1:]])
    again, other_refusal = _messages([data[start : start + step] for start in range(1, len(data), step)])
    assert again == messages
    assert getattr(other_refusal, "code", None) == getattr(refusal, "code", None)
    if refusal is not None:
        raise refusal


def _messages(pieces: list[bytes]) -> tuple[list[tuple[int, bytes]], client_frames.FrameError | None]:
    reader = client_frames.FrameReader(MAX_WEBSOCKET_MESSAGE)
    found = []
    try:
        for piece in pieces:
            reader.feed(piece)
            for opcode, payload in reader.messages():
                assert len(payload) <= MAX_WEBSOCKET_MESSAGE
                found.append((opcode, bytes(payload)))
                if opcode == client_frames.CLOSE:
                    client_frames.decode_close(bytes(payload))
            assert reader.buffered_bytes <= 2 * (MAX_WEBSOCKET_MESSAGE + 14) + len(piece)
    except client_frames.FrameError as refusal:
        return found, refusal
    return found, None


def websocket_seeds() -> list[bytes]:
    return [
        b"\x07\x82\x05hello\x81\x02hi",
        b"\x02\x02\x03abc\x89\x01p\x80\x03def\x8a\x00",
        b"\x20\x82\x7e\x00\x80" + b"x" * 128 + b"\x88\x0c\x03\xe9going away",
        b"\x01\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x05hello",
    ]


ASSIST_LIMITS = GatewaySettings(max_assist_bytes=4096, max_held_bytes=2048, max_acknowledged_ranges=8)


def run_assist(data: bytes) -> None:
    """What the gateway remembers of a session with a stock end, fed by two ends that say anything.

    Each step is a kind, a number and a length (one byte each) and so much of the payload.
    """
    budget = CopyBudget(1 << 20)
    assist = Assist(ASSIST_LIMITS, budget, lambda header: bytes(header[: message.HEADER_BYTES]))
    position = 0
    while position + 3 <= len(data):
        kind, number, size = data[position : position + 3]
        payload = data[position + 3 : position + 3 + size]
        position += 3 + size
        side = ChannelSide.AGENT if kind & 1 else ChannelSide.CLIENT
        if kind & 14 == 0:
            assist.welcome(side, is_ours=bool(kind & 16))
        elif kind & 2:
            assist.take_acknowledgement(side, framed(message.ACKNOWLEDGE, payload))
        elif not assist.must_wait(side) and not (kind & 32 and assist.has_waited_enough(side)):
            sends = message.OUTPUT_STREAM_DATA if kind & 1 else message.INPUT_STREAM_DATA
            frame = framed(sends, payload, number - 3, kind >> 6)
            if assist.take_message(side, frame, is_passed_on=not kind & 32) is Verdict.FILLS_GAP:
                assist.behind_gap(side, frame)
        largest = message.HEADER_BYTES + 255 + COPY_OVERHEAD_BYTES
        assert budget.used <= 2 * (ASSIST_LIMITS.max_assist_bytes + largest)
    for side in (ChannelSide.AGENT, ChannelSide.CLIENT):
        assist.last_words(side)
    assist.forget()
    assert budget.used == 0


def assist_seeds() -> list[bytes]:
    said = bytearray()
    for kind, number, payload in (
        (16, 0, b""), (1, 0, b""), (5, 3, b"output"), (5, 5, b"early"), (5, 4, b"the gap"), (4, 3, b"input"),
        (2, 0, acknowledgement_seeds()[0]), (2, 0, acknowledgement_seeds()[1]), (37, 6, b"kept"), (0, 0, b""),
    ):  # fmt: skip
        said += bytes([kind, number, len(payload)]) + payload
    return [bytes(said)]
