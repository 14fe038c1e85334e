"""Two ends of a data channel with the gateway's own relay between them, on a virtual clock.

Each end has a connection of its own to the relay, which keeps order, takes its time, and may break; whatever
is on it is lost then.
"""

from datetime import UTC, datetime

from fairlead.domain.sessions import ChannelSide
from fairlead.gateway.assist import Assist, CopyBudget
from fairlead.gateway.messages import Messages
from fairlead.gateway.relay import Relay
from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol.data_channel import DataChannel
from tests.support.channel_pair import ChannelPair, End
from tests.support.gateway_fakes import FakeClock, FakeSocket

DELAY_S = 0.01
FOR_EVER_S = 1e9
MESSAGES = Messages(lambda: datetime(2026, 11, 20, tzinfo=UTC), bytes(10))


class Connection(FakeSocket):
    """The relay's socket of one end."""

    def __init__(self, pair: "RelayedPair", end: End) -> None:
        super().__init__()
        self.is_up = True
        self._pair = pair
        self._end = end

    def flush(self) -> None:
        for frame in self._corked:
            self._pair.later(self, lambda frame=frame: self._pair.arrive(self._end, frame))
        self._corked = []


class RelayedPair(ChannelPair):
    """A `ChannelPair` whose frames pass through a relay. Either end may be a `StockPeer`."""

    def __init__(self, agent, client, **settings) -> None:
        super().__init__(agent, client)
        everlasting = {"idle_timeout_s": FOR_EVER_S, "stock_resume_window_s": FOR_EVER_S}
        everlasting |= {"stock_client_resume_window_s": FOR_EVER_S, "silent_agent_grace_s": 0.0}
        self.settings = GatewaySettings(**(everlasting | settings))
        self.budget = CopyBudget(self.settings.max_assist_total_bytes)
        self.ended: list = []
        self.relay = Relay(
            "s-1",
            "mi-1",
            settings=self.settings,
            clock=FakeClock(self.clock),
            owner=self,
            make_assist=lambda: Assist(self.settings, self.budget, MESSAGES.acknowledge),
        )
        self._sides = {id(self.agent): ChannelSide.AGENT, id(self.client): ChannelSide.CLIENT}
        self._connections: dict[int, Connection] = {}
        self._attached: dict = {}
        for end in self.ends:
            self._connect(end)

    def _connect(self, end: End) -> None:
        connection = Connection(self, end)
        self._connections[id(end)] = connection
        self._attached[id(end)] = self.relay.join(
            self._sides[id(end)], connection, is_ours=isinstance(end.channel, DataChannel)
        )

    def later(self, connection: Connection, action) -> None:
        """What is on a connection arrives, unless that breaks before."""
        self.clock.at(self.clock.now + DELAY_S, lambda: action() if connection.is_up else None)

    def arrive(self, end: End, frame: bytes) -> None:
        end.channel.receive(memoryview(frame), self.clock.now)
        end.take_events()

    def _transmit(self, frame: bytes, end: End, other: End) -> None:
        attached = self._attached[id(end)]
        self.later(
            self._connections[id(end)],
            lambda: attached.receive_binary(memoryview(frame), True),
        )

    def lose_connections(self, *ends: End) -> None:
        for end in ends or self.ends:
            if end.is_connected:
                end.is_connected = False
                self._connections[id(end)].is_up = False
                self._attached[id(end)].disconnected(None)
                end.channel.connection_lost(self.clock.now)

    def restore_connections(self, *ends: End) -> None:
        for end in ends or self.ends:
            if not end.is_connected:
                end.is_connected = True
                self._connect(end)
                end.channel.connection_restored(self.clock.now)

    # RelayOwner.

    def both_sides_joined(self, relay) -> None: ...

    def side_left(self, relay, side) -> None: ...

    def session_is_over(self, relay, reason, details) -> None:
        self.ended.append((reason, details))

    def frame_refused(self, relay, side, details) -> None: ...
