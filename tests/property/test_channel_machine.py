"""Two ends of a data channel, a link that does its worst, and a model that knows what must come out.

Hypothesis plays the link, the clock, the local sides and the processes: frames are delivered, lost, repeated
and overtaken, connections break and come back, an end is replaced by a successor from its snapshot, the local
side writes late, input ends. The model is two byte strings, one for each direction, and where each ends.
"""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fairlead.protocol import events as e
from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.message import MAX_FRAME_BYTES
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds
from fairlead.protocol.roles import AGENT, CLIENT
from fairlead.protocol.settings import MAX_HELD_MESSAGES, MAX_WINDOW_BYTES, MIN_WINDOW_BYTES
from tests.support.channel_pair import PROPERTIES, WALL_CLOCK_OFFSET_S, make_channel

HEALED_WITHIN_S = 3600.0
MAX_ON_THE_LINK = 400
"""Frames under way in one direction; the oldest are lost beyond that."""


class End:
    """One end, its process and its local side."""

    def __init__(self, channel: DataChannel, *, reads_into: bool) -> None:
        self.channel = channel
        self.reads_into = reads_into
        self.inbox: deque[bytes] = deque()
        """What is on its way here."""
        self.is_connected = True
        self.pending: deque[e.Event] = deque()
        """Data that the local side has not written, and what waits behind it; lost with the process."""
        self.sent = bytearray()
        self.written = bytearray()
        self.has_ended_input = False
        self.has_terminated = False
        self.seen: list[type[e.Event]] = []
        self.successors = 0

    def send(self, data: bytes, now: float) -> None:
        """As much of `data` as the channel takes: given to it, or read into its buffers."""
        if self.reads_into:
            while data and self.channel.can_send:
                buffer = self.channel.stream_buffer()
                count = min(len(buffer), len(data))
                buffer[:count] = data[:count]
                self.channel.send_read(count, now)
                self.sent += data[:count]
                data = data[count:]
            return
        chunk = data[: self.channel.send_capacity]
        if chunk:
            self.channel.send_data(chunk, now)
            self.sent += chunk

    def take_events(self) -> None:
        for event in self.channel.events():
            if isinstance(event, e.StreamData):
                event.data = bytes(event.data)
            self.pending.append(event)
        self._act_on_what_is_no_data()

    def write_one(self, now: float) -> None:
        """The local side writes the oldest data."""
        event = self.pending.popleft()
        assert isinstance(event, e.StreamData)
        self.written += event.data
        self.channel.written(event.sequence, now)
        self._act_on_what_is_no_data()

    def _act_on_what_is_no_data(self) -> None:
        while self.pending and not isinstance(self.pending[0], e.StreamData):
            event = self.pending.popleft()
            assert not isinstance(event, e.HandshakeFailed | e.ChannelClosed)
            # Only room may be missing, for what came early.
            assert not isinstance(event, e.PeerError) or "no room" in event.reason
            self.seen.append(type(event))


sizes = st.sampled_from([1, 100, 8_000, 8_192, 20_000, MIN_WINDOW_BYTES])
whichever = st.booleans()


