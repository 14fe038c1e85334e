"""Inputs and outputs of draining: the operations of `fairlead` that prepare a server for its restart.

These are operations of our own (`Fairlead_20261101.`); their members follow the manners of AWS's.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Integer, ListOf, Operation, String, Structure, Timestamp, member
from fairlead.domain.operations.sessions import SESSION_ID, TARGET


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainServerRequest:
    """Nothing to say: the server is the one that is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainServerResponse:
    """Since when the server has been draining: since an earlier call, if there was one."""

    draining_since: datetime | None = member("DrainingSince", Timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeServerDrainRequest:
    """A page of the sessions that are left."""

    max_results: int | None = member("MaxResults", Integer(min=1, max=200))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLeft:
    """A session that is not over, with what it has carried so far, resent bytes included."""

    session_id: str | None = member("SessionId", SESSION_ID)
    target: str | None = member("Target", TARGET)
    status: str | None = member(
        "Status", String(enum=("Connected", "Connecting", "Disconnected", "Terminating"))
    )
    start_date: datetime | None = member("StartDate", Timestamp())
    owner: str | None = member("Owner", String(min=1, max=256))
    bytes_to_node: int | None = member("BytesToNode", Integer(min=0))
    bytes_to_client: int | None = member("BytesToClient", Integer(min=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeServerDrainResponse:
    """Whether the server is draining (`draining_since` is there) and who is left, the oldest first.

    `session_count` counts the sessions of all pages, and of all regions of the installation.
    """

    draining_since: datetime | None = member("DrainingSince", Timestamp())
    session_count: int | None = member("SessionCount", Integer(min=0))
    sessions: tuple[SessionLeft, ...] | None = member("Sessions", ListOf(Structure(SessionLeft)))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelServerDrainRequest:
    """Nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelServerDrainResponse:
    """Nothing to say: the server takes sessions."""


DRAIN_SERVER = Operation("fairlead", "DrainServer", DrainServerRequest, DrainServerResponse)
DESCRIBE_SERVER_DRAIN = Operation(
    "fairlead", "DescribeServerDrain", DescribeServerDrainRequest, DescribeServerDrainResponse
)
CANCEL_SERVER_DRAIN = Operation(
    "fairlead", "CancelServerDrain", CancelServerDrainRequest, CancelServerDrainResponse
)
