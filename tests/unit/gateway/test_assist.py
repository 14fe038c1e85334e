"""What the gateway remembers of a session with a stock end, with neither socket nor time."""

import json
from datetime import UTC, datetime

import pytest

from fairlead.domain.sessions import ChannelSide
from fairlead.gateway.assist import COPY_OVERHEAD_BYTES, Assist, CopyBudget, Verdict
from fairlead.gateway.messages import Messages
from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol import message as m
from fairlead.protocol.acknowledgements import encode_cumulative, encode_one
from fairlead.protocol.message_ids import format_message_id

CLIENT, AGENT = ChannelSide.CLIENT, ChannelSide.AGENT
MESSAGES = Messages(lambda: datetime(2026, 11, 20, tzinfo=UTC), bytes(10))
FRAME_BYTES = 200
COPY_BYTES = FRAME_BYTES + COPY_OVERHEAD_BYTES


def output(number: int, payload_type: int = m.PayloadType.OUTPUT) -> bytes:
    """A message of the agent; its id is made of its number."""
    return m.make_frame(
        m.OUTPUT_STREAM_DATA,
        bytes(FRAME_BYTES - m.HEADER_BYTES),
        message_id=number.to_bytes(16, "big"),
        created_date=1,
        sequence_number=number,
        payload_type=payload_type,
    )


def ack_frame(payload: bytes) -> bytes:
    return m.make_frame(m.ACKNOWLEDGE, payload, message_id=bytes(16), created_date=1, flags=m.FLAG_SYN_FIN)


def ack(number: int) -> bytes:
    """The client acknowledges output."""
    return ack_frame(encode_one(m.OUTPUT_STREAM_DATA, number.to_bytes(16, "big"), number))


def contents(frames: list[bytes]) -> list[tuple[bytes, int]]:
    """The type of each frame, and the number it has, or acknowledges."""
    found = []
    for frame in frames:
        decoded = m.decode(frame)
        number = decoded.sequence_number
        if decoded.message_type == m.ACKNOWLEDGE:
            number = json.loads(decoded.payload)["AcknowledgedMessageSequenceNumber"]
        found.append((decoded.message_type, number))
    return found


def outputs(*numbers: int) -> list[tuple[bytes, int]]:
    return [(m.OUTPUT_STREAM_DATA, number) for number in numbers]


def acks(*numbers: int) -> list[tuple[bytes, int]]:
    return [(m.ACKNOWLEDGE, number) for number in numbers]


class Scene:
    """A stock agent that sends, and a client that acknowledges."""

    def __init__(self, *, client_is_ours: bool = False, budget: CopyBudget | None = None, **settings) -> None:
        self.settings = GatewaySettings(**settings)
        self.budget = budget or CopyBudget(self.settings.max_assist_total_bytes)
        self.assist = Assist(self.settings, self.budget, MESSAGES.acknowledge)
        self.client_is_ours = client_is_ours
        self.assist.welcome(AGENT, is_ours=False)
        self.client_returns()

    def send(self, *numbers: int, there: bool = True) -> list[Verdict]:
        return [self.assist.take_message(AGENT, output(n), is_passed_on=there) for n in numbers]

    def acknowledge(self, *numbers: int) -> list[tuple[bytes, int]]:
        return contents([each for n in numbers for each in self.assist.take_acknowledgement(CLIENT, ack(n))])

    def client_returns(self) -> list[tuple[bytes, int]]:
        return contents(self.assist.welcome(CLIENT, is_ours=self.client_is_ours))

    def agent_returns(self) -> list[tuple[bytes, int]]:
        return contents(self.assist.welcome(AGENT, is_ours=False))


def test_a_message_is_new_then_repeated_then_acknowledged():
    scene = Scene()
    assert scene.send(0, 0) == [Verdict.NEW, Verdict.REPEATED]
    scene.acknowledge(0)
    assert scene.send(0) == [Verdict.ACKNOWLEDGED]


def test_the_answer_to_an_acknowledged_message_names_what_its_first_acknowledgement_named():
    answer = m.decode(Scene().assist.answer(output(7)))
    assert answer.message_type == m.ACKNOWLEDGE
    assert answer.flags == m.FLAG_SYN_FIN
    assert answer.created_date > 0
    assert json.loads(answer.payload) == {
        "AcknowledgedMessageType": "output_stream_data",
        "AcknowledgedMessageId": format_message_id((7).to_bytes(16, "big")),
        "AcknowledgedMessageSequenceNumber": 7,
        "IsSequentialMessage": True,
    }


