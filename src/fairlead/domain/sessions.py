"""Sessions: their states, their tokens and where they are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from fairlead.domain.callers import TemporaryCredentials
from fairlead.domain.document_parameters import ParameterValue
from fairlead.domain.documents import SessionType
from fairlead.domain.resumption import ResumeChain
from fairlead.domain.scope import Scope

HISTORY_DAYS = 30
"""How long an ended session is listed."""


class SessionStatus(Enum):
    """The states of a session; `TRANSITIONS` says how one follows another."""

    CONNECTING = "Connecting"
    CONNECTED = "Connected"
    DISCONNECTED = "Disconnected"
    TERMINATING = "Terminating"
    TERMINATED = "Terminated"
    FAILED = "Failed"

    @property
    def is_active(self) -> bool:
        """True until the session is over for good."""
        return self not in (SessionStatus.TERMINATED, SessionStatus.FAILED)


ACTIVE_STATUSES = tuple(status for status in SessionStatus if status.is_active)
ENDED_STATUSES = tuple(status for status in SessionStatus if not status.is_active)

_S = SessionStatus
TRANSITIONS: Mapping[SessionStatus, frozenset[SessionStatus]] = {
    _S.CONNECTING: frozenset({_S.CONNECTED, _S.DISCONNECTED, _S.TERMINATING, _S.TERMINATED, _S.FAILED}),
    _S.CONNECTED: frozenset({_S.DISCONNECTED, _S.TERMINATING, _S.TERMINATED, _S.FAILED}),
    _S.DISCONNECTED: frozenset({_S.CONNECTED, _S.TERMINATING, _S.TERMINATED, _S.FAILED}),
    _S.TERMINATING: frozenset({_S.TERMINATED, _S.FAILED}),
    _S.TERMINATED: frozenset(),
    _S.FAILED: frozenset(),
}
"""From each status, those that may follow. An illegal move is a missing entry."""


class EndReason(Enum):
    """Why a session ended; kept with it and shown in its history."""

    CLIENT_LEFT = "The client ended the session"
    AGENT_ENDED = "The node ended the session"
    AGENT_FAILED = "The node could not carry out the session"
    TERMINATED_BY_API = "Terminated by TerminateSession"
    IDLE_TIMEOUT = "No data in either direction for the idle timeout"
    MAX_DURATION = "The session has lasted as long as it may"
    NEVER_CONNECTED = "Not both sides connected in time"
    CLIENT_LOST = "The client did not come back within the resume window"
    AGENT_LOST = "The node did not come back within the resume window"
    AGENT_RESTARTED = "The agent on the node was restarted"
    NODE_STAYED_AWAY = "The node did not come back after the server had been restarted"
    NODE_DEREGISTERED = "The node was deregistered"
    USER_LOCKED = "The user was locked"
    ACCESS_REVOKED = "The right to this session was withdrawn"
    RESUME_REUSED = "A used resume secret was shown again, so somebody else may know it"
    CLIENT_OUTDATED = "The client is too old for this kind of session"
    CLIENT_UNSUPPORTED = "The client cannot carry this kind of session"
    PROTOCOL_VIOLATION = "A side sent a message that it may not send"


_QUIET_ENDS = frozenset({EndReason.AGENT_ENDED, EndReason.CLIENT_LEFT})
"""Ends as their user wanted them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnd:
    """How a session ended. `details` is text from a node or a peer, stripped of control characters."""

    status: SessionStatus
    reason: EndReason
    details: str = ""
    bytes_to_node: int = 0
    bytes_to_client: int = 0

    @property
    def explanation(self) -> str:
        """What a client shows its user; empty for an end that needs no explanation."""
        if self.reason in _QUIET_ENDS:
            return ""
        return f"{self.reason.value}: {self.details}" if self.details else f"{self.reason.value}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session. `owner_arn` and `owner_id` are the starting caller's ARN and principal id, `access_key_id`
    and `user_agent` those of its StartSession, empty where an earlier version started it."""

    id: str
    scope: Scope
    target: str
    document_name: str
    session_type: SessionType
    parameters: Mapping[str, ParameterValue]
    properties: Mapping[str, Any]  # Any: JSON, after parameter substitution
    owner_arn: str
    owner_id: str
    source_address: str
    status: SessionStatus
    started_at: datetime
    reason: str | None = None
    ended_at: datetime | None = None
    end: SessionEnd | None = None
    access_key_id: str = ""
    user_agent: str = ""
    owner_credentials: TemporaryCredentials | None = None
    """What the owner's temporary credentials said of him, if he had some: it stays true of his session."""
    idle_timeout_minutes: int | None = None
    """None: the gateway's default."""
    max_duration_minutes: int | None = None
    """None: no limit."""
    document: Mapping[str, Any] | None = None
    """Of a document that an account owns: description, inputs and declared parameters, as its agent is sent
    them; changes of the document do not reach the session. None for a document that AWS owns."""
    agent_incarnation: str = ""
    """Of the agent's process that holds the node's side; empty before one did, and for an official agent."""

    @property
    def is_raw_stream(self) -> bool:
        """True for plain bytes to a port, as ssh's ProxyCommand needs them."""
        return self.session_type is SessionType.PORT and not self.properties.get("type")


