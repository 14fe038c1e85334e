"""The relay between two sides that are no sockets, in virtual time."""

from datetime import UTC, datetime

import pytest

from fairlead.domain.sessions import ChannelSide, EndReason
from fairlead.gateway.assist import COPY_OVERHEAD_BYTES, Assist, CopyBudget
from fairlead.gateway.message_types import ALLOWED
from fairlead.gateway.messages import Messages
from fairlead.gateway.relay import Relay
from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol import message as m
from fairlead.protocol.acknowledgements import encode_one, parse_acknowledgement
from tests.support.gateway_fakes import FakeClock, FakeSocket, frame

CLIENT, AGENT = ChannelSide.CLIENT, ChannelSide.AGENT
INPUT = frame(m.INPUT_STREAM_DATA)
OUTPUT = frame(m.OUTPUT_STREAM_DATA, payload_type=m.PayloadType.OUTPUT)
HANDSHAKE = frame(m.OUTPUT_STREAM_DATA, payload_type=m.PayloadType.HANDSHAKE_REQUEST)
ACK = frame(m.ACKNOWLEDGE)
MESSAGES = Messages(lambda: datetime(2026, 11, 20, tzinfo=UTC), bytes(10))
SETTINGS = GatewaySettings(idle_timeout_s=10_000)
EVERY_TYPE = [
    m.INPUT_STREAM_DATA,
    m.OUTPUT_STREAM_DATA,
    m.ACKNOWLEDGE,
    m.AGENT_SESSION_STATE,
    m.CHANNEL_CLOSED,
    m.START_PUBLICATION,
    m.PAUSE_PUBLICATION,
    m.INTERACTIVE_SHELL,
    m.AGENT_TASK_COMPLETE,
    b"something_else",
]


class Owner:
    def __init__(self) -> None:
        self.events: list = []

    def both_sides_joined(self, relay) -> None:
        self.events.append("joined")

    def side_left(self, relay, side) -> None:
        self.events.append(("left", side))

    def session_is_over(self, relay, reason, details) -> None:
        self.events.append((reason, details))

    def frame_refused(self, relay, side, details) -> None:
        self.events.append(("refused", side))

    @property
    def end(self):
        return next((event[0] for event in self.events if isinstance(event[0], EndReason)), None)


class Stage:
    """A relay with its owner, its clock and a socket for each side that joined."""

    def __init__(self, *sides: ChannelSide, settings=SETTINGS, is_ours=True, **options) -> None:
        self.clock = FakeClock()
        self.owner = Owner()
        self.budget = CopyBudget(settings.max_assist_total_bytes)
        self.relay = Relay(
            "s",
            "mi-1",
            settings=settings,
            clock=self.clock,
            owner=self.owner,
            make_assist=lambda: Assist(settings, self.budget, MESSAGES.acknowledge),
            **options,
        )
        self.sockets: dict[ChannelSide, FakeSocket] = {}
        self.attached: dict = {}
        for side in sides:
            self.join(side, is_ours=is_ours)

    def join(self, side, *, is_ours=True) -> FakeSocket:
        self.sockets[side] = socket = FakeSocket()
        self.attached[side] = self.relay.join(side, socket, is_ours=is_ours)
        return socket

    def send(self, side, *frames) -> None:
        for position, each in enumerate(frames, 1):
            self.attached[side].receive_binary(memoryview(each), position == len(frames))

    def congest(self, side, congested=True) -> None:
        self.sockets[side].is_congested = congested
        (self.attached[side].congested if congested else self.attached[side].drained)()


def test_frames_pass_in_both_directions_unchanged():
    stage = Stage(CLIENT, AGENT)
    stage.send(CLIENT, INPUT, ACK)
    stage.send(AGENT, OUTPUT)
    assert stage.sockets[AGENT].wire == [INPUT, ACK]
    assert stage.sockets[CLIENT].wire == [OUTPUT]


def test_frames_that_were_read_together_are_written_together():
    stage = Stage(CLIENT, AGENT)
    stage.send(CLIENT, INPUT, ACK, INPUT)
    stage.send(CLIENT, INPUT)
    assert [len(write) for write in stage.sockets[AGENT].writes] == [3, 1]


