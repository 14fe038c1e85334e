"""Nodes that are expected back after a start of the server.

A node whose control channel was open when the server last ended comes back by itself, our agent within
seconds, or at the pace of a large fleet (`pacing`), the stock one within a quarter of a minute. Until then it
counts as reconnecting: a session to it may be started and waits, instead of failing for a restart that its
user need not know of. Where the node is connected in truth is told by `ControlChannels`, and by nobody else.
"""

from collections.abc import Callable, Iterable

from fairlead.gateway.clock import Clock, Timer


class ReconnectingNodes:
    """Changed on the event loop's thread only; `in` may be asked from any: it is one look into a set."""

    def __init__(self, clock: Clock, grace_s: float, per_node_s: float = 0.0) -> None:
        """`per_node_s`: what each node adds to the grace of all."""
        self._clock = clock
        self._grace_s = grace_s
        self._per_node_s = per_node_s
        self._ends_at = clock.time()
        self._away: set[str] = set()
        self._timer: Timer | None = None

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._away

    def __len__(self) -> int:
        return len(self._away)

    def begin(self, node_ids: Iterable[str], stayed_away: Callable[[Iterable[str]], None]) -> None:
        """The server starts: these were connected. Who is not back at the end is handed to `stayed_away`."""
        self._away = set(node_ids)
        grace_s = self._grace_s + self._per_node_s * len(self._away)
        self._ends_at = self._clock.time() + grace_s
        self._timer = self._clock.call_later(grace_s, self._end, stayed_away)

    def remaining_s(self, node_id: str) -> float:
        """For how long the node is still waited for; 0 if it is not."""
        return max(0.0, self._ends_at - self._clock.time()) if node_id in self._away else 0.0

    def no_longer(self, node_id: str) -> None:
        """The node is back, or was deregistered."""
        self._away.discard(node_id)

    def stop(self) -> None:
        """The server stops: nobody is waited for, and nobody is told so."""
        if self._timer is not None:
            self._timer.cancel()
        self._away = set()

    def _end(self, stayed_away: Callable[[Iterable[str]], None]) -> None:
        away, self._away = self._away, set()
        stayed_away(away)
