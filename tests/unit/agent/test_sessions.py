"""The sessions of a node beside each other; how each one runs is shown by the integration tests."""

import asyncio

from fairlead.agent.ceiling import Ceiling
from fairlead.agent.sessions import Sessions
from fairlead.protocol.control_channel import ChannelClosed, StartSession

NOTHING_ALLOWED = Ceiling((), (), frozenset())


def in_sessions(course, report, make_session=None):
    """Run `course(sessions)` on the sessions of a node that allows nothing."""

    async def scenario():
        async with asyncio.TaskGroup() as group:
            sessions = Sessions(group, NOTHING_ALLOWED, 2, "mi-1", make_session=make_session, report=report)
            await course(sessions)

    asyncio.run(scenario())


def offer(session_id):
    document = {"schemaVersion": "1.0", "sessionType": "Port", "properties": {"portNumber": "22"}}
    return StartSession(session_id, "AWS-StartSSHSession", document, {})


def test_a_fault_at_the_end_of_one_session_is_logged_and_ends_no_other(caplog):
    told = []

    def report(completion):
        told.append(completion.session_id)
        raise RuntimeError("no such luck")

    async def course(sessions):
        sessions.handle(offer("alice-1"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        sessions.handle(offer("bob-1"))

    in_sessions(course, report)
    assert told == ["alice-1", "bob-1"]
    assert "session alice-1: a fault in the agent" in caplog.text
    assert "no such luck" in caplog.text


def test_a_session_that_is_over_or_unknown_is_answered_with_its_end_each_time_it_is_asked_for():
    told = []

    async def course(sessions):
        sessions.handle(offer("alice-1"))
        await sessions.stop_all()
        sessions.go_on()
        sessions.handle(offer("alice-1"))
        sessions.handle(ChannelClosed("alice-1"))
        sessions.handle(ChannelClosed("bob-1"))

    in_sessions(course, told.append)
    assert [one.session_id for one in told] == ["alice-1", "alice-1", "alice-1", "bob-1"]
    assert len({one.output for one in told[:3]}) == 1
    assert "allow_session_types" in told[0].output
    assert "does not know the session" in told[3].output


def test_nothing_is_accepted_while_the_sessions_are_handed_over_and_again_when_nobody_took_them():
    told = []

    async def course(sessions):
        await sessions.prepare_hand_over(0.0)
        sessions.handle(offer("alice-1"))
        assert (list(sessions.hand_over()), told) == ([], [])
        sessions.go_on()
        sessions.handle(offer("alice-1"))

    in_sessions(course, told.append)
    assert [one.session_id for one in told] == ["alice-1"]


def test_a_node_was_in_use_while_a_session_runs_and_for_some_time_behind_it():
    async def course(sessions):
        assert not sessions.were_there_within(3600)
        sessions.handle(offer("alice-1"))
        assert sessions.were_there_within(0)
        await sessions.stop_all()
        assert sessions.were_there_within(3600)
        assert not sessions.were_there_within(-1)

    in_sessions(course, lambda completion: None)
