"""Audit records: what was asked, by whom, and what came of it, in the form of CloudTrail events.

A record is written in the transaction of what it records. After the commit it is *sequenced*: it gets its
place in the log, without gaps, and its values become findable. What the log holds of it, byte for byte, is
`event_text`; how that is hashed and proved is `transparency`'s.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol

from fairlead.domain.scope import Scope
from fairlead.transparency import canonical_json
from fairlead.transparency.tiles import TileId, Tiles

EVENT_VERSION = "1.08"
"""The version of CloudTrail's event format that events keep to."""
MAX_FINDABLE_CHARACTERS = 512
"""Of longer values only the beginning is compared. PostgreSQL indexes no entry beyond 2,700 bytes."""


class IdentityType(Enum):
    """Who is behind an event, in CloudTrail's words (`userIdentity.type`)."""

    USER = "IAMUser"
    ROLE = "AssumedRole"
    WEB_IDENTITY = "WebIdentityUser"
    SERVICE = "AWSService"
    """The server itself."""
    UNKNOWN = "Unknown"
    """Nobody who has proved anything."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that an event is about. `type` is like `AWS::SSM::ManagedInstance`."""

    type: str
    arn: str

    @property
    def name(self) -> str:
        """What follows the type in the ARN, less a path: the id or name by which people know it."""
        return self.arn.split(":", 5)[-1].rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One API call of a person or a security event of a node. Holds no secret.

    `request_parameters` and `response_elements` are JSON with lower-camel keys, secrets replaced by a fixed
    text; `error_code` is the code that AWS's clients see; `decision` names the statements that decided.
    `is_service_event` says that no API call was made: `request_parameters` are the details of what happened.
    """

    id: str
    at: datetime
    scope: Scope
    event_source: str
    event_name: str
    principal_arn: str
    principal_id: str
    user_name: str
    access_key_id: str
    source_address: str
    user_agent: str
    request_id: str
    is_read_only: bool
    identity_type: IdentityType = IdentityType.UNKNOWN
    session_context: Mapping[str, Any] | None = None  # Any: JSON
    is_service_event: bool = False
    request_parameters: Mapping[str, Any] | None = None  # Any: JSON
    response_elements: Mapping[str, Any] | None = None  # Any: JSON
    error_code: str | None = None
    error_message: str | None = None
    resources: tuple[Resource, ...] = ()
    decision: Mapping[str, Any] | None = None  # Any: JSON


def event_text(record: AuditRecord) -> str:
    """The record as a CloudTrail event, in canonical JSON (RFC 8785)."""
    return canonical_json.encode(event_of(record))


def event_of(record: AuditRecord) -> dict[str, Any]:  # Any: JSON
    """The record as a CloudTrail event; members that have no value are left out.

    The deciding statements are in `additionalEventData`, where CloudTrail puts what is neither request nor
    response.
    """
    account_id = record.scope.account_id
    details = "serviceEventDetails" if record.is_service_event else "requestParameters"
    members = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": _user_identity(record),
        "eventTime": _seconds(record.at),
        "eventSource": record.event_source,
        "eventName": record.event_name,
        "awsRegion": record.scope.region,
        "sourceIPAddress": record.source_address or None,
        "userAgent": record.user_agent or None,
        "errorCode": record.error_code,
        "errorMessage": record.error_message,
        details: record.request_parameters,
        "responseElements": record.response_elements,
        "additionalEventData": record.decision,
        "requestID": record.request_id or None,
        "eventID": record.id,
        "readOnly": record.is_read_only,
        "resources": [
            {"accountId": account_id, "type": each.type, "ARN": each.arn} for each in record.resources
        ]
        or None,
        "eventType": "AwsServiceEvent" if record.is_service_event else "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account_id,
        "eventCategory": "Management",
    }
    return _present(members)


def _user_identity(record: AuditRecord) -> dict[str, Any]:  # Any: JSON
    if record.identity_type is IdentityType.SERVICE:
        return {"type": record.identity_type.value, "invokedBy": record.principal_id}
    is_known = record.identity_type is not IdentityType.UNKNOWN
    has_arn = record.identity_type in (IdentityType.USER, IdentityType.ROLE)
    return _present(
        {
            "type": record.identity_type.value,
            "principalId": record.principal_id,
            "arn": record.principal_arn if has_arn else None,
            "accountId": record.scope.account_id if has_arn else None,
            "accessKeyId": record.access_key_id or None,
            "userName": record.user_name
            if is_known and record.identity_type is not IdentityType.ROLE
            else None,
            "sessionContext": record.session_context,
        }
    )


def _present(members: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    return {name: value for name, value in members.items() if value is not None}


def _seconds(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


LOOKUP_ATTRIBUTES = (
    "EventId",
    "EventName",
    "ReadOnly",
    "Username",
    "ResourceType",
    "ResourceName",
    "EventSource",
    "AccessKeyId",
)
"""By what events can be looked up: CloudTrail's own list."""


