"""The log page by page, checkpoints, and proofs that hold."""

from datetime import timedelta

import pytest

from fairlead.control import audit_proofs
from fairlead.domain.errors import AccessDenied, InvalidNextToken, InvalidRequest
from fairlead.domain.operations import audit_log as operations
from fairlead.transparency.merkle import Frontier, leaf_hash, verify_consistency, verify_inclusion
from tests.support.control_world import policy, statement
from tests.support.factories import an_audit_record


@pytest.fixture
def auditor(world):
    """Somebody who may read the log; and ten events, a minute apart."""
    for number in range(10):
        with world.store.transaction() as uow:
            uow.audit.add(an_audit_record(id=f"id-{number}", at=world.now))
        world.advance(minutes=1)
    return world.user("auditor", policy(statement("Allow", "fairlead:*Audit*")))


def export(world, auditor, **members):
    return world.audit_proofs.export_audit_events(auditor, operations.ExportAuditEventsRequest(**members))


def checkpoint(world, auditor):
    answer = world.audit_proofs.get_audit_checkpoint(auditor, operations.GetAuditCheckpointRequest())
    return world.audit_log.key.verify(answer.checkpoint), answer


def inclusion(world, auditor, **members):
    request = operations.GetAuditInclusionProofRequest(**members)
    return world.audit_proofs.get_audit_inclusion_proof(auditor, request)


def consistency(world, auditor, first, second):
    request = operations.GetAuditConsistencyProofRequest(first_size=first, second_size=second)
    return world.audit_proofs.get_audit_consistency_proof(auditor, request).hashes


def test_the_pages_of_an_export_are_the_log_as_it_was_at_the_first(world, auditor):
    page = export(world, auditor, max_results=4)
    events = [*page.events]
    assert (page.first_index, page.hashes_before) == (0, ())
    while page.next_token:
        page = export(world, auditor, max_results=4, next_token=page.next_token)
        assert page.first_index == len(events)
        frontier = Frontier()
        frontier.extend(leaf_hash(event.encode()) for event in events)
        assert list(page.hashes_before) == frontier.hashes
        events += page.events
    assert [f'"eventID":"id-{number}"' in event for number, event in enumerate(events)] == [True] * 10
    frontier.extend(leaf_hash(event.encode()) for event in page.events)
    signed, _ = checkpoint(world, auditor)
    proof = consistency(world, auditor, 10, signed.size)
    verify_consistency(10, signed.size, frontier.root(), signed.root, proof)


def test_an_export_can_be_bounded_by_times(world, auditor):
    start = world.now - timedelta(minutes=7, seconds=30)
    page = export(world, auditor, start_time=start, end_time=start + timedelta(minutes=3))
    assert (page.first_index, len(page.events), page.next_token) == (3, 3, None)
    assert len(page.hashes_before) == 2
    nothing = export(world, auditor, start_time=world.now + timedelta(days=1))
    assert nothing.events == ()
    before = export(world, auditor, start_time=start, end_time=start - timedelta(days=1))
    assert before.events == ()


def test_a_page_is_bounded_in_bytes_and_holds_at_least_one_event(world, auditor, monkeypatch):
    monkeypatch.setattr(audit_proofs, "MAX_PAGE_BYTES", 1500)
    assert len(export(world, auditor).events) == 2
    monkeypatch.setattr(audit_proofs, "MAX_PAGE_BYTES", 10)
    assert len(export(world, auditor).events) == 1


def test_a_token_of_another_export_is_refused(world, auditor):
    token = export(world, auditor, max_results=1).next_token
    with pytest.raises(InvalidNextToken):
        export(world, auditor, max_results=1, next_token=token, start_time=world.now)


def test_a_checkpoint_covers_what_was_recorded_before_it(world, auditor):
    signed, answer = checkpoint(world, auditor)
    assert signed.size == 10
    assert answer.public_key == str(world.audit_log.key)
    assert answer.first_index == 0
    assert checkpoint(world, auditor)[0].size == 11


def test_an_event_is_proved_to_be_in_the_log(world, auditor):
    signed, _ = checkpoint(world, auditor)
    answer = inclusion(world, auditor, event_id="id-7", size=10)
    assert answer.index == 7
    verify_inclusion(leaf_hash(answer.event.encode()), 7, 10, answer.hashes, signed.root)


def test_after_retention_proofs_from_the_cut_on_still_hold(world, auditor):
    for number in range(10, 600):
        with world.store.transaction() as uow:
            uow.audit.add(an_audit_record(id=f"id-{number}", at=world.now))
    old, _ = checkpoint(world, auditor)
    world.advance(days=91)
    while world.audit_log.cut_batch():
        pass
    signed, answer = checkpoint(world, auditor)
    assert (answer.first_index, signed.size) == (600, 601)
    proof = consistency(world, auditor, old.size, signed.size)
    verify_consistency(old.size, signed.size, old.root, signed.root, proof)
    page = export(world, auditor)
    assert (page.first_index, len(page.events)) == (600, 3)
    frontier = Frontier(600, page.hashes_before)
    assert frontier.root() == old.root
    with pytest.raises(InvalidRequest, match="retention has cut"):
        consistency(world, auditor, 5, signed.size)
    with pytest.raises(InvalidRequest, match="No event of this id"):
        inclusion(world, auditor, event_id="id-7", size=600)


def test_an_export_that_retention_overtakes_begins_anew(world, auditor):
    world.audit_log.checkpoint()
    token = export(world, auditor, max_results=1).next_token
    world.advance(days=91)
    world.audit_log.cut_batch()
    with pytest.raises(InvalidRequest, match="begin it anew"):
        export(world, auditor, max_results=1, next_token=token)


def test_what_the_log_never_had_cannot_be_proved(world, auditor):
    checkpoint(world, auditor)
    with pytest.raises(InvalidRequest, match="never had 99"):
        consistency(world, auditor, 1, 99)
    with pytest.raises(InvalidRequest, match="FirstSize"):
        consistency(world, auditor, 9, 5)
    with pytest.raises(InvalidRequest, match="never had 99"):
        inclusion(world, auditor, event_id="id-7", size=99)
    with pytest.raises(InvalidRequest, match="after the first 3"):
        inclusion(world, auditor, event_id="id-7", size=3)


def test_each_needs_its_right(world):
    eve = world.user("eve", policy(statement("Allow", "ssm:*")))
    for call in (
        lambda: export(world, eve),
        lambda: checkpoint(world, eve),
        lambda: inclusion(world, eve, event_id="id-1", size=1),
        lambda: consistency(world, eve, 0, 0),
    ):
        with pytest.raises(AccessDenied, match="fairlead:"):
            call()
