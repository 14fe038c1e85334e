"""Laws of the data channel over links that lose, delay, repeat and reorder, and that break."""

import json
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.message import MAX_FRAME_BYTES, PayloadType, decode, make_frame
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.roles import AGENT, CLIENT
from fairlead.protocol.settings import MIN_WINDOW_BYTES
from tests.support.channel_pair import ChannelPair, make_channel
from tests.support.stock_peer import StockPeer

LONG_ENOUGH_S = 3600.0

chunks = st.lists(st.binary(min_size=1, max_size=30_000), max_size=12)
# A plain seeded generator: Hypothesis's own would find the link that loses every frame for ever.
chance = st.integers(0, 2**32).map(Random)


def faulty(random, faults: float):
    """The fate of frames on a bad link: a share is lost, a share repeated, all come at their own time."""

    def fate(frame: bytes) -> list[float]:
        if random.random() < faults:
            return []
        copies = 2 if random.random() < faults else 1
        return [random.uniform(0.0, 0.3) for _ in range(copies)]

    return fate


def window_is_kept(pair: ChannelPair) -> None:
    for end in pair.ends:
        if isinstance(end.channel, DataChannel):
            kept = end.channel._sender.unacknowledged()
            assert sum(size for _, size in kept) <= end.channel.terms.window_bytes


def run(pair: ChannelPair, to_client, to_agent) -> None:
    pair.agent.to_send, pair.client.to_send = list(to_client), list(to_agent)
    pair.start()


def complete(pair: ChannelPair, to_client, to_agent) -> None:
    """Everything arrives: to the byte, in order, once."""
    pair.pass_time(LONG_ENOUGH_S)
    assert bytes(pair.client.written) == b"".join(to_client)
    assert bytes(pair.agent.written) == b"".join(to_agent)
    window_is_kept(pair)


def make_pair(random, faults: float, **options) -> ChannelPair:
    options = {"window_bytes": MIN_WINDOW_BYTES, "max_payload_bytes": 8192} | options
    agent = make_channel(AGENT, 1, handshake_timeout_s=LONG_ENOUGH_S, **options)
    return ChannelPair(agent, make_channel(CLIENT, 2, **options), fate=faulty(random, faults))


@given(chunks, chunks, chance, st.sampled_from([0.0, 0.1, 0.4]), st.booleans(), st.floats(0.0, 2.0))
def test_our_own_ends_lose_and_repeat_nothing_on_a_bad_link(
    to_client, to_agent, random, faults, cumulative, write_delay
):
    pair = make_pair(random, faults, cumulative_acks=cumulative, zero_digest=cumulative)
    pair.client.write_delay_s = write_delay
    run(pair, to_client, to_agent)
    complete(pair, to_client, to_agent)
    assert pair.agent.channel.is_drained
    assert pair.client.channel.is_drained


@given(chunks, chunks, chance, st.booleans(), st.lists(st.sampled_from(["agent", "client", "both", "heirs"])))
def test_our_own_ends_survive_broken_connections_and_successors(
    to_client, to_agent, random, cumulative, breaks
):
    pair = make_pair(random, 0.0, cumulative_acks=cumulative)
    pair.agent.write_delay_s = 0.3
    run(pair, to_client, to_agent)
    for which in breaks:
        pair.pass_time(random.uniform(0.0, 0.4))
        ends = {"agent": [pair.agent], "client": [pair.client]}.get(which, [])
        pair.lose_connections(*ends)
        pair.pass_time(random.uniform(0.0, 0.4))
        if which == "heirs":
            for end in pair.ends:
                pair.hand_over(end)
        window_is_kept(pair)
        pair.restore_connections()
    complete(pair, to_client, to_agent)
    assert pair.agent.channel.is_drained
    assert pair.client.channel.is_drained


@given(chunks, chunks, chance, st.floats(0.0, 0.2), st.floats(0.0, 1.0))
def test_a_stock_agent_gets_and_gives_everything_on_a_bad_link(
    to_client, to_agent, random, faults, dial_time
):
    agent = StockPeer(AGENT, dial_time_s=dial_time)
    pair = ChannelPair(
        agent, make_channel(CLIENT, window_bytes=MIN_WINDOW_BYTES), fate=faulty(random, faults)
    )
    run(pair, to_client, to_agent)
    complete(pair, to_client, to_agent)
    assert agent.is_drained, "old numbers are acknowledged again"
    assert pair.client.channel.is_drained
    assert not agent.unknown_members


