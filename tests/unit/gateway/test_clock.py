"""Repeated calls in virtual time."""

from fairlead.gateway.clock import Repeating, Rounds
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


class Member:
    def __init__(self, clock) -> None:
        self._clock = clock
        self._began = clock.time()
        self.visits: list[float] = []

    def visit(self) -> None:
        self.visits.append(self._clock.time() - self._began)


def test_every_member_is_visited_once_in_each_turn():
    clock = FakeClock()
    rounds = Rounds(clock, 60)
    first = Member(clock)
    rounds.join(first)
    clock.advance(10.2)
    second = Member(clock)
    rounds.join(second)
    clock.advance(60)
    assert first.visits == [60]
    assert len(second.visits) == 1
    assert 59.5 <= second.visits[0] <= 60


def test_who_left_is_not_visited_and_the_others_are():
    clock = FakeClock()
    rounds = Rounds(clock, 60)
    stays, leaves = Member(clock), Member(clock)
    rounds.join(stays)
    rounds.leave(leaves, rounds.join(leaves))
    clock.advance(60)
    assert (len(stays.visits), len(leaves.visits), len(rounds)) == (1, 0, 1)


def test_a_thousand_members_have_one_timer_and_none_have_none():
    clock = FakeClock()
    rounds = Rounds(clock, 60)
    members = [Member(clock) for _ in range(1000)]
    spokes = [rounds.join(member) for member in members]
    assert clock.pending == 1
    for member, spoke in zip(members, spokes, strict=True):
        rounds.leave(member, spoke)
    clock.advance(1)
    assert clock.pending == 0


def test_a_member_may_leave_when_it_is_visited():
    clock = FakeClock()
    rounds = Rounds(clock, 60)

    class Leaver(Member):
        spoke = -1

        def visit(self) -> None:
            super().visit()
            rounds.leave(self, self.spoke)

    member = Leaver(clock)
    member.spoke = rounds.join(member)
    clock.advance(600)
    assert member.visits == [60]
