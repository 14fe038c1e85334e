"""Who is waited for after a start, and for how long."""

from fairlead.gateway.reconnecting import ReconnectingNodes
from tests.support.gateway_fakes import FakeClock


class Waiting:
    """Two nodes are waited for since the clock began; `gave_up` is what was told at the end."""

    def __init__(self, grace_s=60.0) -> None:
        self.clock = FakeClock()
        self.gave_up: list[set[str]] = []
        self.nodes = ReconnectingNodes(self.clock, grace_s)
        self.nodes.begin(["mi-1", "mi-2"], lambda away: self.gave_up.append(set(away)))


def test_before_the_start_and_for_others_nobody_is_waited_for():
    assert "mi-1" not in ReconnectingNodes(FakeClock(), 60)
    waiting = Waiting()
    assert "mi-3" not in waiting.nodes
    assert waiting.nodes.remaining_s("mi-3") == 0


def test_a_node_is_waited_for_until_the_grace_is_over():
    waiting = Waiting()
    waiting.clock.advance(59)
    assert "mi-1" in waiting.nodes
    assert waiting.nodes.remaining_s("mi-1") == 1
    waiting.clock.advance(1)
    assert "mi-1" not in waiting.nodes
    assert waiting.nodes.remaining_s("mi-1") == 0
    assert waiting.gave_up == [{"mi-1", "mi-2"}]


def test_who_came_back_has_not_stayed_away_and_is_not_waited_for_again():
    waiting = Waiting()
    waiting.nodes.no_longer("mi-1")
    waiting.nodes.no_longer("mi-unknown")
    assert "mi-1" not in waiting.nodes
    assert "mi-2" in waiting.nodes
    waiting.clock.advance(60)
    assert waiting.gave_up == [{"mi-2"}]


def test_a_server_that_stops_meanwhile_gives_nobody_up():
    waiting = Waiting()
    waiting.nodes.stop()
    assert "mi-1" not in waiting.nodes
    waiting.clock.advance(120)
    assert waiting.gave_up == []


def test_the_more_nodes_were_connected_the_longer_all_are_waited_for():
    clock = FakeClock()
    nodes = ReconnectingNodes(clock, 60, per_node_s=0.5)
    nodes.begin(["mi-1", "mi-2"], lambda away: None)
    clock.advance(60.5)
    assert nodes.remaining_s("mi-1") == 0.5
    clock.advance(0.5)
    assert "mi-1" not in nodes
