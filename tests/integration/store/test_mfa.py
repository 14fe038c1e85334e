from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from fairlead.domain.errors import EntityAlreadyExists
from fairlead.domain.mfa import NO_STEP, MfaDevice
from fairlead.store.store import SqlStore
from tests.support.factories import NOW, SCOPE, a_user

SEED = b"twenty bytes or more of a seed.."
SERIAL = f"arn:aws:iam::{SCOPE.account_id}:mfa/Alice"


def a_device(serial: str = SERIAL) -> MfaDevice:
    return MfaDevice(serial_number=serial, account_id=SCOPE.account_id, seed=SEED, created_at=NOW)


def test_a_device_comes_back_as_it_was_and_its_seed_is_not_in_the_database(store: SqlStore) -> None:
    with store.transaction() as work:
        work.mfa.add(a_device())
    with store.transaction() as work:
        assert work.mfa.get(SCOPE.account_id, SERIAL, to_change=True) == a_device()
        assert work.mfa.get(SCOPE.account_id, SERIAL.lower()) is None
        assert work.mfa.get("999999999999", SERIAL) is None
        [row] = work.mfa._connection.execute(text("SELECT sealed_seed FROM mfa_devices"))
        assert SEED not in bytes(row.sealed_seed)


def test_a_serial_number_is_taken_whatever_its_case_and_the_transaction_goes_on(store: SqlStore) -> None:
    with store.transaction() as work:
        work.mfa.add(a_device())
        with pytest.raises(EntityAlreadyExists, match="MFADevice entity"):
            work.mfa.add(a_device(SERIAL.upper()))
        work.mfa.add(a_device(SERIAL + "2"))


def test_a_step_is_accepted_once_and_none_before_it_after_that(store: SqlStore) -> None:
    with store.transaction() as work:
        work.mfa.add(a_device())
        assert a_device().last_step == NO_STEP
        assert work.mfa.accept_step(SERIAL, 1000)
        assert not work.mfa.accept_step(SERIAL, 1000)
        assert not work.mfa.accept_step(SERIAL, 999)
        assert work.mfa.accept_step(SERIAL, 1001)


def test_wrong_codes_are_counted_until_a_good_one(store: SqlStore) -> None:
    later = NOW + timedelta(minutes=1)
    with store.transaction() as work:
        work.mfa.add(a_device())
        work.mfa.add_failure(SERIAL, NOW)
        work.mfa.add_failure(SERIAL, later)
        device = work.mfa.get(SCOPE.account_id, SERIAL)
        assert device == replace(a_device(), failures=2, last_failed_at=later)
        assert not work.mfa.accept_step(SERIAL, NO_STEP)
        assert work.mfa.get(SCOPE.account_id, SERIAL) == device
        work.mfa.accept_step(SERIAL, 7)
        assert work.mfa.get(SCOPE.account_id, SERIAL) == replace(a_device(), last_step=7)


def test_a_device_is_given_to_a_user_and_taken_back(store: SqlStore) -> None:
    alice = a_user()
    with store.transaction() as work:
        work.identities.add_user(alice)
        work.mfa.add(a_device())
        work.mfa.accept_step(SERIAL, 7)
        work.mfa.set_drift(SERIAL, 3)
        work.mfa.add_failure(SERIAL, NOW)
        work.mfa.assign(SERIAL, alice.id, NOW)
        theirs = replace(a_device(), last_step=7, user_id=alice.id, enabled_at=NOW)
        assert list(work.mfa.of_user(alice.id)) == [theirs]
        work.mfa.unassign(SERIAL)
        assert list(work.mfa.of_user(alice.id)) == []
        assert work.mfa.get(SCOPE.account_id, SERIAL) == replace(a_device(), last_step=7)
        work.mfa.delete(SERIAL)
        assert work.mfa.get(SCOPE.account_id, SERIAL) is None


def test_devices_are_listed_by_serial_number(store: SqlStore) -> None:
    serials = [SERIAL + end for end in ("c", "A", "b")]
    with store.transaction() as work:
        work.identities.add_user(a_user())
        for serial in serials:
            work.mfa.add(a_device(serial))
        work.mfa.assign(serials[0], a_user().id, NOW)

        def ends(is_assigned: bool | None, after: str | None, limit: int) -> str:
            found = work.mfa.page(SCOPE.account_id, is_assigned, after, limit)
            return "".join(device.serial_number[-1] for device in found)

        assert ends(None, None, 10) == "Abc"
        assert ends(None, serials[1], 1) == "b"
        assert (ends(True, None, 10), ends(False, None, 10)) == ("c", "Ab")
        assert work.mfa.page("999999999999", None, None, 10) == []
