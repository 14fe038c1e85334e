"""A clock that moves only when told, and a queue of things that happen at a moment."""

import heapq
from collections.abc import Callable


class VirtualClock:
    """`now` in seconds; `at` plans a call, `run_until` makes the planned ones in order of time."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Call `action` at `moment`; what is planned for the same moment keeps its order."""
        self._count += 1
        heapq.heappush(self._planned, (max(moment, self.now), self._count, action))

    @property
    def next_moment(self) -> float | None:
        """When the next planned call is due."""
        return self._planned[0][0] if self._planned else None

    def run_until(self, moment: float) -> None:
        """Move to `moment`, making every call planned up to then."""
        while self._planned and self._planned[0][0] <= moment:
            self.now, _, action = heapq.heappop(self._planned)
            action()
        self.now = max(self.now, moment)
