"""Managed nodes in SQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    not_,
    or_,
    select,
    true,
    update,
)

from fairlead.domain.nodes import (
    HYBRID_PREFIX,
    INACTIVE_AFTER,
    ONLINE_WITHIN,
    Beat,
    ChannelSighting,
    Heartbeat,
    Node,
    NodeKind,
    NodeQuery,
    PingStatus,
    Presence,
    Twins,
)
from fairlead.domain.scope import Scope
from fairlead.store.tables import node_tags, nodes

_AFTER_HYBRID = HYBRID_PREFIX[:-1] + chr(ord(HYBRID_PREFIX[-1]) + 1)
"""The first id behind all that begin with the prefix."""
_HEARTBEAT_FIELDS = tuple(field.name for field in fields(Heartbeat))
# Made once, because making them takes longer than running them: most calls ask for a node.
_NODE = select(nodes).where(nodes.c.id == bindparam("of_id"))
_NODES = select(nodes).where(nodes.c.id.in_(bindparam("of_ids", expanding=True)))


class SqlNodes:
    """domain.nodes.NodeRepository over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, node: Node) -> None:
        self._connection.execute(
            insert(nodes).values(
                id=node.id,
                account_id=node.scope.account_id,
                region=node.scope.region,
                activation_id=node.activation_id,
                iam_role=node.iam_role,
                name=node.name,
                public_key=node.public_key,
                fingerprint=node.fingerprint,
                registered_at=node.registered_at,
                last_ping_at=node.last_ping_at,
                connected_since=node.connected_since,
                tags=dict(node.tags),
                twins=None if node.twins is None else _twins_to_json(node.twins),
                **asdict(node.heartbeat),
            )
        )
        self._index_tags(node.id, dict(node.tags))

    def get(self, scope: Scope, node_id: str, *, to_change: bool = False) -> Node | None:
        node = self._locked(node_id) if to_change else self.find(node_id)
        return node if node is not None and node.scope == scope else None

    def find(self, node_id: str) -> Node | None:
        row = self._connection.execute(_NODE, {"of_id": node_id}).one_or_none()
        return None if row is None else _node(row)

    def _locked(self, node_id: str) -> Node | None:
        # Locking is not needed in SQLite, and left out there: one writer.
        row = self._connection.execute(_NODE.with_for_update(), {"of_id": node_id}).one_or_none()
        return None if row is None else _node(row)

    def find_all(self, node_ids: Collection[str]) -> list[Node]:
        """Those of the nodes that exist, in no order."""
        if not node_ids:
            return []
        rows = self._connection.execute(_NODES, {"of_ids": list(node_ids)})
        return [_node(row) for row in rows]

    def describe(self, query: NodeQuery) -> list[Node]:
        statement = (
            select(nodes)
            .where(*_in_scope(query.scope), *_conditions(query))
            .order_by(nodes.c.id)
            .limit(query.limit)
        )
        return [_node(row) for row in self._connection.execute(statement)]

    def record_heartbeats(self, beats: Sequence[Beat]) -> None:
        # In the order of ids: two transactions at once must not wait for each other's rows.
        rows = [
            {"of_node": beat.node_id, "at": beat.at, **_prefixed(beat.heartbeat)}
            for beat in sorted(beats, key=lambda beat: beat.node_id)
        ]
        if rows:
            self._connection.execute(_RECORD_HEARTBEAT, rows)

    def set_public_key(self, node_id: str, public_key: bytes) -> None:
        self._connection.execute(update(nodes).where(nodes.c.id == node_id).values(public_key=public_key))

    def set_tags(self, node_id: str, tags: Mapping[str, str]) -> None:
        self._connection.execute(update(nodes).where(nodes.c.id == node_id).values(tags=dict(tags)))
        self._connection.execute(delete(node_tags).where(node_tags.c.node_id == node_id))
        self._index_tags(node_id, tags)

    def set_iam_role(self, node_id: str, iam_role: str) -> None:
        self._connection.execute(update(nodes).where(nodes.c.id == node_id).values(iam_role=iam_role))

    def set_twins(self, node_id: str, twins: Twins) -> None:
        values = {"twins": _twins_to_json(twins)}
        self._connection.execute(update(nodes).where(nodes.c.id == node_id).values(values))

    def set_connected(self, opened: Sequence[Presence]) -> None:
        if opened:
            self._connection.execute(
                update(nodes)
                .where(nodes.c.id == bindparam("of_node"))
                .values(connected_since=bindparam("opened_at")),
                [{"of_node": come.node_id, "opened_at": come.connected_since} for come in opened],
            )

    def set_departed(self, departures: Sequence[Presence]) -> None:
        if departures:
            self._connection.execute(
                update(nodes)
                .where(nodes.c.id == bindparam("of_node"), nodes.c.connected_since == bindparam("opened_at"))
                .values(connected_since=None),
                [{"of_node": gone.node_id, "opened_at": gone.connected_since} for gone in departures],
            )

    def connected_ids(self) -> list[str]:
        statement = select(nodes.c.id).where(nodes.c.connected_since.is_not(None)).order_by(nodes.c.id)
        return list(self._connection.scalars(statement))

    def count_hybrid(self, scope: Scope, limit: int) -> int:
        some = select(nodes.c.id).where(*_in_scope(scope), _of_kind(NodeKind.HYBRID)).limit(limit).subquery()
        return self._connection.scalar(select(func.count()).select_from(some)) or 0

    def silent_since(self, scope: Scope, before: datetime, after_id: str, limit: int) -> list[Node]:
        statement = (
            select(nodes)
            .where(*_in_scope(scope), nodes.c.id > after_id, _last_sign() < before)
            .order_by(nodes.c.id)
            .limit(limit)
        )
        return [_node(row) for row in self._connection.execute(statement)]

    def delete(self, node_id: str) -> None:
        self._connection.execute(delete(node_tags).where(node_tags.c.node_id == node_id))
        self._connection.execute(delete(nodes).where(nodes.c.id == node_id))

    def _index_tags(self, node_id: str, tags: Mapping[str, str]) -> None:
        if tags:
            self._connection.execute(
                insert(node_tags),
                [{"node_id": node_id, "key": key, "value": value} for key, value in tags.items()],
            )


