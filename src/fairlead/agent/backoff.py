"""How long to wait before trying again.

Pure: the draw from chance is an argument. Full jitter (a uniform draw between zero and the step) spreads the
nodes of a whole fleet when a server comes back, where a fixed or half-fixed delay would keep them in step.
"""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """A doubling delay with full jitter.

    `first_s` bounds the first delay, `cap_s` every later one. `uniform(low, high)` draws from chance.
    `least` is the smallest delay as a part of the step: above zero where trying at once could only fail
    again.
    """

    def __init__(
        self, first_s: float, cap_s: float, uniform: Callable[[float, float], float], least: float = 0.0
    ) -> None:
        if not 0 < first_s <= cap_s:
            raise ValueError("the first step must be above zero and not above the cap")
        self._first_s = first_s
        self._cap_s = cap_s
        self._uniform = uniform
        self._least = least
        self._step_s = first_s

    def next_delay_s(self) -> float:
        """Draw the next delay and double the step behind it."""
        delay_s = self._uniform(self._least * self._step_s, self._step_s)
        self._step_s = min(self._step_s * 2, self._cap_s)
        return delay_s

    def reset(self) -> None:
        """Start from the first step again, because the last attempt succeeded."""
        self._step_s = self._first_s


class ReturnDelay:
    """When a lost connection is tried again: soon at first, and then in step with a whole fleet.

    `backoff` bounds the first delay after a loss, and every one where the server has named no pace. A node
    that lost only its own path is back at its first try. Where that fails, or the server has said that it
    restarts, everybody else is away as well: the delay is drawn from `spread_s`, the time over which the
    server has asked all of them to return, so that they arrive no faster than it can take them.
    """

    def __init__(self, backoff: Backoff, uniform: Callable[[float, float], float]) -> None:
        self._backoff = backoff
        self._uniform = uniform
        self._was_told = False
        self.spread_s = 0.0
        """As the server said last."""

    def told(self, spread_s: float) -> None:
        """The server says over how long a time all should return."""
        self.spread_s = spread_s
        self._was_told = True

    def after_loss_s(self) -> float:
        """The delay behind a connection that stood and was lost."""
        return self._backoff.next_delay_s()

    def after_failure_s(self, *, is_wanted: bool = False) -> float:
        """The delay behind an attempt in vain, or when the server sends everybody away. A node that is wanted
        goes before those that are not."""
        delay_s = self._backoff.next_delay_s()
        return delay_s if is_wanted else max(delay_s, self._uniform(0, self.spread_s))

    def reset(self) -> None:
        """The connection lasted: the next loss is a first one again. A server that said nothing over it has a
        small fleet."""
        self._backoff.reset()
        if not self._was_told:
            self.spread_s = 0.0
        self._was_told = False


class Patience:
    """How long to wait for an answer: twice as long after a wait in vain, up to `cap_s`, until one comes.

    A server to which a whole fleet comes back answers late. Whoever gave up on it after the same time again
    and again would make it work for nobody each time, and let it fall behind further.
    """

    def __init__(self, first_s: float, cap_s: float) -> None:
        self._first_s = first_s
        self._cap_s = max(first_s, cap_s)
        self.wait_s = first_s
        """For the next request."""

    def waited_in_vain(self, for_s: float) -> None:
        """A request found no answer in `for_s`. Several that waited at the same time count as one."""
        self.wait_s = max(self.wait_s, min(for_s * 2, self._cap_s))

    def answered(self) -> None:
        """The server answers again."""
        self.wait_s = self._first_s
