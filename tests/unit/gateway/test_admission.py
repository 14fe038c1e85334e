"""Places for sockets that nobody has recognised yet, in virtual time and without a network."""

import errno
import socket
from contextlib import suppress

import pytest

from fairlead.gateway.admission import (
    Admission,
    AdmittedSocket,
    AdmittingListener,
    has_unread_bytes,
    was_sent_nothing,
)
from fairlead.gateway.settings import GatewaySettings
from tests.support.gateway_fakes import FakeClock


class FakeConnection:
    def __init__(self, fileno: int) -> None:
        self._fileno = fileno
        self.is_cut = False

    def fileno(self) -> int:
        return self._fileno

    def shutdown(self, how) -> None:
        self.is_cut = True


class BrokenConnection(FakeConnection):
    def shutdown(self, how) -> None:
        raise OSError(errno.ENOTCONN, "not connected")


class Door:
    def __init__(self, **settings) -> None:
        self.clock = FakeClock()
        self.wait_for_us: set[int] = set()
        self.spent_on: set[int] = set()
        self.admission = Admission(
            GatewaySettings(**settings),
            self.clock,
            was_sent_nothing=lambda connection: connection.fileno() not in self.spent_on,
            waits_for_us=self.wait_for_us.__contains__,
        )
        self.connections: list[FakeConnection] = []

    def accept(self, source="192.0.2.1", kind=FakeConnection) -> FakeConnection:
        connection = kind(len(self.connections) + 10)
        self.connections.append(connection)
        self.is_begun = self.admission.admit(connection, source)
        return connection

    def accept_and_talk(self, source="192.0.2.1") -> FakeConnection:
        connection = self.accept(source)
        self.spent_on.add(connection.fileno())
        return connection

    @property
    def cut(self) -> list[int]:
        return [index for index, connection in enumerate(self.connections) if connection.is_cut]


def test_a_silent_socket_is_cut_when_its_time_is_over():
    door = Door()
    door.accept()
    door.clock.advance(9)
    assert door.cut == []
    door.clock.advance(2)
    assert door.cut == [0]
    assert len(door.admission) == 0


def test_a_recognised_socket_is_left_alone():
    door = Door()
    door.admission.forget(door.accept().fileno())
    door.clock.advance(100)
    assert door.cut == []


def test_a_socket_that_gets_on_has_more_time():
    door = Door()
    first = door.accept()
    door.clock.advance(9)
    door.admission.extend(first.fileno(), 30)
    door.clock.advance(29)
    assert door.cut == []
    door.clock.advance(2)
    assert door.cut == [0]


def test_more_time_for_an_unknown_socket_is_nothing():
    door = Door()
    door.admission.extend(99, 30)
    door.admission.forget(99)
    assert len(door.admission) == 0


def test_at_the_limit_of_an_address_its_oldest_socket_goes_and_no_others():
    door = Door(max_unauthenticated_sockets_per_source=2)
    door.accept("192.0.2.2")
    for _ in range(3):
        door.accept("192.0.2.1")
    assert door.cut == [1]


def test_at_the_limit_in_total_the_oldest_socket_goes():
    door = Door(max_unauthenticated_sockets=3)
    for n in range(5):
        door.accept(f"192.0.2.{n}")
    assert door.cut == [0, 1]
    assert len(door.admission) == 3


def test_at_the_limit_those_go_first_on_whom_nothing_was_spent():
    door = Door(max_unauthenticated_sockets=3)
    for _ in range(2):
        door.accept_and_talk()
    for _ in range(3):
        door.accept()
    assert door.cut == [2, 3]


def test_mute_sockets_do_not_hide_behind_others_on_whom_something_was_spent():
    door = Door(max_unauthenticated_sockets=500)
    for _ in range(400):
        door.accept_and_talk()
    for _ in range(100):
        door.accept()
    for _ in range(3):
        door.accept_and_talk()
    assert door.cut == [400, 401, 402]


def test_where_something_was_spent_on_all_a_newcomer_is_not_begun_until_they_had_some_time():
    door = Door(max_unauthenticated_sockets_per_source=2)
    for _ in range(3):
        door.accept_and_talk()
    assert (door.is_begun, door.cut, len(door.admission)) == (False, [], 2)
    door.accept_and_talk("192.0.2.2")
    assert door.is_begun
    door.clock.advance(6)
    door.accept()
    assert (door.is_begun, door.cut) == (True, [0])


def test_who_has_got_on_is_counted_at_the_limit_too_and_the_oldest_goes():
    door = Door(max_unauthenticated_sockets=2)
    first, _ = door.accept_and_talk(), door.accept_and_talk()
    door.admission.forget(first.fileno())
    door.accept_and_talk()
    door.admission.add(first, "192.0.2.1", 10)
    assert door.cut == [1]
    assert len(door.admission) == 2


def test_a_peer_was_sent_nothing_until_it_was_sent_something():
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
        with theirs, ours:
            theirs.send(b"hello")
            assert was_sent_nothing(ours)
            ours.send(b"hello")
            theirs.recv(5)
            assert not was_sent_nothing(ours)
    here, there = socket.socketpair()
    with here, there:
        assert not was_sent_nothing(here)  # not TCP: nobody knows


