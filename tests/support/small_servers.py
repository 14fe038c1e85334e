"""Servers of a few lines in threads, for clients that block."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate

PATIENCE_S = 60.0


@contextmanager
def tcp_server(
    serve: Callable[[socket.socket], None], context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Hands each connection to `serve`, one after the other, over TLS with a `context`; the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                connection.settimeout(PATIENCE_S)
                with connection, suppress(OSError):
                    if context is None:
                        serve(connection)
                    else:
                        with context.wrap_socket(connection, server_side=True) as secure:
                            serve(secure)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_S)


def says(text: bytes) -> Callable[[socket.socket], None]:
    """Sends `text` to whoever connects, and leaves once the other has."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(text)
        connection.recv(4096)

    return serve


def answers(*responses: tuple[str, bytes]) -> Callable[[socket.socket], None]:
    """An HTTP server: one response (status and reason, body) for each request of a connection. Requests must
    come in one piece."""

    def serve(connection: socket.socket) -> None:
        for status, body in responses:
            if not connection.recv(64 * 1024):
                return
            fields = f"Date: {formatdate(usegmt=True)}\r\nContent-Length: {len(body)}"
            head = f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n"
            connection.sendall(head.encode() + body)

    return serve


@contextmanager
def black_hole() -> Iterator[int]:
    """A port where connections are neither accepted nor refused: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        try:
            yield listener.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()
