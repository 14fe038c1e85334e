import json
import subprocess
import sys
from hashlib import sha256

import pytest

from fairlead.protocol import message as m
from fairlead.protocol.data_channel import SESSION_TERMINATING, DataChannel
from fairlead.protocol.errors import CannotSend, IllegalState, InvalidSnapshot
from fairlead.protocol.events import (
    ChannelClosed,
    ConnectFailed,
    DisconnectRequested,
    EndOfInput,
    HandshakeFailed,
    HandshakeFinished,
    PeerError,
    PeerUnresponsive,
    StreamData,
    TerminateRequested,
)
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.outgoing import HEADROOM_BYTES
from fairlead.protocol.roles import AGENT, CLIENT
from fairlead.protocol.settings import (
    CUMULATIVE_ACK_DELAY_S,
    DELIVERY_TIMEOUT_S,
    HANDSHAKE_TIMEOUT_S,
    MAX_HELD_MESSAGES,
    MAX_UNACKNOWLEDGED_MESSAGES,
    MIN_WINDOW_BYTES,
)
from tests.support.channel_pair import PROPERTIES, ChannelPair, make_channel
from tests.support.stock_peer import StockPeer

KIB = 1024


def frame(message_type, payload, *, sequence=0, payload_type=0, flags=0, digest=True) -> bytes:
    made = m.make_frame(
        message_type,
        payload if isinstance(payload, bytes) else json.dumps(payload).encode(),
        message_id=MessageIds(bytes(SEED_BYTES)).next_id(),
        created_date=1,
        sequence_number=sequence,
        payload_type=payload_type,
        flags=flags,
    )
    return made if digest else made[:80] + bytes(32) + made[112:]


def output(payload, sequence, payload_type=m.PayloadType.OUTPUT) -> bytes:
    return frame(m.OUTPUT_STREAM_DATA, payload, sequence=sequence, payload_type=payload_type)


def sent(channel) -> list[m.AgentMessage]:
    return [m.decode(bytes(out.message), zero_digest_allowed=True) for out in channel.frames_to_send()]


def acks(messages) -> list[dict]:
    return [json.loads(x.payload) for x in messages if x.message_type == m.ACKNOWLEDGE]


def numbers(messages) -> list[int]:
    return [x.sequence_number for x in messages if x.message_type != m.ACKNOWLEDGE]


def stock_session() -> tuple[DataChannel, ChannelPair]:
    """Our client after the handshake with an official agent."""
    pair = ChannelPair(StockPeer(AGENT), make_channel(CLIENT)).start()
    pair.client.channel.frames_to_send()
    return pair.client.channel, pair


def data_of(events) -> bytes:
    return b"".join(bytes(event.data) for event in events if isinstance(event, StreamData))


# -- handshake --


def test_the_agent_announces_the_session_and_then_asks():
    agent = make_channel(AGENT)
    agent.start_handshake("Port", PROPERTIES, 1.0)
    state, request = sent(agent)
    assert (state.message_type, state.flags) == (m.AGENT_SESSION_STATE, m.FLAG_SYN_FIN)
    assert json.loads(state.payload) == {"SchemaVersion": 1, "SessionState": "Connected", "SessionId": "s-1"}
    assert (request.sequence_number, request.flags, request.payload_type) == (0, m.FLAG_SYN, 5)
    asked = json.loads(request.payload)["RequestedClientActions"]
    parameters = {"SessionType": "Port", "Properties": PROPERTIES}
    assert asked == [{"ActionType": "SessionType", "ActionParameters": parameters}]


def test_our_own_ends_agree_on_everything_both_can_do():
    pair = ChannelPair(
        make_channel(AGENT, zero_digest=True, window_bytes=8 * 1024 * KIB),
        make_channel(CLIENT, zero_digest=True, max_payload_bytes=32 * KIB),
    ).start()
    for end in pair.ends:
        finished = end.event(HandshakeFinished)
        assert (finished.session_type, finished.properties) == ("Port", PROPERTIES)
        terms = finished.terms
        assert terms == end.channel.terms
        assert (terms.own, terms.cumulative_acks, terms.zero_digest, terms.half_close) == (True,) * 4
        assert (terms.max_payload_bytes, terms.window_bytes) == (32 * KIB, 4 * 1024 * KIB)
    assert pair.agent.event(HandshakeFinished).peer_version == "1.2.764.0"
    assert pair.client.event(HandshakeFinished).peer_version == "3.3.0.0"


@pytest.mark.parametrize("side", [AGENT, CLIENT])
def test_an_end_that_keeps_quiet_about_itself_gets_stock_terms(side):
    pair = ChannelPair(
        make_channel(AGENT, fairlead=side is not AGENT), make_channel(CLIENT, fairlead=side is not CLIENT)
    ).start()
    for end in pair.ends:
        terms = end.channel.terms
        assert (terms.own, terms.cumulative_acks, terms.zero_digest, terms.half_close) == (False,) * 4
        assert end.channel.end_input(1.0) is False


