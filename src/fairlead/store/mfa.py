"""Virtual MFA devices in SQL. Seeds are sealed here, each bound to its serial number."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from fairlead.domain.errors import EntityAlreadyExists
from fairlead.domain.mfa import MfaDevice
from fairlead.store.identities import SecretSealer
from fairlead.store.named_rows import NamedRow
from fairlead.store.tables import mfa_devices as devices


class SqlMfa:
    """domain.mfa.MfaRepository over one connection."""

    def __init__(self, connection: Connection, sealer: SecretSealer) -> None:
        self._connection = connection
        self._sealer = sealer

    def add(self, device: MfaDevice) -> None:
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    insert(devices).values(
                        serial_number=device.serial_number,
                        serial_key=device.serial_number.lower(),
                        account_id=device.account_id,
                        sealed_seed=self._sealer.seal(device.seed, _bound_to(device.serial_number)),
                        created_at=device.created_at,
                        user_id=device.user_id,
                        enabled_at=device.enabled_at,
                        last_step=device.last_step,
                        drift_steps=device.drift_steps,
                        failures=device.failures,
                        last_failed_at=device.last_failed_at,
                    )
                )
        except IntegrityError as error:
            raise EntityAlreadyExists("MFADevice entity at the same path and name already exists.") from error

    def get(self, account_id: str, serial_number: str, *, to_change: bool = False) -> MfaDevice | None:
        statement = select(devices).where(
            devices.c.serial_number == serial_number, devices.c.account_id == account_id
        )
        if to_change:
            statement = statement.with_for_update()  # not needed in SQLite, and left out there: one writer
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else self._device(row)

    def page(
        self, account_id: str, is_assigned: bool | None, after_serial: str | None, limit: int
    ) -> Sequence[MfaDevice]:
        statement = select(devices).where(devices.c.account_id == account_id)
        if is_assigned is not None:
            statement = statement.where(
                devices.c.user_id.is_not(None) if is_assigned else devices.c.user_id.is_(None)
            )
        if after_serial is not None:
            statement = statement.where(devices.c.serial_key > after_serial.lower())
        rows = self._connection.execute(statement.order_by(devices.c.serial_key).limit(limit))
        return [self._device(row) for row in rows]

    def of_user(self, user_id: str) -> Sequence[MfaDevice]:
        statement = select(devices).where(devices.c.user_id == user_id).order_by(devices.c.serial_key)
        return [self._device(row) for row in self._connection.execute(statement)]

    def assign(self, serial_number: str, user_id: str, at: datetime) -> None:
        self._set(serial_number, user_id=user_id, enabled_at=at, drift_steps=0, **_NO_FAILURES)

    def unassign(self, serial_number: str) -> None:
        self._set(serial_number, user_id=None, enabled_at=None, **_NO_FAILURES)

    def accept_step(self, serial_number: str, step: int) -> bool:
        changed = self._connection.execute(
            update(devices)
            .where(devices.c.serial_number == serial_number, devices.c.last_step < step)
            .values(last_step=step, **_NO_FAILURES)
        )
        return changed.rowcount == 1

    def set_drift(self, serial_number: str, drift_steps: int) -> None:
        self._set(serial_number, drift_steps=drift_steps)

    def add_failure(self, serial_number: str, at: datetime) -> None:
        self._set(serial_number, failures=devices.c.failures + 1, last_failed_at=at)

    def delete(self, serial_number: str) -> None:
        self._connection.execute(delete(devices).where(devices.c.serial_number == serial_number))

    def _set(self, serial_number: str, **values: object) -> None:
        self._connection.execute(
            update(devices).where(devices.c.serial_number == serial_number).values(**values)
        )

    def _device(self, row: NamedRow) -> MfaDevice:
        return MfaDevice(
            serial_number=row.serial_number,
            account_id=row.account_id,
            seed=self._sealer.open(row.sealed_seed, _bound_to(row.serial_number)),
            created_at=row.created_at,
            user_id=row.user_id,
            enabled_at=row.enabled_at,
            last_step=row.last_step,
            drift_steps=row.drift_steps,
            failures=row.failures,
            last_failed_at=row.last_failed_at,
        )


_NO_FAILURES: dict[str, object] = {"failures": 0, "last_failed_at": None}


def _bound_to(serial_number: str) -> bytes:
    return b"mfa_devices:" + serial_number.encode()
