"""The wire that faults are injected with: what passes, what waits, and how connections break."""

import contextlib
import socket
from collections.abc import Callable, Iterator

import pytest

from tools.wire import Cut, Way, Wire

TIMEOUT_S = 30.0
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_S)
        yield listener


@pytest.fixture
def wire(listener: socket.socket) -> Iterator[Wire]:
    wire = Wire()
    wire.lead_to(listener.getsockname()[1])
    yield wire
    wire.close()


@pytest.fixture
def connect(wire: Wire, listener: socket.socket) -> Iterator[Callable[[], Pair]]:
    """Makes a connection through the wire: its near and its far end."""
    ends: list[socket.socket] = []

    def make() -> Pair:
        near = socket.create_connection(("127.0.0.1", wire.port), timeout=TIMEOUT_S)
        ends.append(near)
        far, _ = listener.accept()
        ends.append(far)
        far.settimeout(TIMEOUT_S)
        return near, far

    yield make
    for end in ends:
        end.close()


def exchange(near: socket.socket, far: socket.socket) -> None:
    for source, sink in ((near, far), (far, near)):
        source.sendall(b"hello")
        assert sink.recv(5) == b"hello"


def test_bytes_pass_both_ways_and_so_does_a_close(wire: Wire, connect: Callable[[], Pair]) -> None:
    near, far = connect()
    exchange(near, far)
    assert wire.connections == 1
    near.close()
    assert far.recv(1) == b""


def test_a_cut_with_fin_looks_like_an_end_to_both(wire: Wire, connect: Callable[[], Pair]) -> None:
    pairs = [connect(), connect()]
    for near, far in pairs:
        exchange(near, far)
    assert wire.cut(Cut.FIN) == 2
    assert [end.recv(1) for pair in pairs for end in pair] == [b""] * 4
    assert wire.connections == 0


def test_a_cut_with_rst_is_an_error_to_both(wire: Wire, connect: Callable[[], Pair]) -> None:
    ends = connect()
    exchange(*ends)
    wire.cut(Cut.RST)
    for end in ends:
        with pytest.raises(ConnectionResetError):
            end.recv(1)


def test_a_stalled_direction_waits_and_the_other_does_not(wire: Wire, connect: Callable[[], Pair]) -> None:
    near, far = connect()
    wire.stall(Way.OUT)
    near.sendall(b"held")
    far.sendall(b"free")
    assert near.recv(4) == b"free"
    far.setblocking(False)
    with pytest.raises(BlockingIOError):
        far.recv(4)
    far.settimeout(TIMEOUT_S)
    wire.release(Way.OUT)
    assert far.recv(4) == b"held"


def test_what_was_held_when_a_connection_was_cut_is_lost(wire: Wire, connect: Callable[[], Pair]) -> None:
    near, far = connect()
    exchange(near, far)
    wire.stall(Way.OUT)
    near.sendall(b"held")
    wire.cut()
    wire.release(Way.OUT)
    assert far.recv(4) == b""


def test_a_delayed_wire_still_carries_everything(wire: Wire, connect: Callable[[], Pair]) -> None:
    near, far = connect()
    wire.delay(0.01)
    exchange(near, far)


def test_a_new_address_breaks_what_came_from_the_old_one(
    wire: Wire, listener: socket.socket, connect: Callable[[], Pair]
) -> None:
    near, far = connect()
    exchange(near, far)
    assert wire.readdress("127.0.0.77") == 1
    with pytest.raises(ConnectionResetError):
        near.recv(1)
    _, newer = connect()
    assert newer.getpeername()[0] == "127.0.0.77"


def test_a_wire_that_leads_nowhere_ends_its_connections(wire: Wire, listener: socket.socket) -> None:
    listener.close()
    near = socket.create_connection(("127.0.0.1", wire.port), timeout=TIMEOUT_S)
    with near, contextlib.suppress(ConnectionResetError):
        assert near.recv(1) == b""


def test_a_cut_after_so_many_bytes_comes_then(wire: Wire, connect: Callable[[], Pair]) -> None:
    near, far = connect()
    wire.cut_after(8)
    near.sendall(b"hello")
    assert far.recv(5) == b"hello"
    near.sendall(b"again")
    assert far.recv(5) == b""
    assert wire.cuts == 1
