"""What each message that arrives on a data channel means to the channel's parts and to its driver.

Takes decoded messages of all types, in any order; acts on numbered ones in theirs. What happened goes to the
list of events that the channel hands out. Connection, time and what the local side wants are left to
`data_channel`.
"""

from __future__ import annotations

from fairlead.protocol import events as e
from fairlead.protocol import session_handshake as states
from fairlead.protocol.acknowledgements import parse_acknowledgement
from fairlead.protocol.control_channel import parse_channel_closed
from fairlead.protocol.errors import IllegalState, MalformedMessage
from fairlead.protocol.message import (
    ACKNOWLEDGE,
    CHANNEL_CLOSED,
    PAUSE_PUBLICATION,
    START_PUBLICATION,
    PayloadFlag,
    PayloadType,
)
from fairlead.protocol.session_handshake import HandshakeRefused

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from fairlead.protocol.message import AgentMessage
    from fairlead.protocol.receiving import Receiver
    from fairlead.protocol.roles import Role
    from fairlead.protocol.sending import Sender
    from fairlead.protocol.session_handshake import SessionHandshake
    from fairlead.protocol.settings import ChannelSettings

FLAG_BYTES = 4
"""Size of a flag message's payload, one big-endian number."""

_FLAG_EVENTS = {
    PayloadFlag.DISCONNECT_TO_PORT: e.DisconnectRequested,
    PayloadFlag.TERMINATE_SESSION: e.TerminateRequested,
    PayloadFlag.CONNECT_TO_PORT_ERROR: e.ConnectFailed,
    PayloadFlag.END_OF_INPUT: e.EndOfInput,
}
_CHALLENGES = (PayloadType.ENC_CHALLENGE_REQUEST, PayloadType.ENC_CHALLENGE_RESPONSE)
_NO_DATA = frozenset(
    (
        PayloadType.HANDSHAKE_REQUEST,
        PayloadType.HANDSHAKE_RESPONSE,
        PayloadType.HANDSHAKE_COMPLETE,
        PayloadType.FLAG,
        *_CHALLENGES,
    )
)
"""Payload types that are for the channel and not for the local side."""


