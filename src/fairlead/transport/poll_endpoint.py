"""Drives one DataChannel between a WebSocket and a local stream with `select.poll`: the client path's loop.

It does the same steps for every stimulus (message, local bytes, timer): feed the channel, handle its events,
send its frames. Backpressure is not reading: the local side is read while the channel and the socket have
room, the socket while the channel wants frames. What has been received counts as delivered, and is
acknowledged, only after the local write.

`run` returns why it stopped. Getting another connection after a loss, and what to tell the user, belong to
the caller, who attaches the new link and runs again.

Ways to the end:
  * the local reader is gone, or a signal came: pass on what the local writer still sends, for at most
    LAST_WORDS_S, terminate, leave;
  * the local writer has ended: half-close where both ends know it, and go on until the other side ends;
    else wait for the last acknowledgements, linger LINGER_S for late output, terminate, leave;
  * the other side ends: write everything that was received, leave.
"""

from __future__ import annotations

import select
import time

from fairlead.protocol.events import (
    ChannelClosed,
    ConnectFailed,
    EndOfInput,
    HandshakeFailed,
    HandshakeFinished,
    PeerError,
    PeerUnresponsive,
    StreamData,
)
from fairlead.transport.errors import ConnectionLost
from fairlead.transport.local_stream import NOTHING_WRITTEN
from fairlead.transport.websocket_link import WRITE_WATERMARK_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fairlead.protocol.data_channel import DataChannel
    from fairlead.protocol.events import Event
    from fairlead.transport.local_stream import LocalStream
    from fairlead.transport.websocket_link import WebSocketLink

    Log = Callable[[str], None]

START_TIMEOUT_S = 180.0
"""How long the node may take to join the session after our WebSocket stands. Our gateway says by itself
within a minute that a node does not come; behind a restart it waits for as long as a large fleet takes."""

LINGER_S = 1.0
"""How long late output is waited for after the last acknowledgement, when there is no half-close."""

LAST_WORDS_S = 1.0
"""How long the last local bytes may take to be acknowledged once nobody reads our output."""

FAREWELL_S = 1.0
"""How long we wait for the other side to confirm the end. Leaving at once could reset the connection under
the very frame that says goodbye."""

READABLE = select.POLLIN | select.POLLHUP | select.POLLERR | select.POLLNVAL
GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Outcome:
    """Why `run` stopped: `kind` is one of these constants, `text` the other side's words or the reason, and
    `close_code` that of the gateway's close frame if it lost the connection, else 0."""

    __slots__ = ("close_code", "kind", "text")

    LOCAL_END = "the local side has ended"
    PEER_END = "the other side has ended the session"
    CONNECTION_LOST = "the connection is lost"
    CONNECT_FAILED = "the node could not connect to the port"
    FAILED = "the session cannot go on"

    def __init__(self, kind: str, text: str = "", close_code: int = 0) -> None:
        self.kind = kind
        self.text = text
        self.close_code = close_code


