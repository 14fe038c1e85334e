"""What each side of a data channel may send, and what the relay does with it. Anything else ends the session.

Types and directions: AWS's message gateway protocol.
"""

from collections.abc import Mapping
from enum import Enum, auto

from fairlead.domain.sessions import ChannelSide
from fairlead.protocol import message


class MessageUse(Enum):
    """What becomes of a message."""

    STREAM = auto()
    """Forwarded, and counted as data of the session."""
    FORWARD = auto()
    CONSUME = auto()
    """For the gateway, and not forwarded."""
    KEEP = auto()
    """Stream data of a session with a stock end: kept until it is acknowledged."""
    NOTE = auto()
    """An acknowledgement in such a session: forwarded, and remembered."""


UsesBySide = Mapping[ChannelSide, Mapping[bytes, MessageUse]]

ALLOWED: UsesBySide = {
    ChannelSide.CLIENT: {
        message.INPUT_STREAM_DATA: MessageUse.STREAM,
        message.ACKNOWLEDGE: MessageUse.FORWARD,
    },
    ChannelSide.AGENT: {
        message.OUTPUT_STREAM_DATA: MessageUse.STREAM,
        message.ACKNOWLEDGE: MessageUse.FORWARD,
        message.AGENT_SESSION_STATE: MessageUse.CONSUME,
    },
}
"""By message type. A client would only log `agent_session_state`."""

_ASSISTED_USE = {MessageUse.STREAM: MessageUse.KEEP, MessageUse.FORWARD: MessageUse.NOTE}
ASSISTED: UsesBySide = {
    side: {message_type: _ASSISTED_USE.get(use, use) for message_type, use in uses.items()}
    for side, uses in ALLOWED.items()
}
"""The same types, in a session in which the gateway assists."""


def _by_head(table: UsesBySide) -> UsesBySide:
    return {
        side: {
            message.HEADER_LENGTH.to_bytes(4, "big") + message_type.ljust(message.PEEK_BYTES - 4): use
            for message_type, use in uses.items()
        }
        for side, uses in table.items()
    }


USE_BY_HEAD = _by_head(ALLOWED)
ASSISTED_BY_HEAD = _by_head(ASSISTED)
"""The same by the first 36 bytes as every program writes them: one look instead of a parse per frame."""
