"""Delays double to a cap; chance spreads them over the whole step."""

import pytest

from fairlead.agent.backoff import Backoff, Patience


def highest(low, high):
    return high


def lowest(low, high):
    return low


def test_steps_double_to_the_cap():
    backoff = Backoff(2.5, 60, highest)
    assert [backoff.next_delay_s() for _ in range(7)] == [2.5, 5, 10, 20, 40, 60, 60]


def test_the_draw_goes_down_to_zero_unless_a_least_part_is_set():
    assert Backoff(2.5, 60, lowest).next_delay_s() == 0
    assert Backoff(2.5, 60, lowest, least=0.5).next_delay_s() == 1.25


def test_a_success_starts_over():
    backoff = Backoff(1, 8, highest)
    backoff.next_delay_s()
    backoff.next_delay_s()
    backoff.reset()
    assert backoff.next_delay_s() == 1


@pytest.mark.parametrize(("first", "cap"), [(0, 1), (-1, 1), (2, 1)])
def test_impossible_steps_are_refused(first, cap):
    with pytest.raises(ValueError, match="above zero and not above the cap"):
        Backoff(first, cap, highest)


def test_a_wait_in_vain_makes_the_next_one_longer_up_to_the_cap_and_an_answer_ends_that():
    patience = Patience(15, 60)
    waits = []
    for _ in range(4):
        waits.append(patience.wait_s)
        patience.waited_in_vain(patience.wait_s)
    assert waits == [15, 30, 60, 60]
    patience.answered()
    assert patience.wait_s == 15


def test_waits_in_vain_at_the_same_time_count_as_one():
    patience = Patience(15, 60)
    for _ in range(3):
        patience.waited_in_vain(15)
    assert patience.wait_s == 30


def test_a_first_wait_above_the_cap_stays():
    patience = Patience(120, 60)
    patience.waited_in_vain(120)
    assert patience.wait_s == 120
