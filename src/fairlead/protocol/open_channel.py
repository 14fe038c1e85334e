"""The first frame of every WebSocket: a text frame with JSON that presents the token.

Data channel: a client sends `ClientId` and `ClientVersion` (the latter not before plugin 1.2.650), an agent
`ClientInstanceId` and an empty `ClientId`. Control channel: `AgentVersion` and `PlatformType`. Our own ends
add `"Fairlead":{"Version":1}`, which the official programs and AWS ignore; our agent puts an `Incarnation`
into it, drawn anew by each process, so that a gateway can tell an agent that comes back from one that started
anew and knows nothing of the sessions of before. No reply is expected.

The fields only say what the sender claims; checking them against the token is the gateway's part. A ping may
come before this frame, as the official client starts its pinger first.
"""

from __future__ import annotations

from fairlead.protocol import json_fields
from fairlead.protocol.values import Value

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from typing import Any

MAX_OPEN_FRAME_BYTES = 8 * 1024
MESSAGE_SCHEMA_VERSION = "1.0"
FAIRLEAD_VERSION = 1
"""Version of what our own ends say to each other beyond AWS's protocol."""

_WHAT = "the open frame"
_OWN = "Fairlead in the open frame"


class ClientOpen(Value):
    """The open frame of a client. `client_version` is empty when an old plugin sent none; `fairlead_version`
    is 0 for an official program."""

    __slots__ = ("client_id", "client_version", "fairlead_version", "request_id", "token_value")

    def __init__(
        self,
        request_id: str,
        token_value: str,
        client_id: str,
        client_version: str = "",
        fairlead_version: int = FAIRLEAD_VERSION,
    ) -> None:
        self.request_id = request_id
        self.token_value = token_value
        self.client_id = client_id
        self.client_version = client_version
        self.fairlead_version = fairlead_version

    def encode(self) -> str:
        """The text frame."""
        members: dict[str, Any] = {
            "MessageSchemaVersion": MESSAGE_SCHEMA_VERSION,
            "RequestId": self.request_id,
            "TokenValue": self.token_value,
            "ClientId": self.client_id,
        }
        if self.client_version:
            members["ClientVersion"] = self.client_version
        return _encode(members, self.fairlead_version)

    def __repr__(self) -> str:
        return f"ClientOpen(client_id={self.client_id!r}, client_version={self.client_version!r})"


class AgentOpen(Value):
    """The open frame of an agent's data channel; for an official program `fairlead_version` is 0 and
    `incarnation` empty."""

    __slots__ = (
        "client_id",
        "client_instance_id",
        "fairlead_version",
        "incarnation",
        "request_id",
        "token_value",
    )

    def __init__(
        self,
        request_id: str,
        token_value: str,
        client_instance_id: str,
        client_id: str = "",
        fairlead_version: int = FAIRLEAD_VERSION,
        incarnation: str = "",
    ) -> None:
        self.request_id = request_id
        self.token_value = token_value
        self.client_instance_id = client_instance_id
        self.client_id = client_id
        self.fairlead_version = fairlead_version
        self.incarnation = incarnation

    def encode(self) -> str:
        """The text frame."""
        members: dict[str, Any] = {
            "MessageSchemaVersion": MESSAGE_SCHEMA_VERSION,
            "RequestId": self.request_id,
            "TokenValue": self.token_value,
            "ClientInstanceId": self.client_instance_id,
            "ClientId": self.client_id,
        }
        return _encode(members, self.fairlead_version, self.incarnation)

    def __repr__(self) -> str:
        return f"AgentOpen(client_instance_id={self.client_instance_id!r})"


class ControlOpen(Value):
    """The open frame of a control channel; for an official program `fairlead_version` is 0 and `incarnation`
    empty."""

    __slots__ = (
        "agent_version",
        "fairlead_version",
        "incarnation",
        "platform_type",
        "request_id",
        "token_value",
    )

    def __init__(
        self,
        request_id: str,
        token_value: str,
        agent_version: str,
        platform_type: str,
        fairlead_version: int = FAIRLEAD_VERSION,
        incarnation: str = "",
    ) -> None:
        self.request_id = request_id
        self.token_value = token_value
        self.agent_version = agent_version
        self.platform_type = platform_type
        self.fairlead_version = fairlead_version
        self.incarnation = incarnation

    def encode(self) -> str:
        """The text frame."""
        members: dict[str, Any] = {
            "Cookie": None,
            "MessageSchemaVersion": MESSAGE_SCHEMA_VERSION,
            "RequestId": self.request_id,
            "TokenValue": self.token_value,
            "AgentVersion": self.agent_version,
            "PlatformType": self.platform_type,
        }
        return _encode(members, self.fairlead_version, self.incarnation)

    def __repr__(self) -> str:
        return f"ControlOpen(agent_version={self.agent_version!r}, platform_type={self.platform_type!r})"


def parse_data_channel_open(frame: str | bytes | memoryview) -> ClientOpen | AgentOpen:
    """The open frame of a data channel; a ClientInstanceId makes it an agent's. Raises MalformedMessage."""
    members = json_fields.parse_object(frame, _WHAT, MAX_OPEN_FRAME_BYTES)
    request_id = json_fields.optional_text(members, "RequestId", _WHAT) or ""
    token_value = json_fields.text(members, "TokenValue", _WHAT)
    client_id = json_fields.optional_text(members, "ClientId", _WHAT) or ""
    version, incarnation = _fairlead(members)
    instance_id = json_fields.optional_text(members, "ClientInstanceId", _WHAT)
    if instance_id:
        return AgentOpen(request_id, token_value, instance_id, client_id, version, incarnation)
    client_version = json_fields.optional_text(members, "ClientVersion", _WHAT) or ""
    return ClientOpen(request_id, token_value, client_id, client_version, version)


def parse_control_channel_open(frame: str | bytes | memoryview) -> ControlOpen:
    """The open frame of a control channel. Raises MalformedMessage."""
    members = json_fields.parse_object(frame, _WHAT, MAX_OPEN_FRAME_BYTES)
    return ControlOpen(
        json_fields.optional_text(members, "RequestId", _WHAT) or "",
        json_fields.text(members, "TokenValue", _WHAT),
        json_fields.optional_text(members, "AgentVersion", _WHAT) or "",
        json_fields.optional_text(members, "PlatformType", _WHAT) or "",
        *_fairlead(members),
    )


def _encode(members: dict[str, Any], fairlead_version: int, incarnation: str = "") -> str:
    if fairlead_version:
        members["Fairlead"] = {"Version": fairlead_version}
        if incarnation:
            members["Fairlead"]["Incarnation"] = incarnation
    return json_fields.dump(members).decode()


def _fairlead(members: dict[str, Any]) -> tuple[int, str]:
    """What only our own ends say: the version and, of an agent, its incarnation."""
    own = json_fields.optional_object(members, "Fairlead", _WHAT)
    if own is None:
        return 0, ""
    incarnation = json_fields.optional_text(own, "Incarnation", _OWN) or ""
    return json_fields.integer(own, "Version", _OWN), incarnation
