"""Messages of the control channel: what a gateway and an agent say to each other outside a session.

Gateway to agent: `interactive_shell` (start a session), `channel_closed` (end it), `agent_task_acknowledge`;
to ours also `return_pace` (how to come back after a loss).
Agent to gateway: `agent_task_complete` (a session is over). Each is an agent message with a JSON payload.

Nobody acknowledges `interactive_shell`; delivering it again until the session's data channel shows up, and
repeating `agent_task_complete` until it is acknowledged, are left to gateway and agent.
"""

from __future__ import annotations

from fairlead.protocol import json_fields
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.message import (
    AGENT_TASK_ACKNOWLEDGE,
    AGENT_TASK_COMPLETE,
    CHANNEL_CLOSED,
    INTERACTIVE_SHELL,
    RETURN_PACE,
    decode,
    make_frame,
)
from fairlead.protocol.message_ids import format_message_id
from fairlead.protocol.values import Value

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    Body: TypeAlias = "StartSession | ChannelClosed | TaskComplete | TaskAcknowledge | ReturnPace"

MAX_CONTROL_PAYLOAD_BYTES = 256 * 1024
"""The official agent caps what it sends at 142,000 bytes; a session document has at most 64 KiB."""
MAX_RETURN_SPREAD_S = 600
"""The slowest pace that an agent takes from a gateway: none is to be kept away for good."""
START_SESSION_TOPIC = "aws.ssm.sendCommand.interactiveShell"


class FinalTaskStatus:
    """Values of `TaskComplete.final_task_status` that matter here."""

    SUCCESS = "Success"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class StartSession(Value):
    """Start a session. `document_content` is the session document as an object, `parameters` name to string
    (names that are missing take the document's default)."""

    __slots__ = (
        "document_content",
        "document_name",
        "parameters",
        "run_as_user",
        "session_id",
        "session_owner",
    )

    def __init__(
        self,
        session_id: str,
        document_name: str,
        document_content: Mapping[str, Any],
        parameters: Mapping[str, str],
        session_owner: str = "",
        run_as_user: str = "",
    ) -> None:
        self.session_id = session_id
        self.document_name = document_name
        self.document_content = document_content
        self.parameters = parameters
        self.session_owner = session_owner
        self.run_as_user = run_as_user


class ChannelClosed(Value):
    """End a session. On a data channel to the client `output` is shown to the user; an agent reads only
    `session_id`. `created_date` is ISO 8601 text."""

    __slots__ = ("created_date", "destination_id", "output", "session_id")

    def __init__(
        self, session_id: str, *, destination_id: str = "", created_date: str = "", output: str = ""
    ) -> None:
        self.session_id = session_id
        self.destination_id = destination_id
        self.created_date = created_date
        self.output = output


class TaskComplete(Value):
    """A session is over. `retry_number` counts the sends, from 1; repeats carry the same message id. One
    session may be reported more than once: acknowledge all, act once."""

    __slots__ = ("final_task_status", "instance_id", "output", "retry_number", "session_id")

    def __init__(
        self,
        session_id: str,
        final_task_status: str,
        instance_id: str = "",
        output: str = "",
        retry_number: int = 1,
    ) -> None:
        self.session_id = session_id
        self.final_task_status = final_task_status
        self.instance_id = instance_id
        self.output = output
        self.retry_number = retry_number


class TaskAcknowledge(Value):
    """The answer to a TaskComplete: `message_id` is the canonical id of the message it came in."""

    __slots__ = ("message_id", "session_id")

    def __init__(self, message_id: str, session_id: str) -> None:
        self.message_id = message_id
        self.session_id = session_id


class ReturnPace(Value):
    """Who cannot come back at once after a loss comes back within `spread_s` seconds, at random: so long does
    it take the whole fleet."""

    __slots__ = ("spread_s",)

    def __init__(self, spread_s: int) -> None:
        self.spread_s = spread_s


class UnknownMessage(Value):
    """A type that this module does not read (telemetry, run-command jobs): to be ignored."""

    __slots__ = ("message_type",)

    def __init__(self, message_type: bytes) -> None:
        self.message_type = message_type


class Received(Value):
    """A control message as it came: `message_id` is the canonical id that an acknowledgement repeats."""

    __slots__ = ("body", "message_id")

    def __init__(
        self,
        message_id: str,
        body: Body | UnknownMessage,
    ) -> None:
        self.message_id = message_id
        self.body = body


def encode_control_message(
    body: Body,
    *,
    message_id: bytes,
    created_date: int,
) -> bytes:
    """The binary frame of `body`; `created_date` in milliseconds since the epoch. ChannelClosed is the same
    on data channels."""
    match body:
        case StartSession():
            message_type, payload = INTERACTIVE_SHELL, _start_session_payload(body)
        case ChannelClosed():
            message_type, payload = CHANNEL_CLOSED, _channel_closed_payload(body, message_id)
        case TaskComplete():
            message_type, payload = AGENT_TASK_COMPLETE, _task_complete_payload(body)
        case ReturnPace():
            message_type, payload = RETURN_PACE, {"SchemaVersion": 1, "SpreadSeconds": body.spread_s}
        case _:
            message_type, payload = AGENT_TASK_ACKNOWLEDGE, _task_acknowledge_payload(body)
    return make_frame(
        message_type, json_fields.dump(payload), message_id=message_id, created_date=created_date
    )


