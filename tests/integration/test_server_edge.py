"""The one port as strangers and unusual clients meet it: raw bytes over TLS."""

import contextlib
import gc
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fairlead.api.limits import MAX_BODY_BYTES, MAX_HEADER_BYTES
from fairlead.aws import sigv4
from fairlead.testing.server import FairleadServer
from tests.support.waiting import PATIENCE_S

Headers = list[tuple[str, str]]


@pytest.fixture
def server(fairlead_server_session: FairleadServer) -> FairleadServer:
    return fairlead_server_session


def _address(server: FairleadServer) -> tuple[str, int]:
    host, _, port = server.endpoint_url.partition("://")[2].rpartition(":")
    return host, int(port)


def _authority(server: FairleadServer) -> str:
    return "{}:{}".format(*_address(server))


@contextmanager
def _connected(server: FairleadServer) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context(cafile=str(server.running.ca_certificate))
    address = _address(server)
    with (
        socket.create_connection(address, timeout=PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname=address[0]) as secure,
    ):
        yield secure


def _answer(connection: ssl.SSLSocket) -> tuple[int, bytes]:
    """One response with a content-length."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError(f"closed after {received!r}")
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split()[1]), body


def _ask(server: FairleadServer, request: bytes) -> tuple[int, bytes]:
    with _connected(server) as connection:
        connection.sendall(request)
        return _answer(connection)


def _drip(connection: ssl.SSLSocket, seconds: float) -> None:
    """Send a header a byte at a time; raises when the server has enough of it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection.sendall(b"X")
        with contextlib.suppress(TimeoutError):
            if not connection.recv(1):
                raise ConnectionError("cut off")


def _signed(server: FairleadServer, body: bytes) -> Headers:
    """Headers of a DescribeSessions call."""
    headers = [
        ("Host", _authority(server)),
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Target", "AmazonSSM.DescribeSessions"),
    ]
    variables = server.admin_env
    credentials = sigv4.Credentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    return headers + sigv4.sign_with(
        credentials,
        sigv4.Request("POST", "/", "", headers, body),
        region=server.region,
        service="ssm",
        now=time.time(),
    )


def _head(headers: Headers) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode()


def test_a_chunked_body_is_read_like_any_other(server: FairleadServer) -> None:
    body = json.dumps({"State": "History"}).encode()
    head = _head([*_signed(server, body), ("Transfer-Encoding", "chunked")])
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:3], body[3:])) + b"0\r\n\r\n"
    status, answer = _ask(server, head + chunks)
    assert status == 200
    assert json.loads(answer) == {"Sessions": []}


def test_a_connection_serves_one_request_after_the_other(server: FairleadServer) -> None:
    body = b'{"State":"History"}'
    with _connected(server) as connection:
        for _ in range(3):
            connection.sendall(_head([*_signed(server, body), ("Content-Length", str(len(body)))]) + body)
            assert _answer(connection)[0] == 200


def test_a_body_over_the_limit_is_refused_and_the_answer_can_be_read(server: FairleadServer) -> None:
    body = b" " * (2 * MAX_BODY_BYTES)
    head = _head([*_signed(server, b""), ("Content-Length", str(len(body)))])
    for _ in range(10):  # pauses fall where they will: the rest of a body may be in the TLS layer by then
        status, answer = _ask(server, head + body)
        assert status == 413
        assert json.loads(answer)["__type"] == "RequestEntityTooLarge"


@pytest.mark.parametrize("ending", [b"\r\n\r\n", b""])
def test_a_header_over_the_limit_is_refused_even_before_it_ends(
    server: FairleadServer, ending: bytes
) -> None:
    request = b"GET / HTTP/1.1\r\nX: " + b"x" * (MAX_HEADER_BYTES + 1000) + ending
    assert _ask(server, request)[0] == 431


def test_another_servers_name_is_refused_except_for_health(server: FairleadServer) -> None:
    status, answer = _ask(server, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert (status, answer) == (421, b"<MisdirectedRequest/>\n")
    assert _ask(server, b"GET /ca.pem HTTP/1.1\r\nHost: evil.example\r\n\r\n")[0] == 421
    assert _ask(server, b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n") == (200, b"ok\n")


def test_the_ca_can_be_fetched_by_who_pins_it(server: FairleadServer) -> None:
    request = f"GET /ca.pem HTTP/1.1\r\nHost: {_authority(server)}\r\n\r\n".encode()
    assert _ask(server, request) == (200, server.running.ca_certificate.read_bytes())


def test_what_is_not_http_is_refused(server: FairleadServer) -> None:
    assert _ask(server, b"\x00\x01\x02\x03 hello\r\n\r\n")[0] == 400


def test_a_message_with_two_lengths_is_refused(server: FairleadServer) -> None:
    request = _head([("Host", _authority(server)), ("Content-Length", "0"), ("Transfer-Encoding", "chunked")])
    assert _ask(server, request + b"0\r\n\r\n")[0] == 400


def test_connections_run_on_the_fast_tls_transport(server: FairleadServer) -> None:
    with _connected(server) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        _answer(connection)
        # Other servers' protocols may be about in this process: ours has this connection's other end.
        protocols = [
            protocol
            for protocol in gc.get_objects()
            if issubclass(type(protocol), HttpToolsProtocol)
            and getattr(protocol, "client", None) == connection.getsockname()
        ]
        modules = {type(protocol.transport).__module__ for protocol in protocols}
        with socket.fromfd(protocols[0]._fileno, socket.AF_INET, socket.SOCK_STREAM) as accepted:
            # Else the second segment of an answer waits for the acknowledgement of the first: 40 ms.
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert modules == {"aiofastnet.ssl_transport"}


@pytest.mark.slow
def test_who_never_finishes_a_request_is_cut_off_while_others_are_served(server: FairleadServer) -> None:
    started = time.monotonic()
    with _connected(server) as slow:
        slow.settimeout(0.5)
        slow.sendall(b"GET / HTTP/1.1\r\nX: ")
        with pytest.raises((ConnectionError, ssl.SSLError)):
            _drip(slow, PATIENCE_S)
        assert time.monotonic() - started > 5
    assert _ask(server, b"GET /healthz HTTP/1.1\r\n\r\n")[0] == 200


def test_many_silent_sockets_keep_nobody_out(server: FairleadServer) -> None:
    silent = [socket.create_connection(_address(server)) for _ in range(400)]
    try:
        assert _ask(server, b"GET /healthz HTTP/1.1\r\n\r\n")[0] == 200
    finally:
        for sock in silent:
            sock.close()