def test_who_waits_for_us_when_its_time_is_over_has_the_same_time_once_more():
    door = Door()
    door.wait_for_us.add(door.accept().fileno())
    door.clock.advance(19)
    assert door.cut == []
    door.clock.advance(3)
    assert door.cut == [0]


def test_unread_bytes_are_those_that_the_peer_sent():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not has_unread_bytes(ours.fileno())
        theirs.send(b"x")
        assert has_unread_bytes(ours.fileno())
        ours.recv(1)
        assert not has_unread_bytes(ours.fileno())
        fileno = ours.fileno()
    assert not has_unread_bytes(fileno)


def test_who_left_while_it_waited_is_not_accepted(monkeypatch):
    door = Door()
    left, stayed = socket.socketpair(), socket.socketpair()
    left[1].send(b"hello")
    left[1].close()
    waiting = [left[0], stayed[0]]

    def accept(_listener):
        return waiting.pop(0).detach(), ("192.0.2.1", 1)

    monkeypatch.setattr(AdmittingListener, "_accept", accept, raising=False)
    with AdmittingListener(socket.AF_INET, socket.SOCK_STREAM) as listener, stayed[1]:
        listener.admission = door.admission
        listener.max_accepts_together = 2
        with pytest.raises(ConnectionAbortedError):
            listener.accept()
        accepted, _ = listener.accept()
        assert len(door.admission) == 1
        accepted.close()


def test_who_is_not_to_be_begun_is_closed_at_once(monkeypatch):
    door = Door(max_unauthenticated_sockets=1)
    door.accept_and_talk()
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(
        AdmittingListener, "_accept", lambda _: (ours.detach(), ("192.0.2.1", 1)), raising=False
    )
    with AdmittingListener(socket.AF_INET, socket.SOCK_STREAM) as listener, theirs:
        listener.admission = door.admission
        listener.max_accepts_together = 1
        with pytest.raises(ConnectionAbortedError):
            listener.accept()
        assert theirs.recv(1) == b""
    assert door.cut == []


def test_addresses_of_one_ipv6_network_count_as_one():
    door = Door(max_unauthenticated_sockets_per_source=1)
    door.accept("2001:db8::1")
    door.accept("2001:db8::2")
    assert door.cut == [0]


def test_a_socket_that_comes_back_counts_once():
    door = Door()
    connection = door.accept()
    door.admission.add(connection, "192.0.2.1", 10)
    assert len(door.admission) == 1


def test_a_socket_that_cannot_be_cut_is_forgotten():
    door = Door()
    door.accept(kind=BrokenConnection)
    door.clock.advance(20)
    assert len(door.admission) == 0


def test_stopped_it_cuts_nothing():
    door = Door()
    door.accept()
    door.admission.stop()
    door.admission.stop()
    door.clock.advance(100)
    assert door.cut == []


def test_a_closed_socket_gives_its_place_back():
    door = Door()
    ours, theirs = socket.socketpair()
    admitted = AdmittedSocket(ours.family, ours.type, ours.proto, fileno=ours.detach())
    admitted.admission = door.admission
    door.admission.admit(admitted, "192.0.2.1")
    admitted.close()
    admitted.close()
    theirs.close()
    assert len(door.admission) == 0


def test_without_descriptors_room_is_made_and_nobody_is_said_to_wait(monkeypatch):
    door = Door()
    door.accept()
    with AdmittingListener(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.admission = door.admission
        listener.max_accepts_together = 16
        monkeypatch.setattr(AdmittingListener, "_accept", _fail(errno.EMFILE), raising=False)
        with pytest.raises(BlockingIOError):
            listener.accept()
        assert door.cut == [0]
        monkeypatch.setattr(AdmittingListener, "_accept", _fail(errno.EINVAL), raising=False)
        with pytest.raises(OSError, match="EINVAL"):
            listener.accept()


def test_who_comes_in_a_crowd_is_accepted_a_few_at_a_time(monkeypatch):
    """The event loop asks until it is told that nobody waits, and asks again in its next turn."""
    door = Door()
    waiting = [socket.socketpair() for _ in range(5)]
    ends = [end for pair in waiting for end in pair]

    def accept(_listener):
        if not waiting:
            raise BlockingIOError(errno.EAGAIN, "nobody waits")
        ours, _ = waiting.pop()
        return ours.detach(), ("192.0.2.1", 1)

    monkeypatch.setattr(AdmittingListener, "_accept", accept, raising=False)
    turns = []
    with AdmittingListener(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.admission = door.admission
        listener.max_accepts_together = 2
        while waiting or turns[-1]:
            accepted = []
            with suppress(BlockingIOError):
                while True:
                    accepted.append(listener.accept()[0])
            turns.append(len(accepted))
            ends += accepted
    assert turns == [2, 2, 1, 0]
    for end in ends:
        end.close()


def _fail(number: int):
    def accept(self):
        raise OSError(number, errno.errorcode[number])

    return accept
