"""What a gateway can do to one end of a data channel: forged, replayed, endless, and never believed too much.

Both ends are real, the link between them is the attacker's. Shown here where a process would show no more.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fairlead.protocol import events as e
from fairlead.protocol import message as m
from fairlead.protocol.control_channel import ChannelClosed, encode_control_message
from fairlead.protocol.roles import AGENT, CLIENT
from fairlead.protocol.settings import (
    DEFAULT_MAX_PAYLOAD_BYTES,
    DEFAULT_WINDOW_BYTES,
    MAX_BACKLOG_BYTES,
    MAX_HELD_MESSAGES,
    MAX_WINDOW_BYTES,
)
from tests.support.channel_pair import PROPERTIES, ChannelPair, make_channel

FLOOD = 20_000
HUGE = 10**9


def forged(message_type: bytes, payload: object, sequence: int = 0, payload_type: int = 0) -> bytes:
    """A frame of the attacker's, right in form."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return m.make_frame(
        message_type,
        data,
        message_id=bytes(16),
        created_date=1,
        sequence_number=sequence,
        payload_type=payload_type,
    )


def acknowledgement(number: int, **members: object) -> bytes:
    """An acknowledgement, with whatever more is said."""
    return forged(m.ACKNOWLEDGE, {"AcknowledgedMessageSequenceNumber": number, **members})


class Rewritten:
    """Changes the JSON of the handshake message of one type on its way."""

    def __init__(self, payload_type: int, change: Callable[[dict[str, Any]], None]) -> None:
        self.payload_type = payload_type
        self.change = change
        self.seen: dict[int, dict[str, Any]] = {}

    def pair(self, **settings: object) -> ChannelPair:
        """Two ends whose link does it; the handshake is begun."""
        pair = ChannelPair(make_channel(AGENT, 1, **settings), make_channel(CLIENT, 2, **settings))
        pair.fate = lambda frame: []
        pair.agent.channel.start_handshake("Port", PROPERTIES, pair.clock.now)
        for _ in range(4):
            for end, other in ((pair.agent, pair.client), (pair.client, pair.agent)):
                for frame in end.channel.frames_to_send():
                    other.channel.receive(self._rewritten(bytes(frame.message)), pair.clock.now)
                end.take_events()
                other.take_events()
        return pair

    def _rewritten(self, frame: bytes) -> bytes:
        found = m.decode(frame, zero_digest_allowed=True)
        if found.payload_type not in (5, 6, 7) or found.message_type == m.ACKNOWLEDGE:
            return frame
        members = json.loads(bytes(found.payload))
        self.seen[found.payload_type] = members
        if found.payload_type == self.payload_type:
            self.change(members)
        return forged(found.message_type, members, found.sequence_number, found.payload_type)


def failure(end: Any) -> str:
    reason: str = end.event(e.HandshakeFailed).reason
    return reason


REQUEST, RESPONSE = m.PayloadType.HANDSHAKE_REQUEST, m.PayloadType.HANDSHAKE_RESPONSE