class PollEndpoint:
    """One session's loop. `wake_descriptor` becomes readable when a signal came."""

    def __init__(
        self,
        channel: DataChannel,
        local: LocalStream,
        *,
        wake_descriptor: int | None = None,
        on_start: Callable[[HandshakeFinished], str | None] | None = None,
        log: Log = lambda text: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = channel
        self._local = local
        self._wake = wake_descriptor
        self._on_start = on_start
        self._log = log
        self._clock = clock
        self._link: WebSocketLink | None = None
        self._outcome: Outcome | None = None
        self._end: Outcome | None = None
        self._input_ended = False
        self._output_ends = False
        self._half_closed = False
        self._leave_at: float | None = None
        self._start_by: float | None = clock() + START_TIMEOUT_S
        self._was_reading = True
        self._poller = select.poll()
        self._asked: tuple[object, ...] | None = None
        """What `_poller` is asked for; it stays the same for most turns."""
        self._due: float | None = None
        """When a timer is next to be looked at."""
        self.received_bytes = 0

    @property
    def has_started(self) -> bool:
        """Whether the handshake was finished, so that the agent can be told of the end in the channel."""
        return self._start_by is None

    @property
    def input_has_ended(self) -> bool:
        return self._input_ended

    @property
    def is_leaving(self) -> bool:
        """Whether only the goodbye is left: a lost connection need not be resumed."""
        return self._leave_at is not None or not (self._local.is_writable or self._output_ends)

    def attach(self, link: WebSocketLink) -> None:
        """Go on over `link`, on which the open frame has been queued."""
        self._link = link
        self._asked = None

    def run(self) -> Outcome:
        """Move bytes until the session or the connection ends. The link is closed when this returns, and what
        was received is written, except after CONNECTION_LOST."""
        link, self._outcome = self._link, None
        assert link is not None, "attach a link first"
        try:
            while self._outcome is None:
                self._turn(link)
        except ConnectionLost as exc:
            self._channel.connection_lost(self._clock())
            self._outcome = self._end or Outcome(Outcome.CONNECTION_LOST, str(exc), exc.close_code)
        finally:
            link.abandon()
            self._link = None
        assert self._outcome is not None
        if self._outcome.kind != Outcome.CONNECTION_LOST:
            self.finish_local()
        return self._outcome

    def finish_local(self) -> None:
        """Write what was received and still waits, however long the local reader takes; a signal ends it."""
        while self._local.pending_bytes and self._local.is_writable:
            poller = select.poll()
            poller.register(self._local.write_descriptor, select.POLLOUT)
            if self._wake is not None:
                poller.register(self._wake, select.POLLIN)
            ready = dict(poller.poll())
            if self._wake in ready:
                return
            self._local_writable(ready.get(self._local.write_descriptor, 0), self._clock())

    # -- one turn --

    def _turn(self, link: WebSocketLink) -> None:
        now = self._clock()
        self._pump(link, now)
        self._consider_leaving(link, now)
        if self._outcome is not None:
            return
        reads_local, reads_link = self._reads_local(link), self._channel.wants_frames
        if reads_link and not self._was_reading:
            link.excuse_silence(now)
        self._was_reading = reads_link
        self._ask(link, reads_local, reads_link)
        ready = dict(self._poller.poll(self._timeout_ms(link, now, reads_link)))
        now = self._clock()
        if self._wake is not None and self._wake in ready:
            self._interrupted(now)
        written_events = ready.get(self._local.write_descriptor, 0)
        if self._local.is_writable and written_events:
            self._local_writable(written_events, now)
        if ready.get(link.descriptor, 0) or (reads_link and link.has_input):
            if reads_link:
                self._receive(link, now)
            link.flush()
        if reads_local and ready.get(self._local.read_descriptor, 0) & READABLE and self._reads_local(link):
            self._read_local(now)
        if self._due is not None and now >= self._due:
            self._keep_time(link, now, reads_link)

    def _ask(self, link: WebSocketLink, reads_local: bool, reads_link: bool) -> None:
        """Let the poller wait for what this turn can use."""
        link_events = link.poll_events(reads_link)
        wakes = self._wake is not None and self._leave_at is None
        writes_local = self._local.is_writable
        waits = writes_local and self._local.pending_bytes > 0
        asked = (link_events, wakes, writes_local, waits, reads_local)
        if asked == self._asked:
            return
        self._asked = asked
        interest: dict[int, int] = {}
        if link_events:
            # Asked for nothing, poll would tell of a lost link again and again, which is seen in good time
            # when it is read.
            interest[link.descriptor] = link_events
        if wakes and self._wake is not None:
            interest[self._wake] = select.POLLIN
        if writes_local:
            # Asked for nothing, poll still tells when the reader is gone.
            interest[self._local.write_descriptor] = select.POLLOUT if waits else 0
        if reads_local:
            descriptor = self._local.read_descriptor
            interest[descriptor] = interest.get(descriptor, 0) | select.POLLIN
        self._poller = select.poll()
        for descriptor, events in interest.items():
            self._poller.register(descriptor, events)

    def _timeout_ms(self, link: WebSocketLink, now: float, reads_link: bool) -> int | None:
        due = link.next_deadline() if reads_link else None
        for deadline in (self._channel.next_deadline(), self._leave_at, self._start_by):
            if deadline is not None and (due is None or deadline < due):
                due = deadline
        self._due = due
        if reads_link and link.has_input:
            return 0
        # Rounded up: a timer that fires early would only make us poll again.
        return None if due is None else max(0, int((due - now) * 1000) + 1)

    def _reads_local(self, link: WebSocketLink) -> bool:
        return (
            not self._input_ended
            and self._end is None
            and self._channel.can_send
            and link.unsent_bytes < WRITE_WATERMARK_BYTES
        )

    def _read_local(self, now: float) -> None:
        count = self._local.read_into(self._channel.stream_buffer())
        if count is None:
            return
        if count:
            self._channel.send_read(count, now)
            return
        self._input_ended = True
        self._half_closed = self._channel.end_input(now)
        self._log("the local input has ended" + ("; half-close" if self._half_closed else ""))

    def _local_writable(self, events: int, now: float) -> None:
        if events & GONE:
            self._abandon_local(now)
            return
        self._report_written(self._local.flush(), now)

    def _abandon_local(self, now: float) -> None:
        """Nobody reads our output any more: leave soon."""
        self._leave_at = now + LAST_WORDS_S if self._leave_at is None else self._leave_at
        self._local.close_writing()

    def _interrupted(self, now: float) -> None:
        """Leave soon, with what the local writer has sent until now."""
        poller = select.poll()
        poller.register(self._local.read_descriptor, select.POLLIN)
        while not self._input_ended and self._channel.can_send and poller.poll(0):
            self._read_local(now)
        self._input_ended = True
        self._abandon_local(now)

    def _report_written(self, sequence: int, now: float) -> None:
        if sequence != NOTHING_WRITTEN:
            self._channel.written(sequence, now)

    def _receive(self, link: WebSocketLink, now: float) -> None:
        for message in link.receive(now):
            self._channel.receive(message, now)
            for event in self._channel.events():
                self._handle(event, now)
            if self._end is not None or not self._channel.wants_frames:
                return  # the link keeps what is left

    def _keep_time(self, link: WebSocketLink, now: float, reads_link: bool) -> None:
        if reads_link:
            link.check_alive(now)
        deadline = self._channel.next_deadline()
        if deadline is not None and now >= deadline:
            self._channel.handle_deadline(now)
        if self._start_by is not None and now >= self._start_by:
            reason = f"the node did not join the session within {START_TIMEOUT_S:.0f} s"
            self._end = self._end or Outcome(Outcome.FAILED, reason)

    def _pump(self, link: WebSocketLink, now: float) -> None:
        """Handle what timers and local bytes brought about, then put the channel's frames on the link."""
        for event in self._channel.events():
            self._handle(event, now)
        for frame in self._channel.frames_to_send():
            link.send_frame(frame)
        link.flush()

    # -- events --

    def _handle(self, event: Event, now: float) -> None:
        if isinstance(event, StreamData):
            self.received_bytes += len(event.data)
            self._report_written(self._local.write(event.data, event.sequence), now)
            if not (self._local.is_writable or self._output_ends):
                self._abandon_local(now)
        elif isinstance(event, HandshakeFinished):
            self._start_by = None
            refusal = self._on_start(event) if self._on_start is not None else None
            if refusal is not None:
                self._end = Outcome(Outcome.FAILED, refusal)
        elif isinstance(event, EndOfInput):
            self._output_ends = True
        elif isinstance(event, PeerError):
            self._log(f"dropped a frame: {event.reason}")
        else:
            self._end = self._end or _ending(event)

    # -- the end --

    def _consider_leaving(self, link: WebSocketLink, now: float) -> None:
        if self._output_ends and not self._local.pending_bytes:
            self._local.close_writing()
        if self._end is not None:
            self._leave(link, now, self._end)
        elif self._leave_at is not None:
            is_done = self._input_ended and self._channel.is_drained and not self._local.is_writable
            if is_done or now >= self._leave_at:
                self._leave(link, now, Outcome(Outcome.LOCAL_END))
        elif self._input_ended and self._channel.is_drained:
            if self._output_ends:
                self._leave(link, now, Outcome(Outcome.LOCAL_END))
            elif not self._half_closed:
                self._leave_at = now + LINGER_S

    def _leave(self, link: WebSocketLink, now: float, outcome: Outcome) -> None:
        """End the session on the other side too, unless it was that which ended it, and close the link."""
        self._outcome = outcome
        if outcome.kind != Outcome.PEER_END and self.has_started:
            self._channel.acknowledge_now(now)
            self._channel.terminate(now)
            self._say_goodbye(link, now + FAREWELL_S)
        link.close()

    def _say_goodbye(self, link: WebSocketLink, until: float) -> None:
        """Send what is left and wait for the other side to close; its late output is not written any more."""
        is_closed = False
        while not is_closed and (now := self._clock()) < until:
            for frame in self._channel.frames_to_send():
                link.send_frame(frame)
            link.flush()
            poller = select.poll()
            poller.register(link.descriptor, link.poll_events(wants_input=True))
            if not link.has_input:
                poller.poll(int((until - now) * 1000) + 1)
            for message in link.receive(now):
                self._channel.receive(message, now)
                is_closed |= any(isinstance(event, ChannelClosed) for event in self._channel.events())


def _ending(event: Event) -> Outcome | None:
    """The outcome that an event of the other side means, or None when it means none to a client."""
    if isinstance(event, ChannelClosed):
        return Outcome(Outcome.PEER_END, event.output)
    if isinstance(event, ConnectFailed):
        return Outcome(Outcome.CONNECT_FAILED)
    if isinstance(event, HandshakeFailed):
        return Outcome(Outcome.FAILED, event.reason)
    if isinstance(event, PeerUnresponsive):
        return Outcome(Outcome.FAILED, f"the node has not answered for {event.silent_s:.0f} s")
    return None
