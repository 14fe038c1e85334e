"""How a socket sends."""

import socket

import pytest

from fairlead.transport.tcp import UNPACED, new_socket, unpace_local

knows_congestion_controls = pytest.mark.skipif(
    not hasattr(socket, "TCP_CONGESTION"), reason="this system has no TCP_CONGESTION"
)


def control(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class Recorded:
    """A connection whose other end is `there`, and what was set of it."""

    def __init__(self, there):
        self.there, self.family, self.options = there, family_of(there), {}

    def getpeername(self):
        return (self.there, 40000)

    def setsockopt(self, level, option, value):
        self.options[level, option] = value


def test_a_new_socket_sends_at_once_and_waits_for_nobody():
    with new_socket(socket.AF_INET, "192.0.2.1") as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not sock.getblocking()


@knows_congestion_controls
@pytest.mark.parametrize("host", ["127.0.0.1", "127.90.62.100", "::1", "::ffff:127.0.0.1"])
def test_what_stays_on_the_machine_is_not_paced(host):
    accepted = Recorded(host)
    unpace_local(accepted)
    assert accepted.options == {(socket.IPPROTO_TCP, socket.TCP_CONGESTION): UNPACED}
    with new_socket(family_of(host), host) as sock:
        assert control(sock) == UNPACED


@knows_congestion_controls
@pytest.mark.parametrize("host", ["192.0.2.1", "10.127.0.1", "2001:db8::1", "::ffff:192.0.2.1"])
def test_what_leaves_the_machine_is_left_to_the_system(host):
    accepted = Recorded(host)
    unpace_local(accepted)
    assert accepted.options == {}
    with new_socket(family_of(host), host) as sock, socket.socket(family_of(host)) as other:
        assert control(sock) == control(other)


def test_a_socket_that_is_gone_is_no_matter():
    gone = socket.socket()
    gone.close()
    unpace_local(gone)


def test_a_socket_of_another_kind_is_no_matter():
    for near in socket.socketpair():
        with near:
            unpace_local(near)


def test_a_system_without_the_option_is_no_matter(monkeypatch):
    monkeypatch.delattr(socket, "TCP_CONGESTION", raising=False)
    accepted = Recorded("127.0.0.1")
    unpace_local(accepted)
    assert accepted.options == {}


def test_a_system_that_does_not_permit_it_is_no_matter(monkeypatch):
    monkeypatch.setattr("fairlead.transport.tcp.UNPACED", b"no such thing")
    with new_socket(socket.AF_INET, "127.0.0.1") as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