def test_a_state_message_at_the_end_of_a_read_leaves_nothing_behind():
    stage = Stage(CLIENT, AGENT)
    stage.send(AGENT, OUTPUT, frame(m.AGENT_SESSION_STATE))
    assert stage.sockets[CLIENT].wire == [OUTPUT]


@pytest.mark.parametrize("message_type", EVERY_TYPE)
@pytest.mark.parametrize("side", [CLIENT, AGENT])
def test_each_side_may_send_what_is_listed_and_nothing_else(side, message_type):
    stage = Stage(CLIENT, AGENT)
    stage.send(side, frame(message_type))
    if message_type in ALLOWED[side]:
        assert stage.owner.end is None
    else:
        assert ("refused", side) in stage.owner.events
        assert stage.owner.end is EndReason.PROTOCOL_VIOLATION
        assert not stage.sockets[CLIENT].wire
        assert not stage.sockets[AGENT].wire


@pytest.mark.parametrize("bad", [b"", bytes(119), bytes(120), b"\xff" * 200])
def test_a_frame_without_a_header_ends_the_session(bad):
    stage = Stage(CLIENT, AGENT)
    stage.send(CLIENT, bad)
    assert stage.owner.end is EndReason.PROTOCOL_VIOLATION


def test_text_ends_the_session():
    stage = Stage(CLIENT, AGENT)
    stage.attached[AGENT].receive_text(b"{}")
    assert stage.owner.end is EndReason.PROTOCOL_VIOLATION


def test_after_the_end_nothing_passes_and_nothing_is_told_twice():
    stage = Stage(CLIENT, AGENT)
    stage.send(CLIENT, b"bad", INPUT)
    stage.send(AGENT, OUTPUT, b"bad")
    stage.attached[CLIENT].receive_text(b"")
    stage.relay.end(EndReason.AGENT_ENDED, "")
    assert not stage.sockets[AGENT].wire
    assert [event for event in stage.owner.events if isinstance(event[0], EndReason)] == [
        (EndReason.PROTOCOL_VIOLATION, stage.owner.events[-1][1])
    ]


def test_only_the_payload_of_stream_data_is_counted():
    stage = Stage(CLIENT, AGENT)
    stage.send(CLIENT, frame(m.INPUT_STREAM_DATA, b"12345"), ACK)
    stage.send(AGENT, frame(m.OUTPUT_STREAM_DATA, b"123"), ACK, frame(m.AGENT_SESSION_STATE))
    assert (stage.relay.bytes_to_node, stage.relay.bytes_to_client) == (5, 3)


def test_frames_for_a_missing_side_wait_in_order_and_leave_in_one_write():
    stage = Stage(AGENT)
    frames = [frame(m.OUTPUT_STREAM_DATA, bytes([n])) for n in range(5)]
    stage.send(AGENT, *frames)
    assert stage.join(CLIENT).writes == [frames]


def test_a_sender_is_paused_once_enough_waits_for_its_peer_and_read_again_when_it_joins():
    stage = Stage(AGENT, settings=GatewaySettings(max_held_bytes=1000))
    stage.send(AGENT, frame(m.OUTPUT_STREAM_DATA, bytes(800)))
    assert stage.sockets[AGENT].is_reading
    stage.send(AGENT, frame(m.OUTPUT_STREAM_DATA, bytes(800)))
    assert not stage.sockets[AGENT].is_reading
    stage.join(CLIENT)
    assert stage.sockets[AGENT].is_reading


@pytest.mark.parametrize("slow", [CLIENT, AGENT])
def test_a_congested_side_stops_the_reading_of_its_peer_and_not_its_own(slow):
    stage = Stage(CLIENT, AGENT)
    other = AGENT if slow is CLIENT else CLIENT
    stage.congest(slow)
    assert not stage.sockets[other].is_reading
    assert stage.sockets[slow].is_reading
    stage.congest(slow, False)
    assert stage.sockets[other].is_reading


def test_a_side_joins_a_congested_peer_unread():
    stage = Stage(CLIENT, AGENT)
    stage.congest(CLIENT)
    assert not stage.join(AGENT).is_reading