class Incoming:
    """The arriving side of one channel. The parts and the list of `events` are shared with the channel."""

    __slots__ = ("_events", "_handshake", "_receiver", "_role", "_sender", "_settings")

    def __init__(
        self,
        role: Role,
        settings: ChannelSettings,
        handshake: SessionHandshake,
        sender: Sender,
        receiver: Receiver,
        events: list[e.Event],
    ) -> None:
        self._role = role
        self._settings = settings
        self._handshake = handshake
        self._sender = sender
        self._receiver = receiver
        self._events = events

    def take(self, message: AgentMessage, now: float) -> None:
        """Act on a message of any type. Raises MalformedMessage when it breaks the protocol; a numbered one
        that does so in its turn is passed over and reported as PeerError instead."""
        message_type = message.message_type
        if message_type == self._role.receives:
            if self._sender.is_paused:
                self._sender.resume(now)
            self._receive_numbered(message, now)
        elif message_type == ACKNOWLEDGE:
            self._sender.resume(now)
            ack = parse_acknowledgement(message.payload)
            if not self._sender.acknowledge(ack, now):
                raise MalformedMessage(f"acknowledge names number {ack.received}, which was never sent")
        elif message_type == CHANNEL_CLOSED:
            closed = parse_channel_closed(message.payload)
            self._handshake.move(states.CLOSE)
            self._events.append(e.ChannelClosed(closed.output))
        elif message_type == PAUSE_PUBLICATION:
            self._sender.is_paused = self._role.honours_publication
        elif message_type == START_PUBLICATION:
            self._sender.resume(now)
        # Types this end does not know are ignored, as the official programs do; AWS adds some.

    def _receive_numbered(self, message: AgentMessage, now: float) -> None:
        receiver = self._receiver
        if message.sequence_number < receiver.expected:
            receiver.repeated(message, now)
        elif message.sequence_number > receiver.expected:
            if not receiver.keep_early(message):
                raise MalformedMessage("a message came early and there is no room to keep it")
        elif self._take_numbered(message, now):
            while (early := receiver.next_early()) is not None and self._take_numbered(early, now):
                pass

    def _take_numbered(self, message: AgentMessage, now: float) -> bool:
        """Act on the message whose turn it is. False: not possible now; it stays unacknowledged, so that the
        peer sends it again."""
        if not self._receiver.has_room(len(message.payload)):
            return False
        try:
            if message.payload_type in _NO_DATA:
                self._act_on(message, now)
                return True
            return self._take_data(message, now)
        except (MalformedMessage, IllegalState) as error:
            # Acknowledged and passed over: it would be as wrong the next time.
            self._events.append(e.PeerError(str(error)))
            return True

    def _act_on(self, message: AgentMessage, now: float) -> None:
        payload_type = message.payload_type
        if payload_type == PayloadType.HANDSHAKE_REQUEST:
            self._take_request(message, now)
        elif payload_type == PayloadType.HANDSHAKE_RESPONSE:
            self._take_response(message, now)
        elif payload_type == PayloadType.HANDSHAKE_COMPLETE:
            self._take_complete(message, now)
        elif payload_type == PayloadType.FLAG:
            self._receiver.consume(message, now)
            self._take_flag(message)
        else:
            self._receiver.consume(message, now)
            raise MalformedMessage("an encryption challenge in a session without encryption")

    def _take_request(self, message: AgentMessage, now: float) -> None:
        self._receiver.consume(message, now)
        self._check_direction(to_agent=False)
        response, failure = self._handshake.receive_request(message.payload)
        self._sender.send(PayloadType.HANDSHAKE_RESPONSE, response, now)
        if failure:
            self._events.append(e.HandshakeFailed(failure))

    def _take_response(self, message: AgentMessage, now: float) -> None:
        self._receiver.consume(message, now)
        self._check_direction(to_agent=True)
        try:
            confirmation = self._handshake.receive_response(message.payload, now)
        except HandshakeRefused as refusal:
            self._events.append(e.HandshakeFailed(str(refusal)))
            return
        self._sender.send(PayloadType.HANDSHAKE_COMPLETE, confirmation, now)
        self.finish_handshake()

    def _take_complete(self, message: AgentMessage, now: float) -> None:
        self._receiver.consume(message, now)
        self._check_direction(to_agent=False)
        self._handshake.receive_complete(message.payload)
        self.finish_handshake()

    def _check_direction(self, *, to_agent: bool) -> None:
        if to_agent != self._role.requests_handshake:
            raise MalformedMessage(f"a handshake message that no {self._role.name} gets")

    def _take_flag(self, message: AgentMessage) -> None:
        value = int.from_bytes(message.payload, "big")
        event = _FLAG_EVENTS.get(value)
        if event is None or len(message.payload) != FLAG_BYTES:
            raise MalformedMessage("a flag of unknown value")
        self._events.append(event())

    def _take_data(self, message: AgentMessage, now: float) -> bool:
        if self._handshake.state == states.NEW and not self._role.requests_handshake:
            self._take_stream_without_handshake()
        if self._handshake.state != states.OPEN:
            return False
        if message.payload:
            self._receiver.deliver(message)
            self._events.append(e.StreamData(message.payload, message.payload_type, message.sequence_number))
        else:
            self._receiver.consume(message, now)
        return True

    def _take_stream_without_handshake(self) -> None:
        """The agent streams at once: a shell, if this client knows shells."""
        if states.SHELL_SESSION_TYPE in self._settings.session_types:
            self._handshake.skip(states.SHELL_SESSION_TYPE)
            self.finish_handshake()
        else:
            self._handshake.move(states.REFUSE_REQUEST)
            reason = "the agent started a shell session, which this client does not support"
            self._events.append(e.HandshakeFailed(reason))

    def finish_handshake(self) -> None:
        """Put the agreed terms in force on both ways and report them."""
        handshake = self._handshake
        self._sender.use_terms(handshake.terms)
        self._receiver.use_terms(handshake.terms)
        self._events.append(
            e.HandshakeFinished(
                handshake.session_type,
                handshake.properties,
                handshake.peer_version,
                handshake.terms,
                handshake.customer_message,
            )
        )
