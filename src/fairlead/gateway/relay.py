"""The relay of one session: two sides, and frames that pass from one to the other unseen.

Frames come and go by the `Attachment` of each side, in `relay_sides`. Backpressure is not reading: a side is
not read while its peer's socket is congested, and once enough is held for a peer that is not there. Between
our own ends nothing is kept but counters; what is held while a peer is away is what had been read already.

AWS's own programs do not recover by themselves. From the moment that one of them joins, `assist` remembers
for the session what they do not, and the relay waits less long for them. A stock agent that is lost before
anything came from the port is awaited for the shortest time: its session dies wordlessly when the port
refuses.

No socket and no store in here: sockets come as `RelaySocket`, time as `Clock`, and what is to be done about
an event is the `RelayOwner`'s part.
"""

from collections.abc import Callable
from typing import Protocol

from fairlead.domain.sessions import ChannelSide, EndReason
from fairlead.gateway.assist import Assist
from fairlead.gateway.assisted_legs import AssistedLegs
from fairlead.gateway.clock import Clock, Timer
from fairlead.gateway.close_codes import CloseCode
from fairlead.gateway.gathering import Gathering
from fairlead.gateway.relay_sides import Attachment, Leg, RelaySocket
from fairlead.gateway.settings import GatewaySettings


class RelayOwner(Protocol):
    """Told what happened in a relay. Every call may lead to `Relay.finish`, none needs to."""

    def both_sides_joined(self, relay: "Relay") -> None: ...
    def side_left(self, relay: "Relay", side: ChannelSide) -> None: ...
    def session_is_over(self, relay: "Relay", reason: EndReason, details: str) -> None:
        """The session has to end; told once."""
        ...

    def frame_refused(self, relay: "Relay", side: ChannelSide, details: str) -> None:
        """A side sent what it may not send; `session_is_over` follows."""
        ...


NORMAL_CLOSURE = 1000
"""RFC 6455 §7.4.1: the purpose of the connection has been fulfilled."""

_NOTHING_CAME = "it left before anything came from the port; is a server listening there?"


