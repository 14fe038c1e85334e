"""One end of a data channel, sans-I/O: bytes and `now` in; frames, events and one deadline out.

    driver                                    DataChannel
    frame arrived          -> receive(frame, now)
    local bytes            -> send_data(data, now)         while can_send, at most send_capacity bytes
     or read into          -> stream_buffer(), then send_read(count, now)
    local write finished   -> written(sequence, now)
    timer                  -> handle_deadline(now)
    connection gone / back -> connection_lost(now) / connection_restored(now)

After each of these the driver does the same three steps: fetch `events()`, send `frames_to_send()`, set its
timer to `next_deadline()`. `now` is a monotonic clock in seconds. The channel reads no clock, opens nothing
and logs nothing. WebSocket framing, reconnecting and the local stream belong to the driver (`transport`).

The parts: `session_handshake` (states and terms), `sending` (window, copies, resends), `receiving` (order and
acknowledgements), `incoming` (what each arriving message means). This module joins them, keeps what concerns
the connection and its silence, and says what the local side may do.
"""

from __future__ import annotations

from fairlead.protocol import events as e
from fairlead.protocol import json_fields
from fairlead.protocol import session_handshake as states
from fairlead.protocol.errors import CannotSend, IllegalState, InvalidSnapshot, MalformedMessage
from fairlead.protocol.incoming import FLAG_BYTES, Incoming
from fairlead.protocol.message import AGENT_SESSION_STATE, FLAG_SYN_FIN, PayloadFlag, PayloadType, decode
from fairlead.protocol.outgoing import FrameWriter
from fairlead.protocol.receiving import Receiver
from fairlead.protocol.sending import Sender
from fairlead.protocol.session_handshake import SessionHandshake
from fairlead.protocol.snapshot import decode_snapshot, encode_snapshot

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fairlead.protocol.handshake import Terms
    from fairlead.protocol.message_ids import MessageIds
    from fairlead.protocol.outgoing import OutgoingFrame
    from fairlead.protocol.roles import Role
    from fairlead.protocol.settings import ChannelSettings

SESSION_CONNECTED = "Connected"
SESSION_TERMINATING = "Terminating"


