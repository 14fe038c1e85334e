"""The sessions of a node beside each other; how each one runs is shown by the integration tests."""

import asyncio

from fairlead.agent.ceiling import Ceiling
from fairlead.agent.sessions import Sessions
from fairlead.protocol.control_channel import ChannelClosed


def test_a_fault_at_the_end_of_one_session_is_logged_and_ends_no_other(caplog):
    told = []

    async def report(completion):
        told.append(completion.session_id)
        raise RuntimeError("no such luck")

    def make_session(start, request):
        raise AssertionError("none is started here")

    async def scenario():
        async with asyncio.TaskGroup() as group:
            nothing_allowed = Ceiling((), (), frozenset())
            sessions = Sessions(group, nothing_allowed, 2, "mi-1", make_session=make_session, report=report)
            sessions.handle(ChannelClosed("alice-1"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            sessions.handle(ChannelClosed("bob-1"))

    asyncio.run(scenario())
    assert told == ["alice-1", "bob-1"]
    assert "session alice-1: a fault in the agent" in caplog.text
    assert "no such luck" in caplog.text
