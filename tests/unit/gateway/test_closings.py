"""Telling agents of an end until they heard it."""

from fairlead.domain.sessions import EndReason, SessionEnd, SessionStatus
from fairlead.gateway.closings import Closings, RecentEnds
from fairlead.gateway.settings import GatewaySettings
from tests.support.gateway_fakes import FakeClock


class Scene:
    def __init__(self, **settings) -> None:
        self.clock = FakeClock()
        self.closings = Closings(GatewaySettings(**settings), self.clock)
        self.told: list[str] = []
        self.done: list[str] = []

    def begin(self, session_id="s", node_id="mi-1") -> None:
        self.closings.begin(
            session_id, node_id, lambda: self.told.append(session_id), lambda: self.done.append(session_id)
        )


def test_an_end_is_told_at_once_and_every_second_for_a_while():
    scene = Scene()
    scene.begin()
    assert scene.told == ["s"]
    scene.clock.advance(100)
    assert len(scene.told) == 21
    assert scene.done == ["s"]
    assert scene.closings.heard("s", "mi-1")


def test_an_end_that_was_heard_is_not_told_again():
    scene = Scene()
    scene.begin()
    assert scene.closings.heard("s", "mi-1")
    scene.clock.advance(1000)
    assert (scene.told, scene.done) == (["s"], ["s"])
    assert not scene.closings.heard("s", "mi-1")


def test_only_the_sessions_own_node_can_have_heard():
    scene = Scene()
    scene.begin()
    assert not scene.closings.heard("s", "mi-2")
    assert scene.closings.heard("s", "mi-1")


def test_a_node_that_connects_is_told_of_its_ended_sessions_only_until_they_are_forgotten():
    scene = Scene()
    scene.begin("a", "mi-1")
    scene.begin("b", "mi-2")
    scene.clock.advance(500)
    scene.told.clear()
    scene.closings.tell_node("mi-1")
    assert scene.told == ["a"]
    scene.clock.advance(100)
    scene.closings.tell_node("mi-1")
    assert scene.told == ["a"]
    assert not scene.closings.heard("a", "mi-1")


def test_the_memory_is_bounded_and_the_oldest_goes_first():
    scene = Scene(max_closed_memory=2)
    for session_id in "abc":
        scene.begin(session_id)
    assert scene.done == ["a"]
    assert not scene.closings.heard("a", "mi-1")
    assert scene.closings.heard("b", "mi-1")


def test_stopping_forgets_without_a_word():
    scene = Scene()
    scene.begin()
    scene.closings.stop()
    scene.clock.advance(1000)
    assert (scene.told, scene.done) == (["s"], [])


def test_how_a_session_ended_is_remembered_for_a_while():
    ends = RecentEnds(2)
    end = SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.CLIENT_LEFT)
    for session_id in "abc":
        ends.add(session_id, end)
    assert [ends.get(session_id) for session_id in "abc"] == [None, end, end]