class TestAForgedHandshake:
    @pytest.mark.parametrize(
        "session_type", ["Standard_Stream", "InteractiveCommands", "\x1b]0;x\x07", "x" * 5000]
    )
    def test_starts_no_other_kind_of_session_at_a_client(self, session_type: str) -> None:
        def change(members: dict[str, Any]) -> None:
            members["RequestedClientActions"][0]["ActionParameters"]["SessionType"] = session_type

        pair = Rewritten(REQUEST, change).pair()
        assert "does not support sessions of type" in failure(pair.client)
        assert len(failure(pair.client)) < 500
        assert not pair.client.channel.can_send
        assert not pair.agent.channel.is_open

    def test_asks_a_client_for_no_encryption_with_somebodys_key(self) -> None:
        def change(members: dict[str, Any]) -> None:
            members["RequestedClientActions"].append({"ActionType": "KMSEncryption", "ActionParameters": {}})

        pair = Rewritten(REQUEST, change).pair()
        assert "asks for KMSEncryption" in failure(pair.client)

    def test_offers_a_client_no_larger_terms_than_its_own(self) -> None:
        def change(members: dict[str, Any]) -> None:
            members["Fairlead"] |= {"MaxPayloadBytes": HUGE, "WindowBytes": HUGE}

        rewritten = Rewritten(REQUEST, change)
        terms = rewritten.pair().client.channel.terms
        assert terms.max_payload_bytes <= DEFAULT_MAX_PAYLOAD_BYTES
        assert terms.window_bytes == DEFAULT_WINDOW_BYTES
        assert rewritten.seen[RESPONSE].get("Fairlead", {}).get("WindowBytes", 0) <= DEFAULT_WINDOW_BYTES

    @pytest.mark.parametrize(
        "choice",
        [
            {"MaxPayloadBytes": HUGE},
            {"WindowBytes": HUGE},
            {"Digest": "none"},
            {"Ack": "never"},
            {"MaxPayloadBytes": 0},
            {"MaxPayloadBytes": -1},
            {"WindowBytes": 1, "MaxPayloadBytes": 65536},
        ],
    )
    def test_chooses_nothing_for_an_agent_that_was_not_offered(self, choice: dict[str, Any]) -> None:
        """`Digest` none among it: the agent offers that for SSH only, which has digests of its own."""
        pair = Rewritten(RESPONSE, lambda members: members["Fairlead"].update(choice)).pair()
        assert failure(pair.agent).startswith("handshake: ")
        assert not pair.agent.channel.can_send

    def test_takes_no_digest_from_a_client_whose_stream_needs_one(self) -> None:
        def change(members: dict[str, Any]) -> None:
            members["Fairlead"]["Digest"] = ["none"]

        pair = Rewritten(REQUEST, change).pair()
        assert not pair.client.channel.terms.zero_digest

    def test_that_leaves_our_terms_out_leads_to_those_of_the_official_programs(self) -> None:
        """Slower, and no less safe: a digest on every message."""
        pair = Rewritten(REQUEST, lambda members: members.pop("Fairlead")).pair(zero_digest=True)
        for end in pair.ends:
            assert end.channel.is_open
            assert not end.channel.terms.zero_digest

    def test_does_not_begin_again(self) -> None:
        pair = ChannelPair().start()
        request = json.loads(bytes(m.decode(pair.agent.frames[1]).payload))
        before = pair.client.channel.terms
        again = forged(m.OUTPUT_STREAM_DATA, request, 2, REQUEST)
        pair.client.channel.receive(again, pair.clock.now)
        pair.client.take_events()
        assert isinstance(pair.client.events[-1], e.PeerError)
        assert pair.client.channel.terms == before
        assert pair.client.channel.is_open


class TestForgedAcknowledgements:
    @pytest.mark.parametrize(
        "frame",
        [
            acknowledgement(HUGE),
            acknowledgement(HUGE, Cumulative=True, Received=HUGE),
            acknowledgement(-1, Cumulative=True, Received=HUGE, Reconnected=True),
            acknowledgement(2, Cumulative=True, Received=2**63),
            acknowledgement(-(10**30), Cumulative=True, Received=-(10**29)),
        ],
    )
    def test_of_what_was_never_sent_free_nothing_and_lose_nothing(self, frame: bytes) -> None:
        pair = ChannelPair().start()
        data = bytes(range(256)) * 2000
        pair.fate = lambda _: []
        pair.client.to_send = [data]
        pair.settle()
        room = pair.client.channel.send_capacity
        pair.client.channel.receive(frame, pair.clock.now)
        assert pair.client.channel.send_capacity == room
        assert not pair.client.channel.is_drained
        pair.fate = lambda _: [0.0]
        pair.pass_time(60.0)
        assert bytes(pair.agent.written) == data

    def test_of_what_was_sent_and_dropped_stop_the_session_and_put_nothing_in_its_place(self) -> None:
        """Whoever relays can do that. The receiver waits at the gap; what comes after is not taken for it."""
        pair = ChannelPair().start()
        pair.fate = lambda _: []
        pair.client.to_send = [b"rm -rf /tmp/x"]
        pair.settle()
        pair.client.channel.receive(acknowledgement(HUGE, Cumulative=True), pair.clock.now)
        last = pair.client.channel._sender.next_sequence - 1
        pair.client.channel.receive(acknowledgement(last, Cumulative=True, Received=last), pair.clock.now)
        assert pair.client.channel.is_drained
        pair.fate = lambda _: [0.0]
        pair.client.to_send = [b"/../.."]
        pair.pass_time(60.0)
        assert bytes(pair.agent.written) == b""


