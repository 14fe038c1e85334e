"""One data channel on asyncio: joins a `DataChannel`, its WebSocket and a local stream.

    WebSocketLink --frame--> AsyncioEndpoint --bytes--> LocalStream
                  <-frames--        |        <-bytes---
                               DataChannel

Every stimulus (frame, local bytes, timer, a side that comes or goes) takes the same course: feed the
channel, pass its events on, send its frames, let the local side be read or not, set the one timer.
Backpressure means not reading: the local side while the window or the link is full, the link only where the
peer knows no window. Received bytes are acknowledged when the operating system has taken them, not before.

When to connect, how to reconnect, when a session is over and why: left to the owner, who is told what
happens through `EndpointOwner`. A process that replaces itself takes its endpoints along by `hand_over` and
`resumed`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from picows import WSCloseCode

from fairlead.protocol.events import EndOfInput, StreamData
from fairlead.transport.endpoint_contract import EndpointState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from fairlead.protocol.data_channel import DataChannel
    from fairlead.protocol.events import Event
    from fairlead.transport.asyncio_link import WebSocketLink
    from fairlead.transport.endpoint_contract import EndpointOwner, LocalStream


class AsyncioEndpoint:
    """The driver of one channel. `clock` is the monotonic clock that the channel's `now` is taken from;
    `resumed` is what `hand_over` gave in the process before this one, with `channel` restored from it."""

    def __init__(
        self,
        channel: DataChannel,
        owner: EndpointOwner,
        clock: Callable[[], float],
        resumed: EndpointState | None = None,
    ) -> None:
        self._channel = channel
        self._owner = owner
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._link: WebSocketLink | None = None
        self._handshake: tuple[str, Mapping[str, Any] | None] | None = None
        """What is to be agreed once the first link stands; None: nothing, or it is under way."""
        self._had_link = resumed is not None
        self._local: LocalStream | None = None
        self._held: deque[tuple[int, bytes]] = deque()
        """Received before the local side stood; bounded by the window, as nothing of it is acknowledged."""
        self._unconfirmed: deque[tuple[int, int]] = deque()
        """Number and size of the messages given to the local side that it may not have written out yet."""
        self._part_written = resumed.part_written if resumed else 0
        self._input_ended = resumed.input_ended if resumed else False
        self._local_ended = resumed.local_ended if resumed else False
        self._output_was_delivered = False
        self._input_was_delivered = False
        self._reads_local = True
        self._reads_link = True
        self._timer: asyncio.TimerHandle | None = None
        self._is_stepping = False
        self._is_closed = False
        self.input_bytes = resumed.input_bytes if resumed else 0
        """Stream bytes received from the other end so far."""
        self.output_bytes = resumed.output_bytes if resumed else 0
        """Stream bytes read from the local side so far."""

    # -- the owner's side --

    def start_handshake(self, session_type: str, properties: Mapping[str, Any] | None) -> None:
        """Agent: open the handshake as soon as a link stands; only then the time for it begins."""
        self._handshake = (session_type, properties)
        if self._had_link:
            self._begin_handshake()
            self._step()

    def _begin_handshake(self) -> None:
        if self._handshake is not None:
            self._channel.start_handshake(*self._handshake, self._clock())
            self._handshake = None

    def tell_connect_failed(self) -> None:
        """Agent: tell the client that the destination cannot be reached (Flag 3)."""
        self._channel.connect_failed(self._clock())
        self._step()

    @property
    def is_open(self) -> bool:
        """Whether the handshake is finished and the channel has not ended."""
        return self._channel.is_open

    @property
    def is_input_written(self) -> bool:
        """Whether the local side has taken everything that was received so far."""
        return not self._unconfirmed and not self._held

    @property
    def awaits_local(self) -> bool:
        """Whether a local side was given bytes that it has not written out yet."""
        return bool(self._unconfirmed)

    def hand_over(self) -> EndpointState | None:
        """What a successor needs; None when no link ever stood, so that nothing has happened yet. The channel
        can go on afterwards: it was only told how far the local side has come."""
        if not self._had_link:
            return None
        part_written = self._confirm_written() if self._unconfirmed else self._part_written
        untaken = sum(size for _, size in self._unconfirmed) + sum(len(data) for _, data in self._held)
        return EndpointState(
            self._channel.snapshot(),
            part_written,
            self._input_ended and self.is_input_written,
            self._local_ended,
            self.input_bytes - untaken,
            self.output_bytes,
        )

    def _confirm_written(self) -> int:
        """Confirm the messages that the local side has taken whole; how many bytes it has of the next one."""
        sizes = sum(size for _, size in self._unconfirmed)
        taken = sizes - (self._local.unwritten_bytes if self._local is not None else sizes)
        while self._unconfirmed and taken >= self._unconfirmed[0][1]:
            sequence, size = self._unconfirmed.popleft()
            self._channel.written(sequence, self._clock())
            taken -= size
        return taken if self._unconfirmed else 0

    def attach_local(self, local: LocalStream) -> None:
        """Join the local side, at first or in place of one that was lost."""
        self._local = local
        self._reads_local = True
        while self._held:
            sequence, data = self._held.popleft()
            self._write(local, sequence, data)
        if self._input_ended:
            local.write_eof()
        if local.is_drained:
            self.local_drained()
        self._step()

    def detach_local(self) -> None:
        """Hold what comes until another local side is joined."""
        self._local = None

    def close(self) -> None:
        """Say goodbye on the link and do nothing any more. The owner closes the local side."""
        if self._is_closed:
            return
        self._send_frames()
        self._is_closed = True
        self._local = None
        if self._timer is not None:
            self._timer.cancel()
        if self._link is not None:
            self._link.close(WSCloseCode.OK)

    # -- the local side's stimuli --

    def read_buffer(self, reserved_bytes: int = 0) -> memoryview:
        """Where the local side's bytes are to be read to, for `local_read`; valid until then. Leaves room for
        `reserved_bytes` of `local_data`."""
        if self._takes_local and not self._local_ended:
            return self._channel.stream_buffer(reserved_bytes)
        # Its end may be read once more: after a handover, and when the channel has ended before it.
        return memoryview(bytearray(1))

    def local_read(self, count: int) -> None:
        """So many bytes were read into `read_buffer()`, of which no view may be left. Without effect once the
        channel has ended."""
        if self._takes_local:
            self._channel.send_read(count, self._clock())
            self.output_bytes += count
            self._step()

    def local_data(self, data: bytes) -> None:
        """A few bytes that were read before; they go ahead of what is read next. Without effect once the
        channel has ended."""
        if self._takes_local:
            self._channel.send_data(data, self._clock())
            self.output_bytes += len(data)
            self._step()

    @property
    def _takes_local(self) -> bool:
        return not self._is_closed and self._channel.is_open

    def local_drained(self) -> None:
        """Everything written so far has been taken by the operating system."""
        if not self._is_closed and self._unconfirmed:
            self._channel.written(self._unconfirmed[-1][0], self._clock())
            self._unconfirmed.clear()
            self._step()

    def local_ended(self) -> None:
        """The local side will send no more."""
        if not self._is_closed and not self._local_ended:
            self._local_ended = True
            self._channel.end_input(self._clock())
            self._step()

    # -- the link's stimuli --

    def link_up(self, link: WebSocketLink) -> None:
        """A link stands and its open frame was sent. It takes the place of an older one."""
        if self._is_closed:
            link.close(WSCloseCode.GOING_AWAY)
            return
        older, self._link = self._link, link
        if older is not None:
            self._channel.connection_lost(self._clock())
            older.close(WSCloseCode.GOING_AWAY)
        self._reads_link = True
        if self._had_link:
            self._channel.connection_restored(self._clock())
        self._had_link = True
        self._begin_handshake()
        self._step()

    def link_down(self, link: WebSocketLink, reason: str) -> None:
        """A link is gone. One that was replaced before does not count."""
        if link is not self._link:
            return
        self._link = None
        if not self._is_closed:
            self._channel.connection_lost(self._clock())
            self._step()
            self._owner.link_lost(reason)

    def link_writable(self) -> None:
        """The link's buffer has room again, or has none any more."""
        self._adjust_reading()

    def receive(self, frame: memoryview) -> None:
        """One agent message; the view is used only until this returns."""
        if not self._is_closed:
            self._channel.receive(frame, self._clock())
            self._step()

    # -- the course of every stimulus --

    def _step(self) -> None:
        if self._is_stepping or self._is_closed:
            return  # the step under way looks again for events and frames before it ends
        self._is_stepping = True
        try:
            while events := self._channel.events():
                for event in events:
                    self._handle(event)
            self._send_frames()
        finally:
            self._is_stepping = False
        self._settle()

    def _settle(self) -> None:
        if self._is_closed:
            return
        self._adjust_reading()
        self._set_timer()
        if self._local_ended and not self._output_was_delivered and self._channel.is_drained:
            self._output_was_delivered = True
            self._owner.output_delivered()
        if self._input_ended and not self._input_was_delivered and self.is_input_written:
            self._input_was_delivered = True
            self._owner.input_delivered()

    def _handle(self, event: Event) -> None:
        if isinstance(event, StreamData):
            self.input_bytes += len(event.data)
            if self._local is None:
                self._held.append((event.sequence, bytes(event.data)))
            else:
                self._write(self._local, event.sequence, event.data)
            return
        if isinstance(event, EndOfInput):
            self._input_ended = True
            if self._local is not None:
                self._local.write_eof()
        self._owner.handle_event(event)

    def _write(self, local: LocalStream, sequence: int, data: bytes | memoryview) -> None:
        local.write(data[self._part_written :] if self._part_written else data)
        self._part_written = 0
        if local.is_drained:
            self._unconfirmed.clear()
            self._channel.written(sequence, self._clock())
        else:
            self._unconfirmed.append((sequence, len(data)))

    def _send_frames(self) -> None:
        if self._link is not None:
            for frame in self._channel.frames_to_send():
                self._link.send(frame.message)

    def _adjust_reading(self) -> None:
        if self._local is not None and not self._local_ended:
            wanted = self._channel.can_send and (self._link is None or self._link.is_writable)
            if wanted != self._reads_local:
                self._reads_local = wanted
                (self._local.resume_reading if wanted else self._local.pause_reading)()
        if self._link is not None and self._channel.wants_frames != self._reads_link:
            self._reads_link = self._channel.wants_frames
            self._link.set_reading(self._reads_link)

    def _set_timer(self) -> None:
        """See that the timer fires when the channel wants it. Deadlines mostly move on, with every frame and
        acknowledgement: a timer that is too early for that is left alone, and looks again when it fires."""
        deadline = self._channel.next_deadline()
        if deadline is None or (self._timer is not None and self._timer.when() <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        if not self._is_closed:
            self._channel.handle_deadline(self._clock())
            self._step()
