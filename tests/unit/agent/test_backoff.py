"""Delays double to a cap; chance spreads them over the whole step."""

import pytest

from fairlead.agent.backoff import Backoff, Patience, ReturnDelay


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


def test_a_lost_connection_is_tried_again_soon_however_large_the_fleet():
    delay = ReturnDelay(Backoff(1, 60, highest), highest)
    delay.told(50)
    assert delay.after_loss_s() == 1


def test_behind_a_failure_the_whole_fleet_spreads():
    delay = ReturnDelay(Backoff(1, 60, highest), highest)
    delay.told(50)
    assert delay.after_failure_s() == 50
    assert ReturnDelay(Backoff(1, 60, lowest), lowest).after_failure_s() == 0


def test_what_was_told_holds_until_a_connection_has_lasted_without_a_word_of_it():
    delay = ReturnDelay(Backoff(1, 60, highest), highest)
    delay.told(50)
    delay.reset()
    assert delay.after_failure_s() == 50
    delay.reset()
    assert delay.after_failure_s() == 1


def test_a_node_that_is_wanted_does_not_wait_for_the_fleet():
    delay = ReturnDelay(Backoff(1, 60, highest), highest)
    delay.told(50)
    assert [delay.after_failure_s(is_wanted=True) for _ in range(3)] == [1, 2, 4]


def test_a_server_that_named_no_pace_is_tried_with_doubling_delays():
    delay = ReturnDelay(Backoff(1, 60, highest), highest)
    assert [delay.after_loss_s(), delay.after_failure_s(), delay.after_failure_s()] == [1, 2, 4]
    delay.reset()
    assert delay.after_loss_s() == 1


def test_the_delays_of_a_small_fleet_still_grow_while_the_server_is_away():
    delay = ReturnDelay(Backoff(1, 60, highest), highest)
    delay.told(5)
    assert [delay.after_failure_s() for _ in range(5)] == [5, 5, 5, 8, 16]


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
