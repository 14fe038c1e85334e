"""Agents are told over how long their fleet comes back: a few at a time, and only what they do not know."""

from datetime import UTC, datetime

from fairlead.gateway.messages import Messages
from fairlead.gateway.pacing import Pacing
from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol.control_channel import ReturnPace, decode_control_message
from tests.support.gateway_fakes import FakeClock

MESSAGES = Messages(lambda: datetime(2026, 11, 21, tzinfo=UTC), bytes(10))


class Channel:
    def __init__(self) -> None:
        self.told_spread_s = 0
        self.reads = True
        self.received: list[int] = []

    def send(self, frame: bytes) -> bool:
        if self.reads:
            body = decode_control_message(frame).body
            assert isinstance(body, ReturnPace)
            self.received.append(body.spread_s)
        return self.reads


class Fleet:
    """Connected agents, and others that the server waits for."""

    def __init__(self, **settings) -> None:
        self.others = 0
        self.channels: list[Channel] = []
        self.clock = FakeClock()
        settings = {"return_cost_s": 0.01, "max_return_spread_s": 100, "paces_together_s": 1.0, **settings}
        self.pacing = Pacing(
            lambda: len(self.channels) + self.others,
            lambda: self.channels,
            MESSAGES,
            GatewaySettings(**settings),
            self.clock,
        )

    def open(self, count=1) -> None:
        for _ in range(count):
            self.channels.append(Channel())
            self.pacing.opened(self.channels[-1])

    @property
    def received(self) -> list[list[int]]:
        return [channel.received for channel in self.channels]


def test_a_small_fleet_is_told_nothing():
    fleet = Fleet()
    fleet.open(100)
    assert fleet.clock.pending == 0


def test_the_pace_grows_with_those_who_are_connected_or_expected_up_to_a_limit():
    fleet = Fleet()
    fleet.open(500)
    assert fleet.pacing.spread_s == 5
    fleet.others = 2_000
    assert fleet.pacing.spread_s == 25
    fleet.others = 1_000_000
    assert fleet.pacing.spread_s == 100


def test_who_comes_back_first_is_told_of_those_who_are_still_away():
    fleet = Fleet()
    fleet.others = 5_000
    fleet.open()
    fleet.clock.advance(1)
    assert fleet.received == [[50]]


def test_a_crowd_is_told_in_groups():
    fleet = Fleet(max_paces_together=2)
    fleet.others = 5_000
    fleet.open(5)
    fleet.clock.advance(1)
    assert fleet.received == [[50], [50], [], [], []]
    fleet.clock.advance(2)
    assert fleet.received == [[50]] * 5
    assert fleet.clock.pending == 0


def test_all_are_told_again_when_the_fleet_has_grown_by_a_quarter_and_not_before():
    fleet = Fleet()
    fleet.others = 5_000
    fleet.open()
    fleet.clock.advance(1)
    fleet.others = 6_100
    fleet.open()
    fleet.clock.advance(1)
    assert fleet.received == [[50], [61]]
    fleet.others = 8_000
    fleet.open()
    fleet.clock.advance(1)
    assert fleet.received == [[50, 80], [61, 80], [80]]


def test_who_does_not_read_is_told_another_time():
    fleet = Fleet()
    fleet.others = 5_000
    fleet.open()
    fleet.channels[0].reads = False
    fleet.clock.advance(1)
    assert fleet.channels[0].told_spread_s == 0
    fleet.channels[0].reads = True
    fleet.others = 9_000
    fleet.open()
    fleet.clock.advance(1)
    assert fleet.received == [[90], [90]]


def test_stopped_it_tells_nobody():
    fleet = Fleet()
    fleet.others = 5_000
    fleet.open()
    fleet.pacing.stop()
    fleet.clock.advance(10)
    assert fleet.received == [[]]


def test_a_node_is_waited_for_at_least_as_long_as_it_may_be_told_to_stay_away():
    settings = GatewaySettings()
    for count in (0, 1_000, 10_000, 100_000):
        spread_s = min(settings.max_return_spread_s, count * settings.return_cost_s)
        assert settings.reconnecting_grace_s + count * settings.reconnecting_grace_per_node_s > spread_s
