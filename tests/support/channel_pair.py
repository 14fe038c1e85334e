"""Two ends of a data channel joined by a simulated link, on a virtual clock.

`ChannelPair` drives both ends as a real driver would: feed, fetch events, write, send, keep the timer. What
the link does to a frame is decided by a function, so a test can lose, delay, repeat and reorder.
"""

from collections.abc import Callable

from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.events import Event, StreamData
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.roles import AGENT, CLIENT
from fairlead.protocol.settings import AGENT_VERSION, CLIENT_VERSION, ChannelSettings
from tests.support.virtual_clock import VirtualClock

WALL_CLOCK_OFFSET_S = 1_700_000_000.0
PROPERTIES = {"portNumber": "22"}

Fate = Callable[[bytes], list[float]]
"""The delays after which copies of a frame arrive; empty: lost."""


def make_channel(role, seed: int = 1, **settings) -> DataChannel:
    """A channel with settings as usual for its role."""
    version = AGENT_VERSION if role is AGENT else CLIENT_VERSION
    ids = MessageIds(seed.to_bytes(SEED_BYTES, "big"))
    return DataChannel(role, ChannelSettings(version, session_id="s-1", **settings), ids, WALL_CLOCK_OFFSET_S)


class End:
    """One end with its local side: bytes to send, bytes written, and events other than data."""

    def __init__(self, name: str, channel, clock: VirtualClock) -> None:
        self.name = name
        self.channel = channel
        self.clock = clock
        self.to_send: list[bytes] = []
        self.sent = bytearray()
        self.written = bytearray()
        self.events: list[Event] = []
        self.frames: list[bytes] = []
        """Everything that was put on the link, in order."""
        self.write_delay_s = 0.0
        self.is_connected = True
        self.largest_outstanding = 0

    def take_events(self) -> None:
        for event in self.channel.events():
            if not isinstance(event, StreamData):
                self.events.append(event)
            elif self.write_delay_s:
                self._write_later(bytes(event.data), event.sequence)
            else:
                self._write(bytes(event.data), event.sequence)

    def _write_later(self, data: bytes, sequence: int) -> None:
        channel = self.channel
        self.clock.at(
            self.clock.now + self.write_delay_s,
            # A predecessor's writes do not reach its successor.
            lambda: self._write(data, sequence) if self.channel is channel else None,
        )

    def _write(self, data: bytes, sequence: int) -> None:
        self.written += data
        self.channel.written(sequence, self.clock.now)

    def send_what_fits(self) -> None:
        while self.to_send and self.channel.can_send:
            chunk = self.to_send[0][: self.channel.send_capacity]
            self.to_send[0] = self.to_send[0][len(chunk) :]
            if not self.to_send[0]:
                del self.to_send[0]
            self.channel.send_data(chunk, self.clock.now)
            self.sent += chunk

    def event(self, kind: type) -> Event:
        """The only event of a kind."""
        (found,) = [event for event in self.events if isinstance(event, kind)]
        return found


class ChannelPair:
    """An agent end and a client end. `fate` decides over each frame; by default all arrive at once."""

    def __init__(self, agent=None, client=None, *, fate: Fate = lambda frame: [0.0]) -> None:
        self.clock = VirtualClock()
        self.agent = End("agent", agent or make_channel(AGENT, 1), self.clock)
        self.client = End("client", client or make_channel(CLIENT, 2), self.clock)
        self.fate = fate
        self.epoch = 0  # frames of an older epoch are gone with their connection

    @property
    def ends(self) -> tuple[End, End]:
        return self.agent, self.client

    def start(self) -> "ChannelPair":
        """Begin the handshake and let it finish, if the link allows."""
        self.agent.channel.start_handshake("Port", PROPERTIES, self.clock.now)
        self.settle()
        return self

    def settle(self) -> None:
        """Let everything happen that can happen now, without time passing."""
        while True:
            self.clock.run_until(self.clock.now)
            moved = False
            for end, other in ((self.agent, self.client), (self.client, self.agent)):
                end.take_events()
                end.send_what_fits()
                for frame in end.channel.frames_to_send():
                    moved = True
                    self._transmit(bytes(frame.message), end, other)
            if not moved and (self.clock.next_moment or self.clock.now + 1) > self.clock.now:
                return

    def _transmit(self, frame: bytes, end: End, other: End) -> None:
        end.frames.append(frame)
        epoch = self.epoch
        for delay in self.fate(frame):
            self.clock.at(self.clock.now + delay, lambda: self._arrive(frame, other, epoch))

    def _arrive(self, frame: bytes, end: End, epoch: int) -> None:
        if epoch == self.epoch and end.is_connected:
            end.channel.receive(memoryview(frame), self.clock.now)
            end.take_events()

    def pass_time(self, seconds: float) -> None:
        """Let `seconds` pass, with everything that falls due on the way."""
        until = self.clock.now + seconds
        self.settle()
        while True:
            moments = [self.clock.next_moment, *(end.channel.next_deadline() for end in self.ends)]
            moment = min((m for m in moments if m is not None), default=until)
            if moment > until:
                break
            self.clock.run_until(max(moment, self.clock.now))
            for end in self.ends:
                deadline = end.channel.next_deadline()
                if deadline is not None and deadline <= self.clock.now:
                    end.channel.handle_deadline(self.clock.now)
            self.settle()
            if moment >= until:
                break
        self.clock.run_until(until)
        self.settle()

    def lose_connections(self, *ends: End) -> None:
        """The connections of `ends` break (default: both); whatever is on the link is lost."""
        self.epoch += 1
        for end in ends or self.ends:
            end.is_connected = False
            end.channel.connection_lost(self.clock.now)

    def restore_connections(self, *ends: End) -> None:
        """The ends that had lost it get a new connection."""
        for end in ends or self.ends:
            if not end.is_connected:
                end.is_connected = True
                end.channel.connection_restored(self.clock.now)

    def hand_over(self, end: End) -> None:
        """Replace a disconnected end by a successor made from its snapshot."""
        old = end.channel
        ids = MessageIds(bytes([self.epoch % 256]) * SEED_BYTES)
        end.channel = DataChannel.restore(old.snapshot(), old._role, old._settings, ids, WALL_CLOCK_OFFSET_S)
