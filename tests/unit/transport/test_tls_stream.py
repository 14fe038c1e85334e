"""TLS through memory: what leaves in one call, what waits, how it ends. The other end is OpenSSL's own, over
a socket pair."""

from __future__ import annotations

import os
import socket
import ssl
import threading

import pytest

from fairlead.transport.tls_stream import MAX_PLAIN_BYTES, TlsStream
from tests.support.certificates import Authority

HOST = "gateway.test"
RECORD_BYTES = 16 * 1024


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    """The two ends' contexts: of a client that trusts the server, and of the server."""
    authority = Authority()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=authority.pem.decode())
    return client, authority.server_context(tmp_path_factory.mktemp("tls"), HOST)


@pytest.fixture
def connected(contexts):
    """An open stream and the server's end of it."""
    ours, theirs = socket.socketpair()
    accepted: list[ssl.SSLSocket] = []

    def accept() -> None:
        accepted.append(contexts[1].wrap_socket(theirs, server_side=True))

    thread = threading.Thread(target=accept)
    thread.start()
    stream = TlsStream(ours, contexts[0], HOST)
    stream.handshake(30)
    thread.join()
    with stream, accepted[0] as server:
        yield stream, server


def read_all(sock: ssl.SSLSocket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        data += sock.recv(size - len(data))
    return bytes(data)


def test_bytes_pass_both_ways(connected):
    stream, server = connected
    stream.sendall(b"question")
    assert server.recv(100) == b"question"
    server.sendall(b"answer")
    assert stream.recv(100) == b"answer"
    assert not stream.has_input


def test_what_arrived_in_several_records_is_read_at_once(connected):
    stream, server = connected
    sent = os.urandom(3 * RECORD_BYTES)
    thread = threading.Thread(target=server.sendall, args=(sent,))
    thread.start()
    thread.join()
    buffer = bytearray(4 * RECORD_BYTES)
    assert stream.recv_into(buffer) == len(sent)
    assert buffer.startswith(sent)


def test_a_small_buffer_leaves_input_that_poll_does_not_see(connected):
    stream, server = connected
    server.sendall(b"0123456789")
    assert stream.recv(4) == b"0123"
    assert stream.has_input
    stream.setblocking(False)
    assert stream.recv(100) == b"456789"
    assert not stream.has_input
    with pytest.raises(BlockingIOError):
        stream.recv(100)


def test_what_the_socket_does_not_take_waits_and_then_nothing_more_is_taken(connected):
    stream, server = connected
    stream.setblocking(False)
    sent = os.urandom(32 * MAX_PLAIN_BYTES)
    taken = 0
    while not stream.unsent_bytes:
        taken += stream.sendmsg([memoryview(sent)[taken:]])
    with pytest.raises(BlockingIOError):
        stream.sendmsg([memoryview(sent)[taken:]])
    assert 0 < stream.unsent_bytes <= MAX_PLAIN_BYTES + RECORD_BYTES
    received: list[bytes] = []
    thread = threading.Thread(target=lambda: received.append(read_all(server, taken)))
    thread.start()
    stream.settimeout(30)
    stream.flush()
    thread.join()
    assert stream.unsent_bytes == 0
    assert received == [sent[:taken]]


@pytest.mark.parametrize("with_goodbye", [True, False])
def test_the_end_of_the_connection_is_an_end_with_or_without_tls_saying_so(connected, with_goodbye):
    stream, server = connected
    server.sendall(b"last words")
    if with_goodbye:
        server.settimeout(0.0)
        with pytest.raises(ssl.SSLWantReadError):
            server.unwrap()
    server.close()
    assert stream.recv(100) == b"last words"
    assert stream.recv(100) == b""
    assert stream.recv(100) == b""


def test_bytes_that_are_no_tls_are_an_error(connected):
    stream, server = connected
    os.write(server.fileno(), b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ssl.SSLError):
        stream.recv(100)


def test_a_server_of_another_name_is_told_why_it_is_not_believed(contexts):
    ours, theirs = socket.socketpair()
    failures: list[ssl.SSLError] = []

    def accept() -> None:
        try:
            with contexts[1].wrap_socket(theirs, server_side=True) as server:
                server.recv(1)
        except ssl.SSLError as error:
            failures.append(error)

    thread = threading.Thread(target=accept)
    thread.start()
    with TlsStream(ours, contexts[0], "another.test") as stream, pytest.raises(ssl.SSLCertVerificationError):
        stream.handshake(30)
    thread.join()
    assert "ALERT" in str(failures[0].reason)


def test_a_silent_server_is_given_up(contexts):
    ours, theirs = socket.socketpair()
    with theirs, TlsStream(ours, contexts[0], HOST) as stream, pytest.raises(TimeoutError):
        stream.handshake(0.01)


def test_a_server_that_hangs_up_instead_of_answering_is_an_error(contexts):
    ours, theirs = socket.socketpair()
    theirs.close()
    with TlsStream(ours, contexts[0], HOST) as stream, pytest.raises(ConnectionError):
        stream.handshake(30)
