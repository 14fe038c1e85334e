"""The code of an MFA device that comes with AssumeRole or GetSessionToken.

A code is looked at in a transaction of its own, before the call's: a wrong one is counted though the call is
refused, a right one is used up whatever becomes of the call, and of two calls that race with the same code
one gets it. While a device is locked a right code gets the same answer as a wrong one.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.control.audit import moment_text
from fairlead.control.environment import Environment
from fairlead.domain.callers import Caller, CallerKind
from fairlead.domain.errors import AccessDenied
from fairlead.domain.mfa import MfaDevice
from fairlead.domain.unit_of_work import UnitOfWork

_UNKNOWN_DEVICE = (
    "MultiFactorAuthentication failed, unable to validate MFA code. Please verify your MFA serial number is"
    " valid and associated with this user."
)
_HALF = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
_WRONG_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code."


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What became of a code: accepted at a moment, or refused with a text, or there was none."""

    accepted_at: datetime | None = None
    refusal: str | None = None

    def moment(self) -> datetime | None:
        """When the code was accepted; None if there was none. Raises AccessDenied if it was refused."""
        if self.refusal is not None:
            raise AccessDenied(self.refusal)
        return self.accepted_at


def take_code(env: Environment, caller: Caller, serial_number: str | None, code: str | None) -> CodeResult:
    """Look at the code of a device of the caller's, and use it up."""
    if serial_number is None and code is None:
        return CodeResult()
    if serial_number is None or code is None:
        return CodeResult(refusal=_HALF)
    if caller.kind is not CallerKind.USER:
        return CodeResult(refusal=_UNKNOWN_DEVICE)
    with env.store.transaction() as uow:
        device = uow.mfa.get(caller.scope.account_id, serial_number, to_change=True)
        if device is None or device.user_id != caller.principal_id:
            return CodeResult(refusal=_UNKNOWN_DEVICE)
        return _take(uow, device, code, env.now())


def _take(uow: UnitOfWork, device: MfaDevice, code: str, now: datetime) -> CodeResult:
    if not device.is_locked(now):
        step = device.step_of(code, now)
        if step is not None:  # a used one is no guess, and not counted as one
            is_accepted = uow.mfa.accept_step(device.serial_number, step)
            return CodeResult(accepted_at=now) if is_accepted else CodeResult(refusal=_WRONG_CODE)
        uow.mfa.add_failure(device.serial_number, now)
        device = uow.mfa.get(device.account_id, device.serial_number) or device
    return CodeResult(refusal=_WRONG_CODE + _lock_text(device))


def _lock_text(device: MfaDevice) -> str:
    if device.locked_until is None:
        return ""
    until = moment_text(device.locked_until.replace(microsecond=0))
    return (
        f" After {device.failures} wrong codes in a row the device is locked until {until}, or until an"
        " administrator calls ResyncMFADevice."
    )
