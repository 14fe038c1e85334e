"""What an agent's process tells the program that replaces it: the format. Pure.

    prefix    magic, version of the format, number of sessions
    record    of the agent: JSON
    records   one for each session: JSON, start message, channel snapshot, early words
    suffix    magic

A record is the length of each of its parts, then the parts; all numbers are big-endian. The reader trusts its
predecessor, but not the file in between or a predecessor of another version: whatever is cut short, too large
or inconsistent raises `InvalidHandover`, before the first session is taken up.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fairlead.agent.completions import Pending
from fairlead.agent.errors import AgentError
from fairlead.agent.outcome import Outcome
from fairlead.protocol import json_fields
from fairlead.protocol.control_channel import (
    StartSession,
    TaskComplete,
    decode_control_message,
    encode_control_message,
)
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.snapshot import MAGIC as SNAPSHOT_MAGIC
from fairlead.transport.endpoint_contract import EndpointState

if TYPE_CHECKING:
    from typing import Any

MAGIC = b"FLHO"
FORMAT_VERSION = 1

FORMAT = f"{FORMAT_VERSION}.{int.from_bytes(SNAPSHOT_MAGIC[-2:], 'big')}"
"""Versions of the handover and of the channel snapshots in it: what a new program is asked for beforehand."""

MAX_AGENT_BYTES = 16 * 1024 * 1024
"""Bytes of the agent's record: ends of sessions that are remembered or not yet acknowledged."""

MAX_PART_BYTES = 64 * 1024 * 1024
"""Bytes of one part of a session; the largest is a full window of 16 MiB in small messages."""

MAX_SESSIONS = 10_000
"""The most that `max_sessions` can be."""

FIRST_DESCRIPTOR = 3
"""Below it are the standard streams."""

_PREFIX = struct.Struct(f">{len(MAGIC)}sHI")
_PART = struct.Struct(">I")
_AGENT_PARTS = 1
_SESSION_PARTS = 4
_WHAT = "the handover"


class InvalidHandover(AgentError):
    """The handover cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """What goes on besides the sessions."""

    incarnation: str
    restarts: int = 0
    """How many restarts of this process were asked for, this one included."""

    sessions: int = 0
    """How many are handed over; known to the reader only."""

    pending: tuple[Pending, ...] = ()
    ended: tuple[tuple[str, Outcome], ...] = ()
    """Ids of ended sessions, oldest first, and how they ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """One session that goes on."""

    start: StartSession
    endpoint: EndpointState | None
    """None: no data channel ever stood, so the handshake is still to begin."""

    target: int | None = None
    """File descriptor of the connection to the target; None: it is to be dialled, or gone."""

    early: bytes | None = b""
    """What was said to a target that has not spoken yet, and can be said again; None: it has spoken."""

    target_is_gone: bool = False
    target_error: str = ""
    """How the connection to the target broke; empty when it did not."""


def encode_prefix(sessions: int) -> bytes:
    """The start of a handover of so many sessions."""
    return _PREFIX.pack(MAGIC, FORMAT_VERSION, sessions)


def encode_agent(state: AgentState) -> bytes:
    """The agent's record. Raises `InvalidHandover` when it would be too large to be read."""
    return _record(
        json_fields.dump(
            {
                "incarnation": state.incarnation,
                "restarts": state.restarts,
                "pending": [
                    {
                        "message_id": one.message_id.hex(),
                        "session_id": one.completion.session_id,
                        "status": one.completion.final_task_status,
                        "instance_id": one.completion.instance_id,
                        "output": one.completion.output,
                        "sends": one.completion.retry_number,
                    }
                    for one in state.pending
                ],
                "ended": [
                    {"session_id": session_id, "status": outcome.status, "output": outcome.output}
                    for session_id, outcome in state.ended
                ],
            }
        ),
        limit=MAX_AGENT_BYTES,
    )


def encode_session(state: SessionState) -> bytes:
    """The record of one session. Raises `InvalidHandover` when it would be too large to be read."""
    endpoint = state.endpoint
    members: dict[str, Any] = {
        "target": state.target,
        "has_spoken": state.early is None,
        "target_is_gone": state.target_is_gone,
        "target_error": state.target_error,
        "endpoint": None if endpoint is None else {**endpoint._asdict(), "channel": None},
    }
    start = encode_control_message(state.start, message_id=bytes(16), created_date=1)
    channel = b"" if endpoint is None else endpoint.channel
    return _record(json_fields.dump(members), start, channel, state.early or b"")


def encode_suffix() -> bytes:
    """The end of a handover: what has none was not written to its end."""
    return MAGIC


def decode(handover: memoryview) -> tuple[AgentState, Iterator[SessionState]]:
    """The agent's state and, one after the other, the sessions. Raises `InvalidHandover`; the iterator does
    not, as everything has been looked at by then."""
    count, at = _prefix(handover)
    records = []
    for number in range(count + 1):
        parts, at = _parts(handover, at, _SESSION_PARTS if number else _AGENT_PARTS)
        records.append(parts)
    if handover[at:] != encode_suffix():
        raise InvalidHandover("the handover does not end where it should")
    try:
        agent = _agent(json_fields.parse_object(records[0][0], _WHAT, MAX_AGENT_BYTES), count)
        _check_unique(_session(record, with_blobs=False) for record in records[1:])
    except MalformedMessage as error:
        raise InvalidHandover(str(error)) from None
    return agent, (_session(record) for record in records[1:])


