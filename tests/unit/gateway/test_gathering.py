"""When the sides of a session with AWS's own programs are read, in virtual time."""

from datetime import UTC, datetime

import pytest

from fairlead.domain.sessions import ChannelSide
from fairlead.gateway.assist import Assist, CopyBudget
from fairlead.gateway.gathering import FULL_BYTES
from fairlead.gateway.messages import Messages
from fairlead.gateway.relay import Relay
from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol import message as m
from fairlead.protocol.acknowledgements import encode_one
from tests.support.gateway_fakes import FakeClock, FakeSocket, frame

CLIENT, AGENT = ChannelSide.CLIENT, ChannelSide.AGENT
MESSAGES = Messages(lambda: datetime(2026, 11, 20, tzinfo=UTC), bytes(10))
SETTINGS = GatewaySettings(gather_after_messages=4, gather_first_s=0.01, gather_longest_s=0.04)
FULL = bytes(FULL_BYTES - m.HEADER_BYTES)


class Nobody:
    """The owner of a relay."""

    def both_sides_joined(self, relay) -> None: ...
    def side_left(self, relay, side) -> None: ...


class Stage:
    """A session of two ends, and what each of them sends, numbered."""

    def __init__(self, *, client_is_ours: bool = False, agent_is_ours: bool = False) -> None:
        self.clock = FakeClock()
        budget = CopyBudget(SETTINGS.max_assist_total_bytes)
        self.relay = Relay(
            "s",
            "mi-1",
            settings=SETTINGS,
            clock=self.clock,
            owner=Nobody(),
            make_assist=lambda: Assist(SETTINGS, budget, MESSAGES.acknowledge),
        )
        self.client, self.agent = FakeSocket(), FakeSocket()
        self.from_client = self.relay.join(CLIENT, self.client, is_ours=client_is_ours)
        self.from_agent = self.relay.join(AGENT, self.agent, is_ours=agent_is_ours)
        self.output_number = 0
        self.input_number = 0

    def output(self, *payloads: bytes) -> None:
        """The agent sends, and all of it is read at once."""
        for position, payload in enumerate(payloads, 1):
            message = frame(m.OUTPUT_STREAM_DATA, payload, sequence_number=self.output_number)
            self.output_number += 1
            self.from_agent.receive_binary(message, position == len(payloads))

    def input(self, payload: bytes) -> None:
        message = frame(m.INPUT_STREAM_DATA, payload, sequence_number=self.input_number)
        self.input_number += 1
        self.from_client.receive_binary(message, True)

    def acknowledge(self) -> None:
        """The client acknowledges the output of last."""
        payload = encode_one(m.OUTPUT_STREAM_DATA, bytes(16), self.output_number - 1)
        self.from_client.receive_binary(frame(m.ACKNOWLEDGE, payload), True)

    @property
    def are_reading(self) -> tuple[bool, bool]:
        return self.client.is_reading, self.agent.is_reading


def in_bulk(**ends: bool) -> Stage:
    stage = Stage(**ends)
    for _ in range(SETTINGS.gather_after_messages):
        assert stage.are_reading == (True, True)
        stage.output(FULL)
    return stage


def test_who_sends_many_full_messages_in_a_row_is_read_again_after_a_while():
    stage = in_bulk()
    assert stage.are_reading == (True, False)
    stage.clock.advance(0.009)
    assert not stage.agent.is_reading
    stage.clock.advance(0.002)
    assert stage.agent.is_reading


def test_the_acknowledgements_of_bulk_are_read_in_batches_as_well():
    stage = in_bulk()
    stage.acknowledge()
    assert stage.are_reading == (False, False)
    stage.clock.advance(0.011)
    assert stage.are_reading == (True, True)


def test_what_was_read_is_passed_on_at_once_and_in_one_write():
    stage = in_bulk()
    stage.clock.advance(0.011)
    stage.output(*[FULL] * 8)
    assert len(stage.client.writes[-1]) == 8


def test_waits_become_longer_up_to_the_longest():
    stage, waits = in_bulk(), []
    for _ in range(6):
        began = stage.clock.time()
        while not stage.agent.is_reading:
            stage.clock.advance(0.001)
        waits.append(stage.clock.time() - began)
        stage.output(FULL, FULL)
    assert waits == pytest.approx([0.01, 0.015, 0.0225, 0.03375, 0.04, 0.04], abs=0.0021)


@pytest.mark.parametrize("payload", [b"\x03", FULL[:-1]])
def test_characters_never_wait_however_many(payload):
    stage = Stage()
    for _ in range(100):
        stage.input(payload)
        stage.output(payload)
        stage.acknowledge()
        assert stage.are_reading == (True, True)


def test_an_answer_that_ends_is_followed_by_no_wait():
    stage = in_bulk()
    stage.clock.advance(0.011)
    stage.acknowledge()
    assert stage.are_reading == (False, True)
    stage.output(FULL, b"the rest")
    assert stage.are_reading == (True, True)
    stage.output(FULL)
    assert stage.are_reading == (True, True)


def test_a_message_that_is_not_full_amid_bulk_changes_nothing():
    stage = in_bulk()
    stage.clock.advance(0.011)
    stage.output(FULL, b"the end of a packet of ssh", FULL)
    assert not stage.agent.is_reading


def test_short_answers_in_turns_are_not_bulk():
    stage = Stage()
    for _ in range(20):
        stage.input(b"question")
        for payload in (FULL, FULL, FULL, b"the rest"):
            stage.output(payload)
            assert stage.are_reading == (True, True)


def test_bulk_that_ceases_on_a_full_message_is_waited_for_twice():
    stage = in_bulk()
    stage.clock.advance(0.011)
    stage.clock.advance(0.016)
    stage.output(b"\x03")
    stage.output(FULL)
    assert stage.are_reading == (True, True)


def test_our_own_end_is_read_at_once_when_it_sends_larger_messages():
    stage = in_bulk(client_is_ours=True)
    stage.input(bytes(FULL_BYTES))
    assert stage.are_reading == (True, False)


def test_full_messages_of_our_own_end_are_not_gathered():
    stage = Stage(agent_is_ours=True)
    for _ in range(20):
        stage.output(FULL)
    assert stage.are_reading == (True, True)


def test_a_side_that_must_not_be_read_for_another_reason_is_not():
    stage = in_bulk()
    stage.client.is_congested = True
    stage.from_client.congested()
    stage.clock.advance(0.011)
    assert not stage.agent.is_reading
    stage.client.is_congested = False
    stage.from_client.drained()
    assert stage.agent.is_reading


def test_a_socket_that_was_replaced_is_left_alone():
    stage = in_bulk()
    older, stage.agent = stage.agent, FakeSocket()
    stage.from_agent = stage.relay.join(AGENT, stage.agent, is_ours=False)
    stage.clock.advance(0.011)
    assert not older.is_reading
    assert stage.agent.is_reading


def test_at_the_end_both_sides_are_read():
    stage = in_bulk()
    stage.acknowledge()
    stage.relay.finish(b"over")
    assert stage.are_reading == (True, True)
    stage.clock.advance(1)
    assert stage.are_reading == (True, True)


def test_a_relay_that_is_suspended_reads_on():
    stage = in_bulk()
    stage.relay.suspend()
    assert stage.are_reading == (True, True)