class ChannelSide(Enum):
    """Which end a channel token opens a channel for."""

    CLIENT = "client"
    AGENT = "agent"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelToken:
    """What the server remembers of a token that it gave out: its SHA-256, never the token.

    `channel_id` is the session id (data channel) or the node id (control channel); `holder` the node id of an
    agent's token, the owner's principal id of a client's. One open within the lifetime uses it up.
    """

    digest: bytes
    side: ChannelSide
    channel_id: str
    holder: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """What DescribeSessions looks for; all given fields must hold. Ordered newest first, then by id."""

    scope: Scope
    statuses: Sequence[SessionStatus]
    target: str | None = None
    owner_arn: str | None = None
    session_id: str | None = None
    started_after: datetime | None = None
    """This moment or later."""
    started_before: datetime | None = None
    """Before this moment."""
    ended_after: datetime | None = None
    """This moment or later."""
    after_key: tuple[datetime, str] | None = None
    """`started_at` and id of the last row of the page before."""
    limit: int = field(default=50)


class SessionRepository(Protocol):
    """Where sessions and channel tokens are kept."""

    def add(self, session: Session) -> None: ...
    def get(self, scope: Scope, session_id: str, *, to_change: bool = False) -> Session | None:
        """`to_change`: until the transaction ends nobody else gets the session, or its tokens, to change."""
        ...

    def find(self, session_id: str, *, to_change: bool = False) -> Session | None:
        """Look a session up by id alone; ids are unique over accounts and regions. `to_change` as above."""
        ...

    def set_status(self, session_id: str, status: SessionStatus) -> bool:
        """Move to `status` where the transition table allows it; False, and no change, where not."""
        ...

    def set_agent_incarnation(self, session_id: str, incarnation: str) -> None: ...
    def set_end(self, session_id: str, end: SessionEnd, at: datetime) -> bool:
        """Record the end of an active session; False if it was over already."""
        ...

    def set_traffic(self, session_id: str, bytes_to_node: int, bytes_to_client: int) -> None:
        """Put the final byte counts into the end of a session that is over; nothing where it is not.

        Whoever ends a session by the API does not know how much it carried; who relayed it does.
        """
        ...

    def resume_chain(self, session_id: str) -> ResumeChain | None:
        """What the client of a session comes back with; None where it promised nothing."""
        ...

    def set_resume_chain(self, session_id: str, chain: ResumeChain | None) -> None: ...
    def describe(self, query: SessionQuery) -> list[Session]: ...
    def active_of_node(self, scope: Scope, node_id: str) -> list[Session]: ...
    def active_of_user(self, user_id: str) -> list[Session]:
        """Active sessions that a user started, by himself or in a role that he had taken on."""
        ...

    def active(self) -> list[Session]:
        """Every active session of the installation (after a start, for the timers)."""
        ...

    def active_page(self, after_key: tuple[datetime, str] | None, limit: int) -> list[Session]:
        """Active sessions of the installation behind `after_key` (`started_at` and id), oldest first."""
        ...

    def count_active(self) -> int: ...
    def purge_history(self, ended_before: datetime) -> int:
        """Delete sessions that ended before; return how many."""
        ...

    def add_token(self, token: ChannelToken) -> None: ...
    def take_token(self, digest: bytes, now: datetime) -> ChannelToken | None:
        """Remove and return an unexpired token; None if there is none. Two takers never both get it."""
        ...

    def void_tokens(self, channel_id: str, side: ChannelSide | None = None) -> None:
        """Forget the tokens of a channel (of one side, or of all)."""
        ...

    def purge_tokens(self, now: datetime) -> int: ...
