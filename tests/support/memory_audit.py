"""The audit trail in memory: records by number, and the places that they have got in the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fairlead.domain.audit import (
    AuditRecord,
    EventQuery,
    EventView,
    PendingEvent,
    StoredEvent,
    event_text,
    findable_value,
)
from fairlead.transparency.tiles import TILE_HASHES, TileId, Tiles

if TYPE_CHECKING:
    from tests.support.memory_store import Tables


class MemoryAudit:
    """domain.audit.AuditRepository."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, record: AuditRecord) -> None:
        self._tables.audit[max(self._tables.audit, default=0) + 1] = record

    def pending(self, limit: int) -> list[PendingEvent]:
        rows = [row for row in sorted(self._tables.audit) if row not in self._tables.audit_places]
        return [PendingEvent(row, event_text(self._tables.audit[row])) for row in rows[:limit]]

    def size(self, *, to_change: bool = False) -> int:
        return self._tables.audit_size.get(None, 0)

    def sequence(self, first_index: int, events: Sequence[PendingEvent], tiles: Tiles) -> None:
        for index, event in enumerate(events, first_index):
            self._tables.audit_places[event.row] = index
        self._tables.audit_tiles.update(tiles)
        self._tables.audit_size[None] = first_index + len(events)

    def tiles(self, ids: Sequence[TileId]) -> dict[TileId, bytes]:
        return {each: self._tables.audit_tiles[each] for each in ids if each in self._tables.audit_tiles}

    def lookup(self, query: EventQuery) -> list[StoredEvent]:
        wanted = (query.attribute, findable_value(query.value))
        found = [
            event
            for record, event in self._stored()
            if record.scope == query.scope
            and (query.attribute is None or wanted in EventView.of(event.text).findable())
            and (query.start is None or event.at >= query.start)
            and (query.end is None or event.at <= query.end)
            and (query.after_key is None or (event.at, event.index) < query.after_key)
        ]
        return sorted(found, key=lambda event: (event.at, event.index), reverse=True)[: query.limit]

    def find(self, event_id: str) -> StoredEvent | None:
        return next((event for record, event in self._stored() if record.id == event_id), None)

    def between(self, start: int, end: int) -> list[StoredEvent]:
        return [event for _, event in self._stored() if start <= event.index < end]

    def first_at(self, moment: datetime) -> int | None:
        found = [(event.at, event.index) for _, event in self._stored() if event.at >= moment]
        return min(found)[1] if found else None

    def first_kept(self) -> int:
        return min(self._tables.audit_places.values(), default=self.size())

    def keep_checkpoint(self, size: int, at: datetime, note: str) -> None:
        self._tables.audit_checkpoints[int(at.timestamp()) // 3600] = (size, at, note)

    def checkpoint_before(self, moment: datetime) -> int | None:
        found = [(at, size) for size, at, _ in self._tables.audit_checkpoints.values() if at < moment]
        return max(found)[1] if found else None

    def cut(self, size: int, limit: int) -> int:
        rows = [row for row, index in self._tables.audit_places.items() if index < size]
        rows = sorted(rows, key=lambda row: self._tables.audit_places[row])[:limit]
        for row in rows:
            del self._tables.audit[row], self._tables.audit_places[row]
        if not rows:
            for level, number in list(self._tables.audit_tiles):
                if level == 0 and number < size // TILE_HASHES:
                    del self._tables.audit_tiles[level, number]
            for hour, (covered, _, _) in list(self._tables.audit_checkpoints.items()):
                if covered < size:
                    del self._tables.audit_checkpoints[hour]
        return len(rows)

    def _stored(self) -> list[tuple[AuditRecord, StoredEvent]]:
        places = sorted(self._tables.audit_places.items(), key=lambda place: place[1])
        return [
            (record, StoredEvent(index, record.at, event_text(record)))
            for row, index in places
            for record in [self._tables.audit[row]]
        ]
