"""Bounded reads in front of a protocol that is not picows."""

import pytest

from fairlead.gateway.picows_edge import BoundedReader
from tests.support.gateway_fakes import FakeClock


class Inner:
    def __init__(self) -> None:
        self.buffer = bytearray(1000)
        self.calls: list = []

    def get_buffer(self, sizehint):
        return memoryview(self.buffer)

    def buffer_updated(self, nbytes) -> None:
        self.calls.append(nbytes)

    def eof_received(self) -> bool:
        self.calls.append("eof")
        return False

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, exc) -> None:
        self.calls.append("lost")


class Socket:
    is_broken = False


class Transport:
    def __init__(self, *, is_reading=True) -> None:
        self.retries = 0
        self._is_reading = is_reading

    def is_reading(self) -> bool:
        return self._is_reading

    def _retry_ssl_read(self) -> None:
        self.retries += 1


def reader(**options):
    inner, socket, transport, clock = Inner(), Socket(), Transport(**options), FakeClock()
    return BoundedReader(inner, socket, transport, clock, 100), inner, socket, transport, clock


def test_a_read_is_never_larger_than_the_bound():
    bounded, inner, *_ = reader()
    buffer = bounded.get_buffer(-1)
    assert len(buffer) == 100
    buffer[:3] = b"abc"
    bounded.buffer_updated(3)
    assert inner.buffer[:3] == b"abc"
    assert inner.calls == [3]


@pytest.mark.parametrize(
    ("nbytes", "is_reading", "retries"), [(100, True, 1), (99, True, 0), (100, False, 0)]
)
def test_after_a_read_that_filled_the_buffer_the_tls_layer_is_asked_for_more(nbytes, is_reading, retries):
    bounded, _, _, transport, clock = reader(is_reading=is_reading)
    bounded.get_buffer(-1)
    bounded.buffer_updated(nbytes)
    clock.advance(0)
    assert transport.retries == retries


def test_what_follows_an_error_in_the_stream_goes_to_waste():
    bounded, inner, socket, *_ = reader()
    socket.is_broken = True
    assert bounded.get_buffer(-1).obj is not inner.buffer
    bounded.buffer_updated(5)
    assert inner.calls == []


def test_all_else_is_passed_on():
    bounded, inner, *_ = reader()
    assert bounded.eof_received() is False
    bounded.pause_writing()
    bounded.resume_writing()
    bounded.connection_lost(None)
    assert inner.calls == ["eof", "pause", "resume", "lost"]