def test_nobody_can_send_data_before_the_handshake_is_finished():
    for channel in (make_channel(AGENT), make_channel(CLIENT)):
        assert not channel.can_send
        assert not channel.is_open
        with pytest.raises(CannotSend):
            channel.send_data(b"x", 1.0)
        with pytest.raises(CannotSend):
            channel.send_payload(m.PayloadType.SIZE, b"{}", 1.0)
        assert channel.end_input(1.0) is False
        channel.terminate(1.0)
        assert numbers(sent(channel)) == []


def test_only_an_agent_opens_the_handshake_and_only_once():
    client = make_channel(CLIENT)
    for call in (
        lambda: client.start_handshake("Port", PROPERTIES, 1.0),
        lambda: client.skip_handshake("Standard_Stream", 1.0),
        lambda: client.announce(SESSION_TERMINATING, 1.0),
    ):
        with pytest.raises(IllegalState, match="not for a client"):
            call()
    agent = make_channel(AGENT)
    agent.start_handshake("Port", PROPERTIES, 1.0)
    with pytest.raises(IllegalState, match="not possible when requested"):
        agent.start_handshake("Port", PROPERTIES, 1.0)


def test_a_client_refuses_a_session_type_it_does_not_know_and_the_agent_says_why():
    pair = ChannelPair(make_channel(AGENT), make_channel(CLIENT, session_types=("NonInteractiveCommands",)))
    pair.start()
    reason = "this client does not support sessions of type Port"
    assert pair.client.event(HandshakeFailed).reason == f"handshake: {reason}"
    assert pair.agent.event(HandshakeFailed).reason == (
        f"handshake: SessionType failed on the client with status 2: {reason}"
    )
    assert not pair.agent.channel.is_open
    assert not pair.client.channel.is_open


def test_an_agent_waits_for_the_response_only_so_long():
    agent = make_channel(AGENT)
    agent.start_handshake("Port", PROPERTIES, 1.0)
    agent.handle_deadline(1.0 + HANDSHAKE_TIMEOUT_S - 0.1)
    assert agent.events() == []
    agent.handle_deadline(1.0 + HANDSHAKE_TIMEOUT_S)
    (failed,) = agent.events()
    assert failed == HandshakeFailed("handshake: no response from the client within 15 s")


def test_the_time_for_the_response_does_not_pass_without_a_connection():
    agent = make_channel(AGENT)
    agent.start_handshake("Port", PROPERTIES, 1.0)
    agent.connection_lost(1.5)
    assert agent.next_deadline() is None
    agent.handle_deadline(200.0)
    assert agent.events() == []


def test_after_a_reconnect_the_response_has_its_whole_time_again():
    agent = make_channel(AGENT)
    agent.start_handshake("Port", PROPERTIES, 1.0)
    agent.connection_lost(10.0)
    agent.connection_restored(200.0)
    agent.handle_deadline(200.0 + HANDSHAKE_TIMEOUT_S - 0.1)
    assert agent.events() == []
    agent.handle_deadline(200.0 + HANDSHAKE_TIMEOUT_S)
    assert isinstance(agent.events()[0], HandshakeFailed)


def test_a_client_takes_a_stream_without_handshake_for_a_shell():
    client = make_channel(CLIENT, session_types=("Port", "Standard_Stream"))
    client.receive(output(b"$ ", 0), 1.0)
    finished, data = client.events()
    assert (finished.session_type, finished.peer_version) == ("Standard_Stream", "")
    assert bytes(data.data) == b"$ "
    assert client.can_send


def test_a_client_without_shells_says_so_and_acknowledges_nothing():
    client = make_channel(CLIENT)
    client.receive(output(b"$ ", 0), 1.0)
    (failed,) = client.events()
    assert "shell session" in failed.reason
    assert sent(client) == []


def test_an_agent_that_skips_the_handshake_streams_at_once():
    agent = make_channel(AGENT)
    agent.skip_handshake("Standard_Stream", 1.0)
    assert agent.events()[0].session_type == "Standard_Stream"
    agent.send_data(b"$ ", 1.0)
    agent.announce(SESSION_TERMINATING, 1.0)
    states = [json.loads(x.payload)["SessionState"] for x in sent(agent) if x.payload_type == 0]
    assert states == ["Connected", "Terminating"]


def test_data_before_the_handshake_is_finished_stays_unacknowledged():
    agent = make_channel(AGENT)
    agent.start_handshake("Port", PROPERTIES, 1.0)
    agent.frames_to_send()
    early = frame(m.INPUT_STREAM_DATA, b"x", payload_type=1)
    agent.receive(early, 1.0)
    assert agent.events() == []
    assert sent(agent) == []


@pytest.mark.parametrize(
    ("role", "payload_type", "words"),
    [
        (AGENT, m.PayloadType.HANDSHAKE_REQUEST, "no agent gets"),
        (AGENT, m.PayloadType.HANDSHAKE_RESPONSE, "HandshakeResponse when new"),
        (CLIENT, m.PayloadType.HANDSHAKE_RESPONSE, "no client gets"),
        (CLIENT, m.PayloadType.HANDSHAKE_COMPLETE, "not possible when new"),
        (CLIENT, m.PayloadType.ENC_CHALLENGE_REQUEST, "encryption"),
    ],
)
def test_a_message_out_of_place_is_reported_acknowledged_and_passed_over(role, payload_type, words):
    channel = make_channel(role)
    channel.receive(frame(role.receives, b"{}", payload_type=payload_type), 1.0)
    (error,) = channel.events()
    assert isinstance(error, PeerError)
    assert words in error.reason
    assert [ack["AcknowledgedMessageSequenceNumber"] for ack in acks(sent(channel))] == [0]


