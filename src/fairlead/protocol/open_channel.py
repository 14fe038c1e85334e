"""The first frame of every WebSocket: a text frame with JSON that presents the token.

Data channel: a client sends `ClientId` and `ClientVersion` (the latter not before plugin 1.2.650), an agent
`ClientInstanceId` and an empty `ClientId`. Control channel: `AgentVersion` and `PlatformType`. Our own ends
add `"Fairlead":{"Version":1}`, which the official programs and AWS ignore, and into it

* our agent an `Incarnation`, drawn anew by each process, so that a gateway can tell an agent that comes back
  from one that started anew and knows nothing of the sessions of before;
* our client a `ResumeDigest`, the SHA-256 of the secret with which it will come back, and, when it does come
  back, that `ResumeSecret` in place of a token.

No reply is expected. The fields only say what the sender claims; checking them is the gateway's part. A ping
may come before this frame, as the official client starts its pinger first.
"""

from __future__ import annotations

from fairlead.protocol import json_fields
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.values import Value

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MAX_OPEN_FRAME_BYTES = 8 * 1024
MESSAGE_SCHEMA_VERSION = "1.0"
FAIRLEAD_VERSION = 1
"""Version of what our own ends say to each other beyond AWS's protocol."""

RESUME_HEADER = "Fairlead-Resume"
"""Header of the answer to an upgrade by which a gateway says that it takes resume secrets..."""
RESUME_HEADER_VALUE = "1"
"""...in the way that this version of the protocol describes."""

RESUME_UNKNOWN = 4001
"""Close code of a gateway that does not know the secret (4000 to 4999 are for private use)."""

RESUME_SECRET_BYTES = 32
"""Of chance in a resume secret, and of its SHA-256; both are written in hexadecimal, in lower case."""

MAX_INCARNATION_CHARACTERS = 64
"""Of letters, digits and hyphens; our agent sends a UUID."""

_HEXADECIMAL = frozenset("0123456789abcdef")
_WHAT = "the open frame"
_OWN = "Fairlead in the open frame"


class _Open(Value):
    """What all open frames have; `fairlead_version` is 0 for an official program."""

    __slots__ = ("fairlead_version", "request_id", "token_value")

    def __init__(self, request_id: str, token_value: str, fairlead_version: int) -> None:
        self.request_id = request_id
        self.token_value = token_value
        self.fairlead_version = fairlead_version

    def encode(self) -> str:
        """The text frame."""
        members: dict[str, Any] = {
            "MessageSchemaVersion": MESSAGE_SCHEMA_VERSION,
            "RequestId": self.request_id,
            "TokenValue": self.token_value,
            **self._members(),
        }
        if self.fairlead_version:
            own = {name: text for name, text in self._own_members().items() if text}
            members["Fairlead"] = {"Version": self.fairlead_version, **own}
        return json_fields.dump(members).decode()

    def _members(self) -> Mapping[str, str | None]:
        raise NotImplementedError

    def _own_members(self) -> Mapping[str, str]:
        """What only our own ends say; empty texts are left out."""
        raise NotImplementedError


class ClientOpen(_Open):
    """The open frame of a client. `client_version` is empty when an old plugin sent none.

    `resume_secret` stands in place of the token; `resume_digest` promises the secret after that. Both are
    empty for a client that comes back by ResumeSession only.
    """

    __slots__ = ("client_id", "client_version", "resume_digest", "resume_secret")

    def __init__(
        self,
        request_id: str,
        token_value: str,
        client_id: str,
        client_version: str = "",
        fairlead_version: int = FAIRLEAD_VERSION,
        *,
        resume_secret: str = "",
        resume_digest: str = "",
    ) -> None:
        super().__init__(request_id, token_value, fairlead_version)
        self.client_id = client_id
        self.client_version = client_version
        self.resume_secret = resume_secret
        self.resume_digest = resume_digest

    def _members(self) -> Mapping[str, str | None]:
        version = {"ClientVersion": self.client_version} if self.client_version else {}
        return {"ClientId": self.client_id, **version}

    def _own_members(self) -> Mapping[str, str]:
        return {"ResumeSecret": self.resume_secret, "ResumeDigest": self.resume_digest}

    def __repr__(self) -> str:
        return f"ClientOpen(client_id={self.client_id!r}, client_version={self.client_version!r})"


class _AgentsOpen(_Open):
    """What both open frames of an agent have; `incarnation` is empty for an official program."""

    __slots__ = ("incarnation",)

    def __init__(self, request_id: str, token_value: str, fairlead_version: int, incarnation: str) -> None:
        super().__init__(request_id, token_value, fairlead_version)
        self.incarnation = incarnation

    def _own_members(self) -> Mapping[str, str]:
        return {"Incarnation": self.incarnation}


