"""Payloads of the handshake, and the terms that our own ends agree on inside them.

The agent asks (HandshakeRequest), the client answers (HandshakeResponse), the agent confirms
(HandshakeComplete). What AWS's protocol does not know travels as one more member, `Fairlead`, at the top
level of request and response, which the official programs ignore; its absence means the other end is one of
them. It is never an entry in RequestedClientActions: an action the client does not know ends the session.

When each payload is sent is left to `data_channel`.
"""

from __future__ import annotations

from fairlead.protocol import json_fields
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.open_channel import FAIRLEAD_VERSION
from fairlead.protocol.settings import MAX_WINDOW_BYTES, STOCK_MAX_PAYLOAD_BYTES, ChannelSettings
from fairlead.protocol.values import Value

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MAX_HANDSHAKE_PAYLOAD_BYTES = 64 * 1024
ACTION_SESSION_TYPE = "SessionType"
ACTION_KMS_ENCRYPTION = "KMSEncryption"
ACK_CUMULATIVE = "cumulative"
DIGEST_NONE = "none"
DIGEST_SHA256 = "sha256"


class ActionStatus:
    """Values of ActionStatus; anything but SUCCESS makes the agent end the session."""

    SUCCESS = 1
    FAILED = 2
    UNSUPPORTED = 3


class Terms(Value):
    """What two ends agreed on. `own` tells whether the other end is ours; all else only holds if it is."""

    __slots__ = ("cumulative_acks", "half_close", "max_payload_bytes", "own", "window_bytes", "zero_digest")

    def __init__(
        self,
        *,
        max_payload_bytes: int,
        window_bytes: int,
        own: bool = False,
        cumulative_acks: bool = False,
        zero_digest: bool = False,
        half_close: bool = False,
    ) -> None:
        self.max_payload_bytes = max_payload_bytes
        self.window_bytes = window_bytes
        self.own = own
        self.cumulative_acks = cumulative_acks
        self.zero_digest = zero_digest
        self.half_close = half_close


class Offer(Value):
    """The `Fairlead` member: in a request what the agent can do, preferred first; in a response what the
    client chose, one value each."""

    __slots__ = ("acks", "digests", "half_close", "max_payload_bytes", "window_bytes")

    def __init__(
        self,
        max_payload_bytes: int,
        window_bytes: int,
        acks: tuple[str, ...],
        digests: tuple[str, ...],
        half_close: bool,
    ) -> None:
        self.max_payload_bytes = max_payload_bytes
        self.window_bytes = window_bytes
        self.acks = acks
        self.digests = digests
        self.half_close = half_close


class RequestedAction(Value):
    """One entry of RequestedClientActions."""

    __slots__ = ("action_type", "parameters")

    def __init__(self, action_type: str, parameters: Mapping[str, Any]) -> None:
        self.action_type = action_type
        self.parameters = parameters


class ProcessedAction(Value):
    """One entry of ProcessedClientActions; `status` is an ActionStatus, `error` text for a user."""

    __slots__ = ("action_type", "error", "status")

    def __init__(self, action_type: str, status: int, error: str = "") -> None:
        self.action_type = action_type
        self.status = status
        self.error = error


class HandshakeRequest(Value):
    """Agent to client."""

    __slots__ = ("actions", "agent_version", "offer")

    def __init__(self, agent_version: str, actions: tuple[RequestedAction, ...], offer: Offer | None) -> None:
        self.agent_version = agent_version
        self.actions = actions
        self.offer = offer

    def encode(self) -> bytes:
        """The payload."""
        members: dict[str, Any] = {
            "AgentVersion": self.agent_version,
            "RequestedClientActions": [
                {"ActionType": action.action_type, "ActionParameters": action.parameters}
                for action in self.actions
            ],
        }
        if self.offer is not None:
            members["Fairlead"] = _offer_members(self.offer)
        return json_fields.dump(members)