@dataclass(frozen=True, slots=True)
class EventView:
    """What LookupEvents says of an event beside its text, read from that text."""

    event: Mapping[str, Any]  # Any: JSON

    @classmethod
    def of(cls, text: str) -> "EventView":
        """Of an event as it is stored."""
        return cls(json.loads(text))

    @property
    def user_name(self) -> str:
        """The name of the user, or of the session of a role; empty for others."""
        who = self.event["userIdentity"]
        named: str = who.get("userName") or ""
        return named or (
            who["principalId"].partition(":")[2] if who["type"] == IdentityType.ROLE.value else ""
        )

    @property
    def access_key_id(self) -> str:
        """With which key the call was signed; empty if with none."""
        return str(self.event["userIdentity"].get("accessKeyId", ""))

    @property
    def read_only(self) -> str:
        """`true` or `false`."""
        return "true" if self.event["readOnly"] else "false"

    @property
    def resources(self) -> list[Resource]:
        """What it was about."""
        return [Resource(each["type"], each["ARN"]) for each in self.event.get("resources", ())]

    def findable(self) -> list[tuple[str, str]]:
        """Each attribute and value by which it is found; a resource by its name and by its ARN."""
        values = [
            ("EventId", self.event["eventID"]),
            ("EventName", self.event["eventName"]),
            ("ReadOnly", self.read_only),
            ("Username", self.user_name),
            ("EventSource", self.event["eventSource"]),
            ("AccessKeyId", self.access_key_id),
        ]
        for resource in self.resources:
            values += [
                ("ResourceType", resource.type),
                ("ResourceName", resource.name),
                ("ResourceName", resource.arn),
            ]
        return list(dict.fromkeys((name, findable_value(value)) for name, value in values if value))


def findable_value(value: str) -> str:
    """A value as it is compared."""
    return value[:MAX_FINDABLE_CHARACTERS].replace("\0", "")


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event that has no place in the log yet. `row` is the store's own number for it."""

    row: int
    text: str


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its place in the log, from 0 on."""

    index: int
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events of a scope are wanted, the newest first. `attribute` is one of `LOOKUP_ATTRIBUTES`.

    `start` and `end` belong to what is wanted. `after_key` is the last event of the page before.
    """

    scope: Scope
    attribute: str | None = None
    value: str = ""
    start: datetime | None = None
    end: datetime | None = None
    after_key: tuple[datetime, int] | None = None
    limit: int


class AuditRepository(Protocol):
    """Where audit records are kept, and the tree over them."""

    def add(self, record: AuditRecord) -> None:
        """Write a record; it is not sequenced yet."""
        ...

    def pending(self, limit: int) -> list[PendingEvent]:
        """Events that are not sequenced, in the order in which they were written."""
        ...

    def size(self, *, to_change: bool = False) -> int:
        """How many events are sequenced. `to_change` keeps other writers of the log waiting."""
        ...

    def sequence(self, first_index: int, events: Sequence[PendingEvent], tiles: Tiles) -> None:
        """Give events their places from `first_index` on, and write the tiles that this changes."""
        ...

    def tiles(self, ids: Sequence[TileId]) -> dict[TileId, bytes]:
        """Those of these tiles that are kept."""
        ...

    def lookup(self, query: EventQuery) -> list[StoredEvent]:
        """Sequenced events, the newest first."""
        ...

    def find(self, event_id: str) -> StoredEvent | None:
        """A sequenced event by its id."""
        ...

    def between(self, start: int, end: int) -> list[StoredEvent]:
        """The events at places from `start` to before `end`, as far as they are kept."""
        ...

    def first_at(self, moment: datetime) -> int | None:
        """The place of the earliest event of this moment or later; None if there is none."""
        ...

    def first_kept(self) -> int:
        """The place of the oldest event that is kept; the size of the log if none is."""
        ...

    def keep_checkpoint(self, size: int, at: datetime, note: str) -> None:
        """Remember a signed checkpoint; of each hour only the last one is kept."""
        ...

    def checkpoint_before(self, moment: datetime) -> int | None:
        """The size of the newest checkpoint that was signed before this moment."""
        ...

    def cut(self, size: int, limit: int) -> int:
        """Delete the first of the events that a checkpoint of this size covers, at most so many; and once
        none is left, what only they needed. Return how many events were deleted."""
        ...
