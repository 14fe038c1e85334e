"""The agent message: a 120-byte header and a payload, the unit of both control and data channel.

All integers are big-endian. Layout (offset, length): HeaderLength (0, 4), MessageType (4, 32, padded with
spaces), SchemaVersion (36, 4), CreatedDate (40, 8, milliseconds since the epoch), SequenceNumber (48, 8),
Flags (56, 8), MessageId (64, 16, a UUID with its two halves swapped), PayloadDigest (80, 32, SHA-256),
PayloadType (112, 4), PayloadLength (116, 4), Payload (120, to the end of the frame). HeaderLength counts what
stands before PayloadLength: 116.

This module knows bytes only. What a message means is left to `data_channel` and `control_channel`.
"""

from __future__ import annotations

import struct
from hashlib import sha256

from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.values import Value

HEADER_BYTES = 120
HEADER_LENGTH = 116
"""The value of the HeaderLength field; both official programs always write it."""
PEEK_BYTES = 36
"""HeaderLength and MessageType: all that a gateway reads of a frame."""
SCHEMA_VERSION = 1

MAX_FRAME_BYTES = 1024 * 1024
"""Largest frame accepted. The official programs send at most 1,144 bytes on a data channel and 142,000 on a
control channel, our own ends 128 KiB and a header."""
MAX_PAYLOAD_BYTES = MAX_FRAME_BYTES - HEADER_BYTES

INPUT_STREAM_DATA = b"input_stream_data"
OUTPUT_STREAM_DATA = b"output_stream_data"
ACKNOWLEDGE = b"acknowledge"
AGENT_SESSION_STATE = b"agent_session_state"
CHANNEL_CLOSED = b"channel_closed"
START_PUBLICATION = b"start_publication"
PAUSE_PUBLICATION = b"pause_publication"
INTERACTIVE_SHELL = b"interactive_shell"
AGENT_TASK_COMPLETE = b"agent_task_complete"
AGENT_TASK_ACKNOWLEDGE = b"agent_task_acknowledge"
RETURN_PACE = b"return_pace"
"""Between our own gateway and agent only."""

FLAG_NONE = 0
FLAG_SYN = 1
FLAG_FIN = 2
FLAG_SYN_FIN = 3
"""Carried by unnumbered messages: acknowledge and agent_session_state."""


class PayloadType:
    """Values of the PayloadType field. A namespace, not an enum: values from a peer may be any number."""

    NONE = 0
    OUTPUT = 1
    ERROR = 2
    SIZE = 3
    PARAMETER = 4
    HANDSHAKE_REQUEST = 5
    HANDSHAKE_RESPONSE = 6
    HANDSHAKE_COMPLETE = 7
    ENC_CHALLENGE_REQUEST = 8
    ENC_CHALLENGE_RESPONSE = 9
    FLAG = 10
    STD_ERR = 11
    EXIT_CODE = 12


class PayloadFlag:
    """Values of the 4-byte payload of a message with PayloadType FLAG."""

    DISCONNECT_TO_PORT = 1
    TERMINATE_SESSION = 2
    CONNECT_TO_PORT_ERROR = 3
    END_OF_INPUT = 101
    """Half-close; only between our own ends, when negotiated."""


ZERO_DIGEST = bytes(32)
"""Stands in PayloadDigest when both ends agreed not to compute one."""

_HEADER = struct.Struct(">I32sIQqQ16s32sII")
_SEQUENCE_NUMBER = struct.Struct(">q")
_TYPE_BYTES = 32
_PADDING = b"\x00 \t\r\n"
_USUAL_TYPES = {
    name.ljust(_TYPE_BYTES): name for name in (INPUT_STREAM_DATA, OUTPUT_STREAM_DATA, ACKNOWLEDGE)
}
"""The types of nearly every message, as they are padded."""


class AgentMessage(Value):
    """A decoded message. `message_type` is without padding, `message_id` in RFC order; `payload` is a view
    into the frame when the frame was given as a view."""

    __slots__ = (
        "created_date",
        "flags",
        "message_id",
        "message_type",
        "payload",
        "payload_digest",
        "payload_type",
        "schema_version",
        "sequence_number",
    )

    def __init__(
        self,
        message_type: bytes,
        schema_version: int,
        created_date: int,
        sequence_number: int,
        flags: int,
        message_id: bytes,
        payload_digest: bytes,
        payload_type: int,
        payload: bytes | memoryview,
    ) -> None:
        self.message_type = message_type
        self.schema_version = schema_version
        self.created_date = created_date
        self.sequence_number = sequence_number
        self.flags = flags
        self.message_id = message_id
        self.payload_digest = payload_digest
        self.payload_type = payload_type
        self.payload = payload


def encode(message: AgentMessage) -> bytes:
    """The frame of `message`, with the digest that it carries. Raises MalformedMessage when a field does not
    fit. `encode(decode(frame)) == frame` for every frame that `decode` takes and that pads with spaces."""
    buffer = bytearray(HEADER_BYTES)
    try:
        write_header_into(
            buffer,
            0,
            message_type=message.message_type,
            created_date=message.created_date,
            sequence_number=message.sequence_number,
            flags=message.flags,
            message_id=message.message_id,
            payload_digest=message.payload_digest,
            payload_type=message.payload_type,
            payload_length=len(message.payload),
            schema_version=message.schema_version,
        )
    except struct.error as error:
        raise MalformedMessage(f"a header field does not fit: {error}") from None
    return bytes(buffer) + message.payload


