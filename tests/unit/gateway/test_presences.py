"""Ends of control channels are recorded together, and none that the server's own stop causes."""

import asyncio
from datetime import UTC, datetime

from fairlead.domain.nodes import Departure
from fairlead.gateway.departures import Departures
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.work import BackgroundWork
from tests.support.gateway_fakes import FakeClock

OPENED = datetime(2026, 11, 20, tzinfo=UTC)


class Recorder:
    """Departures whose clock the test moves, and the transactions that come of them."""

    def __init__(self, **settings) -> None:
        self.transactions: list[list[Departure]] = []
        self.clock = FakeClock()
        self.work = BackgroundWork(asyncio.get_running_loop())
        self.departures = Departures(
            self, self.run, self.work, GatewaySettings(departures_together_s=1.0, **settings), self.clock
        )

    async def run(self, function, *arguments):
        return function(*arguments)

    def control_channels_closed(self, departures) -> None:
        self.transactions.append(list(departures))

    async def recorded(self) -> list[list[str]]:
        """The nodes of each transaction so far."""
        await self.work.finish(60)
        return [[gone.node_id for gone in transaction] for transaction in self.transactions]


def test_ends_of_one_second_are_recorded_in_one_transaction():
    async def test():
        recorder = Recorder()
        recorder.departures.add("mi-1", OPENED)
        recorder.clock.advance(0.5)
        recorder.departures.add("mi-2", OPENED)
        assert await recorder.recorded() == []
        recorder.clock.advance(0.5)
        recorder.departures.add("mi-3", OPENED)
        assert await recorder.recorded() == [["mi-1", "mi-2"]]
        recorder.clock.advance(1)
        assert await recorder.recorded() == [["mi-1", "mi-2"], ["mi-3"]]
        assert recorder.transactions[0][0] == Departure("mi-1", OPENED)

    asyncio.run(test())


def test_a_crowd_is_recorded_in_parts():
    async def test():
        recorder = Recorder(max_departures_together=2)
        for number in range(5):
            recorder.departures.add(f"mi-{number}", OPENED)
        recorder.clock.advance(1)
        assert await recorder.recorded() == [["mi-0", "mi-1"], ["mi-2", "mi-3"], ["mi-4"]]

    asyncio.run(test())


def test_a_stop_records_what_ended_before_and_nothing_that_it_ends_itself():
    async def test():
        recorder = Recorder()
        recorder.departures.add("mi-1", OPENED)
        recorder.departures.stop()
        recorder.departures.add("mi-2", OPENED)
        recorder.clock.advance(10)
        assert await recorder.recorded() == [["mi-1"]]

    asyncio.run(test())
