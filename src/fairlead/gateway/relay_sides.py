"""The two sides of a relay, and how a frame gets from the one to the other.

An `Attachment` looks at the 36 bytes of a frame that name its type, against the list of what its side may
send, and forwards the frame as it came; in a session with a stock end it gives it to `assisted_legs`, which
keep and remember. When to wait, to pause and to end is left to the relay. Types and directions: AWS's message
gateway protocol.
"""

from typing import Protocol

from fairlead.domain.sessions import ChannelSide, EndReason
from fairlead.gateway.clock import Timer
from fairlead.gateway.close_codes import CloseCode
from fairlead.gateway.message_types import ALLOWED, ASSISTED, ASSISTED_BY_HEAD, USE_BY_HEAD, MessageUse
from fairlead.protocol import message
from fairlead.protocol.errors import MalformedMessage

_STREAM, _FORWARD, _CONSUME = MessageUse.STREAM, MessageUse.FORWARD, MessageUse.CONSUME
_PEEK_BYTES, _HEADER_BYTES = message.PEEK_BYTES, message.HEADER_BYTES


class RelaySocket(Protocol):
    """What the relay does with a WebSocket."""

    @property
    def is_congested(self) -> bool:
        """True from the write high-water mark until the low one."""
        ...

    def send_binary(self, frame: bytes | memoryview, *, more: bool) -> None:
        """Send one message; it is copied if it cannot leave at once. `more`: another follows at once."""
        ...

    def flush(self) -> None:
        """Write what `more` has kept back."""
        ...

    def send_pong(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def close(self, code: CloseCode, reason: str) -> None:
        """Say goodbye after everything sent so far; nothing is delivered from here on."""
        ...

    def abort(self) -> None:
        """Cut the connection, and drop what it has not taken."""
        ...


class AttachmentHost(Protocol):
    """What an attachment reports to: the relay."""

    is_over: bool

    def note_activity(self) -> None: ...
    def hold(self, leg: "Leg", frame: bytes) -> None: ...
    def receive_late(self, leg: "Leg", frame: bytes | memoryview) -> None: ...
    def refuse(self, side: ChannelSide, what: str) -> None: ...
    def leave(self, side: ChannelSide, close_code: int | None) -> None: ...
    def update_reading(self) -> None: ...


class FrameAssist(Protocol):
    """What an attachment gives frames to in a session with a stock end."""

    def receive(self, leg: "Leg", use: MessageUse, frame: bytes | memoryview, last: bool) -> None: ...


class Leg:
    """One side of a relay, with or without a socket. Its relay keeps it; `peer` is the other side."""

    __slots__ = (
        "absent_timer",
        "attachment",
        "full_in_a_row",
        "held",
        "held_bytes",
        "is_paused",
        "is_silent",
        "joined_at",
        "lost",
        "peer",
        "pong_timer",
        "side",
        "stream_bytes",
        "was_ours",
    )

    def __init__(self, side: ChannelSide, lost: EndReason) -> None:
        self.side = side
        self.lost = lost
        self.peer: Leg = self
        self.attachment: Attachment | None = None
        self.was_ours: bool | None = None
        self.is_silent = False
        self.joined_at = 0.0
        self.held: list[bytes] = []
        self.held_bytes = 0
        self.is_paused = False
        self.stream_bytes = 0
        self.full_in_a_row = 0  # messages of AWS's program since it paused
        self.pong_timer: Timer | None = None
        self.absent_timer: Timer | None = None


class Attachment:
    """A socket's place in a relay, and the handler of what the socket receives."""

    __slots__ = ("_allowed", "_assist", "_by_head", "_leg", "_peer", "_relay", "is_ours", "socket")

    def __init__(self, relay: AttachmentHost, leg: Leg, socket: RelaySocket, is_ours: bool) -> None:
        self._relay = relay
        self._leg = leg
        self._peer = leg.peer
        self._allowed = ALLOWED[leg.side]
        self._by_head = USE_BY_HEAD[leg.side]
        self._assist: FrameAssist | None = None
        self.socket = socket
        self.is_ours = is_ours

    def use_assist(self, assist: FrameAssist) -> None:
        """From now on give stream messages and acknowledgements to `assist`."""
        self._assist = assist
        self._allowed = ASSISTED[self._leg.side]
        self._by_head = ASSISTED_BY_HEAD[self._leg.side]

    def make_way(self) -> None:
        """A newer socket took this place. One that is not read would not hear a goodbye, and what waits for
        it would add up with each return."""
        if self.socket.is_congested:
            self.socket.abort()
        else:
            self.socket.close(CloseCode.REPLACED, "a newer connection took this place")

    def receive_binary(self, frame: bytes | memoryview, last: bool) -> None:
        """One message from this side; `last` when no other was read together with it."""
        leg = self._leg
        if leg.attachment is not self:
            return
        if self._relay.is_over:
            self._relay.receive_late(leg, frame)
            return
        use = self._by_head.get(bytes(frame[:_PEEK_BYTES]))
        if use is None or len(frame) < _HEADER_BYTES:
            use = self._parsed_use(frame)
        if use is None:
            return
        if use is _STREAM:
            leg.stream_bytes += len(frame) - _HEADER_BYTES
            self._relay.note_activity()
        elif use is not _FORWARD:
            self._receive_other(use, frame, last)
            return
        receiver = self._peer.attachment
        if receiver is not None:
            receiver.socket.send_binary(frame, more=not last)
        else:
            self._relay.hold(leg, bytes(frame))

    def _receive_other(self, use: MessageUse, frame: bytes | memoryview, last: bool) -> None:
        if use is not _CONSUME and self._assist is not None:
            self._assist.receive(self._leg, use, frame, last)
        elif last:
            self.flush()

    def _parsed_use(self, frame: bytes | memoryview) -> MessageUse | None:
        """For a head that is written in another way, or is not allowed; None ended the session."""
        side = self._leg.side
        try:
            message_type = message.peek_type(frame)
        except MalformedMessage as error:
            self._relay.refuse(side, f"a malformed message: {error}")
            return None
        use = self._allowed.get(message_type)
        if use is None:
            self._relay.refuse(side, f"messages of type {message_type.decode('ascii', 'replace')!r}")
        return use

    def receive_text(self, text: bytes) -> None:
        """After the open frame every message is binary."""
        if self._leg.attachment is self and not self._relay.is_over:
            self._relay.refuse(self._leg.side, "text frames")

    def flush(self) -> None:
        """Nothing more was read together with the last message."""
        receiver = self._leg.peer.attachment
        if receiver is not None:
            receiver.socket.flush()

    def congested(self) -> None:
        """This side's socket went over its write high-water mark."""
        self._relay.update_reading()

    def drained(self) -> None:
        """This side's socket went below its write low-water mark."""
        self._relay.update_reading()

    def disconnected(self, close_code: int | None) -> None:
        """The socket is gone; `close_code` is None when it said no goodbye."""
        if self._leg.attachment is self:
            self._relay.leave(self._leg.side, close_code)