class HandshakeResponse(Value):
    """Client to agent; `choice` has one value in each list."""

    __slots__ = ("actions", "choice", "client_version", "errors")

    def __init__(
        self,
        client_version: str,
        actions: tuple[ProcessedAction, ...],
        errors: tuple[str, ...] = (),
        choice: Offer | None = None,
    ) -> None:
        self.client_version = client_version
        self.actions = actions
        self.errors = errors
        self.choice = choice

    def encode(self) -> bytes:
        """The payload."""
        members: dict[str, Any] = {
            "ClientVersion": self.client_version,
            "ProcessedClientActions": [
                {
                    "ActionType": action.action_type,
                    "ActionStatus": action.status,
                    "ActionResult": None,
                    "Error": action.error,
                }
                for action in self.actions
            ],
            "Errors": list(self.errors) or None,
        }
        if self.choice is not None:
            members["Fairlead"] = _choice_members(self.choice)
        return json_fields.dump(members)


class HandshakeComplete(Value):
    """Agent to client; `customer_message` is shown to the user when not empty."""

    __slots__ = ("customer_message", "time_to_complete_ns")

    def __init__(self, time_to_complete_ns: int, customer_message: str = "") -> None:
        self.time_to_complete_ns = time_to_complete_ns
        self.customer_message = customer_message

    def encode(self) -> bytes:
        """The payload."""
        return json_fields.dump(
            {
                "HandshakeTimeToComplete": self.time_to_complete_ns,
                "CustomerMessage": self.customer_message,
            }
        )


def parse_handshake_request(payload: bytes | memoryview) -> HandshakeRequest:
    """Raises MalformedMessage."""
    what = "HandshakeRequest"
    members = json_fields.parse_object(payload, what, MAX_HANDSHAKE_PAYLOAD_BYTES)
    actions = tuple(
        RequestedAction(
            json_fields.text(action, "ActionType", what),
            json_fields.optional_object(action, "ActionParameters", what) or {},
        )
        for action in json_fields.objects(members, "RequestedClientActions", what)
    )
    version = json_fields.optional_text(members, "AgentVersion", what) or ""
    return HandshakeRequest(version, actions, _parse_offer(members, what))


def parse_handshake_response(payload: bytes | memoryview) -> HandshakeResponse:
    """Raises MalformedMessage. A missing ActionStatus is 0, which the official client also leaves for
    an action it does not know: not SUCCESS."""
    what = "HandshakeResponse"
    members = json_fields.parse_object(payload, what, MAX_HANDSHAKE_PAYLOAD_BYTES)
    actions = tuple(
        ProcessedAction(
            json_fields.text(action, "ActionType", what),
            json_fields.integer(action, "ActionStatus", what, 0),
            json_fields.optional_text(action, "Error", what) or "",
        )
        for action in json_fields.objects(members, "ProcessedClientActions", what)
    )
    version = json_fields.optional_text(members, "ClientVersion", what) or ""
    errors = _texts(members, "Errors", what)
    return HandshakeResponse(version, actions, errors, _parse_offer(members, what))


def parse_handshake_complete(payload: bytes | memoryview) -> HandshakeComplete:
    """Raises MalformedMessage."""
    what = "HandshakeComplete"
    members = json_fields.parse_object(payload, what, MAX_HANDSHAKE_PAYLOAD_BYTES)
    return HandshakeComplete(
        json_fields.integer(members, "HandshakeTimeToComplete", what, 0),
        json_fields.optional_text(members, "CustomerMessage", what) or "",
    )


def parse_session_type(action: RequestedAction) -> tuple[str, dict[str, Any] | None]:
    """Session type and properties that an action of type SessionType asks for. Raises MalformedMessage."""
    what = "the action SessionType"
    return (
        json_fields.text(action.parameters, "SessionType", what),
        json_fields.optional_object(action.parameters, "Properties", what),
    )


def stock_terms(settings: ChannelSettings) -> Terms:
    """The terms toward an official program: our own window, payloads of a size that it has proven to take,
    one acknowledgement per message, a digest on each, no half-close."""
    return Terms(
        max_payload_bytes=min(settings.max_payload_bytes, STOCK_MAX_PAYLOAD_BYTES),
        window_bytes=settings.window_bytes,
    )


