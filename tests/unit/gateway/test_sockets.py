"""The WebSocket of a channel, on a transport that only remembers."""

import logging
import socket

import pytest
from picows import WSMsgType
from picows.picows import _make_test_ws_frame

from fairlead.gateway.clock import Rounds
from fairlead.gateway.close_codes import CloseCode
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.sockets import MAX_REASON_BYTES, ChannelSocket
from fairlead.transport.tcp import UNPACED
from tests.support.gateway_fakes import FakeClock

logging.getLogger("fairlead.gateway.sockets").setLevel(logging.CRITICAL)
BINARY, TEXT, CONTINUATION = WSMsgType.BINARY, WSMsgType.TEXT, WSMsgType.CONTINUATION


class FakeSystemSocket:
    """One whose other end is on this machine."""

    family = socket.AF_INET

    def __init__(self) -> None:
        self.options: dict[tuple[int, int], object] = {}

    def fileno(self) -> int:
        return 7

    def getpeername(self):
        return ("127.0.0.1", 40000)

    def setsockopt(self, level, option, value) -> None:
        self.options[level, option] = value


class FakeUnderlying:
    """No transport of aiofastnet: messages are copied."""

    def __init__(self) -> None:
        self.raw = b""
        self.written: list[int] = []
        self.is_reading = True
        self.turns: list[str] = []
        self.socket = FakeSystemSocket()

    def set_write_buffer_limits(self, high, low) -> None:
        self.limits = (high, low)

    def get_extra_info(self, name):
        return self.socket

    def write(self, data) -> None:
        self.raw += bytes(data)
        self.written.append(len(data))

    def pause_reading(self) -> None:
        self.is_reading = False
        self.turns.append("pause")

    def resume_reading(self) -> None:
        self.is_reading = True
        self.turns.append("resume")

    def is_closing(self) -> bool:
        return False

    def _retry_ssl_read(self) -> None:
        self.retries += 1

    retries = 0


class FakeHead:
    def __init__(self) -> None:
        self.headers = {"Upgrade": "websocket"}


class FakeTransport:
    def __init__(self, is_secure: bool) -> None:
        self.is_secure = is_secure
        self.underlying_transport = FakeUnderlying()
        self.request, self.response = FakeHead(), FakeHead()
        self.is_close_frame_sent = False
        self.sent: list = []
        self.disconnects: list[bool] = []

    def send(self, kind, message) -> None:
        self.sent.append((kind, bytes(message)))

    def send_ping(self, payload) -> None:
        self.sent.append(("ping", payload))

    def send_pong(self, payload) -> None:
        self.sent.append(("pong", payload))

    def send_close(self, code, reason) -> None:
        self.is_close_frame_sent = True
        self.sent.append(("close", int(code), reason))

    def disconnect(self, graceful=True) -> None:
        self.disconnects.append(graceful)


class Handler:
    def __init__(self) -> None:
        self.seen: list = []

    def receive_text(self, text) -> None:
        self.seen.append(("text", text))

    def receive_binary(self, frame, last) -> None:
        self.seen.append(("binary", bytes(frame), bool(last)))

    def flush(self) -> None:
        self.seen.append("flush")

    def congested(self) -> None:
        self.seen.append("congested")

    def drained(self) -> None:
        self.seen.append("drained")

    def disconnected(self, close_code) -> None:
        self.seen.append(("gone", close_code))


class Scene:
    def __init__(self, *, limit=1000, is_secure=False) -> None:
        self.clock, self.transport, self.handler = FakeClock(), FakeTransport(is_secure), Handler()
        settings = GatewaySettings()
        self.rounds = Rounds(self.clock, settings.silence_check_s)
        self.gone: list[ChannelSocket] = []
        self.socket = ChannelSocket(
            settings,
            self.clock,
            self.rounds,
            max_message_bytes=limit,
            source_address="192.0.2.1",
            on_gone=self.gone.append,
        )
        self.socket.on_ws_connected(self.transport)
        self.socket.set_handler(self.handler)

    def receive(self, kind, payload=b"", *, fin=True, rsv1=False) -> None:
        self.socket.on_ws_frame(self.transport, _make_test_ws_frame(kind, payload, fin, rsv1))

    @property
    def sent(self) -> list:
        return self.transport.sent

    @property
    def closed_with(self):
        return next((entry[1] for entry in self.sent if entry[0] == "close"), None)


@pytest.mark.skipif(not hasattr(socket, "TCP_CONGESTION"), reason="this system has no TCP_CONGESTION")
def test_a_dead_peer_is_found_by_the_kernel_and_one_on_this_machine_is_not_paced():
    options = Scene().transport.underlying_transport.socket.options
    assert options[socket.SOL_SOCKET, socket.SO_KEEPALIVE] == 1
    assert options[socket.IPPROTO_TCP, socket.TCP_CONGESTION] == UNPACED