def test_a_second_request_does_not_begin_the_handshake_again():
    pair = ChannelPair().start()
    request = next(f for f in pair.agent.frames if m.decode(f).payload_type == 5)
    again = output(bytes(m.decode(request).payload), 2, m.PayloadType.HANDSHAKE_REQUEST)
    pair.client.channel.receive(again, 2.0)
    (error,) = pair.client.channel.events()
    assert error == PeerError("HandshakeRequest when open")
    assert pair.client.channel.is_open


# -- data and acknowledgements --


def test_64_kib_make_one_frame_with_room_for_a_websocket_header():
    channel = ChannelPair().start().client.channel
    channel.send_data(bytes(64 * KIB), 2.0)
    (out,) = channel.frames_to_send()
    assert len(out) == m.HEADER_BYTES + 64 * KIB
    assert len(out.buffer) == HEADROOM_BYTES + len(out)
    assert bytes(out.buffer[:HEADROOM_BYTES]) == bytes(HEADROOM_BYTES)
    assert out.sequence == 1


def test_received_data_is_a_view_into_the_frame_and_a_copy_only_when_it_was_early():
    channel, _ = stock_session()
    arrived = output(b"second", 3)
    channel.receive(memoryview(arrived), 2.0)
    first = output(b"first", 2)
    channel.receive(memoryview(first), 2.0)
    one, two = channel.events()
    assert isinstance(one.data, memoryview)
    assert one.data.obj is first
    assert two.data == b"second"
    assert isinstance(two.data, bytes)


def read(channel, data, now):
    """What a driver does with bytes that it reads."""
    channel.stream_buffer()[: len(data)] = data
    channel.send_read(len(data), now)


def test_what_is_read_into_the_channels_buffer_is_what_is_sent():
    pair = ChannelPair().start()
    channel = pair.client.channel
    place = channel.stream_buffer().obj
    read(channel, b"x" * 100 * KIB, 2.0)
    (out,) = channel.frames_to_send()
    assert out.buffer is place
    expected = ChannelPair().start().client.channel
    expected.send_data(b"x" * 100 * KIB, 2.0)
    assert bytes(out.message) == bytes(expected.frames_to_send()[0].message)


def test_what_is_read_is_sent_with_a_digest_to_a_stock_peer():
    channel, _ = stock_session()
    assert len(channel.stream_buffer()) == 64 * KIB
    read(channel, b"word", 2.0)
    (message,) = sent(channel)
    assert (message.payload, message.payload_digest) == (b"word", sha256(b"word").digest())


def test_a_buffer_is_read_into_again_when_its_frame_is_acknowledged():
    pair = ChannelPair().start()
    channel = pair.client.channel
    largest = len(channel.stream_buffer())
    sent = b""
    buffers = []
    for number in range(12):
        buffers.append(channel.stream_buffer().obj)
        read(channel, bytes([number]) * largest, pair.clock.now)
        sent += bytes([number]) * largest
        pair.settle()
    assert any(one is other for i, one in enumerate(buffers) for other in buffers[:i])
    pair.pass_time(1.0)
    assert channel.is_drained
    assert bytes(pair.agent.written) == sent


def test_what_is_sent_again_is_what_was_read_though_other_buffers_were_read_into_since():
    """The frames that are lost come again, behind others whose buffers went round meanwhile."""
    pair = ChannelPair().start()
    channel = pair.client.channel
    largest = len(channel.stream_buffer())
    sent = b""
    for number in range(24):
        if number in (7, 16):
            pair.lose_connections(*pair.ends)
        if number in (10, 18):
            pair.restore_connections(*pair.ends)
        if channel.can_send:
            read(channel, bytes([number]) * largest, pair.clock.now)
            sent += bytes([number]) * largest
        pair.settle()
    pair.pass_time(10.0)
    assert channel.is_drained
    assert bytes(pair.agent.written) == sent


def test_room_can_be_left_for_what_was_said_before():
    pair = ChannelPair(make_channel(AGENT, window_bytes=MIN_WINDOW_BYTES), make_channel(CLIENT)).start()
    channel = pair.client.channel
    count = len(channel.stream_buffer(22))
    assert count == channel.send_capacity - 22
    channel.send_data(bytes(22), 2.0)
    channel.send_read(count, 2.0)
    assert not channel.can_send


def test_nothing_can_be_read_when_nothing_can_be_sent():
    pair = ChannelPair(make_channel(AGENT, window_bytes=MIN_WINDOW_BYTES), make_channel(CLIENT)).start()
    pair.agent.write_delay_s = 10.0
    channel = pair.client.channel
    while channel.can_send:
        read(channel, bytes(len(channel.stream_buffer())), pair.clock.now)
    with pytest.raises(CannotSend):
        channel.stream_buffer()
    for count in (0, 1):
        with pytest.raises(CannotSend):
            channel.send_read(count, pair.clock.now)


