"""Ends of sessions on their way to the gateway: kept until acknowledged, whatever happens to the control
channel in between. Pure.

The first copies follow each other by a second, as those of the official agent do; later ones more and more
slowly. A new control channel is sent everything at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from fairlead.protocol.control_channel import TaskComplete
from fairlead.protocol.message_ids import format_message_id

MAX_PENDING = 1000
"""Ends that are kept. More can only be had from a gateway that starts sessions and acknowledges nothing: the
oldest is forgotten then."""

MAX_OUTPUT_CHARACTERS = 2000
"""Characters of the sentence for the user; the gateway shows 500."""

COMPLETION_RETRY_S = 1.0
COMPLETION_RETRY_CAP_S = 60.0
"""Bounds of the time between two copies of a completion on one control channel."""

QUICK_COPIES = 3
"""Copies that follow each other by the shortest time."""


class Pending(NamedTuple):
    """The end of a session that the gateway has not acknowledged; `message_id` is that of every copy."""

    message_id: bytes
    completion: TaskComplete


class _Waiting:
    """A completion that is not acknowledged: when its next copy is due, after how many on this channel."""

    __slots__ = ("copies", "due_at", "pending")

    def __init__(self, pending: Pending, due_at: float) -> None:
        self.pending = pending
        self.due_at = due_at
        self.copies = 0


class Completions:
    """The ends that are not acknowledged yet, by session. `new_id` gives message ids."""

    def __init__(self, new_id: Callable[[], bytes]) -> None:
        self._new_id = new_id
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()

    def add(self, completion: TaskComplete, now: float) -> str | None:
        """Keep `completion` and send it at once; one of the same session that waits already is sent again
        instead. Returns the id of the session whose end was forgotten for it, if any."""
        session_id = completion.session_id
        completion.output = completion.output[:MAX_OUTPUT_CHARACTERS]
        completion.retry_number = 0
        known = self._waiting.get(session_id)
        if known is not None:
            known.due_at = now
            return None
        self._waiting[session_id] = _Waiting(Pending(self._new_id(), completion), now)
        if len(self._waiting) <= MAX_PENDING:
            return None
        return self._waiting.popitem(last=False)[0]

    def acknowledge(self, message_id: str) -> bool:
        """The gateway has the completion with this message id; false when none is waiting under it."""
        for session_id, waiting in self._waiting.items():
            if format_message_id(waiting.pending.message_id) == message_id:
                del self._waiting[session_id]
                return True
        return False

    def take_due(self, now: float) -> list[Pending]:
        """The completions of which a copy is to be sent now."""
        due = [waiting for waiting in self._waiting.values() if waiting.due_at <= now]
        for waiting in due:
            waiting.pending.completion.retry_number += 1
            waiting.copies += 1
            waiting.due_at = now + retry_delay_s(waiting.copies)
        return [waiting.pending for waiting in due]

    def next_due(self) -> float | None:
        """When `take_due` has something to give; None: nothing waits."""
        return min((waiting.due_at for waiting in self._waiting.values()), default=None)

    def connection_restored(self, now: float) -> None:
        """A new control channel stands: everything is due."""
        for waiting in self._waiting.values():
            waiting.copies = 0
            waiting.due_at = now

    @property
    def is_empty(self) -> bool:
        """Whether the gateway has acknowledged every end."""
        return not self._waiting

    @property
    def pending(self) -> tuple[Pending, ...]:
        """Everything that waits, oldest first."""
        return tuple(waiting.pending for waiting in self._waiting.values())

    def take_over(self, pending: Iterable[Pending], now: float) -> None:
        """Go on with what waited in the process before this one."""
        for one in pending:
            self._waiting[one.completion.session_id] = _Waiting(one, now)


def retry_delay_s(copies: int) -> float:
    """Seconds until the next copy, after so many."""
    doublings = min(max(0, copies - QUICK_COPIES), 10)
    return min(COMPLETION_RETRY_S * (1 << doublings), COMPLETION_RETRY_CAP_S)
