"""Requests as bytes, and responses from bytes however they are cut."""

import socket
import threading

import pytest

from fairlead.transport.errors import ClosedUnanswered, ConnectionLost, PeerError
from fairlead.transport.http import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    ResponseReader,
    exchange,
    parse_head,
    request_bytes,
)


def read(answer: bytes, cut: int = 1):
    """Feed in pieces of `cut` bytes, then the end; the response and what was fed until then."""
    reader = ResponseReader()
    for start in range(0, len(answer), cut):
        response = reader.feed(answer[start : start + cut])
        if response is not None:
            return response, start + cut
    return reader.feed(b""), len(answer)


@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_a_body_of_known_length_leaves_the_connection_usable(cut):
    response, _ = read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:  2 \r\n\r\nhello", cut)
    assert (response.head.status, response.head.reason, response.body) == (200, "OK", b"hello")
    assert response.head.value("x-a") == "1, 2"
    assert response.reusable


@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_a_chunked_body_is_put_together(cut):
    chunks = b"5;ext=1\r\nhello\r\nA\r\n, chunked!\r\n0\r\nTrailer: x\r\n\r\n"
    response, _ = read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, cut)
    assert response.body == b"hello, chunked!"
    assert response.reusable


def test_a_body_may_end_with_the_connection():
    response, _ = read(b"HTTP/1.1 200 OK\r\n\r\nall of it", 4)
    assert (response.body, response.reusable) == (b"all of it", False)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", b"HTTP/1.0 200 OK\r\n"], ids=["close", "1.0"]
)
def test_a_connection_that_will_close_is_not_used_again(head):
    response, _ = read(head + b"Content-Length: 0\r\n\r\n")
    assert not response.reusable


def test_bytes_behind_the_answer_make_the_connection_unusable():
    response, _ = read(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nsurplus", 1000)
    assert not response.reusable


def test_interim_answers_are_skipped():
    response, _ = read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 1000)
    assert (response.head.status, response.body, response.reusable) == (204, b"", True)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * MAX_HEADER_BYTES,
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * MAX_HEADER_BYTES,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BODY_BYTES + 1),
    ],
)
def test_malformed_and_endless_answers_are_refused(answer):
    with pytest.raises(PeerError):
        read(answer, 4096)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    ],
)
def test_an_answer_cut_short_is_a_lost_connection(answer):
    with pytest.raises(ConnectionLost):
        read(answer, 1000)


def test_what_does_not_begin_like_http_is_refused_at_once():
    with pytest.raises(PeerError, match="does not answer in HTTP"):
        parse_head(b"SSH-2.0")


def test_a_request_states_its_length():
    request = request_bytes("POST", "/", [("Host", "h")], b"abc")
    assert request == b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    assert b"Content-Length" not in request_bytes("GET", "/", [("Host", "h")])
    assert b"Content-Length: 0" in request_bytes("POST", "/", [("Host", "h")])


def test_a_header_cannot_break_out_of_its_line():
    with pytest.raises(ValueError, match="line break"):
        request_bytes("GET", "/", [("Host", "h\r\nX: y")])


def test_an_exchange_over_a_socket():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert exchange(ours, b"GET / HTTP/1.1\r\n\r\n", 5, "h:1").body == b"ok"
        assert theirs.recv(100) == b"GET / HTTP/1.1\r\n\r\n"


def test_silence_and_a_closed_connection_name_the_server():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(ConnectionLost, match="h:1 gave no answer"):
            exchange(ours, b"x", 0.01, "h:1")
        closer = threading.Thread(target=theirs.close)
        closer.start()
        closer.join()
        with pytest.raises(ConnectionLost, match="h:1 failed"):
            exchange(ours, b"x", 1, "h:1")


@pytest.mark.parametrize(
    ("begun", "is_unanswered"), [(b"", True), (b"H", False), (b"HTTP/1.1 200 OK\r\n", False)]
)
def test_an_end_before_the_first_byte_of_the_answer_is_told_from_one_after_it(begun, is_unanswered):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(begun)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionLost) as lost:
            exchange(ours, b"x", 5, "h:1")
    assert isinstance(lost.value, ClosedUnanswered) is is_unanswered


def test_silence_is_no_end():
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(ConnectionLost) as lost:
        exchange(ours, b"x", 0.01, "h:1")
    assert not isinstance(lost.value, ClosedUnanswered)
