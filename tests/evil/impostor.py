"""A server that is not the one it is taken for, and a record of every byte that it is sent."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator

from tests.support.waiting import PATIENCE_S

ANSWER = {
    "InstanceId": "mi-0123456789abcdef0",
    "AccessKeyId": "ASIAIMPOSTOR00000000",
    "SecretAccessKey": "x" * 40,
    "SessionToken": "x" * 100,
    "TokenExpirationDate": 4_000_000_000,
    "SessionId": "mallory-0123456789abcdefghijklmnop",
    "TokenValue": "y" * 43,
    "StreamUrl": "",
}


class Impostor:
    """Listens on a loopback port. Without a TLS context it speaks plain HTTP."""

    def __init__(self, context: ssl.SSLContext | None, ca_pem: bytes = b"") -> None:
        self.raw = bytearray()
        """Everything as it was on the wire."""
        self.plain = bytearray()
        """Everything that could be read: what came through TLS, or over plain HTTP."""
        self.connections = 0
        self.answer = dict(ANSWER)
        self._context = context
        self._ca_pem = ca_pem
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def received(self) -> bytes:
        """All of it."""
        return bytes(self.raw + b"\n" + self.plain)

    @contextlib.contextmanager
    def serving(self) -> Iterator["Impostor"]:
        """Answer connections, one after another, until the block ends."""
        thread = threading.Thread(target=self._serve)
        thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(PATIENCE_S)
            with connection, contextlib.suppress(OSError):
                if self._context is None:
                    self._talk_plainly(connection)
                else:
                    self._talk_tls(connection, self._context)

    def _talk_plainly(self, connection: socket.socket) -> None:
        request = bytearray()
        while data := connection.recv(65536):
            self.raw += data
            self.plain += data
            request += data
            if not request[:1].isalpha():  # no HTTP; as web servers answer to it
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                return
            if _is_complete(request):
                connection.sendall(self._answer(request))
                request.clear()

    def _talk_tls(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        """With TLS in memory, so that what came over the wire is seen too."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        request = bytearray()
        is_shaken = False
        while data := connection.recv(65536):
            self.raw += data
            incoming.write(data)
            try:
                if not is_shaken:
                    tls.do_handshake()
                    is_shaken = True
                while read := tls.read(65536):
                    self.plain += read
                    request += read
                    if _is_complete(request):
                        tls.write(self._answer(request))
                        request.clear()
            except ssl.SSLWantReadError:
                pass
            connection.sendall(outgoing.read())

    def _answer(self, request: bytearray) -> bytes:
        body = self._ca_pem if request.startswith(b"GET /ca.pem") else json.dumps(self.answer).encode()
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )


def _is_complete(request: bytearray) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return False
    length = next(
        (
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    return len(body) >= length
