"""DescribeSessions: filters, pages and what is shown."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.domain.errors import AccessDenied, InvalidNextToken, InvalidRequest
from fairlead.domain.operations.sessions import DescribeSessionsRequest, OutputUrl, SessionFilter
from fairlead.domain.scope import Scope
from fairlead.domain.sessions import EndReason, SessionEnd, SessionStatus
from tests.support.control_world import NODE_ID, policy, statement
from tests.support.factories import NOW, a_session

END = SessionEnd(
    status=SessionStatus.TERMINATED,
    reason=EndReason.CLIENT_LEFT,
    details="bye",
    bytes_to_node=3,
    bytes_to_client=4,
)


@pytest.fixture
def admin(world):
    return world.user("admin")


def add(world, session_id, **changes):
    with world.store.transaction() as uow:
        uow.sessions.add(a_session(id=session_id, **changes))


def describe(world, caller, state="Active", *filters, **members):
    items = tuple(SessionFilter(key=key, value=value) for key, value in filters)
    request = DescribeSessionsRequest(state=state, filters=items or None, **members)
    return world.sessions.describe_sessions(caller, request)


def ids(response):
    return [item.session_id for item in response.sessions]


def test_active_sessions_are_listed_newest_first(world, admin):
    add(world, "a-1")
    add(world, "a-2", started_at=NOW + timedelta(seconds=1), status=SessionStatus.TERMINATING)
    add(world, "a-3", status=SessionStatus.FAILED, ended_at=NOW, end=END)
    add(world, "a-4", scope=Scope("111122223333", "eu-central-1"))
    assert ids(describe(world, admin)) == ["a-2", "a-1"]


def test_what_is_known_of_an_active_session_is_shown(world, admin):
    add(world, "a-1")
    (item,) = describe(world, admin).sessions
    assert (item.target, item.status, item.start_date, item.end_date) == (NODE_ID, "Connecting", NOW, None)
    assert (item.document_name, item.reason, item.access_type) == (
        "AWS-StartSSHSession",
        "deploy",
        "Standard",
    )
    assert item.owner == "arn:aws:iam::111122223333:user/alice"
    assert item.output_url == OutputUrl()
    assert item.details == "0 bytes to the node, 0 to the client so far"
    assert item.max_session_duration is None
    world.notifier.traffic["a-1"] = (5, 7)
    (item,) = describe(world, admin).sessions
    assert item.details == "5 bytes to the node, 7 to the client so far"


def test_the_longest_time_of_a_session_is_shown_in_minutes(world, admin):
    add(world, "a-1", max_duration_minutes=90)
    (item,) = describe(world, admin).sessions
    assert item.max_session_duration == "90"


def test_the_history_says_when_and_why_a_session_ended_and_what_it_carried(world, admin):
    add(world, "a-1", status=SessionStatus.TERMINATED, ended_at=NOW, end=END)
    add(world, "a-2", status=SessionStatus.FAILED, ended_at=NOW, end=replace(END, details=""))
    second, first = describe(world, admin, "History").sessions
    assert (first.status, first.end_date) == ("Terminated", NOW)
    assert first.details == "The client ended the session: bye (3 bytes to the node, 4 to the client)"
    assert second.details == "The client ended the session (3 bytes to the node, 4 to the client)"


def test_the_history_goes_back_30_days(world, admin):
    ended = {"status": SessionStatus.TERMINATED, "end": END}
    add(world, "old", ended_at=NOW - timedelta(days=30, seconds=1), **ended)
    add(world, "new", ended_at=NOW - timedelta(days=30), **ended)
    assert ids(describe(world, admin, "History")) == ["new"]


@pytest.fixture
def four(world):
    add(world, "a-1", target="mi-1")
    add(world, "a-2", owner_arn="arn:bob", started_at=NOW + timedelta(hours=1))
    add(world, "a-3", status=SessionStatus.CONNECTED, started_at=NOW + timedelta(hours=2))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([("Target", "mi-1")], ["a-1"]),
        ([("Owner", "arn:bob")], ["a-2"]),
        ([("Status", "Connected")], ["a-3"]),
        ([("SessionId", "a-2")], ["a-2"]),
        ([("AccessType", "Standard")], ["a-3", "a-2", "a-1"]),
        ([("AccessType", "JustInTime")], []),
        ([("InvokedAfter", "2026-11-01T13:00:00Z")], ["a-3", "a-2"]),
        ([("InvokedBefore", "2026-11-01T13:00:00Z")], ["a-1"]),
        ([("InvokedAfter", "2026-11-01T12:30:00"), ("InvokedBefore", "2026-11-01T14:30:00+01:00")], ["a-2"]),
        ([("InvokedAfter", "2026-11-01"), ("InvokedAfter", "2026-11-01T14:00Z")], ["a-3"]),
        ([("Target", "mi-1"), ("Status", "Connected")], []),
        ([("Target", "mi-1"), ("Target", NODE_ID)], []),
        ([("Status", "Connected"), ("Status", "Connecting")], []),
        ([("Status", "Terminated")], []),
    ],
)
def test_filters_combine(world, admin, four, filters, expected):
    assert ids(describe(world, admin, "Active", *filters)) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Status", "connected"),
        ("InvokedAfter", "yesterday"),
        ("InvokedBefore", "0001-01-01T00:00:00+23:00"),
        ("InvokedBefore", ""),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_by_name(world, admin, key, value):
    with pytest.raises(InvalidRequest, match=f"The filter {key} must be"):
        describe(world, admin, "Active", (key, value))


def test_listing_goes_a_page_at_a_time_also_within_one_moment(world, admin):
    names = [f"a-{number}" for number in range(5)]
    for name in names:
        add(world, name)
    listed, token = [], None
    for _ in range(3):
        page = describe(world, admin, max_results=2, next_token=token)
        listed += ids(page)
        token = page.next_token
    assert listed == names[::-1]
    assert token is None


def test_a_token_is_good_for_its_own_listing_only(world, admin):
    for number in range(2):
        add(world, f"a-{number}")
    token = describe(world, admin, max_results=1).next_token
    for arguments in (("History",), ("Active", ("Target", NODE_ID)), ("Active", ("Status", "Failed"))):
        with pytest.raises(InvalidNextToken):
            describe(world, admin, *arguments, next_token=token)
    elsewhere = replace(admin, scope=Scope("111122223333", "eu-central-1"))
    with pytest.raises(InvalidNextToken):
        describe(world, elsewhere, next_token=token)
    assert ids(describe(world, admin, next_token=token)) == ["a-0"]


def test_listing_needs_the_right_to_it(world):
    with pytest.raises(AccessDenied, match=r"resource: \* because"):
        describe(world, world.user("alice", policy(statement("Deny", "x:y"))))
