"""Two agents alive under one node id: from the control channels to the store.

Bounded by what comes before: each sighting is an opening of a control channel.
"""

from typing import Protocol

from fairlead.domain.callers import Caller
from fairlead.domain.nodes import ChannelSighting
from fairlead.gateway.live_sessions import Run
from fairlead.gateway.work import BackgroundWork


class TwinRecords(Protocol):
    """What is asked of `control.channels`."""

    def twins_seen(self, caller: Caller, served: ChannelSighting, displaced: ChannelSighting) -> None: ...


class TwinReports:
    """On the event loop's thread only."""

    def __init__(self, records: TwinRecords, run: Run, work: BackgroundWork) -> None:
        self._records = records
        self._run = run
        self._work = work

    def seen(self, caller: Caller, served: ChannelSighting, displaced: ChannelSighting) -> None:
        """`displaced` answered after the calling node had opened `served`."""
        purpose = f"record the twins of node {caller.node_id}"
        self._work.spawn(self._record(caller, served, displaced), purpose=purpose)

    async def _record(self, caller: Caller, served: ChannelSighting, displaced: ChannelSighting) -> None:
        await self._run(self._records.twins_seen, caller, served, displaced)
