"""Which instance ids were taken, in SQL."""

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from fairlead.domain.instance_identity import InstanceRegistration
from fairlead.domain.scope import Scope
from fairlead.store.tables import instance_registrations as table


class SqlInstanceRegistrations:
    """domain.instance_identity.InstanceRegistrationRepository over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, instance_id: str, *, to_change: bool = False) -> InstanceRegistration | None:
        statement = select(table).where(table.c.instance_id == instance_id)
        if to_change:
            statement = statement.with_for_update()  # not needed in SQLite, and left out there: one writer
        row = self._connection.execute(statement).one_or_none()
        if row is None:
            return None
        return InstanceRegistration(
            instance_id=row.instance_id,
            scope=Scope(row.account_id, row.region),
            cloud_account_id=row.cloud_account_id,
            cloud_region=row.cloud_region,
            first_registered_at=row.first_registered_at,
            leave_until=row.leave_until,
        )

    def claim(self, registration: InstanceRegistration) -> bool:
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(table).values(**_columns(registration)))
        except IntegrityError:
            return False
        return True

    def replace(self, registration: InstanceRegistration) -> None:
        self._connection.execute(
            update(table)
            .where(table.c.instance_id == registration.instance_id)
            .values(**_columns(registration))
        )


def _columns(registration: InstanceRegistration) -> dict[str, object]:
    return {
        "instance_id": registration.instance_id,
        "account_id": registration.scope.account_id,
        "region": registration.scope.region,
        "cloud_account_id": registration.cloud_account_id,
        "cloud_region": registration.cloud_region,
        "first_registered_at": registration.first_registered_at,
        "leave_until": registration.leave_until,
    }
