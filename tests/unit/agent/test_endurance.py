"""A fault in a part of the agent: logged, and the part starts again, later each time."""

import asyncio

import pytest

from fairlead.agent.endurance import FAULT_RETRY_CAP_S, STEADY_S, run_for_ever


def course(lives_s):
    """The delays between the starts of a part that fails after each of `lives_s`."""
    now, delays, lives = [0.0], [], list(lives_s)

    async def run():
        if not lives:
            raise asyncio.CancelledError
        now[0] += lives.pop(0)
        raise RuntimeError("no such luck")

    async def sleep(delay_s):
        delays.append(delay_s)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run_for_ever("heartbeat", run, lambda low, high: high, sleep=sleep, clock=lambda: now[0]))
    return delays


def test_a_fault_is_logged_and_the_part_starts_again(caplog):
    assert course([1.0]) == [1.0]
    assert "a fault in the heartbeat; it starts again in 1 s" in caplog.text
    assert "no such luck" in caplog.text


def test_fault_after_fault_takes_longer_up_to_a_limit():
    delays = course([1.0] * 12)
    assert delays[:4] == [1.0, 2.0, 4.0, 8.0]
    assert delays[-1] == FAULT_RETRY_CAP_S


def test_after_a_steady_time_the_first_delay_counts_again():
    assert course([1.0, 1.0, STEADY_S + 1]) == [1.0, 2.0, 1.0]