def _prefix(handover: memoryview) -> tuple[int, int]:
    """Number of sessions, and where the first record begins."""
    if len(handover) < _PREFIX.size:
        raise InvalidHandover("the handover is cut short")
    magic, version, count = _PREFIX.unpack_from(handover)
    if magic != MAGIC:
        raise InvalidHandover("this is no handover")
    if version != FORMAT_VERSION:
        raise InvalidHandover(f"the handover has version {version}, this program reads {FORMAT_VERSION}")
    if count > MAX_SESSIONS:
        raise InvalidHandover(f"the handover names {count} sessions, above the limit of {MAX_SESSIONS}")
    return count, _PREFIX.size


def _record(*parts: bytes, limit: int = MAX_PART_BYTES) -> bytes:
    if max(len(part) for part in parts) > limit:
        raise InvalidHandover(f"a part of the handover would have more than {limit} bytes")
    return b"".join((*(_PART.pack(len(part)) for part in parts), *parts))


def _parts(handover: memoryview, at: int, count: int) -> tuple[list[memoryview], int]:
    """The parts of the record at this offset, and where it ends."""
    end = at + count * _PART.size
    if end > len(handover):
        raise InvalidHandover("the handover is cut short")
    parts = []
    for number in range(count):
        (size,) = _PART.unpack_from(handover, at + number * _PART.size)
        if size > MAX_PART_BYTES:
            raise InvalidHandover(f"a part of the handover has {size} bytes, above the limit")
        parts.append(handover[end : end + size])
        end += size
    if end > len(handover):
        raise InvalidHandover("the handover is cut short")
    return parts, end


def _agent(members: dict[str, Any], sessions: int) -> AgentState:
    return AgentState(
        incarnation=json_fields.text(members, "incarnation", _WHAT),
        restarts=_count(members, "restarts"),
        sessions=sessions,
        pending=tuple(_pending(one) for one in json_fields.objects(members, "pending", _WHAT)),
        ended=tuple(
            (
                json_fields.text(one, "session_id", _WHAT),
                Outcome(
                    json_fields.text(one, "status", _WHAT),
                    json_fields.optional_text(one, "output", _WHAT) or "",
                ),
            )
            for one in json_fields.objects(members, "ended", _WHAT)
        ),
    )


def _pending(members: dict[str, Any]) -> Pending:
    try:
        message_id = bytes.fromhex(json_fields.text(members, "message_id", _WHAT))
    except ValueError:
        message_id = b""
    if len(message_id) != 16:
        raise MalformedMessage("a message id of the handover is not one")
    completion = TaskComplete(
        json_fields.text(members, "session_id", _WHAT),
        json_fields.text(members, "status", _WHAT),
        json_fields.optional_text(members, "instance_id", _WHAT) or "",
        json_fields.optional_text(members, "output", _WHAT) or "",
        json_fields.integer(members, "sends", _WHAT),
    )
    return Pending(message_id, completion)


def _session(record: list[memoryview], *, with_blobs: bool = True) -> SessionState:
    """Raises `MalformedMessage`. Without blobs: look at everything, copy nothing large."""
    members = json_fields.parse_object(record[0], _WHAT, MAX_PART_BYTES)
    start = decode_control_message(record[1]).body
    if not isinstance(start, StartSession):
        raise MalformedMessage("a session of the handover has no start message")
    target = _optional_integer(members, "target")
    if target is not None and target < FIRST_DESCRIPTOR:
        raise MalformedMessage("a file descriptor of the handover is none")
    has_spoken = json_fields.boolean(members, "has_spoken", _WHAT)
    endpoint = json_fields.optional_object(members, "endpoint", _WHAT)
    channel = bytes(record[2]) if with_blobs else b""
    return SessionState(
        start=start,
        endpoint=None if endpoint is None else _endpoint(endpoint, channel),
        target=target,
        early=None if has_spoken else bytes(record[3]),
        target_is_gone=json_fields.boolean(members, "target_is_gone", _WHAT),
        target_error=json_fields.optional_text(members, "target_error", _WHAT) or "",
    )


def _check_unique(sessions: Iterable[SessionState]) -> None:
    ids: set[str] = set()
    descriptors: set[int] = set()
    for session in sessions:
        if session.start.session_id in ids or session.target in descriptors:
            raise MalformedMessage("a session of the handover is in it twice")
        ids.add(session.start.session_id)
        if session.target is not None:
            descriptors.add(session.target)


def _endpoint(members: dict[str, Any], channel: bytes) -> EndpointState:
    return EndpointState(
        channel=channel,
        part_written=_count(members, "part_written"),
        input_ended=json_fields.boolean(members, "input_ended", _WHAT),
        local_ended=json_fields.boolean(members, "local_ended", _WHAT),
        input_bytes=_count(members, "input_bytes"),
        output_bytes=_count(members, "output_bytes"),
    )


def _count(members: dict[str, Any], name: str) -> int:
    number = json_fields.integer(members, name, _WHAT)
    if number < 0:
        raise MalformedMessage(f"{name} of the handover is below zero")
    return number


def _optional_integer(members: dict[str, Any], name: str) -> int | None:
    return None if members.get(name) is None else json_fields.integer(members, name, _WHAT)
