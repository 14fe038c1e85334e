"""What an `AsyncioEndpoint` asks of its local side and of its owner, and what it leaves to a successor.

Pure, so that who writes down or reads the state of one needs no event loop and no WebSocket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from fairlead.protocol.events import Event


class LocalStream(Protocol):
    """The local side, such as the connection to sshd. Feeds the endpoint by `local_…` calls."""

    @property
    def is_drained(self) -> bool:
        """Whether the operating system has taken every byte written so far."""
        ...

    @property
    def unwritten_bytes(self) -> int:
        """How many of the bytes written so far the operating system has not taken yet."""
        ...

    def write(self, data: bytes | memoryview) -> None:
        """Write; after a failed or closed connection without effect. A view is valid during the call only:
        what the operating system does not take at once is copied."""
        ...

    def write_eof(self) -> None:
        """Shut down the writing side once everything is written."""
        ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class EndpointOwner(Protocol):
    """Who decides about the session. Called on the event loop; may call the endpoint back."""

    def handle_event(self, event: Event) -> None:
        """Everything the channel reports but stream data. After EndOfInput the local writing side has been
        shut down, or will be as soon as it stands."""
        ...

    def output_delivered(self) -> None:
        """The local side has ended and the other end has acknowledged its last byte. Called once."""
        ...

    def input_delivered(self) -> None:
        """The other end has ended and the local side has taken its last byte. Called once."""
        ...

    def link_lost(self, reason: str) -> None:
        """The link is gone; the channel waits for another. `reason` is what the peer said, often nothing."""
        ...


class EndpointState(NamedTuple):
    """What a successor process needs of an endpoint besides its local side."""

    channel: bytes
    """`DataChannel.snapshot()`."""

    part_written: int
    """Bytes of the first message that the peer will send again which the local side has taken already."""

    input_ended: bool
    """The other end has ended, and the local side has taken its last byte."""

    local_ended: bool
    """The local side has sent its last byte."""

    input_bytes: int
    """Stream bytes of the messages that the local side has taken whole."""

    output_bytes: int