def make_frame(
    message_type: bytes,
    payload: bytes,
    *,
    message_id: bytes,
    created_date: int,
    sequence_number: int = 0,
    flags: int = FLAG_NONE,
    payload_type: int = PayloadType.NONE,
) -> bytes:
    """A whole frame with its digest: for messages that are few, such as those of a control channel."""
    message = AgentMessage(
        message_type,
        SCHEMA_VERSION,
        created_date,
        sequence_number,
        flags,
        message_id,
        sha256(payload).digest(),
        payload_type,
        payload,
    )
    return encode(message)


def write_header_into(
    buffer: bytearray | memoryview,
    offset: int,
    *,
    message_type: bytes,
    created_date: int,
    sequence_number: int,
    flags: int,
    message_id: bytes,
    payload_digest: bytes,
    payload_type: int,
    payload_length: int,
    schema_version: int = SCHEMA_VERSION,
) -> None:
    """Write the 120 header bytes at `offset`. The fast path: raises struct.error for a value that does not
    fit its field, checks nothing else."""
    _HEADER.pack_into(
        buffer,
        offset,
        HEADER_LENGTH,
        message_type.ljust(_TYPE_BYTES),
        schema_version,
        created_date,
        sequence_number,
        flags,
        message_id[8:] + message_id[:8],
        payload_digest,
        payload_type,
        payload_length,
    )


def decode(
    frame: bytes | memoryview, *, verify_digest: bool = True, zero_digest_allowed: bool = False
) -> AgentMessage:
    """Take a frame apart. Raises MalformedMessage when it is longer than MAX_FRAME_BYTES or shorter than a
    header, HeaderLength is not 116, the type is empty or no ASCII, CreatedDate is zero, PayloadLength is not
    the number of bytes that follow, or the digest is not that of the payload.

    `zero_digest_allowed`: both ends agreed to leave the digest out, so 32 zero bytes are right as well.
    The official programs do not check PayloadLength and the agent not the digest; both write them correctly.
    An empty payload needs no digest, as in the official client.
    """
    size = len(frame)
    if size < HEADER_BYTES:
        raise MalformedMessage(f"a frame of {size} bytes has no room for a header of {HEADER_BYTES}")
    if size > MAX_FRAME_BYTES:
        raise MalformedMessage(f"a frame of {size} bytes is above the limit of {MAX_FRAME_BYTES}")
    (
        header_length,
        padded_type,
        schema_version,
        created_date,
        sequence_number,
        flags,
        swapped_id,
        payload_digest,
        payload_type,
        payload_length,
    ) = _HEADER.unpack_from(frame)
    message_type = _USUAL_TYPES.get(padded_type) if header_length == HEADER_LENGTH else None
    if message_type is None:
        message_type = _checked_type(header_length, padded_type)
    if created_date == 0:
        raise MalformedMessage("CreatedDate is zero")
    if payload_length != size - HEADER_BYTES:
        raise MalformedMessage(f"PayloadLength is {payload_length}, but {size - HEADER_BYTES} bytes follow")
    payload = frame[HEADER_BYTES:]
    if (
        verify_digest
        and payload_length
        and not (zero_digest_allowed and payload_digest == ZERO_DIGEST)
        and sha256(payload).digest() != payload_digest
    ):
        raise MalformedMessage("PayloadDigest is not the SHA-256 of the payload")
    return AgentMessage(
        message_type,
        schema_version,
        created_date,
        sequence_number,
        flags,
        swapped_id[8:] + swapped_id[:8],
        payload_digest,
        payload_type,
        payload,
    )


def peek_type(frame: bytes | memoryview) -> bytes:
    """The message type, reading nothing but the first 36 bytes: for a gateway that relays the rest unseen.
    Raises MalformedMessage."""
    if len(frame) < HEADER_BYTES:
        raise MalformedMessage(f"a frame of {len(frame)} bytes has no room for a header of {HEADER_BYTES}")
    head = bytes(frame[:PEEK_BYTES])
    return _checked_type(int.from_bytes(head[:4], "big"), head[4:])


def peek_sequence_number(frame: bytes | memoryview) -> int:
    """The sequence number of a frame that has a whole header."""
    number: int = _SEQUENCE_NUMBER.unpack_from(frame, 48)[0]
    return number


def peek_message_id(frame: bytes | memoryview) -> bytes:
    """The message id, in RFC order, of a frame that has a whole header."""
    return bytes(frame[72:80]) + bytes(frame[64:72])


def peek_payload_type(frame: bytes | memoryview) -> int:
    """The payload type of a frame that has a whole header."""
    return int.from_bytes(frame[112:116], "big")


def _checked_type(header_length: int, padded_type: bytes) -> bytes:
    if header_length != HEADER_LENGTH:
        raise MalformedMessage(f"HeaderLength is {header_length}, not {HEADER_LENGTH}")
    message_type = padded_type.strip(_PADDING)
    if not message_type:
        raise MalformedMessage("MessageType is empty")
    if not message_type.isascii():
        raise MalformedMessage("MessageType is not ASCII")
    return message_type
