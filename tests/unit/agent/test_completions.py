"""Ends of sessions: sent again until acknowledged, at once on a new channel, bounded."""

import pytest

from fairlead.agent.completions import MAX_OUTPUT_CHARACTERS, MAX_PENDING, Completions, retry_delay_s
from fairlead.protocol.control_channel import TaskComplete
from fairlead.protocol.message_ids import MessageIds, format_message_id


def completions():
    return Completions(MessageIds(b"0123456789").next_id)


def done(session_id="alice-1", output=""):
    return TaskComplete(session_id, "Success", "mi-1", output)


def test_a_completion_is_due_at_once_and_again_until_it_is_acknowledged():
    waiting = completions()
    waiting.add(done(), 5.0)
    (first,) = waiting.take_due(5.0)
    assert (first.completion.session_id, first.completion.retry_number) == ("alice-1", 1)
    assert waiting.take_due(5.9) == []
    (second,) = waiting.take_due(6.0)
    assert second.message_id == first.message_id
    assert second.completion.retry_number == 2
    assert waiting.next_due() == 7.0
    assert waiting.acknowledge(format_message_id(first.message_id))
    assert waiting.is_empty
    assert waiting.next_due() is None


def test_another_message_id_acknowledges_nothing():
    waiting = completions()
    waiting.add(done(), 0.0)
    assert not waiting.acknowledge(format_message_id(bytes(16)))
    assert not waiting.is_empty


def test_later_copies_come_more_and_more_slowly():
    assert [retry_delay_s(copies) for copies in (1, 2, 3, 4, 5, 8, 9, 100)] == [1, 1, 1, 2, 4, 32, 60, 60]


def test_on_a_new_channel_everything_is_due_with_the_shortest_delay_again():
    waiting = completions()
    waiting.add(done("alice-1"), 0.0)
    waiting.add(done("bob-1"), 0.0)
    for now in (0.0, 1.0, 2.0, 3.0, 5.0):
        waiting.take_due(now)
    assert waiting.next_due() == 9.0
    waiting.connection_restored(6.0)
    assert len(waiting.take_due(6.0)) == 2
    assert waiting.next_due() == 7.0


def test_the_same_session_again_means_another_copy_of_the_same_message():
    waiting = completions()
    waiting.add(done(), 0.0)
    (first,) = waiting.take_due(0.0)
    waiting.add(done(), 0.3)
    (second,) = waiting.take_due(0.3)
    assert second.message_id == first.message_id
    assert len(waiting.pending) == 1


def test_a_gateway_that_acknowledges_nothing_makes_the_oldest_be_forgotten():
    waiting = completions()
    forgotten = [waiting.add(done(f"alice-{number}"), 0.0) for number in range(MAX_PENDING + 2)]
    assert forgotten[:MAX_PENDING] == [None] * MAX_PENDING
    assert forgotten[MAX_PENDING:] == ["alice-0", "alice-1"]
    assert len(waiting.pending) == MAX_PENDING


def test_a_long_text_is_cut():
    waiting = completions()
    waiting.add(done(output="x" * 100_000), 0.0)
    assert len(waiting.pending[0].completion.output) == MAX_OUTPUT_CHARACTERS


def test_a_successor_sends_the_same_message_and_goes_on_counting():
    before, after = completions(), completions()
    before.add(done(), 0.0)
    (sent,) = before.take_due(0.0)
    after.take_over(before.pending, 100.0)
    (again,) = after.take_due(100.0)
    assert (again.message_id, again.completion.retry_number) == (sent.message_id, 2)


@pytest.mark.parametrize("now", [0.0, 1e9])
def test_nothing_waits_at_first(now):
    waiting = completions()
    assert (waiting.take_due(now), waiting.next_due(), waiting.pending) == ([], None, ())