def decode_control_message(frame: bytes | memoryview) -> Received:
    """Raises MalformedMessage. A type this module does not read gives UnknownMessage."""
    message = decode(frame)
    parse = _PARSERS.get(message.message_type)
    message_id = format_message_id(message.message_id)
    if parse is None:
        return Received(message_id, UnknownMessage(message.message_type))
    what = message.message_type.decode()
    members = json_fields.parse_object(message.payload, what, MAX_CONTROL_PAYLOAD_BYTES)
    return Received(message_id, parse(members, what))


def parse_channel_closed(payload: bytes | memoryview) -> ChannelClosed:
    """The payload of channel_closed as it comes on either channel. Raises MalformedMessage."""
    members = json_fields.parse_object(payload, "channel_closed", MAX_CONTROL_PAYLOAD_BYTES)
    return _parse_channel_closed(members, "channel_closed")


def _start_session_payload(body: StartSession) -> dict[str, Any]:
    content = {
        "SessionId": body.session_id,
        "DocumentName": body.document_name,
        "DocumentContent": body.document_content,
        "Parameters": body.parameters,
        "RunAsUser": body.run_as_user,
        "SessionOwner": body.session_owner,
    }
    return {
        "Content": json_fields.dump(content).decode(),  # JSON within JSON, as the agent expects
        "TaskId": body.session_id,
        "Topic": START_SESSION_TOPIC,
        "SchemaVersion": 1,
    }


def _channel_closed_payload(body: ChannelClosed, message_id: bytes) -> dict[str, Any]:
    return {
        "MessageType": CHANNEL_CLOSED.decode(),
        "MessageId": format_message_id(message_id),
        "DestinationId": body.destination_id,
        "SessionId": body.session_id,
        "SchemaVersion": 1,
        "CreatedDate": body.created_date,
        "Output": body.output,
    }


def _task_complete_payload(body: TaskComplete) -> dict[str, Any]:
    return {
        "SchemaVersion": 1,
        "TaskId": body.session_id,
        "Topic": AGENT_TASK_COMPLETE.decode(),
        "FinalTaskStatus": body.final_task_status,
        "IsRoutingFailure": False,
        "AwsAccountId": "",
        "InstanceId": body.instance_id,
        "Output": body.output,
        "S3Bucket": "",
        "S3UrlSuffix": "",
        "CwlGroup": "",
        "CwlStream": "",
        "RetryNumber": body.retry_number,
    }


def _task_acknowledge_payload(body: TaskAcknowledge) -> dict[str, Any]:
    return {
        "SchemaVersion": 1,
        "MessageId": body.message_id,
        "TaskId": body.session_id,
        "Topic": AGENT_TASK_COMPLETE.decode(),
    }


def _parse_start_session(members: dict[str, Any], what: str) -> StartSession:
    content = json_fields.parse_object(
        json_fields.text(members, "Content", what), f"Content of {what}", MAX_CONTROL_PAYLOAD_BYTES
    )
    document = json_fields.optional_object(content, "DocumentContent", what)
    parameters = json_fields.optional_object(content, "Parameters", what) or {}
    if not all(isinstance(value, str) for value in parameters.values()):
        # AWS's own service may send a one-element list in place of the string.
        parameters = {name: _single_text(name, value, what) for name, value in parameters.items()}
    return StartSession(
        json_fields.text(content, "SessionId", what),
        json_fields.optional_text(content, "DocumentName", what) or "",
        document or {},
        parameters,
        json_fields.optional_text(content, "SessionOwner", what) or "",
        json_fields.optional_text(content, "RunAsUser", what) or "",
    )


def _single_text(name: str, value: object, what: str) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        raise MalformedMessage(f"parameter {name[:64]!r} of {what} is not a string")
    return value


def _parse_channel_closed(members: dict[str, Any], what: str) -> ChannelClosed:
    return ChannelClosed(
        json_fields.text(members, "SessionId", what),
        destination_id=json_fields.optional_text(members, "DestinationId", what) or "",
        created_date=json_fields.optional_text(members, "CreatedDate", what) or "",
        output=json_fields.optional_text(members, "Output", what) or "",
    )


def _parse_task_complete(members: dict[str, Any], what: str) -> TaskComplete:
    return TaskComplete(
        json_fields.text(members, "TaskId", what),
        json_fields.text(members, "FinalTaskStatus", what),
        json_fields.optional_text(members, "InstanceId", what) or "",
        json_fields.optional_text(members, "Output", what) or "",
        json_fields.integer(members, "RetryNumber", what, 1),
    )


def _parse_task_acknowledge(members: dict[str, Any], what: str) -> TaskAcknowledge:
    return TaskAcknowledge(
        json_fields.text(members, "MessageId", what),
        json_fields.optional_text(members, "TaskId", what) or "",
    )


def _parse_return_pace(members: dict[str, Any], what: str) -> ReturnPace:
    spread_s = json_fields.integer(members, "SpreadSeconds", what)
    if spread_s < 0:
        raise MalformedMessage(f"SpreadSeconds of {what} is below 0")
    return ReturnPace(min(spread_s, MAX_RETURN_SPREAD_S))


_PARSERS: dict[bytes, Callable[[dict[str, Any], str], Body]] = {
    INTERACTIVE_SHELL: _parse_start_session,
    CHANNEL_CLOSED: _parse_channel_closed,
    AGENT_TASK_COMPLETE: _parse_task_complete,
    AGENT_TASK_ACKNOWLEDGE: _parse_task_acknowledge,
    RETURN_PACE: _parse_return_pace,
}
