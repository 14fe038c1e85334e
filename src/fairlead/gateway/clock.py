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
