"""The course of one handshake: its states, and what each payload leads to.

    agent   new -> requested -> open        client   new -> answered -> open
            new -> open (no handshake)               new -> open (no handshake)

The table `TRANSITIONS` is the whole of it: a step that it does not have is refused. Sending, numbering and
acknowledging are left to `data_channel`.
"""

from __future__ import annotations

from fairlead.protocol import handshake, json_fields
from fairlead.protocol.errors import IllegalState, MalformedMessage, ProtocolError
from fairlead.protocol.handshake import (
    ACTION_SESSION_TYPE,
    ActionStatus,
    HandshakeComplete,
    HandshakeRequest,
    HandshakeResponse,
    ProcessedAction,
    RequestedAction,
)
from fairlead.protocol.versions import client_too_old_text, is_client_too_old

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fairlead.protocol.handshake import Terms
    from fairlead.protocol.settings import ChannelSettings

NEW = "new"
REQUESTED = "requested"
ANSWERED = "answered"
OPEN = "open"
FAILED = "failed"
CLOSED = "closed"

SEND_REQUEST = "agent sends the request"
STREAM = "streaming without a handshake"
ACCEPT_REQUEST = "client accepts the request"
REFUSE_REQUEST = "client refuses the request"
ACCEPT_RESPONSE = "agent accepts the response"
REFUSE_RESPONSE = "agent refuses the response"
TIME_OUT = "no response in time"
RECEIVE_COMPLETE = "client receives the confirmation"
CLOSE = "the channel is closed"

TRANSITIONS = {
    (NEW, SEND_REQUEST): REQUESTED,
    (NEW, STREAM): OPEN,
    (NEW, ACCEPT_REQUEST): ANSWERED,
    (NEW, REFUSE_REQUEST): FAILED,
    (NEW, CLOSE): CLOSED,
    (REQUESTED, ACCEPT_RESPONSE): OPEN,
    (REQUESTED, REFUSE_RESPONSE): FAILED,
    (REQUESTED, TIME_OUT): FAILED,
    (REQUESTED, CLOSE): CLOSED,
    (ANSWERED, RECEIVE_COMPLETE): OPEN,
    (ANSWERED, CLOSE): CLOSED,
    (OPEN, CLOSE): CLOSED,
    (FAILED, CLOSE): CLOSED,
}

PORT_SESSION_TYPE = "Port"

SHELL_SESSION_TYPE = "Standard_Stream"
"""What a client takes a session for whose agent streams without a handshake."""

_MAX_REASON_CHARACTERS = 300


class HandshakeRefused(ProtocolError):
    """The two ends do not come together; the text is for a user."""


