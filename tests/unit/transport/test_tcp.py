"""How a connected socket sends."""

import socket

import pytest

from fairlead.transport.tcp import UNPACED, send_at_once, unpace_local


@pytest.fixture
def pair():
    """Two ends of a TCP connection over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname(), source_address=("127.0.0.7", 0))
        far, _ = server.accept()
    with near, far:
        yield near, far


def control(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


def test_nothing_waits_for_company(pair):
    near, _ = pair
    send_at_once(near)
    assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(not hasattr(socket, "TCP_CONGESTION"), reason="this system has no TCP_CONGESTION")
def test_what_stays_on_the_machine_is_not_paced(pair):
    """From one loopback address to another, and between two ends with the same one."""
    near, far = pair
    for end in (near, far):
        unpace_local(end)
    assert control(near) == UNPACED
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as same,
    ):
        send_at_once(same)
        assert control(same) == UNPACED


class Elsewhere:
    """A connection to another machine, which must be left as the system has it."""

    family = socket.AF_INET

    def getsockname(self):
        return ("192.0.2.1", 40000)

    def getpeername(self):
        return ("192.0.2.2", 22)

    def setsockopt(self, *arguments):
        raise AssertionError(f"changed: {arguments}")


def test_what_leaves_the_machine_is_left_to_the_system():
    unpace_local(Elsewhere())


def test_a_socket_that_is_gone_is_no_matter(pair):
    near, _ = pair
    near.close()
    unpace_local(near)


def test_a_socket_of_another_kind_is_no_matter():
    for near in socket.socketpair():
        with near:
            unpace_local(near)


def test_a_system_without_the_option_is_no_matter(pair, monkeypatch):
    monkeypatch.delattr(socket, "TCP_CONGESTION", raising=False)
    unpace_local(pair[0])
