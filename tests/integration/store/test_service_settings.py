from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from fairlead.domain.scope import Scope
from fairlead.domain.service_settings import ACTIVATION_TIER, StoredSetting
from fairlead.store.store import SqlStore
from tests.support.factories import NOW, SCOPE

DECIDED = StoredSetting(value="standard", modified_at=NOW, modified_by="arn:aws:iam::111122223333:user/ann")


def test_a_decision_comes_back_as_it_was_stored_and_in_its_own_region_only(store: SqlStore) -> None:
    with store.transaction() as work:
        assert work.service_settings.get(SCOPE, ACTIVATION_TIER) is None
        work.service_settings.put(SCOPE, ACTIVATION_TIER, DECIDED)
        assert work.service_settings.get(SCOPE, ACTIVATION_TIER) == DECIDED
        assert work.service_settings.get(Scope(SCOPE.account_id, "eu-central-1"), ACTIVATION_TIER) is None
        assert work.service_settings.get(SCOPE, "/another") is None


def test_the_latest_decision_holds(store: SqlStore) -> None:
    later = replace(DECIDED, value=None, modified_at=NOW + timedelta(days=1))
    with store.transaction() as work:
        work.service_settings.put(SCOPE, ACTIVATION_TIER, DECIDED)
        work.service_settings.put(SCOPE, ACTIVATION_TIER, later)
        assert work.service_settings.get(SCOPE, ACTIVATION_TIER) == later


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_of_first_decisions_that_race_one_holds_and_none_fails(store: SqlStore) -> None:
    start = Barrier(4)

    def decide(number: int) -> None:
        start.wait()
        with store.transaction() as work:
            work.service_settings.put(SCOPE, ACTIVATION_TIER, replace(DECIDED, modified_by=str(number)))

    with ThreadPoolExecutor(4) as deciding:
        list(deciding.map(decide, range(4)))
    with store.read() as work:
        held = work.service_settings.get(SCOPE, ACTIVATION_TIER)
    assert held is not None
    assert held.modified_by in "0123"
