"""Forgetting what is old."""

from datetime import timedelta

from fairlead.control.housekeeping import Purged, purge
from fairlead.domain.sessions import SessionStatus
from tests.support.factories import NOW, SCOPE, a_session, a_token, an_audit_record


def test_old_history_and_expired_tokens_go_and_the_rest_stays(world):
    ended = {"status": SessionStatus.TERMINATED}
    with world.store.transaction() as uow:
        uow.sessions.add(a_session(id="old", ended_at=NOW - timedelta(days=30, seconds=1), **ended))
        uow.sessions.add(a_session(id="new", ended_at=NOW - timedelta(days=30), **ended))
        uow.sessions.add(a_session(id="active", started_at=NOW - timedelta(days=90)))
        uow.sessions.add_token(a_token(digest=b"old", expires_at=NOW))
        uow.sessions.add_token(a_token(digest=b"new", expires_at=NOW + timedelta(seconds=1)))
    assert purge(world.env) == Purged(sessions=1, tokens=1, audit_records=0)
    assert set(world.store.tables.sessions) == {"new", "active"}
    assert set(world.store.tables.tokens) == {b"new"}
    assert purge(world.env) == Purged(sessions=0, tokens=0, audit_records=0)


def test_the_audit_trail_is_kept_for_as_long_as_the_settings_say(world):
    kept = timedelta(days=world.env.settings.audit_days)
    with world.store.transaction() as uow:
        uow.audit.add(an_audit_record(id="old", at=NOW - kept - timedelta(seconds=1)))
        uow.audit.add(an_audit_record(id="new", at=NOW - kept))
    assert kept == timedelta(days=90)
    assert purge(world.env) == Purged(sessions=0, tokens=0, audit_records=1)
    with world.store.read() as uow:
        assert [record.id for record in uow.audit.latest(SCOPE, 2)] == ["new"]
