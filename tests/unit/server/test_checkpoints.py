"""Where checkpoints go, and what the log needs from time to time."""

import asyncio
import logging

import pytest

from fairlead.server.checkpoints import AuditChores, Checkpoints
from tests.support.control_world import World
from tests.support.factories import an_audit_record


@pytest.fixture
def world():
    return World()


def record(world):
    with world.store.transaction() as uow:
        uow.audit.add(an_audit_record(id=f"id-{len(world.audit)}", at=world.now))


def test_the_last_checkpoint_is_in_the_file_and_each_hours_in_the_second_place(world, tmp_path):
    second = tmp_path / "second"
    second.mkdir()
    file = tmp_path / "audit-checkpoint"
    checkpoints = Checkpoints(world.audit_log, file, second, lambda: world.now)
    notes = []
    for _ in range(3):
        record(world)
        checkpoints.write()
        notes.append(file.read_text())
        world.advance(minutes=40)
    assert [world.audit_log.key.verify(note).size for note in notes] == [1, 2, 3]
    kept = sorted(second.iterdir())
    assert [path.read_text() for path in kept] == [notes[1], notes[2]]
    assert all(path.name.startswith("audit-checkpoint-20") for path in kept)
    assert file.stat().st_mode & 0o077 == 0


def test_what_has_not_changed_is_not_written_again(world, tmp_path):
    file = tmp_path / "audit-checkpoint"
    checkpoints = Checkpoints(world.audit_log, file, None, lambda: world.now)
    record(world)
    checkpoints.write()
    file.unlink()
    checkpoints.write()
    assert not file.exists()


def test_a_place_that_cannot_be_written_to_is_named_and_keeps_the_other_from_nothing(world, tmp_path, caplog):
    file = tmp_path / "audit-checkpoint"
    checkpoints = Checkpoints(world.audit_log, file, tmp_path / "absent", lambda: world.now)
    record(world)
    with caplog.at_level(logging.ERROR):
        checkpoints.write()
    assert file.exists()
    assert f"could not be written to {tmp_path / 'absent'}" in caplog.text


async def run(work):
    return work()


def test_at_the_end_what_was_counted_is_recorded_and_covered(world, tmp_path):
    file = tmp_path / "audit-checkpoint"
    checkpoints = Checkpoints(world.audit_log, file, None, lambda: world.now)
    world.env.tallies.count_call("UpdateInstanceInformation")
    world.env.tallies.count_refusal("192.0.2.1", "code", world.now)
    asyncio.run(AuditChores(world.audit_log, checkpoints, run).finish())
    assert world.audit_log.key.verify(file.read_text()).size == 2


def test_a_failure_at_the_end_is_logged_and_no_more(world, tmp_path, caplog):
    async def fail(work):
        raise OSError("disk")

    checkpoints = Checkpoints(world.audit_log, tmp_path / "x", None, lambda: world.now)
    asyncio.run(AuditChores(world.audit_log, checkpoints, fail).finish())
    assert "could not be written" in caplog.text


def test_the_chores_are_done_at_once_and_one_that_fails_stops_no_other(world, tmp_path, caplog):
    file = tmp_path / "audit-checkpoint"
    checkpoints = Checkpoints(world.audit_log, file, None, lambda: world.now)
    record(world)

    async def run_but_one(work):
        if work == world.audit_log.record_node_calls:
            raise OSError("disk")
        return work()

    async def first_round():
        chores = asyncio.ensure_future(AuditChores(world.audit_log, checkpoints, run_but_one).work())
        for _ in range(20):
            await asyncio.sleep(0)
        chores.cancel()
        await asyncio.wait([chores])

    asyncio.run(first_round())
    assert world.audit_log.key.verify(file.read_text()).size == 1
    assert "a chore of the audit log failed" in caplog.text
