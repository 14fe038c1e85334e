"""Payloads of `acknowledge` messages.

AWS's form names one message. Between our own ends three more members may stand in it, which the official
programs ignore: `Cumulative` (every number up to this one is acknowledged: it was written to the local side),
`Received` (every number up to this one has arrived, so it need not be sent again) and `Reconnected` (the
sender has just come back: whatever is above `Received` was lost on the way).
"""

from __future__ import annotations

from fairlead.protocol import json_fields
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.message_ids import format_message_id
from fairlead.protocol.values import Value

MAX_ACK_PAYLOAD_BYTES = 1024
"""The official programs write about 180 bytes."""

_WHAT = "acknowledge"
_ONE = (
    b'{"AcknowledgedMessageType":"%b","AcknowledgedMessageId":"%b",'
    b'"AcknowledgedMessageSequenceNumber":%d,"IsSequentialMessage":true}'
)
_CUMULATIVE = (
    b'{"AcknowledgedMessageType":"%b","AcknowledgedMessageId":"%b",'
    b'"AcknowledgedMessageSequenceNumber":%d,"IsSequentialMessage":true,"Cumulative":true,"Received":%d%b}'
)


class Acknowledgement(Value):
    """`received` is at least `sequence`, and the same when the member is absent."""

    __slots__ = ("cumulative", "received", "reconnected", "sequence")

    def __init__(
        self, sequence: int, cumulative: bool = False, received: int | None = None, reconnected: bool = False
    ) -> None:
        self.sequence = sequence
        self.cumulative = cumulative
        self.received = sequence if received is None else received
        self.reconnected = reconnected


def encode_one(message_type: bytes, message_id: bytes, sequence: int) -> bytes:
    """Acknowledge one message. A template: ten times as fast as a JSON encoder, and one is due for every
    kilobyte of an official program."""
    return _ONE % (message_type, format_message_id(message_id).encode(), sequence)


def encode_cumulative(
    message_type: bytes, message_id: bytes, sequence: int, received: int, *, reconnected: bool = False
) -> bytes:
    """Acknowledge every number up to `sequence`, whose id is `message_id`."""
    return _CUMULATIVE % (
        message_type,
        format_message_id(message_id).encode(),
        sequence,
        received,
        b',"Reconnected":true' if reconnected else b"",
    )


def parse_acknowledgement(payload: bytes | memoryview) -> Acknowledgement:
    """Raises MalformedMessage. Type and id are not looked at: the number says it all, as for the official
    programs."""
    members = json_fields.parse_object(payload, _WHAT, MAX_ACK_PAYLOAD_BYTES)
    sequence = json_fields.integer(members, "AcknowledgedMessageSequenceNumber", _WHAT)
    received = json_fields.integer(members, "Received", _WHAT, sequence)
    if received < sequence:
        raise MalformedMessage("Received of acknowledge is below the acknowledged number")
    return Acknowledgement(
        sequence,
        json_fields.boolean(members, "Cumulative", _WHAT),
        received,
        json_fields.boolean(members, "Reconnected", _WHAT),
    )