def test_there_is_always_room_for_one_byte_where_there_is_any():
    channel = ChannelPair().start().client.channel
    assert len(channel.stream_buffer(10**9)) == 1


def test_no_bytes_no_message():
    channel, _ = stock_session()
    channel.send_data(b"", 2.0)
    assert sent(channel) == []


def test_a_stock_peer_gets_one_acknowledgement_per_message_and_only_after_the_write():
    channel, _ = stock_session()
    for number in (2, 3, 4):
        channel.receive(output(b"data", number), 2.0)
    assert sent(channel) == []
    channel.written(3, 2.0)
    assert acks(sent(channel)) == [
        {
            "AcknowledgedMessageType": "output_stream_data",
            "AcknowledgedMessageId": "00000000-0000-4000-8000-000000000001",
            "AcknowledgedMessageSequenceNumber": number,
            "IsSequentialMessage": True,
        }
        for number in (2, 3)
    ]


def test_an_old_number_is_acknowledged_again_but_not_delivered_again():
    channel, _ = stock_session()
    channel.receive(output(b"data", 2), 2.0)
    channel.receive(output(b"data", 2), 2.0)
    assert data_of(channel.events()) == b"data"
    assert sent(channel) == [], "not yet written"
    channel.written(2, 2.0)
    channel.receive(output(b"data", 2), 2.0)
    assert channel.events() == []
    assert [ack["AcknowledgedMessageSequenceNumber"] for ack in acks(sent(channel))] == [2, 2]


def test_our_own_ends_acknowledge_every_256_kib_or_50_ms():
    pair = ChannelPair().start()
    pair.pass_time(1.0)
    before = len(pair.agent.frames)
    pair.client.channel.send_data(bytes(192 * KIB), pair.clock.now)
    pair.settle()
    assert len(pair.agent.frames) == before
    assert pair.agent.channel.next_deadline() == pair.clock.now + CUMULATIVE_ACK_DELAY_S
    pair.client.channel.send_data(bytes(64 * KIB), pair.clock.now)
    pair.settle()
    assert len(pair.agent.frames) == before + 1, "256 KiB"
    pair.client.channel.send_data(b"x", pair.clock.now)
    pair.pass_time(CUMULATIVE_ACK_DELAY_S)
    assert len(pair.agent.frames) == before + 2, "50 ms"
    assert pair.client.channel.is_drained
    assert len(pair.client.frames) < 10, "a late acknowledgement causes no second copy"