class AgentOpen(_AgentsOpen):
    """The open frame of an agent's data channel."""

    __slots__ = ("client_id", "client_instance_id")

    def __init__(
        self,
        request_id: str,
        token_value: str,
        client_instance_id: str,
        client_id: str = "",
        fairlead_version: int = FAIRLEAD_VERSION,
        incarnation: str = "",
    ) -> None:
        super().__init__(request_id, token_value, fairlead_version, incarnation)
        self.client_instance_id = client_instance_id
        self.client_id = client_id

    def _members(self) -> Mapping[str, str | None]:
        return {"ClientInstanceId": self.client_instance_id, "ClientId": self.client_id}

    def __repr__(self) -> str:
        return f"AgentOpen(client_instance_id={self.client_instance_id!r})"


class ControlOpen(_AgentsOpen):
    """The open frame of a control channel."""

    __slots__ = ("agent_version", "platform_type")

    def __init__(
        self,
        request_id: str,
        token_value: str,
        agent_version: str,
        platform_type: str,
        fairlead_version: int = FAIRLEAD_VERSION,
        incarnation: str = "",
    ) -> None:
        super().__init__(request_id, token_value, fairlead_version, incarnation)
        self.agent_version = agent_version
        self.platform_type = platform_type

    def _members(self) -> Mapping[str, str | None]:
        return {"Cookie": None, "AgentVersion": self.agent_version, "PlatformType": self.platform_type}

    def __repr__(self) -> str:
        return f"ControlOpen(agent_version={self.agent_version!r}, platform_type={self.platform_type!r})"


def parse_data_channel_open(frame: str | bytes | memoryview) -> ClientOpen | AgentOpen:
    """The open frame of a data channel; a ClientInstanceId makes it an agent's. Raises MalformedMessage."""
    members = json_fields.parse_object(frame, _WHAT, MAX_OPEN_FRAME_BYTES)
    request_id = _text(members, "RequestId")
    client_id = _text(members, "ClientId")
    version, own = _fairlead(members)
    instance_id = _text(members, "ClientInstanceId")
    if instance_id:
        token_value = json_fields.text(members, "TokenValue", _WHAT)
        return AgentOpen(request_id, token_value, instance_id, client_id, version, _incarnation(own))
    secret, digest = _hexadecimal(own, "ResumeSecret"), _hexadecimal(own, "ResumeDigest")
    token_value = _text(members, "TokenValue") if secret else json_fields.text(members, "TokenValue", _WHAT)
    if secret and (token_value or not digest):
        raise MalformedMessage(f"ResumeSecret of {_OWN} needs a ResumeDigest and an empty TokenValue")
    return ClientOpen(
        request_id,
        token_value,
        client_id,
        _text(members, "ClientVersion"),
        version,
        resume_secret=secret,
        resume_digest=digest,
    )


def parse_control_channel_open(frame: str | bytes | memoryview) -> ControlOpen:
    """The open frame of a control channel. Raises MalformedMessage."""
    members = json_fields.parse_object(frame, _WHAT, MAX_OPEN_FRAME_BYTES)
    version, own = _fairlead(members)
    return ControlOpen(
        _text(members, "RequestId"),
        json_fields.text(members, "TokenValue", _WHAT),
        _text(members, "AgentVersion"),
        _text(members, "PlatformType"),
        version,
        _incarnation(own),
    )


def _text(members: Mapping[str, Any], name: str) -> str:
    return json_fields.optional_text(members, name, _WHAT) or ""


def _fairlead(members: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
    """What only our own ends say: the version, 0 for an official program, and the members about it."""
    own = json_fields.optional_object(members, "Fairlead", _WHAT)
    return (0, {}) if own is None else (json_fields.integer(own, "Version", _OWN), own)


def _incarnation(own: Mapping[str, Any]) -> str:
    text = json_fields.optional_text(own, "Incarnation", _OWN) or ""
    is_name = text.isascii() and text.replace("-", "").isalnum()
    if text and not (is_name and len(text) <= MAX_INCARNATION_CHARACTERS):
        raise MalformedMessage(
            f"Incarnation of {_OWN} is not up to {MAX_INCARNATION_CHARACTERS} letters, digits and hyphens"
        )
    return text


def _hexadecimal(own: Mapping[str, Any], name: str) -> str:
    text = json_fields.optional_text(own, name, _OWN) or ""
    if text and not (len(text) == 2 * RESUME_SECRET_BYTES and _HEXADECIMAL.issuperset(text)):
        raise MalformedMessage(f"{name} of {_OWN} is not {2 * RESUME_SECRET_BYTES} hexadecimal digits")
    return text
