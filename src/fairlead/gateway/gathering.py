"""Reading a stream of small messages in batches: fewer reads and writes for what one of AWS's own programs
sends in bulk.

Such a program reads 1,024 bytes, sends them as one message and sleeps for a millisecond, and its peer
acknowledges every one. By themselves each of these two thousand frames a second costs a turn of the event
loop, a read and a write. While messages come full, one after the other, neither side is read again until some
milliseconds after the last batch; what comes meanwhile waits in the kernel, and is then read and passed on at
once. Nothing is kept here, and no sender waits: AWS's programs have no window.

A message that is not full is all that its sender had to say, such as a typed character or the end of an
answer. Nothing is gathered after that until there are many full ones in a row again: who asks and waits for
the answer is served at once. Nor is a side gathered that sends larger messages: it is one of our own ends,
and has gathered already.
"""

from collections.abc import Collection

from fairlead.gateway.clock import Clock, Timer
from fairlead.gateway.relay_sides import Leg, RelaySocket
from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol.message import HEADER_BYTES

FULL_BYTES = HEADER_BYTES + 1024
"""A message of AWS's programs that have more to send: they read 1,024 bytes at a time."""

_FEWEST = 2  # full messages that make a batch worth its wait
_GROWTH = 1.5


class Gathering:
    """When the sides of one session are read. `Leg.full_in_a_row` is counted up by who passes messages on.

    The first wait is `gather_first_s`, and each is longer than the one before, until `gather_longest_s`: a
    burst is hardly held up, and the timer by which AWS's programs repeat a message, which follows the round
    trips that they see, keeps up.
    """

    __slots__ = ("_clock", "_counted", "_legs", "_settings", "_timer", "_wait_s", "_waiting")

    def __init__(self, clock: Clock, settings: GatewaySettings, legs: Collection[Leg]) -> None:
        self._clock = clock
        self._legs = legs
        self._settings = settings
        self._wait_s = settings.gather_first_s
        self._timer: Timer | None = None
        self._waiting: list[tuple[Leg, RelaySocket]] = []
        self._counted = 0

    def paused(self, leg: Leg) -> None:
        """AWS's program on this side had no more to say than what was read: its last message was not full."""
        if leg.full_in_a_row >= self._settings.gather_after_messages:
            self.stop()
        leg.full_in_a_row = 0

    def was_read(self, leg: Leg) -> None:
        """Small messages of a side have been passed on, and nothing else was read together with them."""
        if self._timer is None:
            enough = self._settings.gather_after_messages
            if leg.full_in_a_row < enough and leg.peer.full_in_a_row < enough:
                return
            self._timer = self._clock.call_later(self._wait_s, self._batch_is_due)
        if leg.attachment is not None:
            socket = leg.attachment.socket
            socket.pause_reading()
            self._waiting.append((leg, socket))

    def stop(self) -> None:
        """Read on, and wait no more until there is bulk again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wait_s = self._settings.gather_first_s
        self._counted = 0
        for leg in self._legs:
            leg.full_in_a_row = 0
        self._read_on()

    def _batch_is_due(self) -> None:
        """Read on, and wait again if what was read the last time was worth it."""
        count = sum(leg.full_in_a_row for leg in self._legs)
        came, self._counted = count - self._counted, count
        self._timer = None
        if came >= _FEWEST:
            self._wait_s = min(_GROWTH * self._wait_s, self._settings.gather_longest_s)
            self._timer = self._clock.call_later(self._wait_s, self._batch_is_due)
            self._read_on()
        else:
            self.stop()

    def _read_on(self) -> None:
        waiting, self._waiting = self._waiting, []
        for leg, socket in waiting:
            is_current = leg.attachment is not None and leg.attachment.socket is socket
            if is_current and not leg.is_paused:
                socket.resume_reading()
