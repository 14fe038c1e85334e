from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.domain.activations import ActivationQuery
from fairlead.store.store import SqlStore
from tests.support.factories import NOW, SCOPE, an_activation
from tests.support.query_plans import table_scans

ACTIVATION_ID = an_activation().id


def test_an_activation_comes_back_as_it_was_stored(store: SqlStore) -> None:
    with store.transaction() as work:
        work.activations.add(an_activation())
        assert work.activations.get(SCOPE, ACTIVATION_ID) == an_activation()


def test_registrations_are_counted_up_to_the_limit(store: SqlStore) -> None:
    with store.transaction() as work:
        work.activations.add(an_activation(registration_limit=2))
        assert [work.activations.claim_registration(ACTIVATION_ID) for _ in range(3)] == [True, True, False]
        found = work.activations.find(ACTIVATION_ID)
    assert found is not None
    assert found.registrations_count == 2


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_of_many_who_race_exactly_as_many_register_as_the_limit_says(store: SqlStore) -> None:
    def register(_: int) -> bool:
        with store.transaction() as work:
            return work.activations.claim_registration(ACTIVATION_ID)

    with store.transaction() as work:
        work.activations.add(an_activation(registration_limit=10))
    with ThreadPoolExecutor(8) as racers:
        assert sum(racers.map(register, range(100))) == 10


def test_listing_pages_newest_first(store: SqlStore) -> None:
    with store.transaction() as work:
        for i in range(5):
            work.activations.add(an_activation(id=f"id-{i}", created_at=NOW + timedelta(seconds=i // 2)))
        first = work.activations.describe(ActivationQuery(scope=SCOPE, limit=3))
        last = first[-1]
        rest = work.activations.describe(
            ActivationQuery(scope=SCOPE, after_key=(last.created_at, last.id), limit=3)
        )
    assert [activation.id for activation in [*first, *rest]] == ["id-4", "id-3", "id-2", "id-1", "id-0"]


@pytest.mark.parametrize("narrower", [{"ids": ["x"]}, {"default_instance_names": ["x"]}, {"iam_roles": []}])
def test_a_filter_that_does_not_fit_hides_the_activation(
    store: SqlStore, narrower: dict[str, object]
) -> None:
    with store.transaction() as work:
        work.activations.add(an_activation())
        query = replace(ActivationQuery(scope=SCOPE), **narrower)  # type: ignore[arg-type]  # by name
        assert work.activations.describe(query) == []


@pytest.mark.parametrize(
    "query",
    [
        ActivationQuery(scope=SCOPE),
        ActivationQuery(scope=SCOPE, after_key=(NOW, "x")),
        ActivationQuery(scope=SCOPE, ids=["x"]),
        ActivationQuery(scope=SCOPE, default_instance_names=["x"], iam_roles=["y"]),
    ],
    ids=str,
)
def test_no_listing_reads_a_whole_table(store: SqlStore, query: ActivationQuery) -> None:
    with store.read() as work:
        assert table_scans(work.activations._connection, lambda: work.activations.describe(query)) == []


def test_a_deleted_activation_is_gone(store: SqlStore) -> None:
    with store.transaction() as work:
        work.activations.add(an_activation())
        work.activations.delete(ACTIVATION_ID)
        assert work.activations.find(ACTIVATION_ID) is None
