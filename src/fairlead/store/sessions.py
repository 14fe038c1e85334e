"""Sessions and channel tokens in SQL."""

from collections.abc import Collection, Sequence
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

from fairlead.domain.callers import TemporaryCredentials
from fairlead.domain.documents import SessionType
from fairlead.domain.resumption import ResumeChain
from fairlead.domain.scope import Scope
from fairlead.domain.sessions import (
    TRANSITIONS,
    ChannelSide,
    ChannelToken,
    EndReason,
    Session,
    SessionEnd,
    SessionQuery,
    SessionStatus,
)
from fairlead.store.tables import channel_tokens as tokens
from fairlead.store.tables import sessions


def _names(statuses: Sequence[SessionStatus]) -> list[str]:
    return [status.value for status in statuses]


_PREDECESSORS = {
    status: _names([before for before, after in TRANSITIONS.items() if status in after])
    for status in SessionStatus
}


# Every start of a session needs these. Made once, because making them takes longer than running them.
_SESSION = select(sessions).where(sessions.c.id == bindparam("of_id"))
_SESSION_TO_CHANGE = _SESSION.with_for_update()  # not needed in SQLite, and left out there: one writer
_ADD = insert(sessions)
_ADD_TOKEN = insert(tokens)
_TAKE_TOKEN = (
    delete(tokens)
    .where(tokens.c.digest == bindparam("of_digest"), tokens.c.expires_at > bindparam("now"))
    .returning(*tokens.c)
)
_SET_AGENT_INCARNATION = (
    update(sessions)
    .where(sessions.c.id == bindparam("of_id"))
    .values(agent_incarnation=bindparam("incarnation"))
)
_VOID_TOKENS = delete(tokens).where(tokens.c.channel_id == bindparam("of_channel"))
_VOID_TOKENS_OF_SIDE = _VOID_TOKENS.where(tokens.c.side == bindparam("of_side"))