def test_a_side_that_comes_back_gets_what_it_has_not_acknowledged_in_order():
    scene = Scene()
    scene.send(0, 1, 3, 2, 4)
    scene.acknowledge(0, 3)
    assert scene.client_returns() == outputs(1, 2, 4)


def test_what_is_given_again_is_what_was_sent():
    scene = Scene()
    scene.send(0)
    assert scene.assist.welcome(CLIENT, is_ours=False) == [output(0)]


def test_a_side_that_comes_back_is_told_again_what_was_acknowledged():
    scene = Scene(max_recent_acknowledgements=2)
    scene.send(0, 1, 2, 3)
    scene.acknowledge(0, 1, 2)
    assert scene.agent_returns() == acks(1, 2)


def test_the_directions_do_not_mix():
    scene = Scene()
    scene.send(0)
    frame = m.make_frame(m.INPUT_STREAM_DATA, b"x", message_id=bytes(16), created_date=1, sequence_number=0)
    assert scene.assist.take_message(CLIENT, frame, is_passed_on=True) is Verdict.NEW
    scene.acknowledge(0)
    assert scene.assist.take_message(CLIENT, frame, is_passed_on=True) is Verdict.REPEATED
    assert scene.agent_returns() == [*acks(0), (m.INPUT_STREAM_DATA, 0)]


def test_an_acknowledgement_of_what_never_came_is_not_remembered():
    scene = Scene()
    scene.acknowledge(5)
    assert scene.send(5) == [Verdict.NEW]


def test_a_cumulative_acknowledgement_covers_all_before_it():
    scene = Scene()
    scene.send(0, 1, 2, 3)
    payload = encode_cumulative(m.OUTPUT_STREAM_DATA, bytes(16), 2, 3)
    assert scene.assist.take_acknowledgement(CLIENT, ack_frame(payload)) == []
    assert scene.client_returns() == outputs(3)


def test_an_acknowledgement_that_cannot_be_read_teaches_nothing():
    scene = Scene()
    scene.send(0)
    assert scene.assist.take_acknowledgement(CLIENT, ack_frame(b"[]")) == []
    assert scene.client_returns() == outputs(0)


def test_after_a_restart_of_the_gateway_it_begins_with_what_it_sees():
    scene = Scene()
    assert scene.send(500, 501, 502) == [Verdict.NEW] * 3
    scene.acknowledge(400, 501)
    assert scene.send(400, 501) == [Verdict.NEW, Verdict.ACKNOWLEDGED]
    assert scene.client_returns() == outputs(400, 500, 502)


# -- the client that never acknowledges again --


def test_a_stock_client_that_is_silent_about_a_number_has_had_it():
    scene = Scene()
    scene.send(0, 1, 2, 3)
    scene.acknowledge(0)
    assert scene.client_returns() == outputs(
        1, 2, 3
    )  # it had 1 and 2, and said so on the connection that broke
    assert scene.acknowledge(3) == acks(1, 2)
    assert scene.send(1, 2, 3) == [Verdict.ACKNOWLEDGED] * 3
    scene.send(4, 5)
    assert scene.acknowledge(5) == []  # 4 was sent on this connection only


def test_a_later_message_shows_it_as_well():
    scene = Scene()
    scene.send(0, 1)
    scene.acknowledge(0)
    scene.client_returns()
    scene.send(2)
    assert scene.acknowledge(2) == acks(1)


@pytest.mark.parametrize(
    ("sent", "acknowledged", "then"),
    [
        ([0, 1, 2], [], 2),
        ([0, 2, 3], [0], 3),
        ([0, 1, 3, 2], [0], 3),
        ([10, 11, 12], [10], 12),
    ],
    ids=["its stdout was not ready", "one is missing", "they came out of order", "the beginning is unknown"],
)
def test_silence_proves_nothing_where_something_may_have_been_put_aside(sent, acknowledged, then):
    scene = Scene()
    scene.send(*sent)
    scene.acknowledge(*acknowledged)
    if sent == [0, 1, 3, 2]:  # in order once they are all here and given again
        assert scene.acknowledge(then) == []
        return
    scene.client_returns()
    assert scene.acknowledge(then) == []


def test_silence_proves_nothing_of_what_was_passed_on_without_a_copy():
    scene = Scene(budget=CopyBudget(COPY_BYTES * 3))
    scene.send(0, 1, 2, 3)
    scene.acknowledge(0)
    assert scene.client_returns() == outputs(1, 2)
    scene.send(4)
    assert scene.acknowledge(4) == []