def test_a_paused_side_gets_pongs_until_it_is_read_again():
    stage = Stage(CLIENT, AGENT)
    stage.congest(CLIENT)
    stage.clock.advance(61)
    assert stage.sockets[AGENT].pongs == 3
    assert stage.sockets[CLIENT].pongs == 0
    stage.congest(CLIENT, False)
    stage.clock.advance(100)
    assert stage.sockets[AGENT].pongs == 3


def test_a_paused_side_that_does_not_read_either_gets_no_pongs():
    stage = Stage(CLIENT, AGENT)
    stage.congest(CLIENT)
    stage.congest(AGENT)
    stage.clock.advance(61)
    assert stage.sockets[AGENT].pongs == 0


def test_both_sides_are_reported_each_time_they_are_complete():
    stage = Stage(CLIENT, AGENT)
    stage.attached[CLIENT].disconnected(None)
    stage.join(CLIENT)
    assert stage.owner.events == ["joined", ("left", CLIENT), "joined"]


def test_a_newer_socket_takes_the_place_of_the_older_one_whose_frames_no_longer_count():
    stage = Stage(CLIENT, AGENT)
    older, older_attached = stage.sockets[CLIENT], stage.attached[CLIENT]
    newer = stage.join(CLIENT)
    assert older.closed is not None
    older_attached.receive_binary(INPUT, True)
    older_attached.receive_text(b"")
    older_attached.disconnected(None)
    stage.send(AGENT, OUTPUT)
    assert newer.wire == [OUTPUT]
    assert stage.sockets[AGENT].wire == []
    assert stage.owner.end is None


def test_an_older_socket_that_does_not_read_is_cut_with_all_that_waits_for_it():
    stage = Stage(CLIENT, AGENT)
    older = stage.sockets[CLIENT]
    stage.congest(CLIENT)
    stage.join(CLIENT)
    assert older.is_cut
    assert older.closed is None
    assert stage.owner.end is None


@pytest.mark.parametrize(
    ("side", "is_ours", "window", "reason"),
    [
        (CLIENT, True, 300, EndReason.CLIENT_LOST),
        (CLIENT, False, 6, EndReason.CLIENT_LOST),
        (AGENT, True, 300, EndReason.AGENT_LOST),
        (AGENT, False, 15, EndReason.AGENT_LOST),
    ],
)
def test_a_side_may_stay_away_for_its_window(side, reason, is_ours, window):
    stage = Stage(CLIENT, AGENT, is_ours=is_ours)
    stage.send(AGENT, OUTPUT)
    stage.attached[side].disconnected(None)
    stage.clock.advance(window - 1)
    assert stage.owner.end is None
    stage.clock.advance(1)
    assert stage.owner.end is reason


def test_a_side_that_comes_back_in_time_is_not_missed():
    stage = Stage(CLIENT, AGENT)
    stage.attached[CLIENT].disconnected(1012)
    stage.clock.advance(299)
    stage.join(CLIENT)
    stage.clock.advance(9000)
    assert stage.owner.end is None


def test_each_side_has_its_own_window():
    stage = Stage(CLIENT, AGENT)
    stage.attached[CLIENT].disconnected(None)
    stage.clock.advance(200)
    stage.attached[AGENT].disconnected(None)
    stage.clock.advance(50)
    stage.join(CLIENT)
    stage.clock.advance(249)
    assert stage.owner.end is None
    stage.clock.advance(1)
    assert stage.owner.end is EndReason.AGENT_LOST


def _agent_leaves(stage: Stage) -> None:
    stage.attached[AGENT].disconnected(None)
    stage.clock.advance(3.1)


def test_a_stock_agent_whose_port_refused_is_not_awaited_for_long():
    stage = Stage(CLIENT, AGENT, is_ours=False)
    stage.send(AGENT, HANDSHAKE)
    _agent_leaves(stage)
    reason, details = stage.owner.events[-1]
    assert reason is EndReason.AGENT_LOST
    assert "is a server listening there?" in details


