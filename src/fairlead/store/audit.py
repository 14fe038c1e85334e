"""Audit records in SQL."""

from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, Row, delete, insert, select

from fairlead.domain.audit import AuditRecord
from fairlead.domain.scope import Scope
from fairlead.store.tables import audit_records

_FIELDS = tuple(field.name for field in fields(AuditRecord) if field.name != "scope")
_ADD = insert(audit_records)  # made once: making it takes longer than running it


class SqlAudit:
    """domain.audit.AuditRepository over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, record: AuditRecord) -> None:
        values = {name: getattr(record, name) for name in _FIELDS}
        self._connection.execute(
            _ADD, {"account_id": record.scope.account_id, "region": record.scope.region, **values}
        )

    def latest(self, scope: Scope, limit: int) -> list[AuditRecord]:
        statement = (
            select(audit_records)
            .where(audit_records.c.account_id == scope.account_id, audit_records.c.region == scope.region)
            .order_by(audit_records.c.sequence.desc())
            .limit(limit)
        )
        return [_record(row) for row in self._connection.execute(statement)]

    def purge(self, before: datetime) -> int:
        return self._connection.execute(delete(audit_records).where(audit_records.c.at < before)).rowcount


def _record(row: Row[tuple[object, ...]]) -> AuditRecord:
    values = {name: getattr(row, name) for name in _FIELDS}
    return AuditRecord(scope=Scope(row.account_id, row.region), **values)
