"""Telling agents that a session is over until they heard it.

A stock agent ignores `channel_closed` until its handshake is complete, and a worker whose data channel is
gone hears it only on the control channel. So it is said on both, again for a while, and once more whenever
the node's control channel opens, until the node reports the session's completion.
"""

from collections import OrderedDict
from collections.abc import Callable

from fairlead.domain.sessions import SessionEnd
from fairlead.gateway.clock import Clock, Repeating, Timer
from fairlead.gateway.settings import GatewaySettings


class Closings:
    """Ended sessions whose node has not yet reported their completion; bounded, oldest forgotten first."""

    def __init__(self, settings: GatewaySettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._closings: OrderedDict[str, _Closing] = OrderedDict()

    def begin(
        self, session_id: str, node_id: str, tell: Callable[[], None], done: Callable[[], None]
    ) -> None:
        """Call `tell` now and again; call `done` when the agent has had its time, or heard it."""
        self.heard(session_id, node_id)
        while len(self._closings) >= self._settings.max_closed_memory:
            self._closings.popitem(last=False)[1].stop()
        settings = self._settings
        self._closings[session_id] = _Closing(
            node_id,
            tell,
            done,
            Repeating(self._clock, tell, (settings.closed_repeat_s,), settings.closed_repeat_for_s),
            self._clock.call_later(settings.closed_repeat_for_s, done),
            self._clock.call_later(settings.closed_memory_s, self._forget, session_id),
        )
        tell()

    def heard(self, session_id: str, node_id: str) -> bool:
        """The node reports the completion; False if this is not one of its sessions here."""
        closing = self._closings.get(session_id)
        if closing is None or closing.node_id != node_id:
            return False
        self._forget(session_id)
        return True

    def tell_node(self, node_id: str) -> None:
        """The node's control channel opened."""
        for closing in [closing for closing in self._closings.values() if closing.node_id == node_id]:
            closing.tell()

    def stop(self) -> None:
        """Forget all, say nothing more."""
        for closing in self._closings.values():
            closing.cancel()
        self._closings.clear()

    def _forget(self, session_id: str) -> None:
        closing = self._closings.pop(session_id, None)
        if closing is not None:
            closing.stop()


class _Closing:
    def __init__(
        self,
        node_id: str,
        tell: Callable[[], None],
        done: Callable[[], None],
        repeating: Repeating,
        done_timer: Timer,
        memory_timer: Timer,
    ) -> None:
        self.node_id = node_id
        self.tell = tell
        self._done = done
        self._repeating = repeating
        self._timers = (done_timer, memory_timer)

    def cancel(self) -> None:
        self._repeating.cancel()
        for timer in self._timers:
            timer.cancel()

    def stop(self) -> None:
        self.cancel()
        self._done()


class RecentEnds:
    """How the sessions ended that ended last: for what was read of them just before. Bounded, oldest
    forgotten first."""

    def __init__(self, max_ends: int) -> None:
        self._max_ends = max_ends
        self._ends: OrderedDict[str, SessionEnd] = OrderedDict()

    def add(self, session_id: str, end: SessionEnd) -> None:
        """The session is over."""
        self._ends[session_id] = end
        if len(self._ends) > self._max_ends:
            self._ends.popitem(last=False)

    def get(self, session_id: str) -> SessionEnd | None:
        """How the session ended, if it is known to be over."""
        return self._ends.get(session_id)