@pytest.mark.parametrize(
    ("is_ours", "said", "stayed_s", "connected_before"),
    [
        (True, HANDSHAKE, 0, False),
        (False, OUTPUT, 0, False),
        (False, HANDSHAKE, 4, False),
        (False, HANDSHAKE, 0, True),
    ],
    ids=["ours", "the port spoke", "later", "from before a restart"],
)
def test_any_other_agent_has_its_whole_window(is_ours, said, stayed_s, connected_before):
    stage = Stage(CLIENT, AGENT, is_ours=is_ours, connected_before=connected_before)
    stage.send(AGENT, said)
    stage.clock.advance(stayed_s)
    _agent_leaves(stage)
    assert stage.owner.end is None


def test_a_stock_agent_that_comes_back_has_not_died_at_the_port():
    stage = Stage(CLIENT, AGENT, is_ours=False)
    stage.attached[AGENT].disconnected(None)
    stage.clock.advance(1)
    stage.join(AGENT, is_ours=False)
    stage.clock.advance(10)
    assert stage.owner.end is None


def test_a_client_that_says_goodbye_ends_the_session_at_once():
    stage = Stage(CLIENT, AGENT)
    stage.attached[CLIENT].disconnected(1000)
    assert stage.owner.end is EndReason.CLIENT_LEFT


def test_an_agent_that_says_goodbye_has_a_moment_to_say_why():
    stage = Stage(CLIENT, AGENT)
    stage.attached[AGENT].disconnected(1000)
    stage.clock.advance(0.4)
    assert stage.owner.end is None
    stage.clock.advance(0.2)
    assert stage.owner.end is EndReason.AGENT_ENDED


def test_an_agent_that_says_goodbye_and_comes_back_is_there():
    stage = Stage(CLIENT, AGENT)
    stage.attached[AGENT].disconnected(1000)
    stage.join(AGENT)
    stage.clock.advance(100)
    assert stage.owner.end is None


@pytest.mark.parametrize(
    ("sides", "missing"), [((), "client and agent"), ((CLIENT,), "agent"), ((AGENT,), "client")]
)
def test_a_session_that_never_connects_fails_and_names_who_is_missing(sides, missing):
    stage = Stage(*sides)
    stage.clock.advance(59)
    assert stage.owner.end is None
    stage.clock.advance(1)
    assert stage.owner.events[-1] == (EndReason.NEVER_CONNECTED, f"missing: {missing}")


def test_a_session_that_waited_before_has_only_the_rest_of_its_time():
    stage = Stage(connect_within_s=-5)
    stage.clock.advance(0)
    assert stage.owner.end is EndReason.NEVER_CONNECTED


def test_a_client_that_leaves_before_the_agent_came_does_not_stop_the_clock():
    stage = Stage(CLIENT)
    stage.attached[CLIENT].disconnected(None)
    stage.clock.advance(60)
    assert stage.owner.end is EndReason.NEVER_CONNECTED


def test_a_session_of_before_a_restart_waits_for_both_sides():
    stage = Stage(connected_before=True)
    stage.clock.advance(299)
    stage.join(AGENT)
    assert stage.owner.end is None
    stage.clock.advance(1)
    assert stage.owner.end is EndReason.CLIENT_LOST


def test_after_a_restart_a_stock_agent_is_awaited_for_its_own_window_once_its_node_is_back():
    stage = Stage(connected_before=True)
    stage.relay.expect_stock_agent()
    stage.clock.advance(14)
    assert stage.owner.end is None
    stage.clock.advance(1)
    assert stage.owner.end is EndReason.AGENT_LOST


def test_a_node_that_is_back_changes_nothing_for_an_agent_that_is_there_or_known():
    there, ours = Stage(CLIENT, AGENT, connected_before=True), Stage(CLIENT, AGENT)
    ours.attached[AGENT].disconnected(None)
    for stage in (there, ours):
        stage.relay.expect_stock_agent()
        stage.clock.advance(16)
        assert stage.owner.end is None


def test_stream_data_and_nothing_else_keeps_a_session_from_being_idle():
    stage = Stage(CLIENT, AGENT, settings=GatewaySettings(idle_timeout_s=1200))
    stage.clock.advance(1000)
    stage.send(CLIENT, INPUT)
    stage.clock.advance(1000)
    stage.send(AGENT, ACK, frame(m.AGENT_SESSION_STATE))
    stage.clock.advance(199)
    assert stage.owner.end is None
    stage.clock.advance(1)
    assert stage.owner.end is EndReason.IDLE_TIMEOUT


