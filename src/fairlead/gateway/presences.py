"""Recording which control channels ended while the server ran.

A node whose channel is recorded as open is waited for after a restart. An end is no hurry and comes in crowds
(a network fails, a rack loses power), so ends are gathered and recorded together. The server's own stop ends
no channel for this purpose: whoever is connected then is who will come back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from fairlead.domain.nodes import Departure
from fairlead.gateway.clock import Clock, Timer
from fairlead.gateway.live_sessions import Run
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.work import BackgroundWork


class DepartureRecords(Protocol):
    """What is asked of `control.channels`."""

    def control_channels_closed(self, departures: Sequence[Departure]) -> None: ...


class Departures:
    """Ends of control channels on their way to the store. On the event loop's thread only.

    Bounded by what comes before: each end was an opening, which is a transaction of the same store.
    """

    def __init__(
        self,
        records: DepartureRecords,
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
        self._gathered: list[Departure] = []
        self._timer: Timer | None = None
        self._is_stopping = False

    def add(self, node_id: str, connected_since: datetime) -> None:
        """The control channel that the node opened then has ended."""
        if self._is_stopping:
            return
        self._gathered.append(Departure(node_id, connected_since))
        if self._timer is None:
            self._timer = self._clock.call_later(self._settings.departures_together_s, self._record)

    def stop(self) -> None:
        """The server stops: record what ended until now, and nothing that ends from here on."""
        self._is_stopping = True
        if self._timer is not None:
            self._timer.cancel()
            self._record()

    def _record(self) -> None:
        self._timer = None
        gathered, self._gathered = self._gathered, []
        size = self._settings.max_departures_together
        for start in range(0, len(gathered), size):
            part = gathered[start : start + size]
            self._work.spawn(self._recorded(part), purpose="record which nodes left")

    async def _recorded(self, departures: Sequence[Departure]) -> None:
        await self._run(self._records.control_channels_closed, departures)
