"""Inputs and outputs of the session operations of `ssm`.

Members and constraints are those of the Systems Manager API, version 2014-11-06; a test compares them.
Different on purpose: a `TokenValue` has no upper bound, because clients do not check the published one and
live tokens are longer, and it is marked as a secret.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Integer, ListOf, MapOf, Operation, String, Structure, Timestamp, member

SESSION_ID = String(min=1, max=96)
TARGET = String(min=1, max=400)
REASON = String(min=1, max=256, pattern="^.{1,256}$")
DOCUMENT_NAME_OR_ARN = String(pattern=r"^[a-zA-Z0-9_\-.:/]{3,128}$")
TOKEN = String(min=0, sensitive=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSessionRequest:
    """Who to connect to, by which document. Each parameter value is a list of texts."""

    target: str = member("Target", TARGET, required=True)
    document_name: str | None = member("DocumentName", DOCUMENT_NAME_OR_ARN)
    reason: str | None = member("Reason", REASON)
    parameters: dict[str, tuple[str, ...]] | None = member(
        "Parameters", MapOf(String(min=1, max=255), ListOf(String(min=1, max=65535)))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSessionResponse:
    """What the client needs to open its data channel. `token_value` is a secret and good for one open."""

    session_id: str | None = member("SessionId", SESSION_ID)
    token_value: str | None = member("TokenValue", TOKEN)
    stream_url: str | None = member("StreamUrl", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeSessionRequest:
    """Which session to come back to."""

    session_id: str = member("SessionId", SESSION_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeSessionResponse:
    """As StartSession. Without `token_value` the session is over: clients take that as "timed out"."""

    session_id: str | None = member("SessionId", SESSION_ID)
    token_value: str | None = member("TokenValue", TOKEN)
    stream_url: str | None = member("StreamUrl", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateSessionRequest:
    """Which session to end."""

    session_id: str = member("SessionId", SESSION_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateSessionResponse:
    """The id that was given."""

    session_id: str | None = member("SessionId", SESSION_ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """One condition on the listed sessions; conditions combine with AND."""

    key: str = member(
        "key",
        String(
            enum=(
                "InvokedAfter",
                "InvokedBefore",
                "Target",
                "Owner",
                "Status",
                "SessionId",
                "AccessType",
            )
        ),
        required=True,
    )
    value: str = member("value", String(min=1, max=400), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeSessionsRequest:
    """Active sessions or the history, a page at a time."""

    state: str = member("State", String(enum=("Active", "History")), required=True)
    max_results: int | None = member("MaxResults", Integer(min=1, max=200))
    next_token: str | None = member("NextToken", String())
    filters: tuple[SessionFilter, ...] | None = member(
        "Filters", ListOf(Structure(SessionFilter), min=1, max=6)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputUrl:
    """Where the output of a session is logged. Sessions of type Port are not."""

    s3_output_url: str | None = member("S3OutputUrl", String(min=1, max=2083))
    cloud_watch_output_url: str | None = member("CloudWatchOutputUrl", String(min=1, max=2083))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionItem:
    """One listed session (`Session` in the API)."""

    session_id: str | None = member("SessionId", SESSION_ID)
    target: str | None = member("Target", TARGET)
    status: str | None = member(
        "Status",
        String(enum=("Connected", "Connecting", "Disconnected", "Terminated", "Terminating", "Failed")),
    )
    start_date: datetime | None = member("StartDate", Timestamp())
    end_date: datetime | None = member("EndDate", Timestamp())
    document_name: str | None = member("DocumentName", String(pattern=r"^[a-zA-Z0-9_\-.]{3,128}$"))
    owner: str | None = member("Owner", String(min=1, max=256))
    reason: str | None = member("Reason", REASON)
    details: str | None = member("Details", String(min=1, max=1024))
    output_url: OutputUrl | None = member("OutputUrl", Structure(OutputUrl))
    max_session_duration: str | None = member(
        "MaxSessionDuration",
        String(min=1, max=4, pattern="^([1-9]|[1-9][0-9]|[1-9][0-9][0-9]|1[0-4][0-3][0-9]|1440)$"),
    )
    access_type: str | None = member("AccessType", String(enum=("Standard", "JustInTime")))


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeSessionsResponse:
    """One page, newest first. With `next_token` there is more."""

    sessions: tuple[SessionItem, ...] | None = member("Sessions", ListOf(Structure(SessionItem)))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConnectionStatusRequest:
    """Which node."""

    target: str = member("Target", TARGET, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetConnectionStatusResponse:
    """Whether the node's agent is connected; an unknown node is simply not."""

    target: str | None = member("Target", TARGET)
    status: str | None = member("Status", String(enum=("connected", "notconnected")))


START_SESSION = Operation("ssm", "StartSession", StartSessionRequest, StartSessionResponse)
RESUME_SESSION = Operation("ssm", "ResumeSession", ResumeSessionRequest, ResumeSessionResponse)
TERMINATE_SESSION = Operation("ssm", "TerminateSession", TerminateSessionRequest, TerminateSessionResponse)
DESCRIBE_SESSIONS = Operation("ssm", "DescribeSessions", DescribeSessionsRequest, DescribeSessionsResponse)
GET_CONNECTION_STATUS = Operation(
    "ssm", "GetConnectionStatus", GetConnectionStatusRequest, GetConnectionStatusResponse
)