def test_the_idle_time_of_a_session_goes_before_the_setting():
    stage = Stage(CLIENT, AGENT, settings=GatewaySettings(idle_timeout_s=1200), idle_timeout_s=60.0)
    stage.clock.advance(59)
    assert stage.owner.end is None
    stage.clock.advance(1)
    assert stage.owner.end is EndReason.IDLE_TIMEOUT


def test_a_session_ends_after_its_longest_time_however_busy():
    stage = Stage(CLIENT, AGENT, end_within_s=100.0)
    for _ in range(99):
        stage.clock.advance(1)
        stage.send(CLIENT, INPUT)
    assert stage.owner.end is None
    stage.clock.advance(1)
    assert stage.owner.end is EndReason.MAX_DURATION


def test_a_session_whose_time_was_over_while_the_server_was_down_ends_at_once():
    stage = Stage(end_within_s=-5.0, connected_before=True)
    stage.clock.advance(0)
    assert stage.owner.end is EndReason.MAX_DURATION


def test_finishing_tells_the_client_reads_both_sides_and_stops_every_timer():
    stage = Stage(CLIENT, AGENT)
    stage.congest(CLIENT)
    stage.relay.finish(frame(m.CHANNEL_CLOSED))
    assert stage.sockets[CLIENT].types == [m.CHANNEL_CLOSED]
    assert stage.sockets[AGENT].is_reading
    stage.attached[AGENT].disconnected(None)
    stage.clock.advance(100_000)
    assert stage.owner.end is None
    assert stage.sockets[AGENT].pongs == 0


def test_after_the_end_no_side_waits_for_the_other():
    stage = Stage(CLIENT, AGENT)
    stage.relay.finish(frame(m.CHANNEL_CLOSED))
    stage.congest(AGENT)
    stage.relay.close_side(CLIENT, 1000, "")
    stage.clock.advance(100_000)
    assert stage.sockets[CLIENT].is_reading
    assert stage.sockets[CLIENT].pongs == 0


def test_finishing_and_closing_a_session_that_nobody_joined_is_harmless():
    stage = Stage()
    stage.relay.finish(frame(m.CHANNEL_CLOSED))
    stage.relay.tell_agent(frame(m.CHANNEL_CLOSED))
    stage.relay.close_side(AGENT, 1000, "")


def test_the_owner_can_speak_to_the_agent_and_close_a_side():
    stage = Stage(CLIENT, AGENT)
    stage.relay.tell_agent(frame(m.CHANNEL_CLOSED))
    stage.relay.close_side(CLIENT, 1012, "restart")
    assert stage.sockets[AGENT].types == [m.CHANNEL_CLOSED]
    assert stage.sockets[CLIENT].closed == (1012, "restart")


# -- with a stock end --


def message(kind: bytes, number: int, payload_type: int = m.PayloadType.OUTPUT) -> bytes:
    return frame(kind, sequence_number=number, payload_type=payload_type)


def output(number: int) -> bytes:
    return message(m.OUTPUT_STREAM_DATA, number)


COPY_BYTES = len(output(0)) + COPY_OVERHEAD_BYTES


def acknowledged(kind: bytes, number: int) -> bytes:
    return frame(m.ACKNOWLEDGE, encode_one(kind, bytes(16), number))


def numbers(socket: FakeSocket) -> list[tuple[bytes, int]]:
    """What went out on a socket: each frame's type and the number that it has, or acknowledges."""
    found = []
    for each in socket.wire:
        decoded = m.decode(each)
        is_ack = decoded.message_type == m.ACKNOWLEDGE
        number = parse_acknowledgement(decoded.payload).sequence if is_ack else decoded.sequence_number
        found.append((decoded.message_type, number))
    return found


def stock_pair(**options) -> Stage:
    return Stage(CLIENT, AGENT, is_ours=False, **options)


