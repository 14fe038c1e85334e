"""The two roles of a data channel, as data.

Client and agent run the same code. What differs between them stands here and nowhere else.
"""

from __future__ import annotations

from fairlead.protocol.message import FLAG_SYN, INPUT_STREAM_DATA, OUTPUT_STREAM_DATA
from fairlead.protocol.values import Value


class Role(Value):
    """`sends` and `receives` are the numbered message types, `first_flags` the header flags of sequence
    number 0, `requests_handshake` tells who opens the handshake, `honours_publication` whether
    pause_publication and start_publication mean anything to this side."""

    __slots__ = ("first_flags", "honours_publication", "name", "receives", "requests_handshake", "sends")

    def __init__(
        self,
        name: str,
        sends: bytes,
        receives: bytes,
        first_flags: int,
        requests_handshake: bool,
        honours_publication: bool,
    ) -> None:
        self.name = name
        self.sends = sends
        self.receives = receives
        self.first_flags = first_flags
        self.requests_handshake = requests_handshake
        self.honours_publication = honours_publication


CLIENT = Role(
    "client",
    sends=INPUT_STREAM_DATA,
    receives=OUTPUT_STREAM_DATA,
    first_flags=0,
    requests_handshake=False,
    honours_publication=False,
)

AGENT = Role(
    "agent",
    sends=OUTPUT_STREAM_DATA,
    receives=INPUT_STREAM_DATA,
    first_flags=FLAG_SYN,
    requests_handshake=True,
    honours_publication=True,
)
