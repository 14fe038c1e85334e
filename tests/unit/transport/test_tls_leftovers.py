"""A TLS transport that keeps something back, and one that does not."""

from fairlead.transport.tls_leftovers import read_what_is_left


class Loop:
    def __init__(self):
        self.soon = []

    def call_soon(self, callback):
        self.soon.append(callback)


class KeepsBack:
    def _retry_ssl_read(self):
        raise AssertionError("is called by the loop, not at once")


def test_a_transport_with_a_buffer_of_its_own_looks_into_it_soon():
    loop, transport = Loop(), KeepsBack()
    read_what_is_left(transport, loop)
    assert loop.soon == [transport._retry_ssl_read]


def test_any_other_transport_is_left_alone():
    loop = Loop()
    read_what_is_left(object(), loop)
    assert loop.soon == []