def test_half_a_small_window_is_acknowledged_at_once():
    pair = ChannelPair(
        make_channel(AGENT, window_bytes=MIN_WINDOW_BYTES, max_payload_bytes=KIB), make_channel(CLIENT)
    ).start()
    pair.pass_time(1.0)
    pair.client.channel.send_data(bytes(MIN_WINDOW_BYTES // 2), pair.clock.now)
    pair.settle()
    assert pair.client.channel.send_capacity == MIN_WINDOW_BYTES


def test_an_acknowledgement_can_be_sent_before_it_is_due():
    pair = ChannelPair().start()
    pair.pass_time(1.0)
    pair.client.channel.send_data(b"x", pair.clock.now)
    pair.settle()
    assert not pair.client.channel.is_drained
    pair.agent.channel.acknowledge_now(pair.clock.now)
    pair.settle()
    assert pair.client.channel.is_drained
    pair.agent.channel.acknowledge_now(pair.clock.now)
    assert pair.agent.channel.frames_to_send() == []


def test_the_window_closes_and_opens_with_what_the_other_side_has_written():
    pair = ChannelPair(make_channel(AGENT, window_bytes=MIN_WINDOW_BYTES), make_channel(CLIENT)).start()
    pair.agent.write_delay_s = 10.0
    channel = pair.client.channel
    assert channel.send_capacity == MIN_WINDOW_BYTES
    with pytest.raises(CannotSend):
        channel.send_data(bytes(MIN_WINDOW_BYTES + 1), pair.clock.now)
    channel.send_data(bytes(MIN_WINDOW_BYTES), pair.clock.now)
    assert (channel.can_send, channel.send_capacity) == (False, 0)
    pair.pass_time(9.0)
    assert not channel.can_send
    pair.pass_time(2.0)
    assert channel.send_capacity == MIN_WINDOW_BYTES


def test_very_small_messages_are_bounded_in_number():
    channel, _ = stock_session()
    for _ in range(MAX_UNACKNOWLEDGED_MESSAGES):
        channel.send_data(b"x", 2.0)
    assert not channel.can_send
    with pytest.raises(CannotSend):
        channel.send_payload(m.PayloadType.SIZE, b"{}", 2.0)


def test_the_last_words_find_room_behind_the_largest_number_of_messages():
    pair = ChannelPair().start()
    pair.agent.write_delay_s = 10.0
    channel = pair.client.channel
    while channel.can_send:
        channel.send_data(b"x", pair.clock.now)
    assert channel.end_input(pair.clock.now)
    channel.terminate(pair.clock.now)
    pair.pass_time(11.0)
    assert [type(event) for event in pair.agent.events][-2:] == [EndOfInput, TerminateRequested]


@pytest.mark.parametrize("size", [0, 64 * KIB + 1])
def test_a_payload_of_impossible_size_is_refused(size):
    channel, _ = stock_session()
    with pytest.raises(CannotSend, match="1 to 65536"):
        channel.send_payload(m.PayloadType.SIZE, bytes(size), 2.0)


def test_a_stock_peer_is_slowed_by_not_reading_its_frames():
    channel = ChannelPair(
        StockPeer(AGENT), make_channel(CLIENT, window_bytes=MIN_WINDOW_BYTES)
    ).start().client.channel  # fmt: skip
    for number in range(2, 66):
        assert channel.wants_frames
        channel.receive(output(bytes(KIB), number), 2.0)
    assert not channel.wants_frames
    channel.written(2, 3.0)
    assert channel.wants_frames


def test_what_a_peer_sends_beyond_the_window_is_left_unacknowledged():
    pair = ChannelPair(make_channel(AGENT, window_bytes=MIN_WINDOW_BYTES), make_channel(CLIENT)).start()
    channel = pair.client.channel
    channel.receive(output(bytes(MIN_WINDOW_BYTES), 2), 2.0)
    channel.receive(output(b"too much", 3), 2.0)
    assert data_of(channel.events()) == bytes(MIN_WINDOW_BYTES)
    channel.receive(output(b"early and too much", 4), 2.0)
    assert isinstance(channel.events()[0], PeerError)
    channel.written(2, 3.0)
    channel.receive(output(b"too much", 3), 3.0)
    assert data_of(channel.events()) == b"too much"


# -- flags --


def test_flags_become_events():
    pair = ChannelPair().start()
    pair.client.channel.disconnect_port(pair.clock.now)
    pair.agent.channel.connect_failed(pair.clock.now)
    pair.client.channel.terminate(pair.clock.now)
    pair.client.channel.terminate(pair.clock.now)
    pair.settle()
    assert [type(event) for event in pair.agent.events[1:]] == [DisconnectRequested, TerminateRequested]
    assert [type(event) for event in pair.client.events[1:]] == [ConnectFailed]
    assert not pair.client.channel.can_send


@pytest.mark.parametrize("payload", [b"\0\0\0\x63", b"\x02", b"\0\0\0\0\x02"])
def test_an_unknown_flag_is_reported_and_acknowledged(payload):
    channel, _ = stock_session()
    channel.receive(output(payload, 2, m.PayloadType.FLAG), 2.0)
    assert channel.events() == [PeerError("a flag of unknown value")]
    assert len(acks(sent(channel))) == 1


def test_the_end_of_input_comes_after_the_last_byte_and_nothing_after_it():
    pair = ChannelPair().start()
    pair.client.to_send = [bytes(100 * KIB)]
    pair.client.send_what_fits()
    assert pair.client.channel.end_input(pair.clock.now)
    assert pair.client.channel.end_input(pair.clock.now)
    assert not pair.client.channel.can_send
    pair.settle()
    assert len(pair.agent.written) == 100 * KIB
    assert pair.agent.event(EndOfInput)
    assert pair.client.channel.is_drained, "nobody waits 50 ms to leave"
    assert pair.agent.channel.can_send, "the other direction stays open"


def test_the_last_bytes_before_the_end_are_acknowledged_as_soon_as_they_are_written():
    pair = ChannelPair().start()
    pair.agent.write_delay_s = 0.01
    pair.client.channel.send_data(b"the last bytes", pair.clock.now)
    pair.client.channel.end_input(pair.clock.now)
    pair.pass_time(0.009)
    assert not pair.client.channel.is_drained
    pair.pass_time(0.002)
    assert pair.client.channel.is_drained


def test_a_flag_is_acknowledged_after_the_data_ahead_of_it():
    channel, _ = stock_session()
    channel.receive(output(b"data", 2), 2.0)
    channel.receive(output(b"\0\0\0\x03", 3, m.PayloadType.FLAG), 2.0)
    assert [type(event) for event in channel.events()] == [StreamData, ConnectFailed]
    assert sent(channel) == []
    channel.written(2, 2.0)
    assert [ack["AcknowledgedMessageSequenceNumber"] for ack in acks(sent(channel))] == [2, 3]


def test_an_empty_payload_needs_no_write():
    channel, _ = stock_session()
    channel.receive(output(b"", 2), 2.0)
    assert channel.events() == []
    assert len(acks(sent(channel))) == 1


# -- the gateway --


def test_a_closed_channel_says_so_once_and_is_silent_afterwards():
    pair = ChannelPair().start()
    channel = pair.client.channel
    channel.send_data(b"x", 2.0)
    channel.receive(frame(m.CHANNEL_CLOSED, {"SessionId": "s-1", "Output": "bye"}), 2.0)
    assert channel.events() == [ChannelClosed("bye")]
    channel.receive(output(b"late", 2), 2.0)
    assert (channel.events(), channel.frames_to_send(), channel.next_deadline()) == ([], [], None)
    assert not channel.can_send
    channel.handle_deadline(1e6)
    assert channel.events() == []


def test_an_agent_pauses_until_anything_from_the_client_comes():
    pair = ChannelPair().start()
    agent = pair.agent.channel
    for wake in (
        frame(m.START_PUBLICATION, b"{}"),
        frame(m.INPUT_STREAM_DATA, b"k", sequence=1, payload_type=1),
        frame(m.ACKNOWLEDGE, {"AcknowledgedMessageSequenceNumber": 1}),
    ):
        agent.send_data(b"before", 2.0)
        agent.receive(frame(m.PAUSE_PUBLICATION, b"{}"), 2.0)
        assert not agent.can_send
        assert numbers(sent(agent)) == []
        assert agent.next_deadline() is None or agent.next_deadline() < 3.0
        agent.receive(wake, 400.0)
        assert agent.can_send
        assert len(numbers(sent(agent))) == 1
    agent.receive(frame(m.PAUSE_PUBLICATION, b"{}"), 500.0)
    agent.connection_lost(500.0)
    agent.connection_restored(500.0)
    assert agent.can_send


def test_a_client_knows_no_pause_and_ignores_types_of_others():
    channel, _ = stock_session()
    for message_type in (m.PAUSE_PUBLICATION, m.AGENT_SESSION_STATE, b"something_new", m.INPUT_STREAM_DATA):
        channel.receive(frame(message_type, b"{}"), 2.0)
    assert channel.can_send
    assert channel.events() == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"AcknowledgedMessageSequenceNumber": 99}, "never sent"),
        ({"AcknowledgedMessageSequenceNumber": 0, "Cumulative": True, "Received": 99}, "never sent"),
        ({"AcknowledgedMessageSequenceNumber": 1, "Received": 0}, "below"),
        ({}, "not a whole number"),
        (b"nonsense", "not JSON"),
        (b" " * 2000, "limit"),
    ],
)
def test_a_wrong_acknowledgement_is_reported_and_changes_nothing(content, words):
    pair = ChannelPair().start()
    pair.client.channel.send_data(b"x", 2.0)
    pair.client.channel.receive(frame(m.ACKNOWLEDGE, content), 2.0)
    (error,) = pair.client.channel.events()
    assert words in error.reason
    assert not pair.client.channel.is_drained


