"""One WebSocket over a socket pair: handshake, messages, pings, and how it ends."""

import os
import socket
import threading

import pytest
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from fairlead.protocol.outgoing import HEADROOM_BYTES, OutgoingFrame
from fairlead.transport import websocket_link
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import ConnectionLost, PeerError, UpgradeError
from fairlead.transport.upgrade import accept_value
from fairlead.transport.websocket_link import (
    DEAD_AFTER_S,
    PING_AFTER_S,
    WRITE_WATERMARK_BYTES,
    WebSocketLink,
    open_websocket,
)

ENDPOINT = parse_endpoint("ws://127.0.0.1:9/v1/data-channel/s")
NONCE = b"0123456789abcdef"


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


class Server:
    """The other end, in the hands of the websockets package; open already."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.protocol = ServerProtocol()
        nonce = os.urandom(16)
        from fairlead.transport.upgrade import upgrade_request

        self.protocol.receive_data(upgrade_request(ENDPOINT, nonce))
        self.protocol.send_response(self.protocol.accept(self.protocol.events_received()[0]))
        self.protocol.data_to_send()

    def flush(self) -> None:
        self.sock.sendall(b"".join(self.protocol.data_to_send()))

    def frames(self) -> list[tuple[Opcode, bytes]]:
        self.protocol.receive_data(self.sock.recv(1 << 20))
        return [(frame.opcode, bytes(frame.data)) for frame in self.protocol.events_received()]


@pytest.fixture
def connected(pair):
    ours, theirs = pair
    return WebSocketLink(ours, b"", os.urandom, now=100.0), Server(theirs)


def received(link: WebSocketLink, now: float = 100.0) -> list[bytes]:
    return [bytes(message) for message in link.receive(now)]


def frame(message: bytes | memoryview) -> OutgoingFrame:
    return OutgoingFrame(bytearray(HEADROOM_BYTES) + message)


def answer(sock: socket.socket, data: bytes, *, then_close: bool = False) -> None:
    def run() -> None:
        sock.recv(4096)
        sock.sendall(data)
        if then_close:
            sock.close()

    threading.Thread(target=run, daemon=True).start()


def accepting(nonce: bytes) -> bytes:
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + f"Sec-WebSocket-Accept: {accept_value(nonce)}\r\n\r\n".encode()
    )


def test_what_comes_right_behind_the_handshake_is_not_lost(pair):
    ours, theirs = pair
    answer(theirs, accepting(NONCE) + b"\x82\x02hi")
    head, leftover = open_websocket(ours, ENDPOINT, lambda size: NONCE)
    link = WebSocketLink(ours, leftover, os.urandom, now=0.0)
    assert head.status == 101
    assert link.has_input
    assert not link.has_received
    assert received(link) == [b"hi"]
    assert link.has_received


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", UpgradeError),
        (b"SSH-2.0-OpenSSH\r\n", PeerError),
        (b"HTTP/1.1 101", ConnectionLost),
        (b"HTTP/1.1 101 x\r\n" + b"a: b\r\n" * 4000, PeerError),
    ],
)
def test_a_failed_handshake_says_which_kind(pair, data, error):
    ours, theirs = pair
    answer(theirs, data, then_close=True)
    with pytest.raises(error):
        open_websocket(ours, ENDPOINT, lambda size: NONCE)


def test_a_silent_server_is_given_up(pair, monkeypatch):
    monkeypatch.setattr(websocket_link, "UPGRADE_TIMEOUT_S", 0.01)
    with pytest.raises(ConnectionLost, match="did not open a WebSocket"):
        open_websocket(pair[0], ENDPOINT, lambda size: NONCE)


def test_messages_pass_both_ways(connected):
    link, server = connected
    link.send_text("open")
    link.send_frame(frame(memoryview(bytearray(b"\x00\x01"))))
    link.flush()
    assert link.unsent_bytes == 0
    assert server.frames() == [(Opcode.TEXT, b"open"), (Opcode.BINARY, b"\x00\x01")]
    server.protocol.send_binary(b"x" * 70_000)
    server.protocol.send_text(b"text too")
    server.flush()
    assert received(link) == [b"x" * 70_000, b"text too"]


def test_every_frame_has_a_mask_of_its_own(connected):
    link, server = connected
    for _ in range(2000):
        link.send_frame(frame(b"\0\0\0\0"))
    link.flush()
    data = server.sock.recv(1 << 20)
    masks = {data[start + 2 : start + 6] for start in range(0, len(data), 10)}
    assert len(masks) > 1990


def test_pings_are_answered_with_their_payload(connected):
    link, server = connected
    server.protocol.send_ping(b"keepalive")
    server.flush()
    assert received(link) == []
    link.flush()
    assert server.frames() == [(Opcode.PONG, b"keepalive")]


def test_silence_is_asked_after_and_then_taken_for_the_end(connected):
    link, server = connected
    link.check_alive(100.0 + PING_AFTER_S - 1)
    assert link.unsent_bytes == 0
    link.check_alive(100.0 + PING_AFTER_S)
    link.check_alive(100.0 + PING_AFTER_S + 1)
    link.flush()
    assert server.frames() == [(Opcode.PING, b"fairlead")]
    assert link.next_deadline() == 100.0 + DEAD_AFTER_S
    with pytest.raises(ConnectionLost, match="75 s"):
        link.check_alive(100.0 + DEAD_AFTER_S)


def test_a_pong_is_a_sign_of_life(connected):
    link, server = connected
    link.check_alive(100.0 + PING_AFTER_S)
    link.flush()
    server.frames()
    server.flush()
    assert received(link, 140.0) == []
    assert link.next_deadline() == 140.0 + PING_AFTER_S


def test_a_time_in_which_nobody_read_is_excused(connected):
    link, _ = connected
    link.excuse_silence(500.0)
    link.check_alive(500.0 + PING_AFTER_S - 1)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda server: server.sock.close(), "closed the connection"),
        (lambda server: (server.protocol.send_close(1012, "restart\x1b"), server.flush()), "1012 restart\\)"),
        (lambda server: server.sock.sendall(b"\x83\x00"), "malformed"),
    ],
    ids=["end", "close frame", "bad frame"],
)
def test_every_end_is_a_lost_connection_with_its_reason(connected, act, said):
    link, server = connected
    act(server)
    with pytest.raises(ConnectionLost, match=said):
        received(link)


def test_a_full_socket_keeps_the_rest_and_asks_for_its_turn(connected):
    link, server = connected
    link.send_frame(frame(bytes(4_000_000)))
    link.flush()
    assert link.unsent_bytes > 0
    assert link.poll_events(wants_input=False) == websocket_link.select.POLLOUT
    total = 0
    while link.unsent_bytes:
        total += len(server.sock.recv(1 << 20))
        link.flush()
    while total < 4_000_014:
        total += len(server.sock.recv(1 << 20))
    assert total == 4_000_014


def test_closing_says_goodbye(connected):
    link, server = connected
    link.close()
    assert server.frames() == [(Opcode.CLOSE, b"\x03\xe8")]
    link.close()


def test_writing_to_a_closed_connection_is_a_lost_connection(connected):
    link, server = connected
    server.sock.close()
    link.send_text("x")
    link.flush()
    with pytest.raises(ConnectionLost, match="failed"):
        received(link)


def test_the_last_words_of_an_end_that_takes_nothing_more_are_still_read(connected):
    link, server = connected
    server.protocol.send_binary(b"last words")
    server.flush()
    server.sock.close()
    link.send_frame(frame(b"never read"))
    link.flush()
    messages = link.receive(100.0)
    assert bytes(next(messages)) == b"last words"
    with pytest.raises(ConnectionLost, match="Broken pipe"):
        next(messages)
    link.send_frame(frame(b"kept nowhere"))
    assert link.unsent_bytes == 0


def test_a_flood_of_pings_from_an_end_that_reads_no_answer_takes_no_more_than_the_watermark(connected):
    link, server = connected
    for _ in range(3 * WRITE_WATERMARK_BYTES // 125):
        server.protocol.send_ping(bytes(125))
        server.flush()
        assert received(link) == []
    assert link.unsent_bytes <= WRITE_WATERMARK_BYTES + 131


def test_more_than_a_driver_may_keep_for_its_socket_is_a_lost_connection(connected, monkeypatch):
    monkeypatch.setattr(websocket_link, "MAX_BACKLOG_BYTES", 100_000)
    link, _ = connected
    link.send_frame(frame(bytes(90_000)))
    with pytest.raises(ConnectionLost, match="reads nothing"):
        link.send_frame(frame(bytes(20_000)))
