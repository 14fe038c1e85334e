"""News from the threads of use cases."""

from fairlead.gateway.notifier import GatewayNotifier
from tests.support.factories import a_session


class Loop:
    def __init__(self, *, is_closed=False) -> None:
        self.calls: list = []
        self._is_closed = is_closed

    def call_soon_threadsafe(self, callback, *arguments) -> None:
        if self._is_closed:
            raise RuntimeError("Event loop is closed")
        self.calls.append((callback, arguments))


class Live:
    def started(self, session) -> None: ...
    def terminated(self, session, end) -> None: ...
    def node_removed(self, node_id) -> None: ...
    def bytes_of(self, session_id) -> tuple[int, int]:
        return 5, 7


class Connected:
    def is_connected(self, node_id) -> bool:
        return node_id == "mi-1"

    def incarnation_of(self, node_id) -> str:
        return "7f" if node_id == "mi-1" else ""


def tell(notifier) -> None:
    notifier.session_started(a_session())
    notifier.session_terminated(a_session(), None)
    notifier.node_removed("mi-1")


def test_before_the_gateway_is_there_nothing_happens():
    notifier = GatewayNotifier()
    tell(notifier)
    assert not notifier.is_connected("mi-1")
    assert not notifier.has_our_agent("mi-1")
    assert not notifier.is_reconnecting("mi-3")
    assert notifier.bytes_of("s") == (0, 0)


def test_news_goes_to_the_loop():
    notifier, loop, live = GatewayNotifier(), Loop(), Live()
    notifier.attach(loop, live, Connected(), {"mi-3"})
    tell(notifier)
    assert [callback for callback, _ in loop.calls] == [live.started, live.terminated, live.node_removed]
    assert notifier.is_connected("mi-1")
    assert not notifier.is_connected("mi-2")
    assert notifier.has_our_agent("mi-1")
    assert not notifier.has_our_agent("mi-2")
    assert notifier.is_reconnecting("mi-3")
    assert not notifier.is_reconnecting("mi-1")
    assert notifier.bytes_of("s") == (5, 7)


def test_after_the_stop_and_on_a_closed_loop_news_is_left_to_the_next_start():
    notifier, loop = GatewayNotifier(), Loop()
    notifier.attach(loop, Live(), Connected(), set())
    notifier.detach()
    tell(notifier)
    assert loop.calls == []
    notifier.attach(Loop(is_closed=True), Live(), Connected(), set())
    tell(notifier)
