"""Virtual MFA devices of `memory_store`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fairlead.domain.errors import EntityAlreadyExists
from fairlead.domain.mfa import MfaDevice

if TYPE_CHECKING:
    from tests.support.memory_store import Tables


class MemoryMfa:
    """domain.mfa.MfaRepository."""

    def __init__(self, tables: "Tables") -> None:
        self._tables = tables

    def add(self, device: MfaDevice) -> None:
        if device.serial_number.lower() in map(str.lower, self._tables.mfa_devices):
            raise EntityAlreadyExists("MFADevice entity at the same path and name already exists.")
        self._tables.mfa_devices[device.serial_number] = device

    def get(self, account_id: str, serial_number: str, *, to_change: bool = False) -> MfaDevice | None:
        device = self._tables.mfa_devices.get(serial_number)
        return device if device is not None and device.account_id == account_id else None

    def page(
        self, account_id: str, is_assigned: bool | None, after_serial: str | None, limit: int
    ) -> Sequence[MfaDevice]:
        found = [
            device
            for device in self._sorted()
            if device.account_id == account_id
            and is_assigned in (None, device.user_id is not None)
            and (after_serial is None or device.serial_number.lower() > after_serial.lower())
        ]
        return found[:limit]

    def of_user(self, user_id: str) -> Sequence[MfaDevice]:
        return [device for device in self._sorted() if device.user_id == user_id]

    def assign(self, serial_number: str, user_id: str, at: datetime) -> None:
        self._set(
            serial_number, user_id=user_id, enabled_at=at, drift_steps=0, failures=0, last_failed_at=None
        )

    def unassign(self, serial_number: str) -> None:
        self._set(serial_number, user_id=None, enabled_at=None, failures=0, last_failed_at=None)

    def accept_step(self, serial_number: str, step: int) -> bool:
        if self._tables.mfa_devices[serial_number].last_step >= step:
            return False
        self._set(serial_number, last_step=step, failures=0, last_failed_at=None)
        return True

    def set_drift(self, serial_number: str, drift_steps: int) -> None:
        self._set(serial_number, drift_steps=drift_steps)

    def add_failure(self, serial_number: str, at: datetime) -> None:
        failures = self._tables.mfa_devices[serial_number].failures + 1
        self._set(serial_number, failures=failures, last_failed_at=at)

    def delete(self, serial_number: str) -> None:
        del self._tables.mfa_devices[serial_number]

    def _set(self, serial_number: str, **changes: Any) -> None:
        device = self._tables.mfa_devices[serial_number]
        self._tables.mfa_devices[serial_number] = replace(device, **changes)

    def _sorted(self) -> list[MfaDevice]:
        return sorted(self._tables.mfa_devices.values(), key=lambda device: device.serial_number.lower())
