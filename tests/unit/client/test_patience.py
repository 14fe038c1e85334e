"""A first connection is insisted on while the server is busy or restarts, and not for ever."""

import pytest

from fairlead.client.patience import ABSENT_WINDOW_S, MAX_DELAY_S, Patience, delay_before
from fairlead.transport.errors import (
    ConnectError,
    ConnectionLost,
    HandshakeLostError,
    RefusedError,
    ResolveError,
    TlsError,
    UntrustedError,
    UpgradeError,
)


class World:
    """A server that fails so often, or always, and a clock that only pauses and attempts move."""

    def __init__(self, failure: Exception | None = None, times=10**6, window_s=20.0, attempt_s=0.0) -> None:
        self.now = 0.0
        self.attempts = 0
        self.said: list[str] = []
        self.goes_on = True
        self._failure = failure
        self._times = times
        self._attempt_s = attempt_s
        self._patience = Patience(
            window_s, clock=lambda: self.now, chance=lambda: 0.5, pause=self._pause, say=self.said.append
        )

    def _pause(self, seconds: float) -> bool:
        assert seconds > 0
        self.now += seconds
        return self.goes_on

    def _attempt(self) -> str:
        self.attempts += 1
        self.now += self._attempt_s
        if self._failure is not None and self.attempts <= self._times:
            raise self._failure
        return "connected"

    def insist(self) -> str:
        return self._patience.insist(self._attempt)


def test_pauses_grow_to_a_ceiling_and_differ_by_chance():
    assert all(0 < delay_before(attempt, 0.0) < delay_before(attempt, 0.99) for attempt in range(40))
    assert max(delay_before(attempt, 0.999) for attempt in range(4000)) <= MAX_DELAY_S


def test_a_server_that_answers_is_asked_once_and_nothing_is_said():
    world = World()
    assert world.insist() == "connected"
    assert (world.attempts, world.said) == (1, [])


@pytest.mark.parametrize(
    "failure",
    [
        RefusedError("refused"),
        HandshakeLostError("ended"),
        ConnectionLost("closed"),
        UpgradeError("busy", 503),
        UpgradeError("slow down", 429),
    ],
)
def test_what_passes_is_tried_again_and_that_is_said_once(failure):
    world = World(failure, times=3)
    assert world.insist() == "connected"
    assert world.attempts == 4
    assert len(world.said) == 1
    assert world.said[0].startswith(f"{failure}; trying again for up to ")


@pytest.mark.parametrize(
    "failure",
    [
        ResolveError("no such name"),
        ConnectError("no route"),
        TlsError("not TLS"),
        UntrustedError("who is that"),
        UpgradeError("no gateway", 404),
    ],
)
def test_what_no_further_try_changes_is_told_at_once(failure):
    world = World(failure)
    with pytest.raises(type(failure)):
        world.insist()
    assert (world.attempts, world.said, world.now) == (1, [], 0)


def test_a_server_that_ends_connections_is_given_up_when_the_window_has_passed():
    world = World(HandshakeLostError("ended"))
    with pytest.raises(HandshakeLostError):
        world.insist()
    assert 15 < world.now <= 20


def test_where_nothing_listens_a_few_seconds_do():
    world = World(RefusedError("refused"))
    with pytest.raises(RefusedError):
        world.insist()
    assert ABSENT_WINDOW_S / 2 < world.now <= ABSENT_WINDOW_S


def test_an_attempt_that_took_the_whole_window_was_the_only_one():
    world = World(HandshakeLostError("silence"), attempt_s=20.0)
    with pytest.raises(HandshakeLostError):
        world.insist()
    assert (world.attempts, world.said) == (1, [])


def test_without_a_window_there_is_one_attempt():
    world = World(RefusedError("refused"), window_s=0)
    with pytest.raises(RefusedError):
        world.insist()
    assert (world.attempts, world.said) == (1, [])


def test_when_it_makes_no_sense_to_go_on_the_failure_is_told():
    world = World(RefusedError("refused"))
    world.goes_on = False
    with pytest.raises(RefusedError):
        world.insist()
    assert world.attempts == 1