def test_a_missing_digest_is_right_only_when_agreed():
    for agreed in (True, False):
        pair = ChannelPair(
            make_channel(AGENT, zero_digest=agreed), make_channel(CLIENT, zero_digest=agreed)
        ).start()
        bare = frame(m.OUTPUT_STREAM_DATA, b"data", sequence=2, payload_type=1, digest=False)
        pair.client.channel.receive(bare, 2.0)
        assert (data_of(pair.client.channel.events()) == b"data") is agreed
        pair.client.channel.send_data(b"data", 2.0)
        frames = [f for f in pair.client.channel.frames_to_send() if f.sequence >= 0]
        (out,) = [m.decode(bytes(f.message), verify_digest=False) for f in frames]
        assert (out.payload_digest == m.ZERO_DIGEST) is agreed


# -- time --


def test_a_stock_peer_that_is_not_ready_gets_the_first_message_again_soon():
    agent = StockPeer(AGENT, dial_time_s=0.25)
    pair = ChannelPair(agent, make_channel(CLIENT)).start()
    for chunk in (b"one ", b"two ", b"three"):
        pair.client.channel.send_data(chunk, pair.clock.now)
    pair.pass_time(0.45)
    assert bytes(pair.agent.written) == b"one two three"
    assert pair.client.channel.is_drained


def test_every_lost_message_is_sent_again_although_a_stock_client_is_silent_about_old_numbers():
    pair = ChannelPair(make_channel(AGENT), StockPeer(CLIENT)).start()
    lost = {("ack", 2), ("data", 3), ("data", 5)}  # the acknowledgement of 2, and messages 3 and 5

    def fate(sent_frame: bytes) -> list[float]:
        decoded = m.decode(sent_frame)
        if decoded.message_type == m.ACKNOWLEDGE:
            key = ("ack", json.loads(decoded.payload)["AcknowledgedMessageSequenceNumber"])
        else:
            key = ("data", decoded.sequence_number)
        if key in lost:
            lost.discard(key)
            return []
        return [0.01]

    pair.fate = fate
    for chunk in (b"a", b"b", b"c", b"d"):
        pair.agent.channel.send_data(chunk, pair.clock.now)
    pair.pass_time(3.0)
    assert bytes(pair.client.written) == b"abcd"


def test_a_slow_reader_of_our_own_is_probed_seldom_and_never_given_up():
    pair = ChannelPair().start()
    pair.agent.write_delay_s = 3600.0
    pair.client.channel.send_data(bytes(1024 * KIB), pair.clock.now)
    pair.settle()
    first = len(pair.client.frames)
    pair.pass_time(3000.0)
    assert 90 < len(pair.client.frames) - first < 110
    assert not any(isinstance(event, PeerUnresponsive) for event in pair.client.events)
    pair.pass_time(700.0)
    assert pair.client.channel.is_drained


