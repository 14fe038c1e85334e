"""The audit trail in SQL: events, by what they are found, and the tree over them.

Adding an event, which is part of every call, is one row and one entry of a small index of what is not yet
sequenced; everything else is written when events are sequenced, many at once.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from fairlead.domain.audit import (
    AuditRecord,
    EventQuery,
    EventView,
    PendingEvent,
    StoredEvent,
    event_text,
    findable_value,
)
from fairlead.store.tables import audit_checkpoints, audit_findable, audit_records, audit_tiles, audit_tree
from fairlead.transparency.tiles import TILE_HASHES, TileId, Tiles

_RECORDS = audit_records.c
_FINDABLE = audit_findable.c
_HOUR_S = 3600
_ADD = insert(audit_records)  # made once: making it takes longer than running it


class SqlAudit:
    """domain.audit.AuditRepository over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, record: AuditRecord) -> None:
        self._connection.execute(
            _ADD,
            {
                "at": record.at,
                "account_id": record.scope.account_id,
                "region": record.scope.region,
                "event": event_text(record),
            },
        )

    def pending(self, limit: int) -> list[PendingEvent]:
        statement = (
            select(_RECORDS.sequence, _RECORDS.event)
            .where(_RECORDS.leaf_index.is_(None))
            .order_by(_RECORDS.sequence)
            .limit(limit)
        )
        return [PendingEvent(row.sequence, row.event) for row in self._connection.execute(statement)]

    def size(self, *, to_change: bool = False) -> int:
        statement = select(audit_tree.c.size)
        size: int = self._connection.execute(
            statement.with_for_update() if to_change else statement
        ).scalar_one()
        return size

    def sequence(self, first_index: int, events: Sequence[PendingEvent], tiles: Tiles) -> None:
        if not events:
            return
        places = {event.row: first_index + offset for offset, event in enumerate(events)}
        self._connection.execute(
            update(audit_records)
            .where(_RECORDS.sequence == bindparam("row"))
            .values(leaf_index=bindparam("place")),
            [{"row": row, "place": place} for row, place in places.items()],
        )
        self._make_findable(first_index, first_index + len(events))
        self._put_tiles(tiles)
        self._connection.execute(update(audit_tree).values(size=first_index + len(events)))

    def tiles(self, ids: Sequence[TileId]) -> dict[TileId, bytes]:
        statement = select(audit_tiles).where(tuple_(audit_tiles.c.level, audit_tiles.c.number).in_(ids))
        return {(row.level, row.number): row.hashes for row in self._connection.execute(statement)}

    def lookup(self, query: EventQuery) -> list[StoredEvent]:
        place: ColumnElement[int]
        at: ColumnElement[datetime]
        if query.attribute is None:
            at, place = _RECORDS.at, _RECORDS.leaf_index
            statement = _stored().where(
                place.is_not(None),
                _RECORDS.account_id == query.scope.account_id,
                _RECORDS.region == query.scope.region,
            )
        else:
            at, place = _FINDABLE.at, _FINDABLE.leaf_index
            statement = (
                _stored()
                .join_from(audit_findable, audit_records, place == _RECORDS.leaf_index)
                .where(
                    _FINDABLE.account_id == query.scope.account_id,
                    _FINDABLE.region == query.scope.region,
                    _FINDABLE.attribute == query.attribute,
                    _FINDABLE.value == findable_value(query.value),
                )
            )
        if query.start is not None:
            statement = statement.where(at >= query.start)
        if query.end is not None:
            statement = statement.where(at <= query.end)
        if query.after_key is not None:
            last_at, last_place = query.after_key
            # The first half alone bounds the range of the index; SQLite does not see it in the second.
            statement = statement.where(
                at <= last_at, or_(at < last_at, and_(at == last_at, place < last_place))
            )
        return self._events(statement.order_by(at.desc(), place.desc()).limit(query.limit))

    def find(self, event_id: str) -> StoredEvent | None:
        statement = (
            _stored()
            .join_from(audit_findable, audit_records, _FINDABLE.leaf_index == _RECORDS.leaf_index)
            .where(_FINDABLE.attribute == "EventId", _FINDABLE.value == findable_value(event_id))
        )
        return next(iter(self._events(statement.limit(1))), None)

    def between(self, start: int, end: int) -> list[StoredEvent]:
        statement = _stored().where(_RECORDS.leaf_index >= start, _RECORDS.leaf_index < end)
        return self._events(statement.order_by(_RECORDS.leaf_index))

    def first_at(self, moment: datetime) -> int | None:
        statement = (
            select(_RECORDS.leaf_index)
            .where(_RECORDS.leaf_index.is_not(None), _RECORDS.at >= moment)
            .order_by(_RECORDS.at, _RECORDS.leaf_index)
            .limit(1)
        )
        return self._connection.execute(statement).scalar_one_or_none()

    def first_kept(self) -> int:
        statement = (
            select(_RECORDS.leaf_index)
            .where(_RECORDS.leaf_index.is_not(None))
            .order_by(_RECORDS.leaf_index)
            .limit(1)
        )
        first = self._connection.execute(statement).scalar_one_or_none()
        return self.size() if first is None else first

    def keep_checkpoint(self, size: int, at: datetime, note: str) -> None:
        hour = int(at.timestamp()) // _HOUR_S
        self._connection.execute(delete(audit_checkpoints).where(audit_checkpoints.c.hour == hour))
        self._connection.execute(insert(audit_checkpoints).values(hour=hour, size=size, at=at, note=note))

    def checkpoint_before(self, moment: datetime) -> int | None:
        hour = int(moment.timestamp()) // _HOUR_S
        statement = (
            select(audit_checkpoints.c.size)
            .where(audit_checkpoints.c.hour <= hour, audit_checkpoints.c.at < moment)
            .order_by(audit_checkpoints.c.hour.desc())
            .limit(1)
        )
        return self._connection.execute(statement).scalar_one_or_none()

    def cut(self, size: int, limit: int) -> int:
        statement = (
            _stored()
            .add_columns(_RECORDS.account_id, _RECORDS.region)
            .where(_RECORDS.leaf_index < size)
            .order_by(_RECORDS.leaf_index)
            .limit(limit)
        )
        rows = self._connection.execute(statement).all()
        if not rows:
            self._connection.execute(delete(audit_checkpoints).where(audit_checkpoints.c.size < size))
            self._connection.execute(
                delete(audit_tiles).where(
                    audit_tiles.c.level == 0, audit_tiles.c.number < size // TILE_HASHES
                )
            )
            return 0
        self._connection.execute(
            delete(audit_findable).where(
                *(column == bindparam(f"{column.name}_") for column in audit_findable.columns)
            ),
            [
                {
                    "account_id_": row.account_id,
                    "region_": row.region,
                    "attribute_": attribute,
                    "value_": value,
                    "at_": row.at,
                    "leaf_index_": row.leaf_index,
                }
                for row in rows
                for attribute, value in EventView.of(row.event).findable()
            ],
        )
        self._connection.execute(delete(audit_records).where(_RECORDS.leaf_index <= rows[-1].leaf_index))
        return len(rows)

    def _make_findable(self, start: int, end: int) -> None:
        statement = _stored().add_columns(_RECORDS.account_id, _RECORDS.region)
        statement = statement.where(_RECORDS.leaf_index >= start, _RECORDS.leaf_index < end)
        self._connection.execute(
            insert(audit_findable),
            [
                {
                    "account_id": row.account_id,
                    "region": row.region,
                    "attribute": attribute,
                    "value": value,
                    "at": row.at,
                    "leaf_index": row.leaf_index,
                }
                for row in self._connection.execute(statement)
                for attribute, value in EventView.of(row.event).findable()
            ],
        )

    def _put_tiles(self, tiles: Tiles) -> None:
        values = [
            {"level": level, "number": number, "hashes": hashes} for (level, number), hashes in tiles.items()
        ]
        keys = [{"level_": value["level"], "number_": value["number"]} for value in values]
        self._connection.execute(
            delete(audit_tiles).where(
                audit_tiles.c.level == bindparam("level_"), audit_tiles.c.number == bindparam("number_")
            ),
            keys,
        )
        self._connection.execute(insert(audit_tiles), values)

    def _events(self, statement: Select[tuple[int, datetime, str]]) -> list[StoredEvent]:
        return [StoredEvent(row.leaf_index, row.at, row.event) for row in self._connection.execute(statement)]


def _stored() -> Select[tuple[int, datetime, str]]:
    return select(_RECORDS.leaf_index, _RECORDS.at, _RECORDS.event)