class DataChannel:
    """One end of a data channel.

    `wall_clock_offset_s` is what added to `now` gives seconds since the epoch (for CreatedDate).
    A new channel counts as connected: its driver has just sent the open frame.
    """

    def __init__(
        self,
        role: Role,
        settings: ChannelSettings,
        message_ids: MessageIds,
        wall_clock_offset_s: float,
    ) -> None:
        self._role = role
        self._settings = settings
        self._writer = FrameWriter(message_ids, wall_clock_offset_s)
        self._handshake = SessionHandshake(settings)
        self._sender = Sender(role, self._writer, self._handshake.terms)
        self._receiver = Receiver(role, self._writer, self._handshake.terms)
        self._announcements: list[OutgoingFrame] = []
        self._events: list[e.Event] = []
        self._incoming = Incoming(role, settings, self._handshake, self._sender, self._receiver, self._events)
        self._is_connected = True
        self._input_ended = False
        self._is_terminated = False
        self._last_heard = float("-inf")
        self._silence_reported = False

    # -- handshake --

    def start_handshake(self, session_type: str, properties: Mapping[str, Any] | None, now: float) -> None:
        """Agent: announce the session (agent_session_state Connected) and send the handshake request.
        Ends in HandshakeFinished or HandshakeFailed. Raises IllegalState when called twice or by a client."""
        self._check_requests_handshake()
        payload = self._handshake.request(session_type, properties, now)
        self.announce(SESSION_CONNECTED, now)
        self._sender.send(PayloadType.HANDSHAKE_REQUEST, payload, now)

    def skip_handshake(self, session_type: str, now: float) -> None:
        """Agent: announce the session and stream at once (shell types without encryption). Raises
        IllegalState like `start_handshake`."""
        self._check_requests_handshake()
        self._handshake.skip(session_type)
        self.announce(SESSION_CONNECTED, now)
        self._incoming.finish_handshake()

    def announce(self, session_state: str, now: float) -> None:
        """Agent: tell the gateway SESSION_CONNECTED (done by the handshake) or, for shell types,
        SESSION_TERMINATING. Raises IllegalState for a client."""
        self._check_requests_handshake()
        state = {
            "SchemaVersion": 1,
            "SessionState": session_state,
            "SessionId": self._settings.session_id,
        }
        message_type = AGENT_SESSION_STATE.ljust(32)
        self._announcements.append(
            self._writer.write(message_type, json_fields.dump(state), now, flags=FLAG_SYN_FIN)
        )

    def _check_requests_handshake(self) -> None:
        if not self._role.requests_handshake:
            raise IllegalState(f"not for a {self._role.name}: the agent opens the handshake")

    # -- from the network --

    def receive(self, frame: bytes | memoryview, now: float) -> None:
        """Take one agent message. A view must stay valid until the next call of `receive`. Never raises
        for what a peer sent: what breaks the protocol is dropped and reported as PeerError."""
        if self._handshake.state == states.CLOSED:
            return
        try:
            message = decode(frame, zero_digest_allowed=self._handshake.terms.zero_digest)
            self._last_heard = now
            self._silence_reported = False
            self._incoming.take(message, now)
        except MalformedMessage as error:
            self._events.append(e.PeerError(str(error)))

    # -- from the local side --

    def send_data(self, data: bytes | bytearray | memoryview, now: float) -> None:
        """Queue stream bytes (copied once, cut into the largest payloads the peer takes). Raises CannotSend
        when more than `send_capacity` bytes are given, so always when `can_send` is false."""
        if len(data) > self.send_capacity:
            raise CannotSend(f"{len(data)} bytes given, {self.send_capacity} can be sent")
        if data:
            self._sender.send_stream(data, now)

    def stream_buffer(self, reserved_bytes: int = 0) -> memoryview:
        """Where stream bytes can be read to while `can_send`: `send_read` queues them, mostly without a copy.
        As large as one message, and as fits the window besides `reserved_bytes`, but not empty; valid until
        the next call of this or of `send_read`. The frame's buffer is used again when it is acknowledged, so
        such a frame has to be sent, or copied, as soon as it is handed out. Raises CannotSend when `can_send`
        is false."""
        capacity = self.send_capacity
        if not capacity:
            raise CannotSend("nothing can be sent now")
        return self._sender.stream_buffer(max(1, capacity - reserved_bytes))

    def send_read(self, count: int, now: float) -> None:
        """Queue the first `count` bytes of `stream_buffer`, of which no view may be left. Raises CannotSend
        for none, and for more than `send_capacity`."""
        if not 0 < count <= self.send_capacity:
            raise CannotSend(f"{count} bytes read, {self.send_capacity} can be sent")
        self._sender.send_read(count, now)

    def send_payload(self, payload_type: int, payload: bytes, now: float) -> None:
        """Queue one small numbered message other than stream data (terminal size, exit code). Takes nothing
        of the window. Raises CannotSend before the handshake is finished, after the end, when the payload is
        empty or larger than the peer takes, and when MAX_UNACKNOWLEDGED_MESSAGES wait already."""
        if not 0 < len(payload) <= self.terms.max_payload_bytes:
            raise CannotSend(f"a payload must have 1 to {self.terms.max_payload_bytes} bytes")
        if not self.is_open or self._is_terminated or self._sender.is_full:
            raise CannotSend("the channel is not open, or too many messages wait for acknowledgement")
        self._sender.send(payload_type, payload, now)

    def written(self, sequence: int, now: float) -> None:
        """The data of every StreamData event up to and including `sequence` has reached the local side.
        Only now is it acknowledged."""
        self._receiver.written(sequence, now)

    def end_input(self, now: float) -> bool:
        """No more `send_data` will follow. True: the half-close is queued. False: the other end knows none;
        wait for `is_drained`, linger for at most a second, then `terminate`."""
        if not self.is_open or not self.terms.half_close:
            return False
        if not self._input_ended and not self._is_terminated:
            self._input_ended = True
            self._send_flag(PayloadFlag.END_OF_INPUT, now)
        return True

    def disconnect_port(self, now: float) -> None:
        """Client: tell the agent that the local connection is gone (Flag 1)."""
        self._send_flag(PayloadFlag.DISCONNECT_TO_PORT, now)

    def terminate(self, now: float) -> None:
        """Client: tell the agent to end the session (Flag 2); no data can be sent afterwards. Without effect
        when already told, and before the handshake is finished, when an agent cannot be told."""
        if self.is_open and not self._is_terminated:
            self._send_flag(PayloadFlag.TERMINATE_SESSION, now)
            self._is_terminated = True

    def connect_failed(self, now: float) -> None:
        """Agent: tell the client that the destination refused the connection (Flag 3)."""
        self._send_flag(PayloadFlag.CONNECT_TO_PORT_ERROR, now)

    def _send_flag(self, value: int, now: float) -> None:
        """Also when MAX_UNACKNOWLEDGED_MESSAGES wait: an end has few flags, and its last words are among
        them. Raises CannotSend before the handshake is finished and after the end."""
        if not self.is_open or self._is_terminated:
            raise CannotSend("the channel is not open")
        self._sender.send(PayloadType.FLAG, value.to_bytes(FLAG_BYTES, "big"), now)

    # -- connection and time --

    def connection_lost(self, now: float) -> None:
        """The WebSocket is gone. Nothing is lost: what was sent stays until acknowledged."""
        self._is_connected = False
        self._handshake.stop_waiting()
        self._receiver.connection_lost()

    def connection_restored(self, now: float) -> None:
        """A new WebSocket stands and its open frame was sent: queue acknowledgements, then everything
        unacknowledged, in order."""
        self._is_connected = True
        self._silence_reported = False
        self._sender.resume(now)
        self._receiver.connection_restored(now)
        self._sender.replay(now)
        self._handshake.await_response(now)

    def acknowledge_now(self, now: float) -> None:
        """Queue an acknowledgement that would be due a little later: before leaving, say."""
        self._receiver.acknowledge_now(now)

    def next_deadline(self) -> float | None:
        """When `handle_deadline` wants to be called, on the clock of `now`; None: nothing to wait for."""
        if self._handshake.state == states.CLOSED:
            return None
        earliest = self._handshake.deadline
        if not self._is_connected:
            return earliest
        for deadline in (self._receiver.deadline, self._sender.deadline, self._silence_deadline):
            if deadline is not None and (earliest is None or deadline < earliest):
                earliest = deadline
        return earliest

    def handle_deadline(self, now: float) -> None:
        """Do what is due at `now`; harmless when called early."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return
        if self._handshake.deadline is not None and now >= self._handshake.deadline:
            self._events.append(e.HandshakeFailed(self._handshake.time_out()))
        if self._is_connected:
            self._receiver.handle_deadline(now)
            self._sender.handle_deadline(now)
            self._report_silence(now)

    @property
    def _silence_deadline(self) -> float | None:
        timeout, since = self._settings.delivery_timeout_s, self._sender.waiting_since
        if timeout is None or since is None or self._silence_reported:
            return None
        return max(since, self._last_heard) + timeout

    def _report_silence(self, now: float) -> None:
        deadline = self._silence_deadline
        if deadline is not None and now >= deadline:
            self._silence_reported = True
            self._events.append(e.PeerUnresponsive(self._settings.delivery_timeout_s or 0.0))

    # -- results --

    def frames_to_send(self) -> list[OutgoingFrame]:
        """Frames to put on the WebSocket, in this order, each as one binary message; hands each out once.
        Empty while the connection is lost and after the channel was closed."""
        if not self._is_connected or self._handshake.state == states.CLOSED:
            return []
        frames = self._receiver.take() + self._sender.take()
        if self._announcements:
            frames = self._announcements + frames
            self._announcements = []
        return frames

    def events(self) -> list[e.Event]:
        """What happened since the last call, in order."""
        if not self._events:
            return []
        taken = self._events.copy()
        self._events.clear()
        return taken

    @property
    def can_send(self) -> bool:
        """Whether `send_data` may be called: handshake finished, not ended, not paused, window not full.
        True also while the connection is lost and the window has room. False: do not read the source."""
        return self.send_capacity > 0

    @property
    def send_capacity(self) -> int:
        """Largest number of bytes that `send_data` takes now; 0 when `can_send` is false."""
        if self._handshake.state != states.OPEN or self._input_ended or self._is_terminated:
            return 0
        return self._sender.capacity

    @property
    def wants_frames(self) -> bool:
        """False: stop reading the WebSocket until the local side has caught up. Always true between our own
        ends, whose window bounds what can arrive; an official program knows no window."""
        return self._receiver.wants_frames

    @property
    def is_open(self) -> bool:
        """Whether the handshake is finished (or was skipped) and the channel was not closed."""
        return self._handshake.state == states.OPEN

    @property
    def is_drained(self) -> bool:
        """Whether everything sent has been acknowledged."""
        return self._sender.is_drained

    @property
    def terms(self) -> Terms:
        """What is in force between the two ends; those of the official programs until negotiated."""
        return self._handshake.terms

    # -- to a successor --

    def snapshot(self) -> bytes:
        """Everything a successor process needs, versioned. Data of StreamData events not yet reported as
        `written` is not in it: the peer still holds it and sends it again. So report a message of which a
        part was written only when the remainder travels to the successor by other means."""
        state = {
            "role": self._role.name,
            "handshake": self._handshake.to_json(),
            "sender": self._sender.state(),
            "receiver": self._receiver.state(),
            "input_ended": self._input_ended,
            "terminated": self._is_terminated,
        }
        return encode_snapshot(state, self._sender.unacknowledged())

    @classmethod
    def restore(
        cls,
        snapshot: bytes,
        role: Role,
        settings: ChannelSettings,
        message_ids: MessageIds,
        wall_clock_offset_s: float,
    ) -> DataChannel:
        """The channel that `snapshot()` described, not connected: call `connection_restored` next.
        `message_ids` must have a seed of its own. Raises InvalidSnapshot."""
        channel = cls(role, settings, message_ids, wall_clock_offset_s)
        state, kept = decode_snapshot(snapshot)
        try:
            channel._restore(state, kept)
        except MalformedMessage as error:
            raise InvalidSnapshot(str(error)) from None
        return channel

    def _restore(self, state: Mapping[str, Any], kept: list[tuple[OutgoingFrame, int]]) -> None:
        what = "the snapshot"
        if json_fields.text(state, "role", what) != self._role.name:
            raise MalformedMessage("the snapshot is one of the other role")
        self._handshake.restore(json_fields.optional_object(state, "handshake", what) or {})
        self._sender.restore(json_fields.optional_object(state, "sender", what) or {}, kept)
        self._receiver.restore(json_fields.optional_object(state, "receiver", what) or {})
        if self.is_open:
            self._sender.use_terms(self.terms)
            self._receiver.use_terms(self.terms)
        self._input_ended = json_fields.boolean(state, "input_ended", what)
        self._is_terminated = json_fields.boolean(state, "terminated", what)
        self._is_connected = False