class SessionHandshake:
    """State and results of one handshake. A step the table does not have raises IllegalState."""

    __slots__ = (
        "_settings",
        "_started_at",
        "customer_message",
        "deadline",
        "peer_version",
        "properties",
        "session_type",
        "state",
        "terms",
    )

    def __init__(self, settings: ChannelSettings) -> None:
        self._settings = settings
        self._started_at = 0.0
        self.state = NEW
        self.deadline: float | None = None
        self.session_type = ""
        self.properties: dict[str, Any] | None = None
        self.peer_version = ""
        self.customer_message = ""
        self.terms: Terms = handshake.stock_terms(settings)

    def move(self, step: str) -> None:
        """Take a step of the table."""
        try:
            self.state = TRANSITIONS[self.state, step]
        except KeyError:
            raise IllegalState(f"{step}: not possible when {self.state}") from None

    def skip(self, session_type: str) -> None:
        """Stream at once, at either end."""
        self.move(STREAM)
        self.session_type = session_type

    # -- agent --

    def request(self, session_type: str, properties: Mapping[str, Any] | None, now: float) -> bytes:
        """The payload of the request; from now on a response is awaited."""
        self.move(SEND_REQUEST)
        self._started_at = now
        self.session_type = session_type
        self.properties = None if properties is None else dict(properties)
        self.await_response(now)
        action = RequestedAction(
            ACTION_SESSION_TYPE, {"SessionType": session_type, "Properties": self.properties}
        )
        return HandshakeRequest(
            self._settings.version, (action,), handshake.offer_of(self._settings)
        ).encode()

    def await_response(self, now: float) -> None:
        """Start the clock for the response, if one is awaited."""
        if self.state == REQUESTED:
            self._started_at = self._started_at or now  # unknown in a successor of the process that asked
            self.deadline = now + self._settings.handshake_timeout_s

    def stop_waiting(self) -> None:
        """Stop the clock: without a connection no response can come, and how long that may last is for the
        resume window to say."""
        self.deadline = None

    def time_out(self) -> str:
        """No response came; the reason, for a user."""
        self.move(TIME_OUT)
        self.deadline = None
        return f"handshake: no response from the client within {self._settings.handshake_timeout_s:g} s"

    def receive_response(self, payload: bytes | memoryview, now: float) -> bytes:
        """Returns the payload of HandshakeComplete. Raises HandshakeRefused when the client cannot do what
        was asked or answers nonsense."""
        if self.state != REQUESTED:
            raise IllegalState(f"HandshakeResponse when {self.state}")
        self.deadline = None
        try:
            response = handshake.parse_handshake_response(payload)
            _check_actions(response)
            self._check_version(response)
            self.terms = handshake.terms_of(response.choice, self._settings)
        except (MalformedMessage, HandshakeRefused) as error:
            self.move(REFUSE_RESPONSE)
            raise HandshakeRefused(f"handshake: {error}") from None
        self.move(ACCEPT_RESPONSE)
        self.peer_version = response.client_version
        return HandshakeComplete(int((now - self._started_at) * 1e9)).encode()

    def _check_version(self, response: HandshakeResponse) -> None:
        if self.session_type == PORT_SESSION_TYPE and is_client_too_old(response.client_version):
            raise HandshakeRefused(client_too_old_text(response.client_version))

    # -- client --

    def receive_request(self, payload: bytes | memoryview) -> tuple[bytes, str]:
        """Returns the payload of the response, and why the session cannot start (empty: it can)."""
        if self.state != NEW:
            raise IllegalState(f"HandshakeRequest when {self.state}")
        try:
            request = handshake.parse_handshake_request(payload)
            processed = tuple(self._process(action) for action in request.actions)
        except MalformedMessage as error:
            return self._refuse((), f"handshake: {error}")
        failure = next((action.error for action in processed if action.error), "")
        if not failure and not self.session_type:
            failure = "the agent named no session type"
        if failure:
            return self._refuse(processed, f"handshake: {failure}")
        choice = handshake.choose(request.offer, self._settings)
        self.terms = handshake.terms_of(choice, self._settings)
        self.peer_version = request.agent_version
        self.move(ACCEPT_REQUEST)
        return HandshakeResponse(self._settings.version, processed, choice=choice).encode(), ""

    def _process(self, action: RequestedAction) -> ProcessedAction:
        if action.action_type != ACTION_SESSION_TYPE:
            error = f"the agent asks for {action.action_type[:64]}, which this client does not support"
            return ProcessedAction(action.action_type, ActionStatus.UNSUPPORTED, error)
        session_type, properties = handshake.parse_session_type(action)
        if session_type not in self._settings.session_types:
            error = f"this client does not support sessions of type {session_type[:64]}"
            return ProcessedAction(action.action_type, ActionStatus.FAILED, error)
        self.session_type, self.properties = session_type, properties
        return ProcessedAction(action.action_type, ActionStatus.SUCCESS)

    def _refuse(self, processed: tuple[ProcessedAction, ...], reason: str) -> tuple[bytes, str]:
        self.move(REFUSE_REQUEST)
        errors = () if processed else (reason,)
        return HandshakeResponse(self._settings.version, processed, errors).encode(), reason

    def receive_complete(self, payload: bytes | memoryview) -> None:
        """The agent confirms. What it says besides is for information, so nonsense in it is left aside."""
        self.move(RECEIVE_COMPLETE)
        try:
            self.customer_message = handshake.parse_handshake_complete(payload).customer_message
        except MalformedMessage:
            self.customer_message = ""

    # -- to a successor --

    def to_json(self) -> dict[str, Any]:
        """What a successor needs, as JSON."""
        return {
            "state": self.state,
            "session_type": self.session_type,
            "properties": self.properties,
            "peer_version": self.peer_version,
            "terms": {name: getattr(self.terms, name) for name in handshake.Terms.__slots__},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over from the handshake that gave `state`; the clock for a response starts with
        `await_response`. Raises MalformedMessage."""
        what = "the snapshot"
        self.state = json_fields.text(state, "state", what)
        if self.state not in {before for before, _ in TRANSITIONS} | set(TRANSITIONS.values()):
            raise MalformedMessage("the snapshot has an unknown handshake state")
        self.session_type = json_fields.optional_text(state, "session_type", what) or ""
        self.properties = json_fields.optional_object(state, "properties", what)
        self.peer_version = json_fields.optional_text(state, "peer_version", what) or ""
        self.terms = handshake.terms_from_json(json_fields.optional_object(state, "terms", what) or {})


def _check_actions(response: HandshakeResponse) -> None:
    """Every action must have succeeded, and the session type must be among them."""
    if not any(action.action_type == ACTION_SESSION_TYPE for action in response.actions):
        detail = "; ".join(response.errors) or "the client did not process the session type"
        raise HandshakeRefused(detail[:_MAX_REASON_CHARACTERS])
    for action in response.actions:
        if action.status != ActionStatus.SUCCESS:
            detail = f"{action.action_type} failed on the client with status {action.status}: {action.error}"
            raise HandshakeRefused(detail[:_MAX_REASON_CHARACTERS])