def test_messages_reach_the_handler():
    scene = Scene()
    scene.receive(BINARY, b"one")
    scene.receive(TEXT, b"two")
    assert scene.handler.seen == [("binary", b"one", True), ("text", b"two"), "flush"]


def test_fragments_are_joined_and_control_frames_may_come_between():
    scene = Scene()
    scene.receive(BINARY, b"a", fin=False)
    scene.receive(WSMsgType.PING, b"p")
    scene.receive(CONTINUATION, b"b", fin=False)
    scene.receive(CONTINUATION, b"c")
    assert ("binary", b"abc", True) in scene.handler.seen
    assert scene.sent == [("pong", b"p")]


@pytest.mark.parametrize(
    "frames", [[(CONTINUATION, True)], [(BINARY, False), (BINARY, True)], [(TEXT, False), (TEXT, False)]]
)
def test_fragments_out_of_order_break_the_connection(frames):
    scene = Scene()
    for kind, fin in frames:
        scene.receive(kind, b"x", fin=fin)
    assert scene.closed_with == CloseCode.PROTOCOL_ERROR


def test_fragments_over_the_limit_break_the_connection_and_are_dropped():
    scene = Scene(limit=5)
    scene.receive(BINARY, b"abc", fin=False)
    scene.receive(CONTINUATION, b"def")
    assert scene.closed_with == CloseCode.TOO_BIG
    assert scene.handler.seen == ["flush", "flush"]


def test_an_extension_that_nobody_agreed_on_breaks_the_connection():
    scene = Scene()
    scene.receive(BINARY, b"x", rsv1=True)
    assert scene.closed_with == CloseCode.PROTOCOL_ERROR


def test_while_a_peer_does_not_read_only_its_latest_ping_is_owed():
    scene = Scene()
    scene.socket.pause_writing()
    for payload in (b"1", b"2", b"3"):
        scene.receive(WSMsgType.PING, payload)
    assert scene.sent == []
    scene.socket.resume_writing()
    assert scene.sent == [("pong", b"3")]
    assert [event for event in scene.handler.seen if event != "flush"] == ["congested", "drained"]


@pytest.mark.parametrize(
    ("sizes", "headers"),
    [((1, 125), ("8201", "827d")), ((126, 1000), ("827e007e", "827e03e8"))],
)
def test_small_messages_leave_together_with_their_headers(sizes, headers):
    scene = Scene()
    first, second = (bytes(size) for size in sizes)
    scene.socket.send_binary(first, more=True)
    assert scene.transport.underlying_transport.raw == b""
    scene.socket.send_binary(second, more=False)
    expected = bytes.fromhex(headers[0]) + first + bytes.fromhex(headers[1]) + second
    assert scene.transport.underlying_transport.raw == expected
    assert scene.sent == []


def test_with_tls_a_large_message_leaves_by_itself_after_the_small_ones():
    scene = Scene(is_secure=True)
    scene.socket.send_binary(b"small", more=True)
    scene.socket.send_binary(bytes(20_000), more=True)
    assert scene.transport.underlying_transport.raw == b"\x82\x05small"
    assert scene.sent == [(BINARY, bytes(20_000))]


def test_without_tls_messages_of_a_reads_size_leave_together_up_to_a_limit():
    scene = Scene()
    sizes = [70_000] * 5
    for size in sizes:
        scene.socket.send_binary(bytes(size), more=True)
        assert len(scene.transport.underlying_transport.written) <= 1
    scene.socket.flush()
    assert scene.transport.underlying_transport.written == [3 * 70_010, 2 * 70_010]
    assert scene.sent == []


def test_a_message_as_large_as_a_write_is_not_kept_back():
    scene = Scene()
    scene.socket.send_binary(b"small", more=True)
    scene.socket.send_binary(bytes(131_000), more=True)
    assert scene.transport.underlying_transport.raw == b"\x82\x05small"
    assert scene.sent == [(BINARY, bytes(131_000))]


def test_a_goodbye_is_answered_and_reported_with_its_code():
    scene = Scene()
    scene.receive(WSMsgType.CLOSE, (1000).to_bytes(2, "big"))
    scene.socket.on_ws_disconnected(scene.transport)
    assert scene.closed_with == CloseCode.NORMAL
    assert scene.transport.disconnects == [True]
    assert ("gone", 1000) in scene.handler.seen


def test_a_connection_that_breaks_off_is_reported_without_a_code():
    scene = Scene()
    scene.socket.on_ws_disconnected(scene.transport)
    assert scene.handler.seen == [("gone", None)]


