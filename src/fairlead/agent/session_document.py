"""What a start message asks for, read from its session document. Pure.

`{{ name }}` in the document's properties is replaced by the session's parameter of that name, else by the
default that the document declares (AWS session document schema).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from fairlead.agent.ceiling import MAX_PORT, MIN_PORT, PORT_SESSION
from fairlead.agent.errors import SessionRefusedError
from fairlead.transport.errors import printable

if TYPE_CHECKING:
    from fairlead.protocol.control_channel import StartSession

SSH_DOCUMENT = "AWS-StartSSHSession"
"""The document whose stream is SSH: it protects its own bytes, so they need no digest of ours."""

SCHEMA_VERSION = "1.0"
DEFAULT_HOST = "localhost"
MAX_DEPTH = 16
"""Nesting of the properties that is followed."""

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_SESSION_ID = re.compile(r"[A-Za-z0-9_+=,.@-]{1,256}")


class PortRequest(NamedTuple):
    """A Port session: where it leads, and the properties that the client is told in the handshake."""

    host: str
    port: int
    properties: dict[str, Any]  # JSON of the document
    is_ssh: bool


def is_usable_session_id(session_id: str) -> bool:
    """Whether the id can stand in a URL path and name nothing but itself there."""
    return _SESSION_ID.fullmatch(session_id) is not None and session_id not in (".", "..")


def session_type(start: StartSession) -> str:
    """The document's session type. Raises `SessionRefusedError` when the document is not one we can read."""
    document = start.document_content
    if document.get("schemaVersion") != SCHEMA_VERSION:
        raise SessionRefusedError(
            f"the session document {printable(start.document_name)!r} has schema version "
            f"{printable(str(document.get('schemaVersion')), 20)!r}; this agent reads {SCHEMA_VERSION!r}"
        )
    return str(document.get("sessionType", ""))


def parse_port_request(start: StartSession) -> PortRequest:
    """Read a document of type Port. Raises `SessionRefusedError`."""
    if session_type(start) != PORT_SESSION:
        raise SessionRefusedError(
            f"this agent does not serve sessions of type {printable(session_type(start))!r} yet"
        )
    declared = start.document_content.get("properties")
    values = _parameter_values(start)
    properties = _substituted(declared, values, 0) if isinstance(declared, dict) else None
    if not isinstance(properties, dict):
        raise SessionRefusedError("the session document has no properties")
    if properties.get("type"):
        raise SessionRefusedError(
            f"this agent does not serve port sessions of type {printable(str(properties['type']))!r} yet"
        )
    return PortRequest(
        _host(properties), _port(properties), properties, is_ssh=start.document_name == SSH_DOCUMENT
    )


def _parameter_values(start: StartSession) -> dict[str, str]:
    declared = start.document_content.get("parameters")
    defaults = {
        name: definition["default"]
        for name, definition in (declared.items() if isinstance(declared, dict) else ())
        if isinstance(definition, dict) and isinstance(definition.get("default"), str)
    }
    return {**defaults, **start.parameters}


def _substituted(value: Any, parameters: Mapping[str, str], depth: int) -> Any:  # JSON in, JSON out
    if depth > MAX_DEPTH:
        raise SessionRefusedError("the session document is nested too deeply")
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: parameters.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {key: _substituted(item, parameters, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_substituted(item, parameters, depth + 1) for item in value]
    return value


def _host(properties: Mapping[str, Any]) -> str:
    host = properties.get("host") or DEFAULT_HOST
    if not isinstance(host, str) or len(host) > 255 or any(not "!" <= character <= "~" for character in host):
        raise SessionRefusedError(f"not a host to connect to: {printable(str(host))!r}")
    return host


def _port(properties: Mapping[str, Any]) -> int:
    text = properties.get("portNumber")
    is_number = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 5
    if not is_number or not MIN_PORT <= int(text or "0") <= MAX_PORT:
        raise SessionRefusedError(f"not a port to connect to: {printable(str(text), 40)!r}")
    return int(text or "0")
