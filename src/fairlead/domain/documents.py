"""Session documents: what a session is to do, with declared parameters.

The AWS-owned documents are constants of the domain; documents of an account's own come from a repository.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from fairlead.domain.errors import InvalidParameters

PORT_PATTERN = (
    r"^([1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$"
)
PORT_OR_ZERO_PATTERN = (
    r"^([0-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$"
)
HOST_PATTERN = r"""^[^,$^&()!;'"<>`{}\[\]|#=]{3,}$"""
DEFAULT_DOCUMENT = "SSM-SessionManagerRunShell"


class SessionType(Enum):
    """The kinds of session a document can ask for."""

    STANDARD_STREAM = "Standard_Stream"
    PORT = "Port"
    INTERACTIVE_COMMANDS = "InteractiveCommands"
    NON_INTERACTIVE_COMMANDS = "NonInteractiveCommands"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One declared parameter. Without a default it is required; the whole value must match the pattern."""

    description: str
    default: str | None = None
    allowed_pattern: str | None = None

    def check(self, name: str, value: str) -> None:
        """Raise InvalidParameters unless the value may stand for this parameter."""
        if self.allowed_pattern is not None and not re.fullmatch(self.allowed_pattern, value):
            raise InvalidParameters(
                f'Parameter "{name}" has value "{value}" not matching "{self.allowed_pattern}".'
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDocument:
    """A document of type Session in one version."""

    name: str
    description: str
    session_type: SessionType
    is_aws_owned: bool
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON, free by the schema
    version: str = "1"

    @property
    def is_ssh(self) -> bool:
        """True for the document whose stream is SSH and therefore protects its own bytes."""
        return self.is_aws_owned and self.name == "AWS-StartSSHSession"

    def resolve_parameters(self, given: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Check the given parameters and fill in defaults; raise InvalidParameters.

        Each given value is a list, as in the API; parameters of type String take exactly one entry.
        """
        for name in given:
            if name not in self.parameters:
                raise InvalidParameters(f'Parameter "{name}" is not declared by document {self.name}.')
        return {name: self._resolve(name, given.get(name)) for name in self.parameters}

    def _resolve(self, name: str, given: Sequence[str] | None) -> str:
        parameter = self.parameters[name]
        if given is None:
            if parameter.default is None:
                raise InvalidParameters(f'Parameter "{name}" requires a value.')
            return parameter.default
        if len(given) != 1:
            raise InvalidParameters(f'Parameter "{name}" takes exactly one value, {len(given)} were given.')
        parameter.check(name, given[0])
        return given[0]

    def content(self) -> dict[str, Any]:
        """The document as the JSON object that agents are sent and GetDocument returns."""
        return {
            "schemaVersion": "1.0",
            "description": self.description,
            "sessionType": self.session_type.value,
            "parameters": {name: _parameter_content(value) for name, value in self.parameters.items()},
            "properties": dict(self.properties),
        }

    def content_text(self) -> str:
        """`content` as text."""
        return json.dumps(self.content(), indent=2)


def substitute(value: Any, parameters: Mapping[str, str]) -> Any:
    """Replace `{{ name }}` in every text of a JSON value; unknown names stay as they are."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: parameters.get(found[1], found[0]), value)
    if isinstance(value, Mapping):
        return {key: substitute(item, parameters) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [substitute(item, parameters) for item in value]
    return value


_PLACEHOLDER = re.compile(r"\{\{ *([A-Za-z0-9_]+) *\}\}")


def _parameter_content(parameter: Parameter) -> dict[str, str]:
    content = {"type": "String", "description": parameter.description}
    if parameter.default is not None:
        content["default"] = parameter.default
    if parameter.allowed_pattern is not None:
        content["allowedPattern"] = parameter.allowed_pattern
    return content


def _port(description: str, default: str, pattern: str = PORT_PATTERN) -> Parameter:
    return Parameter(description=description, default=default, allowed_pattern=pattern)


_REMOTE_PORT = _port("(Optional) Port number on the node", "80")
_LOCAL_PORT = _port(
    "(Optional) Port number on the local machine; 0 picks a free one", "0", PORT_OR_ZERO_PATTERN
)
_FORWARDING = {
    "portNumber": "{{ portNumber }}",
    "type": "LocalPortForwarding",
    "localPortNumber": "{{ localPortNumber }}",
}
_COMMAND = Parameter(description="The command to run on the node")
_COMMANDS = {
    platform: {"commands": "{{ command }}", "runAsElevated": False}
    for platform in ("linux", "macos", "windows")
}

AWS_OWNED_DOCUMENTS: Mapping[str, SessionDocument] = {
    document.name: document
    for document in (
        SessionDocument(
            name="AWS-StartSSHSession",
            description="Lead an SSH connection to a port of the node over Session Manager",
            session_type=SessionType.PORT,
            is_aws_owned=True,
            parameters={"portNumber": _port("(Optional) Port number of the SSH server on the node", "22")},
            properties={"portNumber": "{{ portNumber }}"},
        ),
        SessionDocument(
            name="AWS-StartPortForwardingSession",
            description="Forward a local port to a port of the node over Session Manager",
            session_type=SessionType.PORT,
            is_aws_owned=True,
            parameters={"portNumber": _REMOTE_PORT, "localPortNumber": _LOCAL_PORT},
            properties=_FORWARDING,
        ),
        SessionDocument(
            name="AWS-StartPortForwardingSessionToRemoteHost",
            description="Forward a local port to a port of a host that the node reaches",
            session_type=SessionType.PORT,
            is_aws_owned=True,
            parameters={
                "portNumber": _REMOTE_PORT,
                "localPortNumber": _LOCAL_PORT,
                "host": Parameter(
                    description="(Optional) Host name or address that the node connects to",
                    default="localhost",
                    allowed_pattern=HOST_PATTERN,
                ),
            },
            properties={**_FORWARDING, "host": "{{ host }}"},
        ),
        SessionDocument(
            name="AWS-StartInteractiveCommand",
            description="Run one interactive command on the node",
            session_type=SessionType.INTERACTIVE_COMMANDS,
            is_aws_owned=True,
            parameters={"command": _COMMAND},
            properties=_COMMANDS,
        ),
        SessionDocument(
            name="AWS-StartNonInteractiveCommand",
            description="Run one command on the node without a terminal",
            session_type=SessionType.NON_INTERACTIVE_COMMANDS,
            is_aws_owned=True,
            parameters={"command": _COMMAND},
            properties=_COMMANDS,
        ),
    )
}