@pytest.mark.parametrize("stock", [CLIENT, AGENT])
@pytest.mark.parametrize("first", [CLIENT, AGENT])
def test_one_stock_end_is_enough_for_the_gateway_to_assist_whichever_comes_first(stock, first):
    stage = Stage()
    second = AGENT if first is CLIENT else CLIENT
    stage.join(first, is_ours=first is not stock)
    kind = m.INPUT_STREAM_DATA if first is CLIENT else m.OUTPUT_STREAM_DATA
    early = [message(kind, number) for number in range(3)]
    stage.send(first, *early)
    assert stage.join(second, is_ours=second is not stock).wire == early
    stage.send(second, acknowledged(kind, 1))
    stage.attached[second].disconnected(None)
    back = stage.join(second, is_ours=second is not stock)
    assert numbers(back) == [(kind, 0), (kind, 2)]


def test_between_our_own_ends_nothing_is_given_again():
    stage = Stage(CLIENT, AGENT)
    stage.send(AGENT, output(0))
    stage.attached[CLIENT].disconnected(None)
    assert stage.join(CLIENT).wire == []
    assert stage.budget.used == 0


def test_a_message_that_was_acknowledged_is_answered_and_not_passed_on():
    stage = stock_pair()
    stage.send(AGENT, output(0))
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    stage.send(AGENT, output(1), output(0))
    assert stage.sockets[CLIENT].wire == [output(0), output(1)]
    assert numbers(stage.sockets[AGENT]) == [(m.ACKNOWLEDGE, 0), (m.ACKNOWLEDGE, 0)]


def test_a_side_that_does_not_read_gets_no_answers_to_its_copies():
    stage = stock_pair()
    stage.send(AGENT, output(0))
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    stage.sockets[AGENT].writes.clear()
    stage.congest(AGENT)
    stage.send(AGENT, *[output(0)] * 100)
    stage.relay.finish(frame(m.CHANNEL_CLOSED))
    stage.sockets[AGENT].writes.clear()
    stage.send(AGENT, *[output(0)] * 100)
    assert stage.sockets[AGENT].wire == []
    stage.congest(AGENT, congested=False)
    stage.send(AGENT, output(0))
    assert numbers(stage.sockets[AGENT]) == [(m.ACKNOWLEDGE, 0)]


def test_a_message_that_was_not_acknowledged_is_passed_on_again():
    stage = stock_pair()
    stage.send(AGENT, output(0), output(0))
    assert stage.sockets[CLIENT].wire == [output(0), output(0)]


def test_what_came_before_its_turn_follows_again_once_the_gap_is_filled():
    stage = stock_pair()
    stage.send(AGENT, output(0), output(2), output(3))
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0), acknowledged(m.OUTPUT_STREAM_DATA, 2))
    stage.sockets[CLIENT].writes.clear()
    stage.send(AGENT, output(1))
    assert stage.sockets[CLIENT].wire == [output(1), output(3)]


def test_only_what_is_new_counts_as_data_and_as_activity():
    stage = stock_pair(settings=GatewaySettings(idle_timeout_s=100))
    stage.send(AGENT, output(0))
    stage.clock.advance(60)
    stage.send(AGENT, output(0))
    assert stage.relay.bytes_to_client == len(b"payload")
    stage.clock.advance(40)
    assert stage.owner.end is EndReason.IDLE_TIMEOUT


def test_a_side_that_comes_back_reads_acknowledgements_first_then_the_rest_in_one_write():
    stage = stock_pair()
    stage.send(CLIENT, message(m.INPUT_STREAM_DATA, 0))
    stage.send(AGENT, acknowledged(m.INPUT_STREAM_DATA, 0), output(0))
    stage.attached[CLIENT].disconnected(None)
    stage.send(AGENT, output(1), acknowledged(m.INPUT_STREAM_DATA, 0))
    back = stage.join(CLIENT, is_ours=False)
    assert len(back.writes) == 1
    assert numbers(back) == [
        (m.ACKNOWLEDGE, 0),
        (m.ACKNOWLEDGE, 0),
        (m.OUTPUT_STREAM_DATA, 0),
        (m.OUTPUT_STREAM_DATA, 1),
    ]


def test_acknowledgements_that_a_stock_client_will_never_repeat_are_made_for_it():
    stage = stock_pair()
    stage.send(AGENT, output(0), output(1))
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    stage.attached[CLIENT].disconnected(None)
    stage.join(CLIENT, is_ours=False)
    stage.send(AGENT, output(2))
    stage.sockets[AGENT].writes.clear()
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 2))
    assert numbers(stage.sockets[AGENT]) == [(m.ACKNOWLEDGE, 1), (m.ACKNOWLEDGE, 2)]