def test_a_message_lost_between_connected_own_ends_is_found_by_the_first_probe():
    pair = ChannelPair().start()
    pair.pass_time(1.0)
    pair.fate = lambda sent_frame: []
    pair.client.channel.send_data(bytes(1024 * KIB), pair.clock.now)
    pair.settle()
    pair.fate = lambda sent_frame: [0.01]
    pair.pass_time(1.2)
    assert len(pair.agent.written) == 1024 * KIB


def test_silence_of_a_peer_is_reported_once():
    channel, pair = stock_session()
    now = pair.clock.now
    channel.send_data(b"x", now)
    channel.frames_to_send()
    reported = []
    while now < pair.clock.now + 3 * DELIVERY_TIMEOUT_S:
        now = channel.next_deadline()
        channel.handle_deadline(now)
        channel.frames_to_send()
        reported += [(event, now) for event in channel.events()]
    assert reported == [(PeerUnresponsive(DELIVERY_TIMEOUT_S), pair.clock.now + DELIVERY_TIMEOUT_S)]


def test_silence_can_be_allowed():
    pair = ChannelPair(StockPeer(AGENT), make_channel(CLIENT, delivery_timeout_s=None)).start()
    channel = pair.client.channel
    channel.send_data(b"x", 2.0)
    channel.handle_deadline(1e9)
    assert channel.events() == []


def test_a_call_before_the_deadline_does_nothing():
    channel, pair = stock_session()
    channel.handle_deadline(pair.clock.now)
    channel.send_data(b"x", pair.clock.now)
    channel.frames_to_send()
    channel.handle_deadline(pair.clock.now + 0.05)
    assert channel.frames_to_send() == []


def test_a_driver_that_cannot_write_yet_is_not_called_again_and_again():
    pair = ChannelPair().start()
    pair.pass_time(1.0)
    pair.client.channel.send_data(b"x", pair.clock.now)
    pair.settle()
    agent, due = pair.agent.channel, pair.clock.now + CUMULATIVE_ACK_DELAY_S
    assert agent.next_deadline() == due
    agent.handle_deadline(due)
    assert agent.next_deadline() is None
    assert len(agent.frames_to_send()) == 1


def test_what_was_acknowledged_while_it_waited_to_be_sent_again_is_not_sent():
    channel, pair = stock_session()
    channel.send_data(b"x", pair.clock.now)
    channel.frames_to_send()
    channel.handle_deadline(channel.next_deadline())
    channel.receive(frame(m.ACKNOWLEDGE, {"AcknowledgedMessageSequenceNumber": 1}), pair.clock.now + 0.3)
    assert channel.frames_to_send() == []


def test_an_early_message_is_kept_once_however_often_it_comes():
    channel, _ = stock_session()
    for _ in range(3):
        channel.receive(output(b"second", 3), 2.0)
    channel.receive(output(b"first", 2), 2.0)
    assert data_of(channel.events()) == b"firstsecond"


def test_early_messages_are_bounded_in_bytes_and_in_number():
    channel = ChannelPair().start().client.channel
    for number in range(3, 3 + 64):
        channel.receive(output(bytes(64 * KIB), number), 2.0)
    assert channel.events() == []
    channel.receive(output(b"x", 100), 2.0)
    assert channel.events() == [PeerError("a message came early and there is no room to keep it")]
    stock, _ = stock_session()
    for number in range(3, 3 + MAX_HELD_MESSAGES):
        stock.receive(output(b"x", number), 2.0)
    assert stock.events() == []
    stock.receive(output(b"x", 3 + MAX_HELD_MESSAGES), 2.0)
    assert isinstance(stock.events()[0], PeerError)
    stock.receive(output(b"x", 2), 2.0)
    assert len(stock.events()) == MAX_HELD_MESSAGES, "no more may wait to be written"


# -- connections --


def test_after_a_reconnect_acknowledgements_come_first_and_then_all_that_is_unacknowledged_in_order():
    channel, _ = stock_session()
    channel.receive(output(b"data", 2), 2.0)
    channel.written(2, 2.0)
    for chunk in (b"a", b"b", b"c"):
        channel.send_data(chunk, 2.0)
    channel.frames_to_send()
    channel.connection_lost(3.0)
    assert channel.next_deadline() is None
    channel.send_data(b"d", 3.0)
    assert channel.frames_to_send() == []
    channel.connection_restored(4.0)
    again = sent(channel)
    acknowledged = [ack["AcknowledgedMessageSequenceNumber"] for ack in acks(again)]
    assert acknowledged == [0, 1, 2]
    assert numbers(again) == [1, 2, 3, 4]
    assert [x.message_type for x in again[:3]] == [m.ACKNOWLEDGE] * 3


def test_when_one_of_our_own_ends_comes_back_the_other_replays_at_once():
    pair = ChannelPair().start()
    pair.pass_time(1.0)
    pair.lose_connections(pair.agent)
    pair.client.channel.send_data(bytes(512 * KIB), pair.clock.now)
    pair.agent.channel.send_data(b"from the agent", pair.clock.now)
    pair.settle()
    assert not pair.agent.written
    pair.restore_connections()
    pair.settle()  # without time passing
    assert len(pair.agent.written) == 512 * KIB
    assert bytes(pair.client.written) == b"from the agent"