def _in_scope(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return nodes.c.account_id == scope.account_id, nodes.c.region == scope.region


def _of_kind(kind: NodeKind) -> ColumnElement[bool]:
    """As a range, which an index that ends with the id can be read by."""
    is_hybrid = and_(nodes.c.id >= HYBRID_PREFIX, nodes.c.id < _AFTER_HYBRID)
    return is_hybrid if kind is NodeKind.HYBRID else not_(is_hybrid)


_HEARTBEAT_VALUES = {  # an empty field leaves what was known
    name: func.coalesce(func.nullif(bindparam(f"new_{name}"), ""), nodes.c[name])
    for name in _HEARTBEAT_FIELDS
}
_RECORD_HEARTBEAT = (
    update(nodes)
    .where(nodes.c.id == bindparam("of_node"))
    .values(last_ping_at=bindparam("at"), **_HEARTBEAT_VALUES)
)


def _prefixed(heartbeat: Heartbeat) -> dict[str, str]:
    return {f"new_{name}": value for name, value in asdict(heartbeat).items()}


def _last_sign() -> ColumnElement[datetime]:
    """When a node was last heard of, or else registered."""
    return func.coalesce(nodes.c.last_ping_at, nodes.c.registered_at, type_=nodes.c.last_ping_at.type)


def _conditions(query: NodeQuery) -> list[ColumnElement[bool]]:
    wanted = (
        (nodes.c.id, query.node_ids),
        (nodes.c.activation_id, query.activation_ids),
        (nodes.c.iam_role, query.iam_roles),
        (nodes.c.agent_version, query.agent_versions),
        (nodes.c.platform_type, query.platform_types),
    )
    conditions: list[ColumnElement[bool]] = [
        column.in_(list(values)) for column, values in wanted if values is not None
    ]
    if query.kinds is not None:
        conditions.append(or_(false(), *map(_of_kind, query.kinds)))
    for key, values in query.tags.items():
        conditions.append(_has_tag(node_tags.c.key == key, node_tags.c.value.in_(list(values))))
    if query.tag_keys is not None:
        conditions.append(_has_tag(node_tags.c.key.in_(list(query.tag_keys))))
    if query.fingerprint is not None:
        conditions.append(nodes.c.fingerprint == query.fingerprint)
    if query.has_twins:
        conditions.append(nodes.c.twins.is_not(None))
    if query.ping_statuses is not None and query.now is not None:
        conditions.append(_ping_condition(query.ping_statuses, query.now))
    for unwanted in query.excluded:
        # What is null satisfies no condition, so it is excluded by none.
        conditions.append(not_(func.coalesce(and_(true(), *_conditions(unwanted)), false())))
    if query.after_id is not None:
        conditions.append(nodes.c.id > query.after_id)
    return conditions


def _has_tag(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return nodes.c.id.in_(select(node_tags.c.node_id).where(*conditions))


def _ping_condition(statuses: Sequence[PingStatus], now: datetime) -> ColumnElement[bool]:
    """Node.ping_status in SQL."""
    is_online = and_(nodes.c.last_ping_at.is_not(None), nodes.c.last_ping_at >= now - ONLINE_WITHIN)
    is_inactive = _last_sign() < now - INACTIVE_AFTER
    by_status: dict[PingStatus, Any] = {  # Any: SQL expressions of several types
        PingStatus.ONLINE: is_online,
        PingStatus.INACTIVE: is_inactive,
        PingStatus.CONNECTION_LOST: and_(~is_online, ~is_inactive),
    }
    return or_(*(by_status[status] for status in statuses))


def _node(row: Row[tuple[object, ...]]) -> Node:
    return Node(
        id=row.id,
        scope=Scope(row.account_id, row.region),
        activation_id=row.activation_id,
        iam_role=row.iam_role,
        name=row.name,
        public_key=row.public_key,
        fingerprint=row.fingerprint,
        registered_at=row.registered_at,
        heartbeat=Heartbeat(**{name: getattr(row, name) for name in _HEARTBEAT_FIELDS}),
        last_ping_at=row.last_ping_at,
        connected_since=row.connected_since,
        tags=tuple(sorted(row.tags.items())),
        twins=None if row.twins is None else _twins_from_json(row.twins),
    )


def _twins_to_json(twins: Twins) -> dict[str, Any]:  # Any: JSON
    return {
        "first_seen_at": twins.first_seen_at.isoformat(),
        "last_seen_at": twins.last_seen_at.isoformat(),
        "count": twins.count,
        "served": _sighting_to_json(twins.served),
        "displaced": _sighting_to_json(twins.displaced),
    }


def _twins_from_json(found: Mapping[str, Any]) -> Twins:  # Any: JSON
    return Twins(
        first_seen_at=datetime.fromisoformat(found["first_seen_at"]),
        last_seen_at=datetime.fromisoformat(found["last_seen_at"]),
        count=found["count"],
        served=_sighting_from_json(found["served"]),
        displaced=_sighting_from_json(found["displaced"]),
    )


def _sighting_to_json(sighting: ChannelSighting) -> list[str]:
    return [sighting.source_address, sighting.connected_since.isoformat()]


def _sighting_from_json(found: Sequence[str]) -> ChannelSighting:
    source_address, connected_since = found
    return ChannelSighting(source_address, datetime.fromisoformat(connected_since))