def test_a_closing_socket_says_what_was_kept_back_then_goodbye_and_hears_nothing_more():
    scene = Scene()
    scene.socket.pause_reading()
    scene.socket.send_binary(b"last words", more=True)
    scene.socket.close(CloseCode.RESTART, "é" * 100)
    assert scene.transport.underlying_transport.raw.endswith(b"last words")
    assert scene.closed_with == 1012
    assert len(scene.sent[-1][2].encode()) <= MAX_REASON_BYTES
    assert scene.transport.underlying_transport.is_reading
    scene.receive(BINARY, b"late")
    scene.socket.send_binary(b"late", more=False)
    scene.socket.send_pong()
    scene.socket.close(CloseCode.NORMAL, "")
    scene.socket.on_ws_disconnected(scene.transport)
    assert scene.handler.seen == []
    assert len(scene.sent) == 1


def test_a_peer_that_does_not_take_its_leave_is_cut_off():
    scene = Scene()
    scene.socket.close(CloseCode.NORMAL, "")
    scene.clock.advance(4)
    assert scene.transport.disconnects == []
    scene.clock.advance(2)
    assert scene.transport.disconnects == [False]


def test_a_peer_that_has_answered_the_goodbye_is_not_waited_for():
    scene = Scene()
    scene.socket.close(CloseCode.RESTART, "")
    scene.receive(WSMsgType.CLOSE, (1012).to_bytes(2, "big"))
    assert scene.transport.disconnects == [False]


def test_what_comes_after_an_error_that_the_parser_found_is_ignored():
    scene = Scene()
    scene.transport.is_close_frame_sent = True
    assert scene.socket.is_broken
    scene.receive(BINARY, b"x")
    assert scene.handler.seen == ["flush"]


def test_what_a_peer_sent_before_it_reset_the_connection_is_read_on():
    scene = Scene()
    underlying = scene.transport.underlying_transport
    assert (scene.socket.fileno, scene.socket.system_socket) == (7, underlying.socket)
    scene.socket.read_on()
    assert underlying.turns == ["pause", "resume"]
    scene.socket.pause_reading()
    scene.socket.read_on()
    assert underlying.turns == ["pause", "resume", "pause"]
    scene.socket.on_ws_disconnected(scene.transport)
    scene.socket.read_on()
    assert (scene.socket.fileno, scene.socket.system_socket) == (7, None)


def test_a_silent_peer_is_pinged_and_then_cut_off():
    scene = Scene()
    scene.socket.require_signs_of_life()
    scene.clock.advance(60)
    assert scene.sent == [("ping", b"")]
    scene.clock.advance(60)
    assert scene.transport.disconnects == [False]


def test_a_peer_that_answers_stays():
    scene = Scene()
    scene.socket.require_signs_of_life()
    for _ in range(10):
        scene.clock.advance(60)
        scene.receive(WSMsgType.PONG)
    assert scene.transport.disconnects == []


def test_a_peer_that_is_not_read_cannot_be_silent():
    scene = Scene()
    scene.socket.require_signs_of_life()
    scene.socket.pause_reading()
    scene.clock.advance(600)
    assert scene.transport.disconnects == []


def test_a_socket_that_is_closing_or_gone_is_on_no_round():
    for end in (
        lambda scene: scene.socket.close(CloseCode.NORMAL, ""),
        lambda scene: scene.socket.on_ws_disconnected(scene.transport),
    ):
        scene = Scene()
        scene.socket.require_signs_of_life()
        assert len(scene.rounds) == 1
        end(scene)
        assert len(scene.rounds) == 0


def test_silence_takes_no_timer_of_each_socket():
    scene = Scene()
    others = [
        ChannelSocket(
            GatewaySettings(), scene.clock, scene.rounds, max_message_bytes=1, source_address="192.0.2.1"
        )
        for _ in range(100)
    ]
    for other in others:
        other.on_ws_connected(FakeTransport(is_secure=True))
        other.require_signs_of_life()
    assert len(scene.rounds) == 100
    assert scene.clock.pending == 1


def test_an_idle_socket_keeps_neither_the_heads_of_its_upgrade_nor_a_dictionary():
    scene = Scene()
    assert not scene.transport.request.headers
    assert not scene.transport.response.headers
    assert not hasattr(scene.socket, "__dict__")


def test_its_end_is_told_once_with_the_socket_itself():
    scene = Scene()
    scene.socket.on_ws_disconnected(scene.transport)
    assert scene.gone == [scene.socket]


def test_a_resumed_socket_reads_what_its_tls_layer_holds_without_waiting_for_more():
    scene = Scene()
    scene.socket.pause_reading()
    scene.socket.resume_reading()
    scene.clock.advance(0)
    assert scene.transport.underlying_transport.retries == 1


def test_a_socket_that_is_gone_takes_every_call():
    scene = Scene()
    scene.socket.on_ws_disconnected(scene.transport)
    scene.socket.send_binary(b"x", more=True)
    scene.socket.flush()
    scene.socket.send_pong()
    scene.socket.pause_reading()
    scene.socket.resume_reading()
    scene.socket.close(CloseCode.NORMAL, "")
    scene.socket.abort()
    scene.socket.require_signs_of_life()
    assert not scene.socket.is_open
    assert scene.sent == []
