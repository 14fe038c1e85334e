"""Time as an argument: what the gateway's parts need of an event loop. Tests pass a clock of their own."""

from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None:
        """Make sure that it does not; harmless after it did."""
        ...


class Clock(Protocol):
    """Monotonic seconds and calls in the future; an asyncio event loop is one."""

    def time(self) -> float: ...

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any
    ) -> Timer:  # Any: as asyncio
        ...


class Repeating:
    """Calls `act` after each of `delays`, the last of which repeats, for `lasting` seconds at most."""

    def __init__(
        self,
        clock: Clock,
        act: Callable[[], None],
        delays: tuple[float, ...],
        lasting: float = float("inf"),
    ) -> None:
        self._clock = clock
        self._act = act
        self._delays = delays
        self._ends_at = clock.time() + lasting
        self._count = 0
        self._timer: Timer | None = None
        self._schedule()

    def cancel(self) -> None:
        """Stop for good."""
        self._ends_at = float("-inf")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        delay = self._delays[min(self._count, len(self._delays) - 1)]
        if self._clock.time() + delay <= self._ends_at:
            self._timer = self._clock.call_later(delay, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._count += 1
        self._act()
        self._schedule()


class Visited(Protocol):
    """Somebody who is called on a round."""

    def visit(self) -> None: ...


class Rounds:
    """Visits every member once in `interval_s`, with one timer for all of them.

    A timer for each would take half a kilobyte of every connection that has nothing to do. The members stand
    on the spokes of a wheel, of which one is visited at a time: a newcomer for the first time after one turn,
    less the time between two spokes at most.
    """

    SPOKES = 120

    def __init__(self, clock: Clock, interval_s: float) -> None:
        self._clock = clock
        self._step_s = interval_s / self.SPOKES
        self._spokes: list[set[Visited]] = [set() for _ in range(self.SPOKES)]
        self._now_at = 0
        self._count = 0
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return self._count

    def join(self, member: Visited) -> int:
        """Visit `member` from now on; its spoke, for `leave`."""
        self._spokes[self._now_at].add(member)
        self._count += 1
        if self._timer is None:
            self._timer = self._clock.call_later(self._step_s, self._step)
        return self._now_at

    def leave(self, member: Visited, spoke: int) -> None:
        """Do not visit it again."""
        self._spokes[spoke].remove(member)
        self._count -= 1

    def _step(self) -> None:
        self._now_at = (self._now_at + 1) % self.SPOKES
        self._timer = self._clock.call_later(self._step_s, self._step) if self._count else None
        for member in tuple(self._spokes[self._now_at]):
            member.visit()