class TestFloods:
    @pytest.mark.parametrize("role", [AGENT, CLIENT], ids=["agent", "client"])
    def test_of_early_messages_are_held_up_to_the_window(self, role: Any) -> None:
        pair = ChannelPair().start()
        end = pair.agent if role is AGENT else pair.client
        size = 64 * 1024
        for number in range(FLOOD // 10):
            frame = forged(role.receives, bytes(size), HUGE + number, m.PayloadType.OUTPUT)
            end.channel.receive(memoryview(frame), pair.clock.now)
            assert end.channel._receiver._early_bytes <= DEFAULT_WINDOW_BYTES
            end.channel.events()

    @pytest.mark.parametrize("role", [AGENT, CLIENT], ids=["agent", "client"])
    def test_of_empty_and_tiny_ones_are_held_up_to_a_number(self, role: Any) -> None:
        pair = ChannelPair().start()
        end = pair.agent if role is AGENT else pair.client
        for number in range(FLOOD):
            frame = forged(role.receives, b"x", HUGE + number, m.PayloadType.OUTPUT)
            end.channel.receive(memoryview(frame), pair.clock.now)
            end.channel.events()
        assert len(end.channel._receiver._early) == MAX_HELD_MESSAGES

    @pytest.mark.parametrize("role", [AGENT, CLIENT], ids=["agent", "client"])
    def test_of_data_before_the_handshake_are_bounded_and_not_passed_on(self, role: Any) -> None:
        channel = make_channel(role)
        for number in range(2000):
            frame = forged(role.receives, bytes(64 * 1024), number + 1, m.PayloadType.OUTPUT)
            channel.receive(memoryview(frame), 1.0)
            assert not any(isinstance(event, e.StreamData) for event in channel.events())
        assert channel._receiver._early_bytes <= MAX_WINDOW_BYTES

    def test_of_demands_to_send_again_queue_each_message_once(self) -> None:
        """`Reconnected` over and over: what waits for the socket does not grow with it."""
        pair = ChannelPair().start()
        pair.fate = lambda _: []
        pair.client.to_send = [bytes(DEFAULT_WINDOW_BYTES)]
        pair.settle()
        for _ in range(1000):
            frame = acknowledgement(1, Cumulative=True, Received=1, Reconnected=True)
            pair.client.channel.receive(frame, pair.clock.now)
        waiting = sum(len(frame) for frame in pair.client.channel.frames_to_send())
        assert waiting < 2 * DEFAULT_WINDOW_BYTES < MAX_BACKLOG_BYTES


class TestForgedEnds:
    @pytest.mark.parametrize("role", [AGENT, CLIENT], ids=["agent", "client"])
    def test_close_the_channel_and_nothing_follows(self, role: Any) -> None:
        """A relay can always end a session: that is told as its word, and not as the end of the stream."""
        pair = ChannelPair().start()
        end = pair.agent if role is AGENT else pair.client
        closed = ChannelClosed("s-1", output="bye\x1b[2J")
        end.channel.receive(encode_control_message(closed, message_id=bytes(16), created_date=1), 1.0)
        end.channel.receive(forged(role.receives, b"more", 2, m.PayloadType.OUTPUT), 1.0)
        end.take_events()
        assert end.event(e.ChannelClosed)
        assert not any(isinstance(event, e.EndOfInput) for event in end.events)
        assert bytes(end.written) == b""
        assert end.channel.frames_to_send() == []

    def test_of_input_count_in_their_turn_only(self) -> None:
        """A half-close is numbered like the data: it cannot overtake the last bytes."""
        pair = ChannelPair().start()
        flag = (m.PayloadFlag.END_OF_INPUT).to_bytes(4, "big")
        early = forged(m.INPUT_STREAM_DATA, flag, 5, m.PayloadType.FLAG)
        pair.agent.channel.receive(early, pair.clock.now)
        pair.agent.take_events()
        assert not any(isinstance(event, e.EndOfInput) for event in pair.agent.events)

    def test_by_a_message_of_the_wrong_direction_are_none(self) -> None:
        pair = ChannelPair().start()
        for end, own in ((pair.agent, m.OUTPUT_STREAM_DATA), (pair.client, m.INPUT_STREAM_DATA)):
            before = len(end.events)
            end.channel.receive(forged(own, b"reflected", 2, m.PayloadType.OUTPUT), pair.clock.now)
            end.take_events()
            assert (len(end.events), bytes(end.written)) == (before, b"")


def test_a_snapshot_of_a_channel_does_not_grow_with_what_was_forged() -> None:
    pair = ChannelPair().start()
    before = len(pair.agent.channel.snapshot())
    for number in range(1000):
        frame = forged(m.INPUT_STREAM_DATA, bytes(4096), HUGE + number, m.PayloadType.OUTPUT)
        pair.agent.channel.receive(memoryview(frame), pair.clock.now)
    assert len(pair.agent.channel.snapshot()) == before
