"""Errors of the message gateway protocol.

One base class per package: a driver catches `ProtocolError`, and needs to know no more. Bytes that came from
a peer never raise out of `DataChannel`; there they become events.
"""


class ProtocolError(Exception):
    """Base of everything this package raises on purpose."""


class MalformedMessage(ProtocolError):
    """Bytes or text from the other side that break the format; the text names the field, never its value."""


class CannotSend(ProtocolError):
    """The caller sent although `can_send` was false or the data was larger than `send_capacity`."""


class IllegalState(ProtocolError):
    """The caller asked for a step that the handshake's table of states does not have."""


class InvalidSnapshot(ProtocolError):
    """A snapshot that cannot be restored: cut short, of another version, or of the other role."""
