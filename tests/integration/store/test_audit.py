from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import event

from fairlead.domain.audit import EventQuery, EventView, Resource, StoredEvent, event_text
from fairlead.domain.scope import Scope
from fairlead.store.store import SqlStore, SqlUnitOfWork
from fairlead.transparency import tiles as tree
from fairlead.transparency.merkle import leaf_hash
from tests.support import naive_tree
from tests.support.control_world import World
from tests.support.factories import NOW, SCOPE, an_audit_record

ELSEWHERE = Scope("999999999999", "us-east-1")
NODE = Resource("AWS::SSM::ManagedInstance", "arn:aws:ssm:us-east-1:111122223333:managed-instance/mi-1")


def add(store: SqlStore, *records: object) -> None:
    with store.transaction() as work:
        for record in records:
            work.audit.add(record)


def sequence(store: SqlStore, limit: int = 100) -> None:
    with store.transaction() as work:
        size = work.audit.size(to_change=True)
        events = work.audit.pending(limit)
        kept = work.audit.tiles(tree.last_tiles(size))
        work.audit.sequence(
            size, events, tree.append(kept, size, [leaf_hash(event.text.encode()) for event in events])
        )


def add_and_fail(work: SqlUnitOfWork) -> None:
    work.audit.add(an_audit_record(id="never"))
    raise ZeroDivisionError


def found(store: SqlStore, **query: object) -> list[int]:
    with store.read() as work:
        return [
            event.index for event in work.audit.lookup(EventQuery(**{"scope": SCOPE, "limit": 50, **query}))
        ]


def test_events_get_places_without_gaps_in_the_order_in_which_they_were_written(store: SqlStore) -> None:
    records = [an_audit_record(id=f"id-{i}") for i in range(5)]
    add(store, *records)
    with store.read() as work:
        assert [event.text for event in work.audit.pending(3)] == [event_text(each) for each in records[:3]]
    sequence(store, 3)
    sequence(store)
    sequence(store)
    with store.read() as work:
        assert work.audit.pending(1) == []
        assert work.audit.size() == 5
        assert work.audit.between(1, 3) == [
            StoredEvent(place, NOW, event_text(records[place])) for place in (1, 2)
        ]
        leaves = [leaf_hash(event_text(each).encode()) for each in records]
        assert work.audit.tiles([(0, 0), (1, 0)]) == {(0, 0): b"".join(leaves)}


def test_what_is_rolled_back_leaves_no_gap(store: SqlStore) -> None:
    add(store, an_audit_record(id="a"))
    with pytest.raises(ZeroDivisionError), store.transaction() as work:
        add_and_fail(work)
    add(store, an_audit_record(id="b"))
    sequence(store)
    with store.read() as work:
        ids = [EventView.of(event.text).event["eventID"] for event in work.audit.between(0, 9)]
    assert ids == ["a", "b"]


def test_events_are_found_by_each_attribute_the_newest_first(store: SqlStore) -> None:
    add(
        store,
        an_audit_record(id="a", resources=(NODE,)),
        an_audit_record(id="b", at=NOW + timedelta(seconds=1), user_name="bob", is_read_only=True),
        an_audit_record(id="c", at=NOW + timedelta(seconds=1), event_name="GetUser", access_key_id="AKIAB"),
        an_audit_record(id="d", at=NOW - timedelta(seconds=1), event_source="iam.amazonaws.com"),
        an_audit_record(id="e", scope=ELSEWHERE),
    )
    assert found(store) == []
    sequence(store)
    assert found(store) == [2, 1, 0, 3]
    assert found(store, scope=ELSEWHERE) == [4]
    assert found(store, attribute="EventId", value="a") == [0]
    assert found(store, attribute="EventName", value="StartSession") == [1, 0, 3]
    assert found(store, attribute="ReadOnly", value="true") == [1]
    assert found(store, attribute="Username", value="alice") == [2, 0, 3]
    assert found(store, attribute="ResourceType", value=NODE.type) == [0]
    assert found(store, attribute="ResourceName", value="mi-1") == [0]
    assert found(store, attribute="ResourceName", value=NODE.arn) == [0]
    assert found(store, attribute="EventSource", value="iam.amazonaws.com") == [3]
    assert found(store, attribute="AccessKeyId", value="AKIAB") == [2]
    assert found(store, attribute="AccessKeyId", value="x" * 5000) == []


def test_events_are_found_by_time_and_page_by_page(store: SqlStore) -> None:
    add(store, *(an_audit_record(id=f"id-{i}", at=NOW + timedelta(seconds=i // 2)) for i in range(6)))
    sequence(store)
    second = timedelta(seconds=1)
    for attribute in ({}, {"attribute": "EventName", "value": "StartSession"}):
        assert found(store, start=NOW + second, **attribute) == [5, 4, 3, 2]
        assert found(store, end=NOW + second, **attribute) == [3, 2, 1, 0]
        assert found(store, limit=2, **attribute) == [5, 4]
        assert found(store, after_key=(NOW + second, 3), **attribute) == [2, 1, 0]
    with store.read() as work:
        assert work.audit.first_at(NOW + second) == 2
        assert work.audit.first_at(NOW + 3 * second) is None


def test_an_event_is_found_by_its_id_wherever_it_happened(store: SqlStore) -> None:
    add(store, an_audit_record(id="a"), an_audit_record(id="b", scope=ELSEWHERE))
    sequence(store)
    with store.read() as work:
        assert work.audit.find("b") == StoredEvent(
            1, NOW, event_text(an_audit_record(id="b", scope=ELSEWHERE))
        )
        assert work.audit.find("c") is None


def test_of_each_hour_the_last_checkpoint_is_kept(store: SqlStore) -> None:
    with store.transaction() as work:
        for minute, size in ((0, 1), (59, 2), (60, 3)):
            work.audit.keep_checkpoint(size, NOW + timedelta(minutes=minute), f"note {size}")
    with store.read() as work:
        before = work.audit.checkpoint_before
        assert before(NOW + timedelta(hours=5)) == 3
        assert before(NOW + timedelta(minutes=60)) == 2
        assert before(NOW + timedelta(minutes=59)) is None


def test_what_is_cut_is_found_no_more_and_the_tree_above_stays(store: SqlStore) -> None:
    add(store, *(an_audit_record(id=f"id-{i}", resources=(NODE,)) for i in range(600)))
    sequence(store, 1000)
    with store.transaction() as work:
        work.audit.keep_checkpoint(520, NOW, "older")
        work.audit.keep_checkpoint(600, NOW + timedelta(hours=1), "newer")
        root = tree.hashes_of(work.audit.tiles([(0, 0), (0, 1), (0, 2), (1, 0)]), [(0, 600)])
        assert work.audit.cut(520, 400) == 400
        assert work.audit.first_kept() == 400
    with store.transaction() as work:
        assert work.audit.cut(520, 400) == 120
        assert work.audit.cut(520, 400) == 0
    with store.read() as work:
        assert work.audit.first_kept() == 520
        assert work.audit.size() == 600
        assert work.audit.find("id-519") is None
        assert work.audit.find("id-520") is not None
        kept = work.audit.tiles([(0, 0), (0, 1), (0, 2), (1, 0)])
        assert sorted(kept) == [(0, 2), (1, 0)]
        assert tree.hashes_of(kept, [(0, 600)]) == root
        assert work.audit.checkpoint_before(NOW + timedelta(days=1)) == 600
    assert found(store, attribute="ResourceName", value="mi-1", limit=600) == list(range(599, 519, -1))
    with store.transaction() as work:
        work.audit.cut(600, 400)
    with store.read() as work:
        assert work.audit.first_kept() == 600


def test_nothing_that_is_asked_of_the_trail_reads_a_whole_table(store: SqlStore) -> None:
    add(store, *(an_audit_record(id=f"id-{i}", resources=(NODE,)) for i in range(50)))
    sequence(store)
    for plan in plans(store):
        assert "SEARCH" in plan or "Index" in plan or "USING INDEX" in plan, plan
        assert "Seq Scan" not in plan, plan
        assert "TEMP B-TREE" not in plan, plan
        assert "Sort" not in plan, plan


def plans(store: SqlStore) -> list[str]:
    """How the database goes about each question."""
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    engine = store._engine
    event.listen(engine, "before_cursor_execute", note)
    with store.read() as work:
        for attribute in (None, "EventName", "ResourceName"):
            work.audit.lookup(
                EventQuery(
                    scope=SCOPE, limit=5, attribute=attribute, value="x", after_key=(NOW, 9), start=NOW
                )
            )
        work.audit.pending(5)
        work.audit.find("id-1")
        work.audit.between(3, 5)
        work.audit.first_at(NOW)
        work.audit.first_kept()
        work.audit.checkpoint_before(NOW)
    event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":  # of so few rows it would read all
            connection.exec_driver_sql("SET enable_seqscan = off")
            connection.exec_driver_sql("SET enable_bitmapscan = off")
            connection.exec_driver_sql("SET enable_sort = off")
            explain = "EXPLAIN "
        else:
            explain = "EXPLAIN QUERY PLAN "
        return [
            " ".join(
                str(value) for row in connection.exec_driver_sql(explain + statement, values) for value in row
            )
            for statement, values in asked
        ]


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgresql"], indirect=True)
def test_writers_and_sequencers_that_race_leave_no_gap_and_one_tree(store: SqlStore) -> None:
    world = World(store)

    def write(number: int) -> None:
        for each in range(20):
            add(store, an_audit_record(id=f"id-{number}-{each}"))
            if each % 5 == 0:
                world.audit_log.sequence()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    signed = world.audit_log.key.verify(world.audit_log.checkpoint().note)
    with store.read() as work:
        events = work.audit.between(0, 1000)
    assert [event.index for event in events] == list(range(80))
    assert (signed.size, signed.root) == (80, naive_tree.root([event.text.encode() for event in events]))