class SqlSessions:
    """domain.sessions.SessionRepository over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, session: Session) -> None:
        self._connection.execute(
            _ADD,
            {
                "id": session.id,
                "account_id": session.scope.account_id,
                "region": session.scope.region,
                "target": session.target,
                "document_name": session.document_name,
                "session_type": session.session_type.value,
                "parameters": dict(session.parameters),
                "properties": dict(session.properties),
                "owner_arn": session.owner_arn,
                "owner_id": session.owner_id,
                "source_address": session.source_address,
                "reason": session.reason,
                "status": session.status.value,
                "is_active": session.status.is_active,
                "started_at": session.started_at,
                "access_key_id": session.access_key_id,
                "user_agent": session.user_agent,
                **_owner_credentials(session),
                "idle_timeout_minutes": session.idle_timeout_minutes,
                "max_duration_minutes": session.max_duration_minutes,
                "document": session.document,
                "agent_incarnation": session.agent_incarnation,
            },
        )

    def get(self, scope: Scope, session_id: str, *, to_change: bool = False) -> Session | None:
        session = self.find(session_id, to_change=to_change)
        return session if session is not None and session.scope == scope else None

    def find(self, session_id: str, *, to_change: bool = False) -> Session | None:
        statement = _SESSION_TO_CHANGE if to_change else _SESSION
        row = self._connection.execute(statement, {"of_id": session_id}).one_or_none()
        return None if row is None else _session(row)

    def set_status(self, session_id: str, status: SessionStatus) -> bool:
        changed = self._connection.execute(
            update(sessions)
            .where(sessions.c.id == session_id, sessions.c.status.in_(_PREDECESSORS[status]))
            .values(status=status.value, is_active=status.is_active)
        )
        return changed.rowcount == 1

    def set_agent_incarnation(self, session_id: str, incarnation: str) -> None:
        values = {"of_id": session_id, "incarnation": incarnation}
        self._connection.execute(_SET_AGENT_INCARNATION, values)

    def set_end(self, session_id: str, end: SessionEnd, at: datetime) -> bool:
        changed = self._connection.execute(
            update(sessions)
            .where(sessions.c.id == session_id, sessions.c.is_active)
            .values(
                status=end.status.value,
                is_active=end.status.is_active,
                ended_at=at,
                end_reason=end.reason.name,
                end_details=end.details,
                bytes_to_node=end.bytes_to_node,
                bytes_to_client=end.bytes_to_client,
            )
        )
        return changed.rowcount == 1

    def set_traffic(self, session_id: str, bytes_to_node: int, bytes_to_client: int) -> None:
        self._connection.execute(
            update(sessions)
            .where(sessions.c.id == session_id, sessions.c.ended_at.is_not(None))
            .values(bytes_to_node=bytes_to_node, bytes_to_client=bytes_to_client)
        )

    def resume_chain(self, session_id: str) -> ResumeChain | None:
        columns = sessions.c.resume_digest, sessions.c.used_resume_digest, sessions.c.resumed_at
        row = self._connection.execute(select(*columns).where(sessions.c.id == session_id)).one_or_none()
        if row is None or row.resume_digest is None:
            return None
        return ResumeChain(current=row.resume_digest, used=row.used_resume_digest, moved_at=row.resumed_at)

    def set_resume_chain(self, session_id: str, chain: ResumeChain | None) -> None:
        self._connection.execute(
            update(sessions)
            .where(sessions.c.id == session_id)
            .values(
                resume_digest=chain.current if chain is not None else None,
                used_resume_digest=chain.used if chain is not None else None,
                resumed_at=chain.moved_at if chain is not None else None,
            )
        )

    def describe(self, query: SessionQuery) -> list[Session]:
        statement = (
            select(sessions)
            .where(
                sessions.c.account_id == query.scope.account_id,
                sessions.c.region == query.scope.region,
                sessions.c.is_active.in_({status.is_active for status in query.statuses}),
                sessions.c.status.in_(_names(query.statuses)),
                *_conditions(query),
            )
            .order_by(sessions.c.started_at.desc(), sessions.c.id.desc())
            .limit(query.limit)
        )
        return [_session(row) for row in self._connection.execute(statement)]

    def active_of_node(self, scope: Scope, node_id: str) -> list[Session]:
        return self._active(
            sessions.c.target == node_id,
            sessions.c.account_id == scope.account_id,
            sessions.c.region == scope.region,
        )

    def active_of_nodes(self, node_ids: Collection[str]) -> list[Session]:
        """Active sessions that lead to any of these nodes, of all accounts and regions."""
        return self._active(sessions.c.target.in_(list(node_ids)))

    def active_of_user(self, user_id: str) -> list[Session]:
        behind = sessions.c.owner_credentials["user_id"].as_string()
        return self._active(or_(sessions.c.owner_id == user_id, behind == user_id))

    def active(self) -> list[Session]:
        return self._active()

    def _active(self, *conditions: ColumnElement[bool], limit: int | None = None) -> list[Session]:
        statement = (
            select(sessions)
            .where(sessions.c.is_active, *conditions)
            .order_by(sessions.c.started_at, sessions.c.id)
            .limit(limit)
        )
        return [_session(row) for row in self._connection.execute(statement)]

    def active_page(self, after_key: tuple[datetime, str] | None, limit: int) -> list[Session]:
        conditions = [] if after_key is None else [_is_after(after_key)]
        return self._active(*conditions, limit=limit)

    def count_active(self) -> int:
        statement = select(func.count()).select_from(sessions).where(sessions.c.is_active)
        return self._connection.scalar(statement) or 0

    def purge_history(self, ended_before: datetime) -> int:
        return self._connection.execute(delete(sessions).where(sessions.c.ended_at < ended_before)).rowcount

    def add_token(self, token: ChannelToken) -> None:
        self._connection.execute(
            _ADD_TOKEN,
            {
                "digest": token.digest,
                "side": token.side.value,
                "channel_id": token.channel_id,
                "holder": token.holder,
                "expires_at": token.expires_at,
            },
        )

    def take_token(self, digest: bytes, now: datetime) -> ChannelToken | None:
        row = self._connection.execute(_TAKE_TOKEN, {"of_digest": digest, "now": now}).one_or_none()
        if row is None:
            return None
        return ChannelToken(
            digest=row.digest,
            side=ChannelSide(row.side),
            channel_id=row.channel_id,
            holder=row.holder,
            expires_at=row.expires_at,
        )

    def void_tokens(self, channel_id: str, side: ChannelSide | None = None) -> None:
        if side is None:
            self._connection.execute(_VOID_TOKENS, {"of_channel": channel_id})
        else:
            self._connection.execute(_VOID_TOKENS_OF_SIDE, {"of_channel": channel_id, "of_side": side.value})

    def purge_tokens(self, now: datetime) -> int:
        return self._connection.execute(delete(tokens).where(tokens.c.expires_at <= now)).rowcount


def _is_after(key: tuple[datetime, str]) -> ColumnElement[bool]:
    started_at, session_id = key
    return or_(
        sessions.c.started_at > started_at,
        and_(sessions.c.started_at == started_at, sessions.c.id > session_id),
    )


def _conditions(query: SessionQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.target is not None:
        conditions.append(sessions.c.target == query.target)
    if query.owner_arn is not None:
        conditions.append(sessions.c.owner_arn == query.owner_arn)
    if query.session_id is not None:
        conditions.append(sessions.c.id == query.session_id)
    if query.started_after is not None:
        conditions.append(sessions.c.started_at >= query.started_after)
    if query.started_before is not None:
        conditions.append(sessions.c.started_at < query.started_before)
    if query.ended_after is not None:
        conditions.append(sessions.c.ended_at >= query.ended_after)
    if query.after_key is not None:
        started_at, session_id = query.after_key
        conditions.append(
            or_(
                sessions.c.started_at < started_at,
                and_(sessions.c.started_at == started_at, sessions.c.id < session_id),
            )
        )
    return conditions


def _session(row: Row[tuple[object, ...]]) -> Session:
    status = SessionStatus(row.status)
    return Session(
        id=row.id,
        scope=Scope(row.account_id, row.region),
        target=row.target,
        document_name=row.document_name,
        session_type=SessionType(row.session_type),
        parameters=row.parameters,
        properties=row.properties,
        owner_arn=row.owner_arn,
        owner_id=row.owner_id,
        source_address=row.source_address,
        status=status,
        started_at=row.started_at,
        reason=row.reason,
        ended_at=row.ended_at,
        end=None if row.end_reason is None else _end(row, status),
        access_key_id=row.access_key_id,
        user_agent=row.user_agent,
        owner_credentials=_credentials(row.owner_credentials),
        idle_timeout_minutes=row.idle_timeout_minutes,
        max_duration_minutes=row.max_duration_minutes,
        document=row.document,
        agent_incarnation=row.agent_incarnation,
    )


def _end(row: Row[tuple[object, ...]], status: SessionStatus) -> SessionEnd:
    return SessionEnd(
        status=status,
        reason=EndReason[row.end_reason],
        details=row.end_details,
        bytes_to_node=row.bytes_to_node,
        bytes_to_client=row.bytes_to_client,
    )


# Any: JSON that TemporaryCredentials made, here and below.
def _owner_credentials(session: Session) -> dict[str, Any]:
    """Left out where there are none: None would be written as JSON's `null`."""
    owner = session.owner_credentials
    return {} if owner is None else {"owner_credentials": owner.to_json()}


def _credentials(members: Any) -> TemporaryCredentials | None:
    return None if members is None else TemporaryCredentials.from_json(members)