@given(chunks, chunks, chance, st.floats(0.0, 0.2))
def test_a_stock_client_gets_and_gives_everything_on_a_bad_link(to_client, to_agent, random, faults):
    # Its lost acknowledgements are never made good, so the window must hold all of the data.
    client = StockPeer(CLIENT)
    agent = make_channel(AGENT, handshake_timeout_s=LONG_ENOUGH_S)
    pair = ChannelPair(agent, client, fate=faulty(random, faults))
    run(pair, to_client, to_agent)
    complete(pair, to_client, to_agent)
    assert client.is_drained
    assert not client.unknown_members


@given(chunks, chunks, chance, st.booleans())
def test_a_connection_that_breaks_on_our_side_is_replayed_to_a_stock_peer(
    to_client, to_agent, random, agent_is_stock
):
    if agent_is_stock:
        pair = ChannelPair(StockPeer(AGENT), make_channel(CLIENT))
        ours = pair.client
    else:
        pair = ChannelPair(make_channel(AGENT), StockPeer(CLIENT))
        ours = pair.agent
    pair.fate = lambda frame: [0.05]
    run(pair, to_client, to_agent)
    for _ in range(3):
        pair.pass_time(random.uniform(0.0, 0.3))
        pair.lose_connections(ours)
        pair.pass_time(0.1)
        pair.restore_connections()
    complete(pair, to_client, to_agent)


def fresh(role) -> DataChannel:
    return make_channel(role)


def opened(role) -> DataChannel:
    pair = ChannelPair().start()
    return (pair.agent if role is AGENT else pair.client).channel


@given(
    st.sampled_from([AGENT, CLIENT]),
    st.sampled_from([fresh, opened]),
    st.lists(st.binary(max_size=400), max_size=5),
)
@example(CLIENT, fresh, [bytes(MAX_FRAME_BYTES + 1)])
def test_bytes_of_any_kind_never_raise(role, made, frames):
    channel = made(role)
    channel.events()
    for frame in frames:
        channel.receive(memoryview(frame), 1.0)
        assert len(channel.events()) == 1
    channel.frames_to_send()


json_like = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just([]) | st.just({})
names = st.sampled_from(
    [
        "AcknowledgedMessageSequenceNumber", "Cumulative", "Received", "Reconnected", "AgentVersion",
        "RequestedClientActions", "ActionType", "ActionParameters", "SessionType", "Properties", "Fairlead",
        "MaxPayloadBytes", "WindowBytes", "Ack", "Digest", "HalfClose", "ClientVersion", "Errors",
        "ProcessedClientActions", "ActionStatus", "SessionId", "Output", "CustomerMessage",
    ]
)  # fmt: skip
members = st.dictionaries(
    names, json_like | st.lists(st.dictionaries(names, json_like, max_size=3), max_size=2), max_size=5
)


@settings(max_examples=300)
@given(
    st.sampled_from([AGENT, CLIENT]),
    st.sampled_from([fresh, opened]),
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"input_stream_data", b"output_stream_data", b"acknowledge", b"channel_closed",
                 b"pause_publication", b"start_publication", b"agent_session_state", b"other"]
            ),
            st.integers(-1, 6),
            st.integers(0, 13),
            st.binary(max_size=8) | members,
        ),
        max_size=8,
    ),
)  # fmt: skip
def test_well_formed_frames_with_any_content_never_raise(role, made, contents):
    channel = made(role)
    ids = MessageIds(bytes(SEED_BYTES))
    for message_type, sequence, payload_type, content in contents:
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        frame = make_frame(
            message_type,
            payload,
            message_id=ids.next_id(),
            created_date=1,
            sequence_number=sequence,
            payload_type=payload_type,
        )
        channel.receive(memoryview(frame), 2.0)
        for frame_out in channel.frames_to_send():
            decode(frame_out.message)
        channel.next_deadline()
    channel.handle_deadline(1e6)


@given(st.binary(max_size=200_000))
def test_data_is_cut_into_payloads_that_join_to_the_same_bytes(data):
    pair = ChannelPair().start()
    pair.client.channel.send_data(data, pair.clock.now)
    sent = [decode(frame.message) for frame in pair.client.channel.frames_to_send()]
    assert b"".join(message.payload for message in sent) == data
    assert all(len(message.payload) <= 64 * 1024 for message in sent)
    assert all(message.payload_type == PayloadType.OUTPUT for message in sent)
