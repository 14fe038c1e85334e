"""Forgetting what is old."""

from datetime import timedelta

from fairlead.control.housekeeping import Purged, purge
from fairlead.domain.sessions import SessionStatus
from tests.support.factories import NOW, a_session, a_token


def test_old_history_and_expired_tokens_go_and_the_rest_stays(world):
    ended = {"status": SessionStatus.TERMINATED}
    with world.store.transaction() as uow:
        uow.sessions.add(a_session(id="old", ended_at=NOW - timedelta(days=30, seconds=1), **ended))
        uow.sessions.add(a_session(id="new", ended_at=NOW - timedelta(days=30), **ended))
        uow.sessions.add(a_session(id="active", started_at=NOW - timedelta(days=90)))
        uow.sessions.add_token(a_token(digest=b"old", expires_at=NOW))
        uow.sessions.add_token(a_token(digest=b"new", expires_at=NOW + timedelta(seconds=1)))
    assert purge(world.env) == Purged(sessions=1, tokens=1)
    assert set(world.store.tables.sessions) == {"new", "active"}
    assert set(world.store.tables.tokens) == {b"new"}
    assert purge(world.env) == Purged(sessions=0, tokens=0)
