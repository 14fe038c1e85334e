"""The two sides of a relay in which the gateway assists, and how a frame gets from the one to the other.

In place of a look at its type only, a stream message is kept and an acknowledgement noted; `assist` says what
is to be done, this module does it with the sockets. When to wait and to end is left to the relay.
"""

from collections.abc import Mapping
from typing import Protocol

from fairlead.domain.sessions import ChannelSide
from fairlead.gateway.assist import Assist, Verdict
from fairlead.gateway.gathering import FULL_BYTES, Gathering
from fairlead.gateway.message_types import ASSISTED_BY_HEAD, MessageUse
from fairlead.gateway.relay_sides import Leg
from fairlead.protocol import message

# An enum's members take ten times as long to look up, and these are looked up for each message.
_KEEP = MessageUse.KEEP
_NEW, _FILLS_GAP, _ACKNOWLEDGED = Verdict.NEW, Verdict.FILLS_GAP, Verdict.ACKNOWLEDGED
_TERMINATE = message.PayloadFlag.TERMINATE_SESSION.to_bytes(4, "big")
_FLAG_BYTES = message.HEADER_BYTES + len(_TERMINATE)


class AssistedHost(Protocol):
    """What this part reports to: the relay."""

    def note_activity(self) -> None: ...
    def hold(self, leg: Leg, frame: bytes) -> None: ...
    def update_reading(self) -> None: ...
    def output_was_acknowledged(self) -> None: ...


class AssistedLegs:
    """The legs of one relay with a stock end, from the moment that this is known."""

    __slots__ = ("_assist", "_gathering", "_host", "_legs")

    def __init__(
        self, host: AssistedHost, legs: Mapping[ChannelSide, Leg], assist: Assist, gathering: Gathering
    ) -> None:
        self._host = host
        self._legs = legs
        self._assist = assist
        self._gathering = gathering

    def begin(self) -> None:
        """Take over what has been held. Acknowledgements of what never came by are held on."""
        for leg in self._legs.values():
            if leg.attachment is not None:
                leg.attachment.use_assist(self)
            held, leg.held, leg.held_bytes = leg.held, [], 0
            for frame in held:
                if message.peek_type(frame) == message.ACKNOWLEDGE:
                    self._host.hold(leg, frame)
                else:
                    self._assist.take_message(leg.side, frame, is_passed_on=False)

    def welcome(self, leg: Leg) -> list[bytes]:
        """What a side that has come is given first."""
        return self._assist.welcome(leg.side, is_ours=bool(leg.was_ours))

    # Frames.

    def receive(self, leg: Leg, use: MessageUse, frame: bytes | memoryview, last: bool) -> None:
        """A stream message or an acknowledgement."""
        size = len(frame)
        if use is _KEEP:
            if not leg.was_ours:
                if size == FULL_BYTES:
                    leg.full_in_a_row += 1
                elif last:
                    self._gathering.paused(leg)
            self._receive_message(leg, frame, last)
        else:
            self._receive_acknowledgement(leg, frame, last)
        if last and size <= FULL_BYTES:
            self._gathering.was_read(leg)

    def _receive_message(self, leg: Leg, frame: bytes | memoryview, last: bool) -> None:
        receiver = leg.peer.attachment
        verdict = self._assist.take_message(leg.side, frame, is_passed_on=receiver is not None)
        if verdict is _NEW or verdict is _FILLS_GAP:
            if _asks_for_the_end(frame):
                self.remind_agent()
            leg.stream_bytes += len(frame) - message.HEADER_BYTES
            if leg.is_silent:
                leg.is_silent = message.peek_payload_type(frame) != message.PayloadType.OUTPUT
            self._host.note_activity()
        if verdict is _ACKNOWLEDGED:
            self._answer(leg, frame)
            if last and receiver is not None:
                receiver.socket.flush()
        elif receiver is not None:
            receiver.socket.send_binary(frame, more=not last)
            if verdict is _FILLS_GAP:
                for each in self._assist.behind_gap(leg.side, frame):
                    receiver.socket.send_binary(each, more=not last)
        if receiver is None or self._assist.is_full(leg.side):
            self._host.update_reading()

    def remind_agent(self) -> None:
        """The end is near. A stock agent will wait two seconds for acknowledgements that were too fast for
        it: it gets them once more. One that does not read gets none: a client may ask again and again."""
        agent = self._legs[ChannelSide.AGENT].attachment
        if agent is not None and not agent.is_ours and not agent.socket.is_congested:
            for frame in self._assist.recent_acknowledgements(ChannelSide.AGENT):
                agent.socket.send_binary(frame, more=True)
            agent.socket.flush()

    def _receive_acknowledgement(self, leg: Leg, frame: bytes | memoryview, last: bool) -> None:
        was_full = self._assist.is_full(leg.peer.side)
        more = self._assist.take_acknowledgement(leg.side, frame)
        receiver = leg.peer.attachment
        if receiver is None:
            self._host.hold(leg, bytes(frame))
        else:
            for each in more:
                receiver.socket.send_binary(each, more=True)
            receiver.socket.send_binary(frame, more=not last)
        if was_full:
            self._host.update_reading()
        self._host.output_was_acknowledged()

    def _answer(self, leg: Leg, frame: bytes | memoryview) -> None:
        """Not to a side that does not read, or answers would pile up; a stock end sends its copy again."""
        if leg.attachment is not None and not leg.attachment.socket.is_congested:
            leg.attachment.socket.send_binary(self._assist.answer(frame), more=False)

    # Reading.

    def must_wait(self, leg: Leg) -> bool:
        """Whether a side should not be read, for there is no room to keep its messages."""
        if leg.peer.attachment is None:
            return self._assist.has_waited_enough(leg.side)
        return self._assist.must_wait(leg.side)

    # The end.

    def suspend(self) -> None:
        """No more timers."""
        self._gathering.stop()

    def owes_output(self) -> bool:
        """Whether the client may still get bytes of a stock agent: that are under way to it, or were not even
        read yet because it is slow. A stock client that is away has probably left: ssh had all it wanted."""
        client, agent = self._legs[ChannelSide.CLIENT], self._legs[ChannelSide.AGENT]
        may_read = client.attachment is not None or (client.was_ours and client.absent_timer is not None)
        if agent.was_ours or not may_read:
            return False
        return agent.attachment is not None or not self._assist.is_delivered(ChannelSide.AGENT)

    def end(self) -> None:
        """The session is over. Acknowledge for a stock agent what it may wait for: nobody else will."""
        agent = self._legs[ChannelSide.AGENT]
        if agent.attachment is not None and not agent.was_ours:
            for frame in self._assist.last_words(ChannelSide.AGENT):
                agent.attachment.socket.send_binary(frame, more=True)
            agent.attachment.socket.flush()
        self._assist.forget()

    def receive_late(self, leg: Leg, frame: bytes | memoryview) -> None:
        """A frame after the end. A stock agent waits two seconds for acknowledgements of what it sends."""
        if leg.was_ours or len(frame) < message.HEADER_BYTES:
            return
        if ASSISTED_BY_HEAD[leg.side].get(bytes(frame[: message.PEEK_BYTES])) is MessageUse.KEEP:
            self._answer(leg, frame)


def _asks_for_the_end(frame: bytes | memoryview) -> bool:
    """Whether a stream message is the flag by which a client ends the session."""
    return (
        len(frame) == _FLAG_BYTES
        and message.peek_payload_type(frame) == message.PayloadType.FLAG
        and frame[message.HEADER_BYTES :] == _TERMINATE
    )
