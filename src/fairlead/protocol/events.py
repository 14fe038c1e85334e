"""What a data channel tells its driver: values, in the order in which they happened.

A driver fetches them with `DataChannel.events()` after every call that may have produced some. The table in
`DataChannel` says which role sees which.
"""

from __future__ import annotations

from fairlead.protocol.values import Value

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from typing import Any

    from fairlead.protocol.handshake import Terms


class Event(Value):
    """Base of all events."""

    __slots__ = ()


class HandshakeFinished(Event):
    """Data may flow. `properties` are the document's (None for shell types), `peer_version` what the other
    end announced (empty when the handshake was skipped), `customer_message` is to be shown to the user, never
    on the stream."""

    __slots__ = ("customer_message", "peer_version", "properties", "session_type", "terms")

    def __init__(
        self,
        session_type: str,
        properties: dict[str, Any] | None,
        peer_version: str,
        terms: Terms,
        customer_message: str = "",
    ) -> None:
        self.session_type = session_type
        self.properties = properties
        self.peer_version = peer_version
        self.terms = terms
        self.customer_message = customer_message


class HandshakeFailed(Event):
    """The session cannot start; `reason` is one line for a user. Frames may still be waiting to be sent."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class StreamData(Event):
    """Stream bytes, in order, each exactly once. `data` is a view into the received frame, valid until the
    next call of `receive` (copy what cannot be written at once), or bytes. When it reached the local side the
    driver calls `DataChannel.written(sequence, now)`; nothing is acknowledged before."""

    __slots__ = ("data", "payload_type", "sequence")

    def __init__(self, data: bytes | memoryview, payload_type: int, sequence: int) -> None:
        self.data = data
        self.payload_type = payload_type
        self.sequence = sequence


class EndOfInput(Event):
    """The other end has sent its last byte (half-close): shut down the writing side of the local stream after
    everything before this event was written."""

    __slots__ = ()


class DisconnectRequested(Event):
    """Flag 1: the client's local connection is gone; close the connection to the port, keep the session."""

    __slots__ = ()


class TerminateRequested(Event):
    """Flag 2: the client ends the session."""

    __slots__ = ()


class ConnectFailed(Event):
    """Flag 3: the agent could not connect to the destination port."""

    __slots__ = ()


class ChannelClosed(Event):
    """The gateway ended the session; `output` is its text for the user, often empty. Nothing follows."""

    __slots__ = ("output",)

    def __init__(self, output: str) -> None:
        self.output = output


class PeerUnresponsive(Event):
    """Nothing came from the other end for `silent_s` seconds although something waits for an acknowledgement
    and the connection stands. Reported once per silence."""

    __slots__ = ("silent_s",)

    def __init__(self, silent_s: float) -> None:
        self.silent_s = silent_s


class PeerError(Event):
    """A frame that broke the protocol and was dropped; `reason` is one line for a log."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason
