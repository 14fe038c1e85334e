"""Inputs and outputs of `cloudtrail`: the audit trail as AWS's programs ask for it.

Members and constraints are those of the CloudTrail API, version 2013-11-01; a test compares them.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Integer, ListOf, Operation, String, Structure, Timestamp, member
from fairlead.domain.audit import LOOKUP_ATTRIBUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupAttribute:
    """What events are to have in common."""

    attribute_key: str = member("AttributeKey", String(enum=LOOKUP_ATTRIBUTES), required=True)
    attribute_value: str = member("AttributeValue", String(min=1, max=2000), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupEventsRequest:
    """Which events; all of the last 90 days where nothing is said."""

    lookup_attributes: tuple[LookupAttribute, ...] | None = member(
        "LookupAttributes", ListOf(Structure(LookupAttribute))
    )
    start_time: datetime | None = member("StartTime", Timestamp())
    end_time: datetime | None = member("EndTime", Timestamp())
    event_category: str | None = member("EventCategory", String(enum=("insight",)))
    max_results: int | None = member("MaxResults", Integer())
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResource:
    """What an event is about."""

    resource_type: str | None = member("ResourceType", String())
    resource_name: str | None = member("ResourceName", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event; `cloud_trail_event` is all of it, as JSON text."""

    event_id: str | None = member("EventId", String())
    event_name: str | None = member("EventName", String())
    read_only: str | None = member("ReadOnly", String())
    access_key_id: str | None = member("AccessKeyId", String())
    event_time: datetime | None = member("EventTime", Timestamp())
    event_source: str | None = member("EventSource", String())
    username: str | None = member("Username", String())
    resources: tuple[EventResource, ...] | None = member("Resources", ListOf(Structure(EventResource)))
    cloud_trail_event: str | None = member("CloudTrailEvent", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupEventsResponse:
    """A page, the newest first."""

    events: tuple[Event, ...] | None = member("Events", ListOf(Structure(Event)))
    next_token: str | None = member("NextToken", String())


LOOKUP_EVENTS = Operation("cloudtrail", "LookupEvents", LookupEventsRequest, LookupEventsResponse)
