"""LookupEvents: the audit trail by time and by one attribute, as CloudTrail's event history gives it."""

from datetime import UTC, datetime, timedelta

from fairlead.control.audit_log import AuditLog
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.paging import Listing, cut_page, decode_moment_and_id, encode_position
from fairlead.domain.audit import EventQuery, EventView, StoredEvent
from fairlead.domain.callers import Caller
from fairlead.domain.errors import InvalidLookupAttribute, InvalidMaxResults, InvalidTimeRange
from fairlead.domain.operations.cloudtrail import (
    LOOKUP_EVENTS,
    Event,
    EventResource,
    LookupEventsRequest,
    LookupEventsResponse,
)

MAX_PAGE = 50
"""Events of a page, also where nothing is said."""


class EventHistory:
    """The use cases of `cloudtrail`."""

    def __init__(self, env: Environment, log: AuditLog) -> None:
        self._env = env
        self._log = log

    def lookup_events(self, caller: Caller, request: LookupEventsRequest) -> LookupEventsResponse:
        """One page of the events of the caller's region, the newest first.

        Raises AccessDenied, InvalidLookupAttribute, InvalidTimeRange, InvalidMaxResults or InvalidNextToken.
        """
        self._log.sequence()

        def work(call: Call) -> LookupEventsResponse:
            call.authorize(("*",))
            return self._page(call, request)

        return perform(self._env, caller, LOOKUP_EVENTS, request, work)

    def _page(self, call: Call, request: LookupEventsRequest) -> LookupEventsResponse:
        size = MAX_PAGE if request.max_results is None else request.max_results
        if not 1 <= size <= MAX_PAGE:
            raise InvalidMaxResults(f"MaxResults must be from 1 to {MAX_PAGE}.")
        if request.start_time and request.end_time and request.start_time > request.end_time:
            raise InvalidTimeRange
        attribute, value = _wanted(request)
        scope = call.caller.scope
        conditions = (attribute, value, request.start_time, request.end_time)
        listing = Listing(call.operation, scope.account_id, scope.region, conditions)
        after = decode_moment_and_id(self._env.sealer, listing, request.next_token)
        if request.event_category is not None:  # insights, of which there are none
            return LookupEventsResponse(events=())
        oldest = call.now - timedelta(days=self._env.settings.audit_days)
        query = EventQuery(
            scope=scope,
            attribute=attribute,
            value=value,
            start=max(request.start_time or oldest, oldest),
            end=request.end_time,
            after_key=None if after is None else (after[0], int(after[1])),
            limit=size + 1,
        )
        page, has_more = cut_page(call.uow.audit.lookup(query), size)
        next_token = None
        if has_more:
            last = page[-1]
            position = (last.at.isoformat(), str(last.index))
            next_token = encode_position(self._env.sealer, listing, *position)
        return LookupEventsResponse(events=tuple(map(_event, page)), next_token=next_token)


def _wanted(request: LookupEventsRequest) -> tuple[str | None, str]:
    attributes = request.lookup_attributes or ()
    if len(attributes) > 1:
        raise InvalidLookupAttribute("Events are looked up by one attribute at a time.")
    for attribute in attributes:
        if attribute.attribute_key == "ReadOnly" and attribute.attribute_value not in ("true", "false"):
            raise InvalidLookupAttribute("The value of ReadOnly must be true or false.")
        return attribute.attribute_key, attribute.attribute_value
    return None, ""


def _event(stored: StoredEvent) -> Event:
    view = EventView.of(stored.text)
    return Event(
        event_id=view.event["eventID"],
        event_name=view.event["eventName"],
        read_only=view.read_only,
        access_key_id=view.access_key_id or None,
        event_time=datetime.fromtimestamp(int(stored.at.timestamp()), UTC),
        event_source=view.event["eventSource"],
        username=view.user_name or None,
        resources=tuple(
            EventResource(resource_type=each.type, resource_name=each.name) for each in view.resources
        ),
        cloud_trail_event=stored.text,
    )
