from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from fairlead.control.instance_identity import InstanceIdentities
from fairlead.domain.errors import InstanceAlreadyRegistered
from fairlead.domain.instance_identity import InstanceRegistration
from fairlead.store.store import SqlStore
from tests.support.control_world import ORIGIN, World, rsa_key
from tests.support.factories import NOW, SCOPE
from tests.support.identity_issuer import INSTANCE_ID
from tests.support.instance_requests import TRUST, a_request


def a_registration() -> InstanceRegistration:
    return InstanceRegistration(
        instance_id=INSTANCE_ID,
        scope=SCOPE,
        cloud_account_id="210987654321",
        cloud_region="eu-central-1",
        first_registered_at=NOW,
    )


def test_an_id_is_taken_once_and_the_transaction_goes_on(store: SqlStore) -> None:
    with store.transaction() as work:
        assert work.instance_registrations.claim(a_registration())
        assert not work.instance_registrations.claim(replace(a_registration(), cloud_region="elsewhere"))
    with store.transaction() as work:
        assert work.instance_registrations.get(INSTANCE_ID, to_change=True) == a_registration()
        assert work.instance_registrations.get("i-ffffffffffffffff0") is None


def test_a_leave_is_given_and_used_up(store: SqlStore) -> None:
    with_leave = replace(a_registration(), leave_until=NOW + timedelta(hours=1))
    with store.transaction() as work:
        work.instance_registrations.claim(a_registration())
        work.instance_registrations.replace(with_leave)
        assert work.instance_registrations.get(INSTANCE_ID) == with_leave
        work.instance_registrations.replace(a_registration())
        assert work.instance_registrations.get(INSTANCE_ID) == a_registration()


def test_of_several_at_the_same_time_one_has_it(store: SqlStore) -> None:
    taken = []

    def claim() -> None:
        with store.transaction() as work:
            taken.append(work.instance_registrations.claim(a_registration()))

    # The server gives a database without concurrency one thread.
    with ThreadPoolExecutor(4 if store.is_concurrent else 1) as threads:
        for _ in range(4):
            threads.submit(claim)
    assert sorted(taken) == [False, False, False, True]


def test_of_machines_that_come_with_one_document_at_the_same_time_the_first_is_the_one(
    store: SqlStore,
) -> None:
    world = World(store)
    world.role()
    use_cases = InstanceIdentities(world.env, world.notifier, TRUST)

    def register(number: int) -> str:
        try:
            use_cases.register_instance(ORIGIN, a_request(key=rsa_key(number)))
        except InstanceAlreadyRegistered:
            return "refused"
        return "registered"

    requests = range(4)
    for number in requests:
        rsa_key(number)  # which takes long, so that they come together
    with ThreadPoolExecutor(len(requests) if store.is_concurrent else 1) as threads:
        assert sorted(threads.map(register, requests)) == ["refused"] * 3 + ["registered"]
    with store.read() as work:
        assert work.nodes.find(INSTANCE_ID) is not None
