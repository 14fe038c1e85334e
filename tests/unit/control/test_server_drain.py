"""Draining: what is refused, what goes on, and who is said to be left."""

import pytest

from fairlead.domain.errors import AccessDenied, InvalidNextToken, ServerDraining
from fairlead.domain.operations.server_drain import (
    CancelServerDrainRequest,
    DescribeServerDrainRequest,
    DrainServerRequest,
)
from fairlead.domain.operations.sessions import ResumeSessionRequest
from fairlead.domain.sessions import EndReason, SessionEnd, SessionStatus
from tests.support.control_world import STREAM_BASE_URL, World, policy, statement


@pytest.fixture
def busy() -> World:
    """A world with a node, and three sessions of alice's started a second apart."""
    world = World()
    world.node()
    world.alice = world.user("alice")
    world.started = []
    for _ in range(3):
        world.advance(seconds=1)
        world.started.append(world.start(world.alice).session_id)
    return world


def described(world, caller=None, **members):
    return world.server_drain.describe_server_drain(
        caller or world.alice, DescribeServerDrainRequest(**members)
    )


def drain(world, caller=None):
    return world.server_drain.drain_server(caller or world.alice, DrainServerRequest())


def test_a_draining_server_takes_no_session_until_it_is_told_otherwise(busy):
    drain(busy)
    with pytest.raises(ServerDraining, match="Try again in a few minutes"):
        busy.start(busy.alice)
    assert busy.last_record.error_code == "ServerDraining"
    busy.server_drain.cancel_server_drain(busy.alice, CancelServerDrainRequest())
    assert busy.start(busy.alice).session_id


def test_a_server_that_stops_says_so_to_whoever_still_asks(busy):
    busy.server_drain.stop()
    busy.notifier.connected.clear()
    with pytest.raises(ServerDraining):
        busy.start(busy.alice)


def test_sessions_go_on_and_may_be_come_back_to(busy):
    drain(busy)
    answer = busy.sessions.resume_session(
        busy.alice, ResumeSessionRequest(session_id=busy.started[0]), STREAM_BASE_URL
    )
    assert answer.token_value


def test_who_may_not_start_a_session_does_not_learn_that_the_server_drains(busy):
    drain(busy)
    with pytest.raises(AccessDenied):
        busy.start(busy.user("mallory", policy(statement("Allow", "ssm:DescribeSessions"))))


def test_draining_again_keeps_the_first_moment_and_each_call_is_recorded(busy):
    since = drain(busy).draining_since
    assert since == busy.now
    busy.advance(minutes=1)
    assert drain(busy).draining_since == since
    assert described(busy).draining_since == since
    assert [record.event_name for record in busy.audit[-3:]] == [
        "DrainServer",
        "DrainServer",
        "DescribeServerDrain",
    ]
    assert busy.audit[-3].event_source == "fairlead.amazonaws.com"


def test_whoever_is_left_is_described_oldest_first_with_what_was_carried(busy):
    busy.notifier.traffic[busy.started[1]] = (5, 7)
    busy.channels.end_session(
        busy.started[0], SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.CLIENT_LEFT)
    )
    answer = described(busy)
    assert answer.draining_since is None
    assert answer.session_count == 2
    assert [left.session_id for left in answer.sessions] == busy.started[1:]
    first = answer.sessions[0]
    assert (first.owner, first.status, first.bytes_to_node, first.bytes_to_client) == (
        busy.alice.arn,
        "Connecting",
        5,
        7,
    )


def test_pages_follow_each_other_and_each_counts_all(busy):
    ids, token = [], None
    for _ in range(3):
        page = described(busy, max_results=1, next_token=token)
        assert page.session_count == 3
        ids += [left.session_id for left in page.sessions]
        token = page.next_token
    assert token is None
    assert ids == busy.started
    with pytest.raises(InvalidNextToken):
        described(busy, next_token="made up")


@pytest.mark.parametrize(
    ("action", "call"),
    [
        ("fairlead:DrainServer", drain),
        ("fairlead:DescribeServerDrain", described),
        (
            "fairlead:CancelServerDrain",
            lambda world, caller: world.server_drain.cancel_server_drain(caller, CancelServerDrainRequest()),
        ),
    ],
)
def test_each_operation_has_an_action_of_its_own(busy, action, call):
    call(busy, busy.user("operator", policy(statement("Allow", action))))
    with pytest.raises(AccessDenied, match=action):
        call(busy, busy.user("mallory", policy(statement("Allow", "ssm:*"))))


def test_a_refused_drain_changes_nothing(busy):
    with pytest.raises(AccessDenied):
        drain(busy, busy.user("mallory", policy(statement("Allow", "ssm:*"))))
    assert busy.start(busy.alice).session_id
