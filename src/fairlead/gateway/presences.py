"""Recording which control channels were opened, and which ended while the server ran.

A node whose channel is recorded as open is waited for after a restart. What comes by itself is recorded at
once; openings and ends also come in crowds (the server starts, a network fails, a rack loses power), so those
that follow within a second are gathered and recorded together. The server's own stop ends no channel for this
purpose: whoever is connected then is who will come back.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from fairlead.domain.nodes import Presence
from fairlead.gateway.clock import Clock, Timer
from fairlead.gateway.live_sessions import Run
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.work import BackgroundWork


class PresenceRecords(Protocol):
    """What is asked of `control.channels`."""

    def control_channels_changed(self, opened: Sequence[Presence], closed: Sequence[Presence]) -> None: ...


class Presences:
    """Openings and ends on their way to the store, in their order. On the event loop's thread only.

    Bounded by what comes before: each opening was a call that the database answered.
    """

    def __init__(
        self,
        records: PresenceRecords,
        run: Run,
        work: BackgroundWork,
        settings: GatewaySettings,
        clock: Clock,
    ) -> None:
        self._records = records
        self._run = run
        self._work = work
        self._settings = settings
        self._clock = clock
        self._gathered: deque[tuple[Presence, bool]] = deque()
        self._timer: Timer | None = None
        self._is_recording = False
        self._is_stopping = False

    def opened(self, node_id: str, connected_since: datetime) -> None:
        """The node's control channel is open since then."""
        self._add(Presence(node_id, connected_since), is_open=True)

    def ended(self, node_id: str, connected_since: datetime) -> None:
        """The control channel that the node opened then has ended."""
        if not self._is_stopping:
            self._add(Presence(node_id, connected_since), is_open=False)

    def stop(self) -> None:
        """The server stops: record what happened until now, and no end from here on."""
        self._is_stopping = True
        if self._timer is not None:
            self._timer.cancel()
        if self._gathered:
            self._begin()

    def _add(self, presence: Presence, *, is_open: bool) -> None:
        self._gathered.append((presence, is_open))
        if self._is_stopping:
            self._begin()
        elif self._timer is None:
            self._begin_and_gather()

    def _begin_and_gather(self) -> None:
        self._begin()
        self._timer = self._clock.call_later(self._settings.presences_together_s, self._gathered_enough)

    def _gathered_enough(self) -> None:
        self._timer = None
        if self._gathered:
            self._begin_and_gather()

    def _begin(self) -> None:
        if not self._is_recording:
            self._is_recording = True
            self._work.spawn(self._record(), purpose="record which nodes are connected")

    async def _record(self) -> None:
        """One transaction after the other: an end must not come before its opening. Within one, all openings
        come first; an end takes back no opening but its own."""
        try:
            left = len(self._gathered)
            while left:
                count = min(left, self._settings.max_presences_together)
                part = [self._gathered.popleft() for _ in range(count)]
                opened = [presence for presence, is_open in part if is_open]
                closed = [presence for presence, is_open in part if not is_open]
                await self._run(self._records.control_channels_changed, opened, closed)
                left = len(self._gathered) if self._is_stopping else left - count
        finally:
            self._is_recording = False
