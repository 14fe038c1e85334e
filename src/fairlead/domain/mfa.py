"""Virtual MFA devices: which codes they accept, when wrong ones lock them, and where they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from fairlead.domain.totp import matching_step, step_at

MAX_DEVICES_PER_USER = 8
MAX_SERIAL_CHARACTERS = 256

WINDOW_STEPS = 1
"""A code may be this many steps early or late (RFC 6238 §5.2)."""
RESYNC_STEPS = 20
"""How far off, in steps, a clock may be that two codes in a row set right: ten minutes."""

MAX_FAILURES = 5
"""So many wrong codes in a row lock a device."""
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(days=1)
"""Each wrong code after a lock doubles the next, up to this: who stole an access key gets a few hundred
guesses a year, of a million."""

NO_STEP = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class MfaDevice:
    """A virtual MFA device. The seed is sealed at rest and is not part of `repr`.

    It belongs to a user while it is enabled. `last_step` is the newest step whose code was accepted: neither
    that nor an older one is accepted again. `drift_steps` is how far the device's clock is ahead.
    """

    serial_number: str
    account_id: str
    seed: bytes = field(repr=False)
    created_at: datetime
    user_id: str | None = None
    enabled_at: datetime | None = None
    last_step: int = NO_STEP
    drift_steps: int = 0
    failures: int = 0
    last_failed_at: datetime | None = None

    @property
    def locked_until(self) -> datetime | None:
        """When a code is looked at again after too many wrong ones; None if there were not so many."""
        if self.failures < MAX_FAILURES or self.last_failed_at is None:
            return None
        doublings = min(self.failures - MAX_FAILURES, 16)
        return self.last_failed_at + min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)

    def is_locked(self, now: datetime) -> bool:
        """True while no code is looked at, not even a right one."""
        return self.locked_until is not None and now < self.locked_until

    def step_of(self, code: str, now: datetime) -> int | None:
        """The step that a code is of, used or not, if it is one of those around now."""
        center = step_at(now) + self.drift_steps
        return matching_step(self.seed, range(center - WINDOW_STEPS, center + WINDOW_STEPS + 1), code)

    def step_of_pair(self, first: str, second: str, now: datetime, window: int = WINDOW_STEPS) -> int | None:
        """The step of the second of two unused codes in a row, if it is within so many steps of now."""
        center = step_at(now) - 1
        steps = range(max(center - window, self.last_step + 1), center + window + 1)
        return matching_step(self.seed, steps, first, second)


class MfaRepository(Protocol):
    """Where devices are kept, by serial number."""

    def add(self, device: MfaDevice) -> None:
        """Raises EntityAlreadyExists when the serial number is taken, whatever its case."""
        ...

    def get(self, account_id: str, serial_number: str, *, to_change: bool = False) -> MfaDevice | None:
        """`to_change`: until the transaction ends nobody else gets the device to change it."""
        ...

    def page(
        self, account_id: str, is_assigned: bool | None, after_serial: str | None, limit: int
    ) -> Sequence[MfaDevice]:
        """Devices of an account, all or those that are (not) somebody's, ordered by serial number."""
        ...

    def of_user(self, user_id: str) -> Sequence[MfaDevice]:
        """Ordered by serial number."""
        ...

    def assign(self, serial_number: str, user_id: str, at: datetime) -> None:
        """The device is the user's from now on, with no wrong codes and no drift."""
        ...

    def unassign(self, serial_number: str) -> None:
        """Nobody's again; which codes were used stays known."""
        ...

    def accept_step(self, serial_number: str, step: int) -> bool:
        """Use up a step, and forget wrong codes; False, and no change, if it or a later one was used."""
        ...

    def set_drift(self, serial_number: str, drift_steps: int) -> None: ...
    def add_failure(self, serial_number: str, at: datetime) -> None:
        """One more wrong code in a row."""
        ...

    def delete(self, serial_number: str) -> None: ...