def test_the_silence_of_a_client_of_ours_proves_nothing():
    scene = Scene(client_is_ours=True)
    scene.send(0, 1, 2)
    scene.acknowledge(0)
    scene.client_returns()
    assert scene.acknowledge(2) == []
    assert scene.client_returns() == outputs(1)


def test_handshake_messages_do_not_make_a_client_ready():
    scene = Scene()
    for number in (0, 1):
        frame = output(number, m.PayloadType.HANDSHAKE_REQUEST)
        scene.assist.take_message(AGENT, frame, is_passed_on=True)
    scene.send(2, 3)
    scene.acknowledge(0, 1)
    scene.client_returns()
    assert scene.acknowledge(3) == []


# -- gaps --


def test_when_a_gap_is_filled_all_behind_it_that_is_not_acknowledged_is_given_again():
    scene = Scene()
    assert scene.send(0, 2, 4, 5) == [Verdict.NEW] * 4
    scene.acknowledge(2)
    assert scene.send(1) == [Verdict.NEW]  # 3 is still missing
    assert scene.send(3) == [Verdict.FILLS_GAP]
    assert contents(scene.assist.behind_gap(AGENT, output(3))) == outputs(4, 5)
    assert scene.send(6) == [Verdict.NEW]


def test_a_side_with_a_gap_is_read_on_when_the_room_is_full():
    scene = Scene(max_assist_bytes=COPY_BYTES * 2)
    scene.send(0, 2, 3)
    assert not scene.assist.must_wait(AGENT)
    used = scene.budget.used
    scene.send(4)
    assert scene.budget.used == used
    scene.send(1)
    assert scene.assist.must_wait(AGENT)


# -- room --


def test_a_side_whose_messages_fill_the_room_must_wait_until_some_are_acknowledged():
    scene = Scene(max_assist_bytes=COPY_BYTES * 2)
    scene.send(0)
    assert not scene.assist.must_wait(AGENT)
    scene.send(1)
    assert scene.assist.must_wait(AGENT)
    assert scene.assist.has_waited_enough(AGENT)
    scene.acknowledge(0)
    assert not scene.assist.must_wait(AGENT)


def test_what_was_read_already_is_kept_all_the_same():
    scene = Scene(max_assist_bytes=COPY_BYTES)
    scene.send(0, 1, 2)
    assert scene.client_returns() == outputs(0, 1, 2)


def test_both_sides_never_wait_for_each_other_and_then_nothing_more_is_kept():
    scene = Scene(max_assist_bytes=COPY_BYTES)
    scene.send(0)
    for number in range(3):
        frame = m.make_frame(
            m.INPUT_STREAM_DATA, bytes(80), message_id=bytes(16), created_date=1, sequence_number=number
        )
        scene.assist.take_message(CLIENT, frame, is_passed_on=True)
    assert not scene.assist.must_wait(AGENT)
    assert not scene.assist.must_wait(CLIENT)
    used = scene.budget.used
    assert scene.send(1) == [Verdict.NEW]
    assert scene.budget.used == used
    scene.acknowledge(1)
    assert scene.send(1) == [Verdict.ACKNOWLEDGED]


def test_without_a_budget_messages_are_passed_on_and_not_kept():
    budget = CopyBudget(COPY_BYTES)
    first, second = Scene(budget=budget), Scene(budget=budget)
    first.send(0)
    assert second.send(0) == [Verdict.NEW]
    assert second.client_returns() == []
    assert not second.assist.must_wait(AGENT)


def test_without_a_budget_a_side_whose_peer_is_away_waits_sooner_and_loses_nothing():
    scene = Scene(budget=CopyBudget(COPY_BYTES), max_held_bytes=COPY_BYTES * 2)
    scene.send(0, there=False)
    assert not scene.assist.has_waited_enough(AGENT)
    scene.send(1, there=False)
    assert scene.assist.has_waited_enough(AGENT)
    assert scene.client_returns() == outputs(0, 1)


def test_the_room_is_given_back():
    scene = Scene()
    scene.send(0, 1, 2)
    scene.acknowledge(1)
    assert scene.budget.used == 2 * COPY_BYTES
    scene.assist.forget()
    assert scene.budget.used == 0
    assert scene.assist.recent_acknowledgements(AGENT) == []


# -- the end --


def test_at_the_end_a_side_is_told_of_everything_that_it_may_hold():
    scene = Scene()
    scene.send(0, 1, 2)
    scene.acknowledge(0)
    assert not scene.assist.is_delivered(AGENT)
    assert contents(scene.assist.last_words(AGENT)) == acks(0, 1, 2)
    assert scene.assist.is_delivered(AGENT)
