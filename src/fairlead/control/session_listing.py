"""DescribeSessions: from filters to a query, and from sessions to what is listed of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fairlead.control.calls import Call
from fairlead.control.paging import Listing, cut_page, decode_moment_and_id, encode_position
from fairlead.control.sealing import Sealer
from fairlead.control.text import printable
from fairlead.domain.errors import InvalidRequest
from fairlead.domain.operations.sessions import (
    DescribeSessionsRequest,
    DescribeSessionsResponse,
    OutputUrl,
    SessionFilter,
    SessionItem,
)
from fairlead.domain.sessions import (
    ACTIVE_STATUSES,
    ENDED_STATUSES,
    HISTORY_DAYS,
    Session,
    SessionQuery,
    SessionStatus,
)

DEFAULT_PAGE = 50
STANDARD_ACCESS = "Standard"
MAX_DETAILS_CHARACTERS = 1024


Traffic = Callable[[str], tuple[int, int]]
"""Bytes that an active session has carried so far: to the node, to the client."""


def describe(
    call: Call, sealer: Sealer, traffic: Traffic, request: DescribeSessionsRequest
) -> DescribeSessionsResponse:
    """One page. Raises InvalidRequest or InvalidNextToken."""
    scope = call.caller.scope
    conditions = (request.state, request.filters)
    listing = Listing(call.operation, scope.account_id, scope.region, conditions)
    size = request.max_results or DEFAULT_PAGE
    query = _query(call, request)
    after_key = decode_moment_and_id(sealer, listing, request.next_token)
    if query is None:
        return DescribeSessionsResponse(sessions=())
    rows = call.uow.sessions.describe(replace(query, after_key=after_key, limit=size + 1))
    page, has_more = cut_page(rows, size)
    next_token = (
        encode_position(sealer, listing, page[-1].started_at.isoformat(), page[-1].id) if has_more else None
    )
    items = tuple(_item(session, traffic) for session in page)
    return DescribeSessionsResponse(sessions=items, next_token=next_token)


def _query(call: Call, request: DescribeSessionsRequest) -> SessionQuery | None:
    """What to look for; None if the conditions contradict each other."""
    is_active = request.state == "Active"
    statuses = set(ACTIVE_STATUSES if is_active else ENDED_STATUSES)
    texts: dict[str, str] = {}
    after: list[datetime] = []
    before: list[datetime] = []
    for condition in request.filters or ():
        match condition.key:
            case "InvokedAfter":
                after.append(_moment(condition))
            case "InvokedBefore":
                before.append(_moment(condition))
            case "Status":
                statuses &= {_status(condition)}
            case key:
                if texts.setdefault(key, condition.value) != condition.value:
                    return None
    if not statuses or texts.get("AccessType", STANDARD_ACCESS) != STANDARD_ACCESS:
        return None
    return SessionQuery(
        scope=call.caller.scope,
        statuses=_in_order(statuses),
        target=texts.get("Target"),
        owner_arn=texts.get("Owner"),
        session_id=texts.get("SessionId"),
        started_after=max(after, default=None),
        started_before=min(before, default=None),
        ended_after=None if is_active else call.now - timedelta(days=HISTORY_DAYS),
    )


def _in_order(statuses: Iterable[SessionStatus]) -> tuple[SessionStatus, ...]:
    chosen = set(statuses)
    return tuple(status for status in SessionStatus if status in chosen)


_STATUSES: Mapping[str, SessionStatus] = {status.value: status for status in SessionStatus}


def _status(condition: SessionFilter) -> SessionStatus:
    status = _STATUSES.get(condition.value)
    if status is None:
        raise InvalidRequest(f"The filter Status must be one of {', '.join(_STATUSES)}.")
    return status


def _moment(condition: SessionFilter) -> datetime:
    try:
        moment = datetime.fromisoformat(condition.value)
        # Times near the ends of the calendar do not survive a change of time zone.
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(
            f"The filter {condition.key} must be a time in ISO 8601, such as 2024-08-29T00:00:00Z."
        ) from None


def _item(session: Session, traffic: Traffic) -> SessionItem:
    return SessionItem(
        session_id=session.id,
        target=session.target,
        status=session.status.value,
        start_date=session.started_at,
        end_date=session.ended_at,
        document_name=session.document_name,
        owner=session.owner_arn,
        reason=session.reason,
        details=_details(session, traffic),
        output_url=OutputUrl(),
        max_session_duration=_text(session.max_duration_minutes),
        access_type=STANDARD_ACCESS,
    )


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _details(session: Session, traffic: Traffic) -> str:
    """How much the session carried, and why it ended if it has."""
    end = session.end
    if end is None:
        return f"{_bytes_text(*traffic(session.id))} so far"
    parts = [end.reason.value, *([end.details] if end.details else [])]
    text = f"{': '.join(parts)} ({_bytes_text(end.bytes_to_node, end.bytes_to_client)})"
    return printable(text, MAX_DETAILS_CHARACTERS)


def _bytes_text(to_node: int, to_client: int) -> str:
    return f"{to_node} bytes to the node, {to_client} to the client"
