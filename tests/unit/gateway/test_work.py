"""Coroutines that callbacks start."""

import asyncio
import logging

from fairlead.domain.callers import CallerKind, Origin
from fairlead.gateway.security_events import SecurityEvents
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.work import BackgroundWork
from tests.support.factories import NOW
from tests.support.gateway_rig import a_caller


def test_an_exception_is_logged_with_its_purpose_and_touches_no_other_work(caplog):
    seen = []

    async def fail():
        raise ValueError("broken")

    async def succeed():
        seen.append("done")

    async def main():
        work = BackgroundWork(asyncio.get_running_loop())
        work.spawn(fail(), purpose="do the impossible")
        work.spawn(succeed(), purpose="do the possible")
        await work.finish(5)

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())
    assert seen == ["done"]
    assert "could not do the impossible" in caplog.text


def test_finishing_waits_for_what_work_starts_and_cancels_what_takes_too_long():
    seen = []

    async def endless():
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    async def main():
        work = BackgroundWork(asyncio.get_running_loop())

        async def parent():
            work.spawn(child(), purpose="be the child")

        async def child():
            seen.append("child")

        work.spawn(parent(), purpose="be the parent")
        await work.finish(5)
        work.spawn(endless(), purpose="never begin")
        await work.finish(0)
        work.spawn(endless(), purpose="go on for ever")
        await work.finish(0.01)

    asyncio.run(main())
    assert seen == ["child", "cancelled"]


def test_refusals_are_recorded_at_a_bounded_rate_and_logged_beyond_it(caplog):
    recorded = []

    async def main():
        work = BackgroundWork(asyncio.get_running_loop())

        async def run(function, *arguments):
            function(*arguments)

        events = SecurityEvents(
            lambda *event: recorded.append(event),
            run,
            work,
            GatewaySettings(security_events_burst=3),
            lambda: NOW,
        )
        origin = Origin(source_address="192.0.2.1")
        for _ in range(10):
            events.report(origin, "Refused", {"n": 1})
        events.report(a_caller(CallerKind.USER, "alice", origin), "Refused", {})
        events.report(a_caller(CallerKind.NODE, "mi-1", origin), "Refused", {})
        await work.finish(5)

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    assert len(recorded) == 3
    assert len(caplog.records) == 12
    assert "mi-1" in caplog.records[-1].message