def test_a_side_is_not_read_while_the_room_for_its_messages_is_full():
    stage = stock_pair(settings=GatewaySettings(max_assist_bytes=2 * COPY_BYTES, idle_timeout_s=1000))
    stage.send(AGENT, output(0))
    assert stage.sockets[AGENT].is_reading
    stage.send(AGENT, output(1))
    assert not stage.sockets[AGENT].is_reading
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    assert stage.sockets[AGENT].is_reading


def test_a_side_is_not_read_while_as_much_waits_for_its_peer_that_is_away():
    stage = stock_pair(settings=GatewaySettings(max_assist_bytes=2 * COPY_BYTES, idle_timeout_s=1000))
    stage.attached[CLIENT].disconnected(None)
    stage.send(AGENT, output(0), output(1))
    assert not stage.sockets[AGENT].is_reading
    assert numbers(stage.join(CLIENT, is_ours=False)) == [(m.OUTPUT_STREAM_DATA, n) for n in (0, 1)]
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    assert stage.sockets[AGENT].is_reading


def test_what_our_client_said_before_a_stock_agent_came_back_after_a_restart_reaches_it():
    stage = Stage(connected_before=True)
    stage.join(CLIENT, is_ours=True)
    ack = acknowledged(m.OUTPUT_STREAM_DATA, 7)
    stage.send(CLIENT, ack, message(m.INPUT_STREAM_DATA, 9))
    assert stage.join(AGENT, is_ours=False).wire == [ack, message(m.INPUT_STREAM_DATA, 9)]


def test_a_padded_head_is_kept_and_remembered_like_any_other():
    stage = stock_pair()
    padded = bytearray(output(0))
    padded[4:36] = m.OUTPUT_STREAM_DATA.ljust(32, b"\0")
    stage.send(AGENT, bytes(padded))
    stage.attached[CLIENT].disconnected(None)
    assert stage.join(CLIENT, is_ours=False).wire == [padded]


# -- the end, with a stock agent --


def flag(number: int, value: int) -> bytes:
    payload = value.to_bytes(4, "big")
    return frame(m.INPUT_STREAM_DATA, payload, sequence_number=number, payload_type=m.PayloadType.FLAG)


def test_a_stock_agent_that_is_told_to_end_is_reminded_first_of_what_was_acknowledged():
    stage = stock_pair()
    stage.send(AGENT, output(0))
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    stage.sockets[AGENT].writes.clear()
    stage.send(CLIENT, flag(0, m.PayloadFlag.DISCONNECT_TO_PORT), flag(1, m.PayloadFlag.TERMINATE_SESSION))
    assert numbers(stage.sockets[AGENT]) == [
        (m.INPUT_STREAM_DATA, 0),
        (m.ACKNOWLEDGE, 0),
        (m.INPUT_STREAM_DATA, 1),
    ]


def test_a_stock_agent_is_reminded_as_well_when_its_client_leaves():
    stage = stock_pair()
    stage.send(AGENT, output(0))
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    stage.attached[CLIENT].disconnected(None)
    assert numbers(stage.sockets[AGENT]) == [(m.ACKNOWLEDGE, 0), (m.ACKNOWLEDGE, 0)]


def test_a_stock_agent_that_does_not_read_is_not_reminded_however_often_its_client_asks_for_the_end():
    stage = stock_pair()
    stage.send(AGENT, output(0))
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    stage.sockets[AGENT].writes.clear()
    stage.sockets[AGENT].is_congested = True
    ends = [flag(number, m.PayloadFlag.TERMINATE_SESSION) for number in range(3)]
    stage.send(CLIENT, *ends)
    assert stage.sockets[AGENT].wire == ends


def test_our_agent_needs_no_reminder():
    stage = Stage()
    stage.join(CLIENT, is_ours=False)
    stage.join(AGENT)
    stage.send(AGENT, output(0))
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    stage.sockets[AGENT].writes.clear()
    stage.send(CLIENT, flag(0, m.PayloadFlag.TERMINATE_SESSION))
    assert stage.sockets[AGENT].types == [m.INPUT_STREAM_DATA]


