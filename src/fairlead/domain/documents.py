"""Session documents: what a session is to do, with declared parameters.

A document is read from its text by `document_schema`; those that AWS owns are constants in `aws_documents`,
those of accounts are kept in `stored_documents`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from fairlead.domain.document_parameters import Parameter, ParameterValue
from fairlead.domain.errors import InvalidParameters

SCHEMA_VERSION = "1.0"
DEFAULT_DOCUMENT = "SSM-SessionManagerRunShell"
"""The account's own document of shell preferences, whose times hold for every session."""

MAX_FILLED_BYTES = 128 * 1024
"""Properties and inputs with parameters filled in, as JSON. An agent is sent them in one message, in which
they stand as JSON within JSON."""


class SessionType(Enum):
    """The kinds of session a document can ask for."""

    STANDARD_STREAM = "Standard_Stream"
    PORT = "Port"
    INTERACTIVE_COMMANDS = "InteractiveCommands"
    NON_INTERACTIVE_COMMANDS = "NonInteractiveCommands"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDocument:
    """A document of type Session in one version. `inputs` and `properties` are JSON with placeholders."""

    name: str
    description: str
    session_type: SessionType
    is_aws_owned: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON, free by the schema; as below
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ssh(self) -> bool:
        """True for the document whose stream is SSH and therefore protects its own bytes."""
        return self.is_aws_owned and self.name == "AWS-StartSSHSession"

    @property
    def is_raw_stream(self) -> bool:
        """True for a session to a port without a `type`: plain bytes, as ssh's ProxyCommand needs them."""
        return self.session_type is SessionType.PORT and not self.properties.get("type")

    @property
    def idle_timeout_minutes(self) -> int | None:
        """`idleSessionTimeout`; None where the document says nothing."""
        return _minutes(self.inputs.get("idleSessionTimeout"))

    @property
    def max_duration_minutes(self) -> int | None:
        """`maxSessionDuration`; None where the document says nothing."""
        return _minutes(self.inputs.get("maxSessionDuration"))

    def resolve_parameters(self, given: Mapping[str, Sequence[str]]) -> dict[str, ParameterValue]:
        """Check the given parameters and fill in defaults; raise InvalidParameters.

        Each given value is a list, as in the API; parameters of type String take exactly one entry.
        """
        for name in given:
            if name not in self.parameters:
                raise InvalidParameters(f'Parameter "{name}" is not declared by document {self.name}.')
        return {
            name: parameter.value_of(name, given.get(name)) for name, parameter in self.parameters.items()
        }

    def content(self) -> dict[str, Any]:
        """The document as the JSON object that its text says."""
        content: dict[str, Any] = {
            "schemaVersion": SCHEMA_VERSION,
            "description": self.description,
            "sessionType": self.session_type.value,
        }
        if self.inputs or self.session_type is SessionType.STANDARD_STREAM:
            content["inputs"] = dict(self.inputs)
        content["parameters"] = {name: value.content() for name, value in self.parameters.items()}
        content["properties"] = dict(self.properties)
        return content

    def content_text(self) -> str:
        """`content` as text."""
        return json.dumps(self.content(), indent=2)


def _minutes(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text else None


PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9]+)\s*\}\}", re.ASCII)
"""`{{ name }}`; names are letters and digits, since AWS's agent reads no others."""


def substitute(value: Any, parameters: Mapping[str, ParameterValue]) -> Any:  # Any: JSON in, JSON out
    """Replace `{{ name }}` in every text of a JSON value; unknown names stay as they are.

    A text that is one placeholder becomes the value, which may be a list; within a text a list stands as
    JSON. What was filled in is not looked at again. Raises InvalidParameters when the result would be longer
    than `MAX_FILLED_BYTES`: a short document can name a long value many times.
    """
    filled_length = sum(
        len(_text_of(parameters[name]))
        for text in texts_of(value)
        for name in PLACEHOLDER.findall(text)
        if name in parameters
    )
    if filled_length <= MAX_FILLED_BYTES:
        filled = _filled(value, parameters)
        if len(json.dumps(filled)) <= MAX_FILLED_BYTES:
            return filled
    raise InvalidParameters(f"With its parameters the document is longer than {MAX_FILLED_BYTES} bytes.")


def _filled(value: Any, parameters: Mapping[str, ParameterValue]) -> Any:
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        if whole is not None and whole[1] in parameters:
            return parameters[whole[1]]
        return PLACEHOLDER.sub(
            lambda found: _text_of(parameters[found[1]]) if found[1] in parameters else found[0], value
        )
    if isinstance(value, Mapping):
        return {key: _filled(item, parameters) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, parameters) for item in value]
    return value


def texts_of(value: Any) -> Iterator[str]:
    """Every text of a JSON value that may have placeholders in it; keys have none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_of(item)


def placeholders(value: Any) -> set[str]:
    """The names in all placeholders of a JSON value."""
    return {name for text in texts_of(value) for name in PLACEHOLDER.findall(text)}


def _text_of(value: ParameterValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)
