"""Repeated calls in virtual time."""

from fairlead.gateway.clock import Repeating
from tests.support.gateway_fakes import FakeClock


def moments(delays, lasting=float("inf"), until=100.0):
    clock, seen = FakeClock(), []
    start = clock.time()
    Repeating(clock, lambda: seen.append(clock.time() - start), delays, lasting)
    clock.advance(until)
    return seen


def test_the_last_delay_repeats():
    assert moments((2.0, 4.0), until=15) == [2, 6, 10, 14]


def test_it_ends_when_its_time_is_over():
    assert moments((1.0,), lasting=3.5) == [1, 2, 3]


def test_cancelled_it_is_silent():
    clock, seen = FakeClock(), []
    repeating = Repeating(clock, lambda: seen.append(1), (1.0,))
    clock.advance(1)
    repeating.cancel()
    repeating.cancel()
    clock.advance(10)
    assert seen == [1]


def test_cancelled_by_what_it_calls_it_is_silent():
    clock, seen = FakeClock(), []

    def act():
        seen.append(1)
        repeating.cancel()

    repeating = Repeating(clock, act, (1.0,))
    clock.advance(10)
    assert seen == [1]
