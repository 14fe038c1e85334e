"""Places in the log, checkpoints, retention, and what is recorded of what was only counted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.control.audit_log import BATCH_EVENTS, RECORDED_SOURCES, AuditLog
from fairlead.domain.audit import event_text
from fairlead.domain.errors import StorageFull
from fairlead.transparency.merkle import verify_consistency
from fairlead.transparency.notes import NoteSigner
from tests.support import naive_tree
from tests.support.control_world import AUDIT_KEY, ORIGIN, World, http_request, signed_request
from tests.support.factories import an_audit_record


class FullStore:
    """A store without room."""

    def transaction(self):
        raise StorageFull


def add(world, count, **changes):
    with world.store.transaction() as uow:
        for _ in range(count):
            number = len(world.audit)
            uow.audit.add(an_audit_record(id=f"id-{number}", at=world.now, **changes))


def leaves(world):
    return [event_text(record).encode() for record in world.audit]


def test_pending_events_get_places_in_batches(world):
    add(world, BATCH_EVENTS + 1)
    assert world.audit_log.sequence_batch()
    assert len(world.store.tables.audit_places) == BATCH_EVENTS
    assert not world.audit_log.sequence_batch()
    assert sorted(world.store.tables.audit_places.values()) == list(range(BATCH_EVENTS + 1))


def test_an_idle_log_is_not_written_to(world):
    world.audit_log.checkpoint()
    commits = world.store.commits
    assert not world.audit_log.sequence_batch()
    world.audit_log.checkpoint()
    assert world.store.commits == commits


def test_a_checkpoint_signs_the_root_over_everything_until_now(world):
    add(world, 3)
    checkpoint = world.audit_log.checkpoint()
    signed = world.audit_log.key.verify(checkpoint.note)
    assert (signed.origin, signed.size, signed.root) == (
        "fairlead/audit/test",
        3,
        naive_tree.root(leaves(world)),
    )
    assert world.env.last_checkpoint.note == checkpoint.note
    assert checkpoint.size == 3


def test_checkpoints_follow_from_each_other(world):
    add(world, 5)
    first = world.audit_log.key.verify(world.audit_log.checkpoint().note)
    add(world, 300)
    second = world.audit_log.key.verify(world.audit_log.checkpoint().note)
    proof = naive_tree.consistency(5, leaves(world))
    verify_consistency(first.size, second.size, first.root, second.root, proof)


def test_what_is_too_old_is_cut_at_a_checkpoint(world):
    add(world, 300)
    world.audit_log.checkpoint()
    world.advance(hours=2)
    add(world, 10)
    world.audit_log.checkpoint()
    world.advance(days=90, seconds=1)
    assert world.audit_log.cut_batch() == BATCH_EVENTS
    while world.audit_log.cut_batch():
        pass
    assert world.audit == []
    add(world, 1)
    assert world.audit_log.checkpoint().size == 311


def test_what_is_not_old_enough_or_under_no_checkpoint_stays(world):
    add(world, 3)
    assert world.audit_log.cut_batch() == 0
    world.advance(days=100)
    world.audit_log.checkpoint()
    assert world.audit_log.cut_batch() == 0
    assert len(world.audit) == 3


def test_the_setting_decides_how_long():
    world = World(audit_days=1)
    add(world, 1)
    world.audit_log.checkpoint()
    world.advance(days=1, seconds=1)
    assert world.audit_log.cut_batch() == 1


def test_refused_credentials_are_recorded_once_for_each_source(world):
    credentials = world.key_of(world.user())
    request = signed_request(credentials, world.now, request=http_request(body=b"{}"))
    forged = type(request)(request.method, request.path, request.query, request.headers, b"[]")
    before = len(world.audit)
    for _ in range(3):
        with pytest.raises(Exception, match="signature"):
            world.authenticator.authenticate(forged, ORIGIN, "ssm")
    assert len(world.audit) == before
    world.audit_log.record_refusals()
    (record,) = world.audit[before:]
    assert (record.event_name, record.source_address) == (
        "UnauthenticatedCallsRefused",
        ORIGIN.source_address,
    )
    assert record.request_parameters["count"] == 3
    assert record.request_parameters["errorCodes"] == {"InvalidSignatureException": 3}
    world.audit_log.record_refusals()
    assert len(world.audit) == before + 1


def test_a_flood_from_everywhere_is_a_bounded_number_of_records(world):
    for number in range(2_000):
        for _ in range(2 if number < 5 else 1):
            world.env.tallies.count_refusal(f"source {number}", "code", world.now)
    world.audit_log.record_refusals()
    records = world.audit
    assert len(records) == RECORDED_SOURCES + 1
    assert [record.source_address for record in records[:5]] == [f"source {number}" for number in range(5)]
    assert records[-1].source_address == ""
    assert sum(record.request_parameters["count"] for record in records) == 2_005


def test_calls_of_nodes_are_recorded_as_counts(world):
    world.env.tallies.count_call("UpdateInstanceInformation")
    world.env.tallies.count_call("UpdateInstanceInformation")
    world.audit_log.record_node_calls()
    assert world.last_record.event_name == "NodeCalls"
    assert world.last_record.request_parameters == {"counts": {"UpdateInstanceInformation": 2}}
    world.advance(hours=1)
    world.audit_log.record_node_calls()
    assert len(world.audit) == 1
    assert world.last_record.at + timedelta(hours=1) == world.now


def test_counts_that_cannot_be_recorded_now_are_recorded_later(world):
    world.env.tallies.count_call("UpdateInstanceInformation")
    world.env.tallies.count_refusal("192.0.2.1", "code", world.now)
    log = AuditLog(replace(world.env, store=FullStore()), NoteSigner("fairlead/audit/test", AUDIT_KEY))
    for record in (log.record_refusals, log.record_node_calls):
        with pytest.raises(StorageFull):
            record()
    world.audit_log.record_refusals()
    world.audit_log.record_node_calls()
    refusals, calls = world.audit
    assert (refusals.source_address, refusals.request_parameters["count"]) == ("192.0.2.1", 1)
    assert calls.request_parameters == {"counts": {"UpdateInstanceInformation": 1}}