class Relay:
    """One live session. `node_id` is the node it leads to. `make_assist`: called once a stock end joins.

    `connected_before`: a session taken over after a restart, in which both sides may be on their way back.
    `connect_within_s`: what is left of the time that a new session has to connect. `idle_timeout_s`: instead
    of the setting. `end_within_s`: what is left of the longest time that the session may last.
    """

    def __init__(
        self,
        session_id: str,
        node_id: str,
        *,
        settings: GatewaySettings,
        clock: Clock,
        owner: RelayOwner,
        make_assist: Callable[[], Assist],
        connect_within_s: float | None = None,
        idle_timeout_s: float | None = None,
        end_within_s: float | None = None,
        connected_before: bool = False,
    ) -> None:
        self.session_id = session_id
        self.node_id = node_id
        self.is_over = False
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._make_assist = make_assist
        self._assisted: AssistedLegs | None = None
        client = Leg(ChannelSide.CLIENT, EndReason.CLIENT_LOST)
        agent = Leg(ChannelSide.AGENT, EndReason.AGENT_LOST)
        client.peer, agent.peer = agent, client
        self._legs = {ChannelSide.CLIENT: client, ChannelSide.AGENT: agent}
        self._last_activity = clock.time()
        self.has_connected = connected_before
        self._connect_timer: Timer | None = None
        self._idle_timeout_s = settings.idle_timeout_s if idle_timeout_s is None else idle_timeout_s
        self._idle_timer: Timer | None = clock.call_later(self._idle_timeout_s, self._check_idle)
        self._duration_timer: Timer | None = None
        if end_within_s is not None:
            self._duration_timer = clock.call_later(
                max(0.0, end_within_s), self.end, EndReason.MAX_DURATION, ""
            )
        self._grace_timer: Timer | None = None
        self._output_timer: Timer | None = None
        self._end_after_output: tuple[EndReason, str] | None = None
        if connected_before:
            for leg in self._legs.values():
                self._await_return(leg)
        else:
            within = settings.connect_timeout_s if connect_within_s is None else connect_within_s
            self._connect_timer = clock.call_later(max(0.0, within), self._connect_timed_out)

    # What the owner asks and does.

    def has_joined(self, side: ChannelSide) -> bool:
        """True while this side has an open socket."""
        return self._legs[side].attachment is not None

    @property
    def bytes_to_node(self) -> int:
        """Payload bytes of the client's stream messages so far; between our own ends with resent ones."""
        return self._legs[ChannelSide.CLIENT].stream_bytes

    @property
    def bytes_to_client(self) -> int:
        """Payload bytes of the agent's stream messages so far; between our own ends with resent ones."""
        return self._legs[ChannelSide.AGENT].stream_bytes

    def join(self, side: ChannelSide, socket: RelaySocket, *, is_ours: bool) -> Attachment:
        """Put a socket on its side. The one that was there is closed: a side has one socket."""
        leg = self._legs[side]
        older = leg.attachment
        attachment = Attachment(self, leg, socket, is_ours)
        leg.attachment = attachment
        if self._assisted is not None:
            attachment.use_assist(self._assisted)
        elif not is_ours:
            gathering = Gathering(self._clock, self._settings, self._legs.values())
            self._assisted = AssistedLegs(self, self._legs, self._make_assist(), gathering)
            self._assisted.begin()
        if leg.was_ours is None and not self.has_connected:
            leg.is_silent = side is ChannelSide.AGENT and not is_ours
        leg.was_ours = is_ours
        leg.joined_at = self._clock.time()
        leg.is_paused = False
        leg.absent_timer = _cancelled(leg.absent_timer)
        leg.pong_timer = _cancelled(leg.pong_timer)
        if side is ChannelSide.AGENT:
            self._grace_timer = _cancelled(self._grace_timer)
        if older is not None:
            older.make_way()
        self._deliver_held(leg, socket)
        self.update_reading()
        if leg.peer.attachment is not None:
            self._connect_timer = _cancelled(self._connect_timer)
            self.has_connected = True
            self.note_activity()
            self._owner.both_sides_joined(self)
        return attachment

    def end_when_output_is_delivered(self, reason: EndReason, details: str) -> None:
        """The agent has ended the session. A stock agent does so two seconds after the port's last byte, also
        when some of it has not arrived yet: the client gets its time to read it."""
        if self._end_after_output is None:
            self._end_after_output = (reason, details)
            agent = self._legs[ChannelSide.AGENT]
            agent.absent_timer = _cancelled(agent.absent_timer)
            self._grace_timer = _cancelled(self._grace_timer)
            self._output_timer = self._clock.call_later(
                self._settings.last_output_s, self.end, reason, details
            )
        self.output_was_acknowledged()

    def end(self, reason: EndReason, details: str) -> None:
        """The session is over: relay nothing more, and tell the owner, once."""
        if not self.is_over:
            self.is_over = True
            self._owner.session_is_over(self, reason, details)

    def finish(self, client_frame: bytes) -> None:
        """Relay nothing more, and tell the client. The stock client exits by itself when it reads that, and
        counts a closed socket as an error: it leaves first."""
        self.is_over = True
        self.suspend()
        if self._assisted is not None:
            self._assisted.end()
        for leg in self._legs.values():
            leg.held.clear()
            if leg.attachment is not None:
                leg.attachment.socket.resume_reading()
        client = self._legs[ChannelSide.CLIENT].attachment
        if client is not None:
            client.socket.send_binary(client_frame, more=False)

    def suspend(self) -> None:
        """Stop all timers."""
        for timer in (
            self._connect_timer,
            self._idle_timer,
            self._duration_timer,
            self._grace_timer,
            self._output_timer,
        ):
            _cancelled(timer)
        if self._assisted is not None:
            self._assisted.suspend()
        for leg in self._legs.values():
            leg.absent_timer = _cancelled(leg.absent_timer)
            leg.pong_timer = _cancelled(leg.pong_timer)

    def expect_stock_agent(self) -> None:
        """The node runs the stock agent. After a restart that is news, and there is less to wait for."""
        leg = self._legs[ChannelSide.AGENT]
        if leg.was_ours is None and leg.absent_timer is not None:
            leg.was_ours = False
            leg.absent_timer.cancel()
            self._await_return(leg)

    def tell_agent(self, frame: bytes) -> None:
        """Send the agent a message of the gateway's own."""
        agent = self._legs[ChannelSide.AGENT].attachment
        if agent is not None:
            agent.socket.send_binary(frame, more=False)

    def close_side(self, side: ChannelSide, code: CloseCode, reason: str) -> None:
        """Close the socket of one side, if it has one."""
        attachment = self._legs[side].attachment
        if attachment is not None:
            attachment.socket.close(code, reason)

    # What attachments report.

    def note_activity(self) -> None:
        """Stream data passed: the idle time starts anew."""
        self._last_activity = self._clock.time()

    def hold(self, leg: Leg, frame: bytes) -> None:
        """Keep a frame for a peer that is not there."""
        leg.held.append(frame)
        leg.held_bytes += len(frame)
        self.update_reading()

    def receive_late(self, leg: Leg, frame: bytes | memoryview) -> None:
        """A frame after the end."""
        if self._assisted is not None:
            self._assisted.receive_late(leg, frame)

    def refuse(self, side: ChannelSide, what: str) -> None:
        """A frame that this side may not send: the session ends."""
        details = f"the {side.value} may not send {what}"
        self._owner.frame_refused(self, side, details)
        self.end(EndReason.PROTOCOL_VIOLATION, details)

    def leave(self, side: ChannelSide, close_code: int | None) -> None:
        """The current socket of a side is gone."""
        leg = self._legs[side]
        leg.attachment = None
        leg.is_paused = False
        leg.pong_timer = _cancelled(leg.pong_timer)
        if self.is_over:
            return
        if self._assisted is not None and side is ChannelSide.CLIENT:
            self._assisted.remind_agent()
        if self._end_after_output is not None:
            self._left_at_the_end(leg, *self._end_after_output, close_code=close_code)
        elif close_code == NORMAL_CLOSURE:
            self._left_for_good(side)
        elif self.has_connected:
            self._await_return(leg)
        if leg.peer.attachment is not None:
            self.update_reading()
        self._owner.side_left(self, side)

    def update_reading(self) -> None:
        """Pause or resume each side by what its peer can take. After the end both are read."""
        if self.is_over:
            return
        for leg in self._legs.values():
            if leg.attachment is not None:
                self._set_paused(leg, leg.attachment, self._must_pause(leg))

    def _must_pause(self, leg: Leg) -> bool:
        receiver = leg.peer.attachment
        is_full = (
            leg.held_bytes >= self._settings.max_held_bytes
            if receiver is None
            else receiver.socket.is_congested
        )
        return is_full or (self._assisted is not None and self._assisted.must_wait(leg))

    def _set_paused(self, leg: Leg, attachment: Attachment, paused: bool) -> None:
        if leg.is_paused == paused:
            return
        leg.is_paused = paused
        leg.pong_timer = _cancelled(leg.pong_timer)
        if paused:
            attachment.socket.pause_reading()
            self._arm_pong(leg, attachment)
        else:
            attachment.socket.resume_reading()

    def _arm_pong(self, leg: Leg, attachment: Attachment) -> None:
        leg.pong_timer = self._clock.call_later(
            self._settings.paused_pong_interval_s, self._send_pong, leg, attachment
        )

    def _send_pong(self, leg: Leg, attachment: Attachment) -> None:
        self._arm_pong(leg, attachment)
        if not attachment.socket.is_congested:
            attachment.socket.send_pong()

    def _deliver_held(self, leg: Leg, receiver: RelaySocket) -> None:
        """All that waited for a side that has come."""
        sender = leg.peer
        frames, sender.held, sender.held_bytes = sender.held, [], 0
        if self._assisted is not None:
            frames += self._assisted.welcome(leg)
        for frame in frames:
            receiver.send_binary(frame, more=True)
        receiver.flush()

    # The end of a session with a stock agent.

    def output_was_acknowledged(self) -> None:
        """The client may have all of it now."""
        if self._end_after_output is not None and not self._owes_output():
            self.end(*self._end_after_output)

    def _owes_output(self) -> bool:
        return self._assisted is not None and self._assisted.owes_output()

    def _left_at_the_end(self, leg: Leg, reason: EndReason, details: str, *, close_code: int | None) -> None:
        """A stock client that leaves has left for good; ours may come back for the rest."""
        if leg.side is ChannelSide.CLIENT and (close_code == NORMAL_CLOSURE or not leg.was_ours):
            self.end(reason, details)
        elif leg.side is ChannelSide.CLIENT:
            self._await_return(leg)
        else:
            self.output_was_acknowledged()

    # Time.

    def _await_return(self, leg: Leg) -> None:
        window, details = self._settings.stock_resume_window_s, ""
        if leg.was_ours is not False:
            window = self._settings.resume_window_s
        elif leg.side is ChannelSide.CLIENT:
            window = self._settings.stock_client_resume_window_s
        elif self._died_at_the_port(leg):
            window, details = self._settings.silent_agent_grace_s, _NOTHING_CAME
        leg.absent_timer = self._clock.call_later(window, self.end, leg.lost, details)

    def _died_at_the_port(self, leg: Leg) -> bool:
        """What a stock agent looks like whose port refused: gone at once, without a word from the port."""
        return leg.is_silent and self._clock.time() - leg.joined_at < self._settings.silent_agent_grace_s

    def _left_for_good(self, side: ChannelSide) -> None:
        if side is ChannelSide.CLIENT:
            self.end(EndReason.CLIENT_LEFT, "")
        else:
            self._grace_timer = self._clock.call_later(
                self._settings.completion_grace_s, self.end, EndReason.AGENT_ENDED, ""
            )

    def _connect_timed_out(self) -> None:
        missing = [leg.side.value for leg in self._legs.values() if leg.attachment is None]
        self.end(EndReason.NEVER_CONNECTED, f"missing: {' and '.join(missing)}")

    def _check_idle(self) -> None:
        remaining = self._last_activity + self._idle_timeout_s - self._clock.time()
        if remaining > 0:
            self._idle_timer = self._clock.call_later(remaining, self._check_idle)
        else:
            self.end(EndReason.IDLE_TIMEOUT, "")


def _cancelled(timer: Timer | None) -> Timer | None:
    """Cancel, if there is one, and return the None that takes its place."""
    if timer is not None:
        timer.cancel()
    return None
