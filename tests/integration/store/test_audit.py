from datetime import timedelta

from fairlead.domain.scope import Scope
from fairlead.store.store import SqlStore
from tests.support.factories import NOW, SCOPE, an_audit_record


def test_records_come_back_newest_first_and_unchanged(store: SqlStore) -> None:
    records = [an_audit_record(id=f"id-{i}", decision={"matched": [str(i)]}) for i in range(3)]
    with store.transaction() as work:
        for record in records:
            work.audit.add(record)
    with store.read() as work:
        assert work.audit.latest(SCOPE, 2) == [records[2], records[1]]
        assert work.audit.latest(Scope("999999999999", "us-east-1"), 2) == []


def test_records_are_purged_by_their_age_whatever_their_scope(store: SqlStore) -> None:
    elsewhere = Scope("999999999999", "us-east-1")
    with store.transaction() as work:
        work.audit.add(an_audit_record(id="old", at=NOW - timedelta(seconds=1)))
        work.audit.add(an_audit_record(id="old elsewhere", at=NOW - timedelta(days=1), scope=elsewhere))
        work.audit.add(an_audit_record(id="new", at=NOW))
    with store.transaction() as work:
        assert work.audit.purge(NOW) == 2
        assert work.audit.purge(NOW) == 0
    with store.read() as work:
        assert [record.id for record in work.audit.latest(SCOPE, 3)] == ["new"]
        assert work.audit.latest(elsewhere, 3) == []