class ChannelMachine(RuleBasedStateMachine):
    """`True` is the agent, `False` the client, wherever a rule needs an end."""

    @initialize(
        cumulative=st.booleans(),
        half_close=st.booleans(),
        own_terms=st.sampled_from([True, True, False]),
        clean_start=st.booleans(),
        reads_into=st.booleans(),
    )
    def begin(
        self, cumulative: bool, half_close: bool, own_terms: bool, clean_start: bool, reads_into: bool
    ) -> None:
        self.now = 1000.0
        options = {
            "window_bytes": MIN_WINDOW_BYTES,
            "max_payload_bytes": 8192,
            "cumulative_acks": cumulative,
            "zero_digest": cumulative,
            "half_close": half_close,
        }
        agent = make_channel(
            AGENT, 1, handshake_timeout_s=10 * HEALED_WITHIN_S, fairlead=own_terms, **options
        )
        self.agent = End(agent, reads_into=reads_into)
        self.client = End(make_channel(CLIENT, 2, **options), reads_into=reads_into)
        self.count = 0
        agent.start_handshake("Port", PROPERTIES, self.now)
        if clean_start:
            self.deliver_everything()

    # -- the link --

    def ends(self) -> tuple[tuple[End, End], tuple[End, End]]:
        return (self.agent, self.client), (self.client, self.agent)

    def chosen(self, is_agent: bool) -> End:
        return self.agent if is_agent else self.client

    def step(self) -> None:
        """What a driver does after every call: events to the local side, frames to the link."""
        for end, other in self.ends():
            end.take_events()
            for frame in end.channel.frames_to_send():
                assert len(frame) <= MAX_FRAME_BYTES
                other.inbox.append(bytes(frame.message))
            while len(other.inbox) > MAX_ON_THE_LINK:
                other.inbox.popleft()

    def receive(self, end: End, frame: bytes) -> None:
        if end.is_connected:
            end.channel.receive(memoryview(frame), self.now)
            self.step()

    @rule(is_agent=whichever, count=st.integers(1, 30))
    def deliver(self, is_agent: bool, count: int) -> None:
        end = self.chosen(is_agent)
        for _ in range(min(count, len(end.inbox))):
            self.receive(end, end.inbox.popleft())

    @rule(is_agent=whichever, place=st.integers(0, 20))
    def deliver_one_before_its_turn(self, is_agent: bool, place: int) -> None:
        inbox = self.chosen(is_agent).inbox
        if inbox:
            place %= len(inbox)
            frame = inbox[place]
            del inbox[place]
            self.receive(self.chosen(is_agent), frame)

    @rule(is_agent=whichever, place=st.integers(0, 20), again=st.integers(0, 20))
    def repeat(self, is_agent: bool, place: int, again: int) -> None:
        inbox = self.chosen(is_agent).inbox
        if inbox:
            inbox.insert(again, inbox[place % len(inbox)])

    @rule(is_agent=whichever, place=st.integers(0, 20), count=st.integers(1, 10))
    def lose(self, is_agent: bool, place: int, count: int) -> None:
        inbox = self.chosen(is_agent).inbox
        for _ in range(min(count, len(inbox))):
            del inbox[place % len(inbox)]

    # -- connections and processes --

    @rule(is_agent=whichever, arrives=st.integers(0, 10))
    def break_connection(self, is_agent: bool, arrives: int) -> None:
        """What was on its way here is gone; of what left here, the first `arrives` frames get through."""
        end, other = self.ends()[0 if is_agent else 1]
        if end.is_connected:
            end.is_connected = False
            end.channel.connection_lost(self.now)
            end.inbox.clear()
            while len(other.inbox) > arrives:
                other.inbox.pop()

    @rule(is_agent=whichever)
    def reconnect(self, is_agent: bool) -> None:
        self.restore(self.chosen(is_agent))

    def restore(self, end: End) -> None:
        if not end.is_connected:
            end.is_connected = True
            end.channel.connection_restored(self.now)
            self.step()

    @rule(is_agent=whichever)
    def hand_over(self, is_agent: bool) -> None:
        """Another process takes over, without a connection and without what was not yet written."""
        self.break_connection(is_agent, 0)
        end = self.chosen(is_agent)
        self.count += 1
        end.channel = DataChannel.restore(
            end.channel.snapshot(),
            AGENT if is_agent else CLIENT,
            end.channel._settings,
            MessageIds(self.count.to_bytes(SEED_BYTES, "big")),
            WALL_CLOCK_OFFSET_S,
        )
        end.pending.clear()

    # -- local sides --

    @rule(is_agent=whichever, size=sizes)
    def send(self, is_agent: bool, size: int) -> None:
        end = self.chosen(is_agent)
        self.count += 1
        # Every byte tells where it stands: a lost, doubled or misplaced one cannot look like its neighbour.
        pattern = b"%d:%d," % (is_agent, self.count)
        end.send((pattern * (size // len(pattern) + 1))[:size], self.now)
        self.step()

    @rule(is_agent=whichever, count=st.integers(1, 10))
    def write(self, is_agent: bool, count: int) -> None:
        end = self.chosen(is_agent)
        while end.pending and count:
            end.write_one(self.now)
            count -= 1
        self.step()

    @rule(is_agent=whichever)
    def end_input(self, is_agent: bool) -> None:
        end = self.chosen(is_agent)
        if not end.has_terminated and end.channel.end_input(self.now):
            end.has_ended_input = True
            assert not end.channel.can_send
        self.step()

    @precondition(lambda self: self.client.channel.is_open and not self.client.has_terminated)
    @rule()
    def terminate(self) -> None:
        self.client.channel.terminate(self.now)
        self.client.has_terminated = True
        self.step()

    # -- time --

    @rule(seconds=st.sampled_from([0.01, 0.06, 0.2, 1.1, 40.0]))
    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.next_due()) is not None and due <= until:
            self.now = max(self.now, due)
            for end, _ in self.ends():
                end.channel.handle_deadline(self.now)
            self.step()
        self.now = until

    def next_due(self) -> float | None:
        return min(
            (due for end, _ in self.ends() if (due := end.channel.next_deadline()) is not None), default=None
        )

    # -- what must hold --

    @invariant()
    def what_was_written_is_the_beginning_of_what_was_sent(self) -> None:
        for end, other in self.ends():
            assert end.written == other.sent[: len(end.written)]

    @invariant()
    def no_more_is_under_way_than_the_window_holds(self) -> None:
        """Seen from outside: sent here, and not written there."""
        for end, other in self.ends():
            assert len(end.sent) - len(other.written) <= MIN_WINDOW_BYTES

    @invariant()
    def no_end_holds_more_than_its_limits(self) -> None:
        for end, _ in self.ends():
            receiver = end.channel._receiver
            limit = MIN_WINDOW_BYTES if end.channel.terms.own else MAX_WINDOW_BYTES
            assert receiver._early_bytes + receiver._unwritten_bytes <= limit
            assert len(receiver._early) + len(receiver._unwritten) <= MAX_HELD_MESSAGES

    @invariant()
    def an_end_of_input_comes_once_and_after_the_last_byte(self) -> None:
        for end, other in self.ends():
            ends = end.seen.count(e.EndOfInput)
            assert ends <= other.has_ended_input
            assert not ends or end.written == other.sent
        terminations = self.agent.seen.count(e.TerminateRequested)
        assert terminations <= self.client.has_terminated
        assert not terminations or self.agent.written == self.client.sent

    def deliver_everything(self) -> None:
        self.step()
        while self.agent.inbox or self.client.inbox or self.agent.pending or self.client.pending:
            for end, _ in self.ends():
                while end.inbox:
                    self.receive(end, end.inbox.popleft())
                while end.pending:
                    end.write_one(self.now)
            self.step()

    def teardown(self) -> None:
        """The link heals: everything arrives, and both ends know it."""
        if not hasattr(self, "agent"):
            return
        for end, _ in self.ends():
            self.restore(end)
        until = self.now + HEALED_WITHIN_S
        self.deliver_everything()
        while not self.is_complete() and (due := self.next_due()) is not None and due < until:
            self.now = max(self.now, due)
            for end, _ in self.ends():
                end.channel.handle_deadline(self.now)
            self.deliver_everything()
        assert self.is_complete()
        self.what_was_written_is_the_beginning_of_what_was_sent()
        self.an_end_of_input_comes_once_and_after_the_last_byte()
        for end, other in self.ends():
            assert end.channel.is_open
            assert (e.EndOfInput in end.seen) == other.has_ended_input
        assert (e.TerminateRequested in self.agent.seen) == self.client.has_terminated

    def is_complete(self) -> bool:
        return all(
            end.channel.is_open and end.channel.is_drained and end.written == other.sent
            for end, other in self.ends()
        )


TestTheDataChannel = ChannelMachine.TestCase
TestTheDataChannel.settings = settings(stateful_step_count=60)
