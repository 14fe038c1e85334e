"""Insisting on a first connection while the server is busy, or restarts.

Only what has certainly not been acted on is tried again: a connection that was refused, or that ended before
anything was asked over it. A lost session is `reconnect`'s business.
"""

from __future__ import annotations

from fairlead.transport.errors import ConnectError, TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

FIRST_DELAY_S = 0.05
"""Upper end of the first pause; drawn at random so that many clients of one gateway do not come at once."""

MAX_DELAY_S = 2.0

ABSENT_WINDOW_S = 5.0
"""How long it is tried while nothing listens at its address: longer than a restart takes."""


def delay_before(attempt: int, chance: float) -> float:
    """Seconds to wait before try number `attempt` (from 0); `chance` is in [0, 1)."""
    ceiling = min(MAX_DELAY_S, FIRST_DELAY_S * 2.0 ** min(attempt, 16))
    return ceiling * (0.5 + chance / 2)


class Patience:
    """Attempts at a first connection, until one succeeds or a window has passed.

    `chance` is in [0, 1). `pause` waits so many seconds and returns False when it makes no sense to go on.
    `say` is told once that and why it takes longer.
    """

    def __init__(
        self,
        window_s: float,
        *,
        clock: Callable[[], float],
        chance: Callable[[], float],
        pause: Callable[[float], bool],
        say: Callable[[str], None],
    ) -> None:
        self._window_s = window_s
        self._clock = clock
        self._chance = chance
        self._pause = pause
        self._say = say
        self._has_said = False

    def insist(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns. Raises what it raised last, when that will not pass or the time is up."""
        began = self._clock()
        failures = 0
        while True:
            try:
                return attempt()
            except TransportError as exc:
                if not exc.is_passing:
                    raise
                is_absent = isinstance(exc, ConnectError)
                window_s = min(self._window_s, ABSENT_WINDOW_S) if is_absent else self._window_s
                delay_s = delay_before(failures, self._chance())
                if self._clock() - began + delay_s > window_s:
                    raise
                self._tell(exc, window_s)
                if not self._pause(delay_s):
                    raise
            failures += 1

    def _tell(self, failure: TransportError, window_s: float) -> None:
        if not self._has_said:
            self._has_said = True
            self._say(f"{failure}; trying again for up to {window_s:g} s")
