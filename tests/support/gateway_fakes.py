"""The gateway's surroundings without sockets: a clock, a WebSocket's relay side, frames."""

from collections.abc import Callable

from fairlead.protocol import message as m
from tests.support.virtual_clock import VirtualClock


class FakeTimer:
    def __init__(self, action: Callable[[], object]) -> None:
        self._action: Callable[[], object] | None = action

    def cancel(self) -> None:
        self._action = None

    def fire(self) -> None:
        action, self._action = self._action, None
        if action is not None:
            action()

    @property
    def is_pending(self) -> bool:
        return self._action is not None


class FakeClock:
    """A `gateway.clock.Clock` on a virtual clock: `advance` makes the calls that are due."""

    def __init__(self, clock: VirtualClock | None = None) -> None:
        self._clock = clock or VirtualClock()
        self._timers: list[FakeTimer] = []

    @property
    def pending(self) -> int:
        """Timers that are to fire yet."""
        return sum(timer.is_pending for timer in self._timers)

    def time(self) -> float:
        return self._clock.now

    def call_later(self, delay, callback, *arguments) -> FakeTimer:
        timer = FakeTimer(lambda: callback(*arguments))
        self._timers.append(timer)
        self._clock.at(self._clock.now + delay, timer.fire)
        return timer

    def call_soon(self, callback, *arguments) -> FakeTimer:
        return self.call_later(0, callback, *arguments)

    def advance(self, seconds: float) -> None:
        self._clock.run_until(self._clock.now + seconds)


class FakeSocket:
    """A `RelaySocket` that remembers: frames as written (`wire`), in one write each (`writes`)."""

    def __init__(self) -> None:
        self.is_congested = False
        self.is_reading = True
        self.writes: list[list[bytes]] = []
        self.pongs = 0
        self.closed: tuple[int, str] | None = None
        self.is_cut = False
        self._corked: list[bytes] = []

    @property
    def wire(self) -> list[bytes]:
        return [frame for write in self.writes for frame in write]

    @property
    def types(self) -> list[bytes]:
        return [m.peek_type(frame) for frame in self.wire]

    def send_binary(self, frame, *, more: bool) -> None:
        self._corked.append(bytes(frame))
        if not more:
            self.flush()

    def flush(self) -> None:
        if self._corked:
            self.writes.append(self._corked)
            self._corked = []

    def send_pong(self) -> None:
        self.pongs += 1

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def close(self, code, reason: str, answered=None) -> None:
        self.closed = (int(code), reason)
        self.answered = answered

    def abort(self) -> None:
        self.is_cut = True


def frame(message_type: bytes, payload: bytes = b"payload", **fields) -> bytes:
    return m.make_frame(message_type, payload, message_id=bytes(16), created_date=1, **fields)
