"""The schema of Session documents, version 1.0: from the object in a text to a `SessionDocument`.

Members that the schema does not have are refused: a mistyped `idleSessionTimeout` would silently be no
limit. Sources: Systems Manager User Guide, "Session document schema" and "SSM document syntax"; which
properties there are is what AWS's agent and plugin read.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from fairlead.aws.errors import excerpt
from fairlead.domain.document_parameters import Parameter, ParameterType, ParameterValue
from fairlead.domain.document_patterns import UnusablePattern, check_pattern
from fairlead.domain.documents import (
    SCHEMA_VERSION,
    SessionDocument,
    SessionType,
    placeholders,
    texts_of,
)
from fairlead.domain.errors import (
    InvalidDocumentContent,
    InvalidDocumentSchemaVersion,
    InvalidParameters,
)

MAX_PARAMETERS = 200
LOCAL_PORT_FORWARDING = "LocalPortForwarding"

_PARAMETER_NAME = re.compile(r"[A-Za-z0-9]{1,255}", re.ASCII)
_PARAMETER_STORE = re.compile(r"\{\{\s*ssm(?:-secure)?:", re.ASCII)
_IDLE_MINUTES = range(1, 61)
_DURATION_MINUTES = range(1, 1441)
_PORTS = range(1, 65536)
_LOCAL_PORTS = range(65536)
_PLATFORMS = ("linux", "macos", "windows")
_DISPLAY_TYPES = ("textfield", "textarea")

Check = Callable[[str, Any], None]
"""Raises InvalidDocumentContent unless the value may stand at the place. Any: JSON, here and below."""


def read_session_document(name: str, members: Mapping[str, Any]) -> SessionDocument:
    """The document that an object says. Raises InvalidDocumentContent or InvalidDocumentSchemaVersion."""
    version = members.get("schemaVersion")
    if version != SCHEMA_VERSION:
        raise InvalidDocumentSchemaVersion(
            f'Session documents have the schemaVersion "{SCHEMA_VERSION}", written as a text.'
        )
    _check_members("", members, _TOP_LEVEL)
    session_type = _session_type(members.get("sessionType"))
    inputs, properties = members.get("inputs", {}), members.get("properties", {})
    if session_type is SessionType.STANDARD_STREAM and "inputs" not in members:
        _refuse("inputs", f"is needed for sessionType {session_type.value}")
    _check_members("inputs", inputs, _INPUTS)
    _PROPERTIES[session_type]("properties", properties)
    document = SessionDocument(
        name=name,
        description=members.get("description", ""),
        session_type=session_type,
        inputs=inputs,
        parameters=_parameters(members.get("parameters", {})),
        properties=properties,
    )
    _check_placeholders(document)
    return document


def _refuse(place: str, what: str) -> NoReturn:
    raise InvalidDocumentContent(f"{place or 'The document'} {what}.")


def _session_type(value: object) -> SessionType:
    for session_type in SessionType:
        if value == session_type.value:
            return session_type
    _refuse("sessionType", f"must be one of {', '.join(each.value for each in SessionType)}")


def _check_placeholders(document: SessionDocument) -> None:
    """Placeholders name declared parameters. Parameter Store, the other thing they can name, is not here."""
    for place, value in (("properties", document.properties), ("inputs", document.inputs)):
        undeclared = sorted(placeholders(value) - set(document.parameters))
        if undeclared:
            _refuse(place, f"refers to {{{{ {excerpt(undeclared[0])} }}}}, which parameters does not declare")
        if any(_PARAMETER_STORE.search(text) for text in texts_of(value)):
            _refuse(place, "refers to Parameter Store, which is not served")


# Values


def _object(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(place, "must be an object")
    return value


def _check_members(place: str, value: Any, checks: Mapping[str, Check]) -> None:
    for name, item in _object(place, value).items():
        where = f"{place}.{name}" if place else name
        check = checks.get(name)
        if check is None:
            _refuse(excerpt(where), f"is unknown; known are {', '.join(checks)}")
        check(where, item)


def _text(place: str, value: Any) -> None:
    if not isinstance(value, str):
        _refuse(place, "must be a text")


def _boolean(place: str, value: Any) -> None:
    if not isinstance(value, bool):
        _refuse(place, "must be true or false")


def _boolean_or_text(place: str, value: Any) -> None:
    if not isinstance(value, bool | str):
        _refuse(place, "must be true or false, or a text")


def _anything(place: str, value: Any) -> None:
    """Checked elsewhere."""


def _minutes(allowed: range) -> Check:
    def check(place: str, value: Any) -> None:
        if value != "" and not _is_number_in(value, allowed):
            _refuse(place, f'must be the text "{allowed[0]}" to "{allowed[-1]}", in minutes')

    return check


def _port(allowed: range) -> Check:
    def check(place: str, value: Any) -> None:
        _text(place, value)
        if not placeholders(value) and not _is_number_in(value, allowed):
            _refuse(place, f'must be the text "{allowed[0]}" to "{allowed[-1]}", or have a placeholder')

    return check


def _is_number_in(value: Any, allowed: range) -> bool:
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 5
    return is_number and str(int(value)) == value and int(value) in allowed


def _one_of(*allowed: str) -> Check:
    def check(place: str, value: Any) -> None:
        if value not in allowed:
            _refuse(place, f"must be one of {', '.join(allowed)}")

    return check


def _members(checks: Mapping[str, Check], *required: str) -> Check:
    def check(place: str, value: Any) -> None:
        _check_members(place, value, checks)
        for name in required:
            if name not in value:
                _refuse(f"{place}.{name}", "is needed")

    return check


def _per_platform(check_platform: Check, *, is_needed: bool) -> Check:
    def check(place: str, value: Any) -> None:
        _check_members(place, value, dict.fromkeys(_PLATFORMS, check_platform))
        if is_needed and not value:
            _refuse(place, f"needs the commands of one of {', '.join(_PLATFORMS)}")

    return check


_TOP_LEVEL: Mapping[str, Check] = {
    "schemaVersion": _anything,
    "description": _text,
    "sessionType": _anything,
    "inputs": _anything,
    "parameters": _anything,
    "properties": _anything,
}
_INPUTS: Mapping[str, Check] = {
    "s3BucketName": _text,
    "s3KeyPrefix": _text,
    "s3EncryptionEnabled": _boolean,
    "cloudWatchLogGroupName": _text,
    "cloudWatchEncryptionEnabled": _boolean,
    "cloudWatchStreamingEnabled": _boolean,
    "kmsKeyId": _text,
    "runAsEnabled": _boolean,
    "runAsDefaultUser": _text,
    "idleSessionTimeout": _minutes(_IDLE_MINUTES),
    "maxSessionDuration": _minutes(_DURATION_MINUTES),
    "shellProfile": _members({"windows": _text, "linux": _text}),
}
_PORT_PROPERTIES: Mapping[str, Check] = {
    "portNumber": _port(_PORTS),
    "host": _text,
    "type": _one_of(LOCAL_PORT_FORWARDING),
    "localPortNumber": _port(_LOCAL_PORTS),
    "localConnectionType": _text,
    "localUnixSocket": _text,
}
_COMMANDS: Mapping[str, Check] = {"commands": _text, "runAsElevated": _boolean}
_SEPARATED: Mapping[str, Check] = {
    **_COMMANDS,
    "separateOutputStream": _boolean_or_text,
    "stdOutSeparatorPrefix": _text,
    "stdErrSeparatorPrefix": _text,
}
_PROPERTIES: Mapping[SessionType, Check] = {
    SessionType.PORT: _members(_PORT_PROPERTIES, "portNumber"),
    SessionType.STANDARD_STREAM: _per_platform(_members(_COMMANDS), is_needed=False),
    SessionType.INTERACTIVE_COMMANDS: _per_platform(_members(_COMMANDS, "commands"), is_needed=True),
    SessionType.NON_INTERACTIVE_COMMANDS: _per_platform(_members(_SEPARATED, "commands"), is_needed=True),
}


# Parameters


def _count(place: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        _refuse(place, "must be a whole number")


def _texts(place: str, value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        _refuse(place, "must be a list of texts")


def _pattern(place: str, value: Any) -> None:
    _text(place, value)
    try:
        check_pattern(value)
    except UnusablePattern as error:
        _refuse(place, f"is not a usable pattern: {error}")


_DECLARATION: Mapping[str, Check] = {
    "type": _one_of(*(each.value for each in ParameterType)),
    "description": _text,
    "default": _anything,
    "allowedPattern": _pattern,
    "allowedValues": _texts,
    "minChars": _count,
    "maxChars": _count,
    "minItems": _count,
    "maxItems": _count,
    "displayType": _one_of(*_DISPLAY_TYPES),
}
_OF_LISTS = ("minItems", "maxItems")


def _parameters(value: Any) -> dict[str, Parameter]:
    declared = _object("parameters", value)
    if len(declared) > MAX_PARAMETERS:
        _refuse("parameters", f"declares more than {MAX_PARAMETERS}")
    return {name: _parameter(name, item) for name, item in declared.items()}


def _parameter(name: str, value: Any) -> Parameter:
    place = f"parameters.{excerpt(name)}"
    if not _PARAMETER_NAME.fullmatch(name):
        _refuse(place, "must have a name of letters and digits")
    _members(_DECLARATION, "type")(place, value)
    parameter_type = ParameterType(value["type"])
    for member in _OF_LISTS:
        if member in value and parameter_type is not ParameterType.STRING_LIST:
            _refuse(f"{place}.{member}", f"is for parameters of type {ParameterType.STRING_LIST.value}")
    for least, most in (("minChars", "maxChars"), ("minItems", "maxItems")):
        if value.get(least, 0) > value.get(most, value.get(least, 0)):
            _refuse(f"{place}.{least}", f"is more than {most}")
    parameter = Parameter(
        description=value.get("description", ""),
        type=parameter_type,
        default=_default(f"{place}.default", value.get("default"), parameter_type),
        allowed_pattern=value.get("allowedPattern"),
        allowed_values=tuple(value.get("allowedValues", ())),
        min_chars=value.get("minChars"),
        max_chars=value.get("maxChars"),
        min_items=value.get("minItems"),
        max_items=value.get("maxItems"),
        display_type=value.get("displayType"),
    )
    _check_default(place, name, parameter)
    return parameter


def _default(place: str, value: Any, parameter_type: ParameterType) -> ParameterValue | None:
    if value is None:
        return None
    (_texts if parameter_type is ParameterType.STRING_LIST else _text)(place, value)
    default: ParameterValue = value
    return default


def _check_default(place: str, name: str, parameter: Parameter) -> None:
    default = parameter.default
    if default is None:
        return
    try:
        parameter.check(name, [default] if isinstance(default, str) else default)
    except InvalidParameters as error:
        raise InvalidDocumentContent(f"{place}.default cannot be given: {error}") from None
