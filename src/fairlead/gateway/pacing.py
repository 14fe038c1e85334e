"""At what pace a fleet should come back, told to its agents while all is well.

When a server is killed, all its agents lose their control channels in the same moment. Each return costs the
server some milliseconds, so ten thousand take most of a minute however they come. If they come at once, most
wait in vain, give up, and what was done for them was for nobody; and people wait behind them. So each of our
agents is told in advance over how long a time all should spread (docs/decisions/0022). AWS's agents are told
nothing.

Telling is no hurry and must not be a storm of its own: a few channels at a time, and only where what was told
last is no longer about right.
"""

from collections import deque
from collections.abc import Callable, Collection
from typing import Protocol

from fairlead.gateway.clock import Clock, Timer
from fairlead.gateway.messages import Messages
from fairlead.gateway.settings import GatewaySettings

_TOLERANCE = 4
"""What was told may be wrong by this part of it."""


class PacedChannel(Protocol):
    """A control channel, as far as pace is concerned."""

    told_spread_s: int

    def send(self, frame: bytes) -> bool:
        """False when the peer does not read."""
        ...


class Pacing:
    """Keeps the agents informed. `fleet_size` counts those that are connected or will be back; `channels` are
    those of our own agents. On the event loop's thread only."""

    def __init__(
        self,
        fleet_size: Callable[[], int],
        channels: Callable[[], Collection[PacedChannel]],
        messages: Messages,
        settings: GatewaySettings,
        clock: Clock,
    ) -> None:
        self._fleet_size = fleet_size
        self._channels = channels
        self._messages = messages
        self._settings = settings
        self._clock = clock
        self._all_told_s = 0
        self._due: deque[PacedChannel] = deque()
        self._timer: Timer | None = None

    @property
    def spread_s(self) -> int:
        """Over how long the fleet of this moment should come back."""
        settings = self._settings
        return int(min(settings.max_return_spread_s, settings.return_cost_s * self._fleet_size()))

    def opened(self, channel: PacedChannel) -> None:
        """An agent of ours is connected, and knows of nothing yet."""
        spread_s = self.spread_s
        if _is_wrong(self._all_told_s, spread_s):
            self._all_told_s = spread_s
            self._due = deque(self._channels())
        elif _is_wrong(channel.told_spread_s, spread_s):
            self._due.append(channel)
        if self._due and self._timer is None:
            self._timer = self._clock.call_later(self._settings.paces_together_s, self._tell)

    def stop(self) -> None:
        """Tell nobody any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self) -> None:
        self._timer = None
        spread_s = self.spread_s
        frame = self._messages.return_pace(spread_s)
        for _ in range(min(len(self._due), self._settings.max_paces_together)):
            channel = self._due.popleft()
            if _is_wrong(channel.told_spread_s, spread_s) and channel.send(frame):
                channel.told_spread_s = spread_s
        if self._due:
            self._timer = self._clock.call_later(self._settings.paces_together_s, self._tell)


def _is_wrong(told_s: int, right_s: int) -> bool:
    return abs(right_s - told_s) > max(1, told_s // _TOLERANCE)
