"""Openings and ends of control channels are recorded together, and no end that the server's stop causes."""

import asyncio
from datetime import UTC, datetime, timedelta

from fairlead.domain.nodes import Presence
from fairlead.gateway.presences import Presences
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.work import BackgroundWork
from tests.support.gateway_fakes import FakeClock

OPENED = datetime(2026, 11, 20, tzinfo=UTC)


class Recorder:
    """Presences whose clock the test moves, and the transactions that come of them."""

    def __init__(self, **settings) -> None:
        self.transactions: list[tuple[list[Presence], list[Presence]]] = []
        self.clock = FakeClock()
        self.work = BackgroundWork(asyncio.get_running_loop())
        self.at_the_store = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        settings = GatewaySettings(presences_together_s=1.0, **settings)
        self.presences = Presences(self, self.run, self.work, settings, self.clock)

    async def run(self, function, *arguments):
        function(*arguments)
        self.at_the_store.set()
        await self.may_answer.wait()

    def control_channels_changed(self, opened, closed) -> None:
        self.transactions.append((opened, closed))

    async def begin_a_second(self) -> None:
        """What happens from here on is gathered."""
        self.presences.opened("mi-first", OPENED)
        await self.work.finish(60)
        self.transactions.clear()

    async def recorded(self) -> list[tuple[list[str], list[str]]]:
        """The nodes of each transaction so far: who came, who went."""
        await self.work.finish(60)
        return [
            ([come.node_id for come in opened], [gone.node_id for gone in closed])
            for opened, closed in self.transactions
        ]


def test_what_comes_by_itself_is_recorded_at_once():
    async def test():
        recorder = Recorder()
        recorder.presences.opened("mi-1", OPENED)
        assert await recorder.recorded() == [(["mi-1"], [])]
        recorder.clock.advance(1)
        recorder.presences.ended("mi-1", OPENED)
        assert await recorder.recorded() == [(["mi-1"], []), ([], ["mi-1"])]
        assert recorder.transactions[0][0] == [Presence("mi-1", OPENED)]
        recorder.clock.advance(60)
        assert recorder.clock.pending == 0

    asyncio.run(test())


def test_a_crowd_that_comes_while_one_is_recorded_is_gathered_all_the_same():
    async def test():
        recorder = Recorder()
        recorder.may_answer.clear()
        recorder.presences.opened("mi-1", OPENED)
        await recorder.at_the_store.wait()
        for number in (2, 3):
            recorder.presences.opened(f"mi-{number}", OPENED)
        recorder.may_answer.set()
        assert await recorder.recorded() == [(["mi-1"], [])]
        recorder.presences.opened("mi-4", OPENED)
        recorder.clock.advance(1)
        assert await recorder.recorded() == [(["mi-1"], []), (["mi-2", "mi-3", "mi-4"], [])]

    asyncio.run(test())


def test_a_stop_leaves_nothing_that_comes_while_it_records():
    async def test():
        recorder = Recorder()
        recorder.may_answer.clear()
        recorder.presences.opened("mi-1", OPENED)
        await recorder.at_the_store.wait()
        recorder.presences.stop()
        recorder.presences.opened("mi-2", OPENED)
        recorder.may_answer.set()
        assert await recorder.recorded() == [(["mi-1"], []), (["mi-2"], [])]

    asyncio.run(test())


def test_what_happens_within_a_second_is_recorded_in_one_transaction():
    async def test():
        recorder = Recorder()
        await recorder.begin_a_second()
        recorder.presences.opened("mi-1", OPENED)
        recorder.clock.advance(0.5)
        recorder.presences.ended("mi-2", OPENED)
        assert await recorder.recorded() == []
        recorder.clock.advance(0.5)
        assert await recorder.recorded() == [(["mi-1"], ["mi-2"])]
        recorder.presences.ended("mi-1", OPENED)
        assert await recorder.recorded() == [(["mi-1"], ["mi-2"])]
        recorder.clock.advance(1)
        assert await recorder.recorded() == [(["mi-1"], ["mi-2"]), ([], ["mi-1"])]

    asyncio.run(test())


def test_a_crowd_is_recorded_in_parts():
    async def test():
        recorder = Recorder(max_presences_together=2)
        await recorder.begin_a_second()
        for number in range(5):
            recorder.presences.ended(f"mi-{number}", OPENED)
        recorder.clock.advance(1)
        assert await recorder.recorded() == [([], ["mi-0", "mi-1"]), ([], ["mi-2", "mi-3"]), ([], ["mi-4"])]

    asyncio.run(test())


def test_an_end_is_not_recorded_before_its_opening_is():
    async def test():
        recorder = Recorder()
        recorder.may_answer.clear()
        recorder.presences.opened("mi-1", OPENED)
        recorder.clock.advance(1)
        await recorder.at_the_store.wait()
        recorder.presences.ended("mi-1", OPENED)
        recorder.clock.advance(1)
        await asyncio.sleep(0)
        assert len(recorder.transactions) == 1
        recorder.may_answer.set()
        await recorder.recorded()
        recorder.clock.advance(1)
        assert await recorder.recorded() == [(["mi-1"], []), ([], ["mi-1"])]

    asyncio.run(test())


def test_a_record_that_failed_keeps_none_that_follows_from_being_made():
    async def test():
        recorder = Recorder()
        good = recorder.presences._records.control_channels_changed  # the recorder itself

        def fail(opened, closed) -> None:
            recorder.control_channels_changed = good
            raise OSError("the disk is full")

        recorder.control_channels_changed = fail
        recorder.presences.opened("mi-1", OPENED)
        recorder.clock.advance(1)
        assert await recorder.recorded() == []
        recorder.presences.opened("mi-1", OPENED + timedelta(seconds=5))
        recorder.clock.advance(1)
        assert await recorder.recorded() == [(["mi-1"], [])]

    asyncio.run(test())


def test_a_stop_records_what_was_before_and_no_end_that_comes_of_it():
    async def test():
        recorder = Recorder()
        recorder.presences.ended("mi-1", OPENED)
        recorder.presences.stop()
        recorder.presences.ended("mi-2", OPENED)
        recorder.presences.opened("mi-3", OPENED)
        recorder.clock.advance(10)
        assert await recorder.recorded() == [(["mi-3"], ["mi-1"])]

    asyncio.run(test())
