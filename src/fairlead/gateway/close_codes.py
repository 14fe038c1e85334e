"""How the gateway closes a WebSocket, and why. Numbers: RFC 6455 §7.4.1 and the IANA registry."""

from enum import IntEnum

from fairlead.protocol.open_channel import RESUME_UNKNOWN


class CloseCode(IntEnum):
    """Close codes that the gateway sends."""

    NORMAL = 1000
    """The session or the channel's purpose is over."""
    PROTOCOL_ERROR = 1002
    """A frame that breaks the WebSocket protocol."""
    REFUSED = 1008
    """The token, the identity or a message was refused; coming back with the same will not help."""
    REPLACED = 1008
    """A newer connection of the same side took this place."""
    TOO_BIG = 1009
    """A message over the limit."""
    RESTART = 1012
    """The server is going away and will be back; come back too."""
    TRY_LATER = 1013
    """A limit is reached."""
    RESUME_UNKNOWN = RESUME_UNKNOWN
    """The resume secret is not known; ResumeSession may still work. Only our own client has such a secret."""
    SILENT = 1001
    """No frame came for too long, not even an answer to a ping."""
