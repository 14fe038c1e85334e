"""The states of a session."""

import pytest

from fairlead.domain.sessions import (
    ACTIVE_STATUSES,
    ENDED_STATUSES,
    TRANSITIONS,
    EndReason,
    SessionEnd,
    SessionStatus,
)


def test_every_status_has_its_place_in_the_table():
    assert set(TRANSITIONS) == set(SessionStatus)


def test_every_status_is_either_active_or_ended():
    assert set(ACTIVE_STATUSES) | set(ENDED_STATUSES) == set(SessionStatus)
    assert set(ENDED_STATUSES) == {SessionStatus.TERMINATED, SessionStatus.FAILED}


@pytest.mark.parametrize("status", ENDED_STATUSES)
def test_nothing_follows_an_end(status):
    assert not TRANSITIONS[status]


@pytest.mark.parametrize("status", ACTIVE_STATUSES)
def test_every_active_session_can_end_and_none_stays_as_it_is(status):
    assert TRANSITIONS[status] >= set(ENDED_STATUSES)
    assert status not in TRANSITIONS[status]


def test_a_session_never_connects_anew_nor_comes_back_while_it_ends():
    assert not any(SessionStatus.CONNECTING in after for after in TRANSITIONS.values())
    assert SessionStatus.CONNECTED not in TRANSITIONS[SessionStatus.TERMINATING]


def test_a_lost_session_can_come_back():
    assert SessionStatus.CONNECTED in TRANSITIONS[SessionStatus.DISCONNECTED]


@pytest.mark.parametrize("reason", [EndReason.CLIENT_LEFT, EndReason.AGENT_ENDED])
def test_an_end_as_its_user_wanted_it_needs_no_explanation(reason):
    end = SessionEnd(status=SessionStatus.TERMINATED, reason=reason, details="said by the node")
    assert end.explanation == ""


def test_any_other_end_is_explained_with_its_details_where_there_are_some():
    failed = SessionEnd(status=SessionStatus.FAILED, reason=EndReason.AGENT_FAILED, details="no such port")
    assert failed.explanation == "The node could not carry out the session: no such port"
    idle = SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.IDLE_TIMEOUT)
    assert idle.explanation == "No data in either direction for the idle timeout."
