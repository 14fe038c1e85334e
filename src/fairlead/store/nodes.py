"""Managed nodes in SQL."""

from collections.abc import Mapping, Sequence
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
    func,
    insert,
    or_,
    select,
    update,
)

from fairlead.domain.nodes import (
    INACTIVE_AFTER,
    ONLINE_WITHIN,
    Departure,
    Heartbeat,
    Node,
    NodeQuery,
    PingStatus,
)
from fairlead.domain.scope import Scope
from fairlead.store.tables import nodes

_HEARTBEAT_FIELDS = tuple(field.name for field in fields(Heartbeat))


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
                **asdict(node.heartbeat),
            )
        )

    def get(self, scope: Scope, node_id: str) -> Node | None:
        node = self.find(node_id)
        return node if node is not None and node.scope == scope else None

    def find(self, node_id: str) -> Node | None:
        row = self._connection.execute(select(nodes).where(nodes.c.id == node_id)).one_or_none()
        return None if row is None else _node(row)

    def describe(self, query: NodeQuery) -> list[Node]:
        statement = (
            select(nodes)
            .where(
                nodes.c.account_id == query.scope.account_id,
                nodes.c.region == query.scope.region,
                *_conditions(query),
            )
            .order_by(nodes.c.id)
            .limit(query.limit)
        )
        return [_node(row) for row in self._connection.execute(statement)]

    def record_heartbeat(self, node_id: str, heartbeat: Heartbeat, at: datetime) -> None:
        known = {name: value for name, value in asdict(heartbeat).items() if value}
        self._connection.execute(update(nodes).where(nodes.c.id == node_id).values(last_ping_at=at, **known))

    def set_public_key(self, node_id: str, public_key: bytes) -> None:
        self._connection.execute(update(nodes).where(nodes.c.id == node_id).values(public_key=public_key))

    def set_tags(self, node_id: str, tags: Mapping[str, str]) -> None:
        self._connection.execute(update(nodes).where(nodes.c.id == node_id).values(tags=dict(tags)))

    def set_connected(self, node_id: str, since: datetime) -> None:
        self._connection.execute(update(nodes).where(nodes.c.id == node_id).values(connected_since=since))

    def set_departed(self, departures: Sequence[Departure]) -> None:
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

    def delete(self, node_id: str) -> None:
        self._connection.execute(delete(nodes).where(nodes.c.id == node_id))


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
    if query.ping_statuses is not None and query.now is not None:
        conditions.append(_ping_condition(query.ping_statuses, query.now))
    if query.after_id is not None:
        conditions.append(nodes.c.id > query.after_id)
    return conditions


def _ping_condition(statuses: Sequence[PingStatus], now: datetime) -> ColumnElement[bool]:
    """Node.ping_status in SQL."""
    last = func.coalesce(nodes.c.last_ping_at, nodes.c.registered_at, type_=nodes.c.last_ping_at.type)
    is_online = and_(nodes.c.last_ping_at.is_not(None), nodes.c.last_ping_at >= now - ONLINE_WITHIN)
    is_inactive = last < now - INACTIVE_AFTER
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
    )
