"""What a store must offer; the one for tests offers it too."""

import inspect

import pytest

from fairlead.domain import activations, audit, identities, nodes, sessions, unit_of_work
from tests.support import memory_store
from tests.support.factories import a_token

PAIRS = [
    (sessions.SessionRepository, memory_store.MemorySessions),
    (nodes.NodeRepository, memory_store.MemoryNodes),
    (activations.ActivationRepository, memory_store.MemoryActivations),
    (identities.IdentityRepository, memory_store.MemoryIdentities),
    (audit.AuditRepository, memory_store.MemoryAudit),
    (unit_of_work.Store, memory_store.MemoryStore),
]


@pytest.mark.parametrize(("interface", "implementation"), PAIRS, ids=lambda kind: kind.__name__)
def test_every_method_is_there_with_the_same_parameters(interface, implementation):
    for name, method in inspect.getmembers(interface, inspect.isfunction):
        if not name.startswith("_"):
            wanted = list(inspect.signature(method).parameters)
            assert list(inspect.signature(getattr(implementation, name)).parameters) == wanted


def test_a_failed_transaction_leaves_everything_as_it_was():
    store = memory_store.MemoryStore()

    def fail():
        with store.transaction() as uow:
            uow.sessions.add_token(a_token())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not store.tables.tokens


def test_nothing_is_written_through_a_read():
    store = memory_store.MemoryStore()
    with store.read() as uow:
        uow.sessions.add_token(a_token())
    assert not store.tables.tokens
