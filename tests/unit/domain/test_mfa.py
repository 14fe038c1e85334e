"""Which codes a device accepts, and when it is locked."""

from datetime import timedelta

import pytest

from fairlead.domain.mfa import LONGEST_LOCK, MAX_FAILURES, RESYNC_STEPS, MfaDevice
from fairlead.domain.totp import code_at, step_at
from tests.support.factories import NOW, SCOPE

SEED = b"a seed of some length, 32 bytes."
STEP = step_at(NOW)


def device(**members):
    serial = f"arn:aws:iam::{SCOPE.account_id}:mfa/alice"
    members = {
        "serial_number": serial,
        "account_id": SCOPE.account_id,
        "seed": SEED,
        "created_at": NOW,
        **members,
    }
    return MfaDevice(**members)


def code(offset):
    return code_at(SEED, STEP + offset)


@pytest.mark.parametrize(("offset", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_may_be_one_step_early_or_late(offset, is_good):
    assert device().step_of(code(offset), NOW) == (STEP + offset if is_good else None)


def test_of_a_code_that_was_used_the_step_is_known():
    assert device(last_step=STEP).step_of(code(0), NOW) == STEP


def test_a_known_drift_moves_the_window():
    ahead = device(drift_steps=10)
    assert ahead.step_of(code(10), NOW) == STEP + 10
    assert ahead.step_of(code(0), NOW) is None


def test_two_codes_in_a_row_end_in_the_window():
    assert device().step_of_pair(code(0), code(1), NOW) == STEP + 1
    assert device().step_of_pair(code(-2), code(-1), NOW) == STEP - 1
    assert device().step_of_pair(code(1), code(2), NOW) is None
    assert device().step_of_pair(code(1), code(0), NOW) is None
    assert device(last_step=STEP).step_of_pair(code(0), code(1), NOW) is None


def test_a_resync_looks_further():
    assert device().step_of_pair(code(15), code(16), NOW, RESYNC_STEPS) == STEP + 16
    assert device().step_of_pair(code(25), code(26), NOW, RESYNC_STEPS) is None


def test_five_wrong_codes_in_a_row_lock_for_a_quarter_of_an_hour():
    nearly = device(failures=MAX_FAILURES - 1, last_failed_at=NOW)
    assert not nearly.is_locked(NOW)
    locked = device(failures=MAX_FAILURES, last_failed_at=NOW)
    assert locked.is_locked(NOW + timedelta(minutes=14, seconds=59))
    assert not locked.is_locked(NOW + timedelta(minutes=15))


def test_each_wrong_code_after_a_lock_doubles_the_next_up_to_a_day():
    again = device(failures=MAX_FAILURES + 1, last_failed_at=NOW)
    assert again.locked_until == NOW + timedelta(minutes=30)
    assert device(failures=10_000, last_failed_at=NOW).locked_until == NOW + LONGEST_LOCK


def test_the_seed_is_not_part_of_repr():
    assert "seed" not in repr(device())
