import asyncio

from fairlead.domain.callers import CallerKind, Origin
from fairlead.domain.nodes import ChannelSighting
from fairlead.gateway.twins import TwinReports
from fairlead.gateway.work import BackgroundWork
from tests.support.factories import NOW
from tests.support.gateway_rig import a_caller

CALLER = a_caller(CallerKind.NODE, "mi-1", Origin(source_address="192.0.2.2"))
SERVED, DISPLACED = ChannelSighting("192.0.2.2", NOW), ChannelSighting("192.0.2.1", NOW)


class Records:
    def __init__(self) -> None:
        self.seen: list = []

    def twins_seen(self, *what) -> None:
        self.seen.append(what)


def test_what_was_seen_reaches_the_store():
    records = Records()

    async def run(function, *arguments):
        return function(*arguments)

    async def report() -> None:
        work = BackgroundWork(asyncio.get_running_loop())
        TwinReports(records, run, work).seen(CALLER, SERVED, DISPLACED)
        await work.finish(1)

    asyncio.run(report())
    assert records.seen == [(CALLER, SERVED, DISPLACED)]