def _completed(stage: Stage) -> None:
    stage.relay.end_when_output_is_delivered(EndReason.AGENT_ENDED, "")


def test_an_end_that_a_stock_agent_reports_waits_until_the_client_has_read_everything():
    stage = stock_pair()
    stage.send(AGENT, output(0), output(1))
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    stage.attached[AGENT].disconnected(None)
    _completed(stage)
    assert stage.owner.end is None
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 1))
    assert stage.owner.end is EndReason.AGENT_ENDED


def test_it_waits_for_what_was_not_even_read_from_the_agent_yet():
    stage = stock_pair()
    stage.congest(CLIENT)
    _completed(stage)
    assert stage.owner.end is None
    stage.congest(CLIENT, False)
    stage.send(AGENT, output(0))
    stage.attached[AGENT].disconnected(None)
    assert stage.owner.end is None
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    assert stage.owner.end is EndReason.AGENT_ENDED


def test_it_does_not_wait_for_ever():
    stage = stock_pair()
    stage.send(AGENT, output(0))
    stage.attached[AGENT].disconnected(None)
    _completed(stage)
    stage.clock.advance(29)
    assert stage.owner.end is None
    stage.clock.advance(1)
    assert stage.owner.end is EndReason.AGENT_ENDED


def test_it_waits_for_no_stock_client_that_has_left():
    leaves_before, leaves_after = stock_pair(), stock_pair()
    for stage in (leaves_before, leaves_after):
        stage.send(AGENT, output(0))
        stage.attached[AGENT].disconnected(None)
    leaves_before.attached[CLIENT].disconnected(None)
    _completed(leaves_before)
    _completed(leaves_after)
    assert leaves_after.owner.end is None
    leaves_after.attached[CLIENT].disconnected(None)
    assert leaves_before.owner.end is leaves_after.owner.end is EndReason.AGENT_ENDED


def test_a_client_of_ours_may_come_back_for_the_last_output():
    stage = Stage()
    stage.join(CLIENT)
    stage.join(AGENT, is_ours=False)
    stage.send(AGENT, output(0))
    stage.attached[AGENT].disconnected(None)
    _completed(stage)
    stage.attached[CLIENT].disconnected(None)
    assert stage.join(CLIENT).wire == [output(0)]
    assert stage.owner.end is None
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    assert stage.owner.end is EndReason.AGENT_ENDED


def test_an_end_that_our_agent_reports_waits_for_nothing():
    stage = Stage()
    stage.join(CLIENT, is_ours=False)
    stage.join(AGENT)
    stage.send(AGENT, output(0))
    _completed(stage)
    assert stage.owner.end is EndReason.AGENT_ENDED


def test_after_the_end_a_stock_agent_gets_every_acknowledgement_that_it_may_wait_for():
    stage = stock_pair()
    stage.send(AGENT, output(0), output(1))
    stage.send(CLIENT, acknowledged(m.OUTPUT_STREAM_DATA, 0))
    stage.relay.end(EndReason.TERMINATED_BY_API, "")
    stage.sockets[AGENT].writes.clear()
    stage.relay.finish(frame(m.CHANNEL_CLOSED))
    stage.send(AGENT, output(2), frame(m.ACKNOWLEDGE), b"short")
    assert numbers(stage.sockets[AGENT]) == [(m.ACKNOWLEDGE, number) for number in (0, 1, 2)]
    assert numbers(stage.sockets[CLIENT])[:2] == [(m.OUTPUT_STREAM_DATA, 0), (m.OUTPUT_STREAM_DATA, 1)]
    assert stage.sockets[CLIENT].types[2:] == [m.CHANNEL_CLOSED]
    assert stage.budget.used == 0


def test_after_the_end_our_agent_gets_none():
    stage = Stage()
    stage.join(CLIENT, is_ours=False)
    stage.join(AGENT)
    stage.send(AGENT, output(0))
    stage.relay.end(EndReason.TERMINATED_BY_API, "")
    stage.relay.finish(frame(m.CHANNEL_CLOSED))
    stage.send(AGENT, output(1))
    assert stage.sockets[AGENT].wire == []