def test_what_has_arrived_is_not_sent_again_after_a_reconnect():
    pair = ChannelPair().start()
    pair.agent.write_delay_s = 100.0
    pair.client.channel.send_data(bytes(256 * KIB), pair.clock.now)
    pair.pass_time(2.0)  # a probe has told what has arrived
    sent_before = len(pair.client.frames)
    pair.lose_connections()
    pair.restore_connections()
    pair.settle()
    again = [m.decode(f) for f in pair.client.frames[sent_before:]]
    assert numbers(again) == []


# -- successors --


def hand_over(channel: DataChannel, role) -> DataChannel:
    return DataChannel.restore(channel.snapshot(), role, channel._settings, MessageIds(b"s" * 10), 1e9)


def test_a_successor_gets_what_was_not_yet_written_again():
    pair = ChannelPair().start()
    pair.agent.write_delay_s = 1.0
    pair.client.channel.send_data(b"unwritten", pair.clock.now)
    pair.agent.channel.send_data(b"unacknowledged", pair.clock.now)
    pair.pass_time(0.01)
    pair.lose_connections()
    pair.hand_over(pair.agent)
    pair.hand_over(pair.client)
    pair.client.written.clear()
    pair.restore_connections()
    pair.pass_time(5.0)
    assert bytes(pair.agent.written) == b"unwritten"
    assert pair.agent.channel.terms.own
    assert pair.agent.channel.is_drained
    assert pair.client.channel.is_drained


def test_a_successor_in_the_middle_of_the_handshake_finishes_it():
    pair = ChannelPair()
    pair.agent.channel.start_handshake("Port", PROPERTIES, pair.clock.now)
    pair.lose_connections()
    pair.hand_over(pair.agent)
    pair.restore_connections()
    pair.settle()
    assert pair.agent.event(HandshakeFinished).properties == PROPERTIES
    assert pair.client.event(HandshakeFinished)


def test_a_successor_of_a_stock_peers_partner_acknowledges_again():
    channel, _ = stock_session()
    channel.receive(output(b"data", 2), 2.0)
    channel.written(2, 2.0)
    heir = hand_over(channel, CLIENT)
    heir.connection_restored(3.0)
    assert [ack["AcknowledgedMessageSequenceNumber"] for ack in acks(sent(heir))] == [0, 1, 2]


def test_a_successor_knows_that_input_has_ended():
    pair = ChannelPair().start()
    pair.client.channel.end_input(pair.clock.now)
    heir = hand_over(pair.client.channel, CLIENT)
    assert heir.is_open
    assert not heir.can_send


@pytest.mark.parametrize(
    "change",
    [
        lambda s: b"",
        lambda s: s[:5] + b"\x02" + s[6:],
        lambda s: s[:20],
        lambda s: s[:-1],
        lambda s: s + b"x",
        lambda s: s.replace(b'"role":"client"', b'"role":"clienT"'),
        lambda s: s.replace(b'"state":"open"', b'"state":"ajar"'),
        lambda s: s.replace(b'"frames":[[1', b'"frames":[[9'),
        lambda s: s.replace(b'"frames":[[1,', b'"frames":[[1.'),
        lambda s: s.replace(b"],[2,", b"],[0,"),
        lambda s: s.replace(b"[[1,123,", b"[[1,120,"),
        lambda s: s.replace(b'"next_sequence":3', b'"next_sequence":2'),
        lambda s: s.replace(b'"frames"', b'"framez"'),
        lambda s: s.replace(b'"recent"', b'"recenT"'),
        lambda s: s.replace(b'"window_bytes"', b'"window_bytez"'),
        lambda s: s.replace(b'"terminated":false', b'"terminated":"no."'),
    ],
)
def test_a_damaged_snapshot_is_refused(change):
    channel = ChannelPair().start().client.channel
    channel.send_data(b"one", 2.0)
    channel.send_data(b"two", 2.0)
    damaged = change(channel.snapshot())
    with pytest.raises(InvalidSnapshot):
        DataChannel.restore(damaged, CLIENT, channel._settings, MessageIds(bytes(10)), 0.0)


def test_a_snapshot_of_the_other_role_is_refused():
    channel = ChannelPair().start().client.channel
    with pytest.raises(InvalidSnapshot, match="other role"):
        hand_over(channel, AGENT)


# -- imports --


def test_the_package_loads_nothing_that_costs_start_up_time():
    program = (
        "import sys, fairlead.protocol.data_channel, fairlead.protocol.control_channel,"
        " fairlead.protocol.open_channel, fairlead.protocol.roles, fairlead.protocol.versions;"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-I", "-c", program]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    baseline = subprocess.run(
        [sys.executable, "-I", "-c", "import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {
        "asyncio", "dataclasses", "typing", "inspect", "logging", "uuid", "configparser", "http.client",
        "email", "urllib.request", "cryptography", "picows", "socket", "ssl",
    }  # fmt: skip
    assert (loaded - set(baseline.stdout.split())) & heavy == set()