def offer_of(settings: ChannelSettings) -> Offer | None:
    """What an agent with these settings offers; None: speak like an official program."""
    if not settings.fairlead:
        return None
    return Offer(
        settings.max_payload_bytes,
        settings.window_bytes,
        (ACK_CUMULATIVE,) if settings.cumulative_acks else (),
        (DIGEST_NONE, DIGEST_SHA256) if settings.zero_digest else (DIGEST_SHA256,),
        settings.half_close,
    )


def choose(offer: Offer | None, settings: ChannelSettings) -> Offer | None:
    """The client's answer to an agent's offer: the smaller sizes, the first of each list that both know."""
    own = offer_of(settings)
    if offer is None or own is None:
        return None
    return Offer(
        min(offer.max_payload_bytes, own.max_payload_bytes),
        min(offer.window_bytes, own.window_bytes),
        tuple(ack for ack in offer.acks if ack in own.acks)[:1],
        tuple(digest for digest in offer.digests if digest in own.digests)[:1],
        offer.half_close and own.half_close,
    )


def terms_of(choice: Offer | None, settings: ChannelSettings) -> Terms:
    """The terms after the client's `choice`, at either end. Raises MalformedMessage when the choice goes
    beyond what these settings can have offered."""
    if choice is None:
        return stock_terms(settings)
    own = offer_of(settings)
    if (
        own is None
        or choice.max_payload_bytes > own.max_payload_bytes
        or choice.window_bytes > own.window_bytes
        or not set(choice.acks) <= set(own.acks)
        or not set(choice.digests) <= set(own.digests)
        or (choice.half_close and not own.half_close)
    ):
        raise MalformedMessage("Fairlead in HandshakeResponse chooses what was not offered")
    return Terms(
        max_payload_bytes=choice.max_payload_bytes,
        window_bytes=choice.window_bytes,
        own=True,
        cumulative_acks=ACK_CUMULATIVE in choice.acks,
        zero_digest=DIGEST_NONE in choice.digests,
        half_close=choice.half_close,
    )


def terms_from_json(members: Mapping[str, Any]) -> Terms:
    """Terms from the members that a snapshot keeps of them. Raises MalformedMessage."""
    what = "terms of the snapshot"
    return Terms(
        max_payload_bytes=json_fields.integer(members, "max_payload_bytes", what),
        window_bytes=json_fields.integer(members, "window_bytes", what),
        own=json_fields.boolean(members, "own", what),
        cumulative_acks=json_fields.boolean(members, "cumulative_acks", what),
        zero_digest=json_fields.boolean(members, "zero_digest", what),
        half_close=json_fields.boolean(members, "half_close", what),
    )


def _offer_members(offer: Offer) -> dict[str, Any]:
    return {
        "Version": FAIRLEAD_VERSION,
        "MaxPayloadBytes": offer.max_payload_bytes,
        "WindowBytes": offer.window_bytes,
        "Ack": list(offer.acks),
        "Digest": list(offer.digests),
        "HalfClose": offer.half_close,
    }


def _choice_members(choice: Offer) -> dict[str, Any]:
    members = _offer_members(choice)
    for name in ("Ack", "Digest"):
        if members[name]:
            members[name] = members[name][0]
        else:
            del members[name]
    return members


def _parse_offer(members: dict[str, Any], what: str) -> Offer | None:
    """The `Fairlead` member; None when absent or of a version before the first."""
    found = json_fields.optional_object(members, "Fairlead", what)
    if found is None:
        return None
    what = f"Fairlead in {what}"
    max_payload_bytes = json_fields.integer(found, "MaxPayloadBytes", what)
    window_bytes = json_fields.integer(found, "WindowBytes", what)
    if not 1 <= max_payload_bytes <= window_bytes <= MAX_WINDOW_BYTES:
        raise MalformedMessage(f"sizes of {what} are out of range")
    return Offer(
        max_payload_bytes,
        window_bytes,
        _texts(found, "Ack", what),
        _texts(found, "Digest", what),
        json_fields.boolean(found, "HalfClose", what),
    )


def _texts(members: dict[str, Any], name: str, what: str) -> tuple[str, ...]:
    """A string or a list of strings; empty when absent or null."""
    value = members.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise MalformedMessage(f"{name} of {what} is not a list of strings")
    return tuple(value)
