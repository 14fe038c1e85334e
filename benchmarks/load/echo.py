"""Says back what it is told, on a loopback port: the far end of an echo without ssh.

    python -m benchmarks.load.echo

Prints its port. Ends when its standard input does.
"""

import contextlib
import os
import socket
import sys
import threading

BUFFER_BYTES = 64 * 1024


def serve(connection: socket.socket) -> None:
    """Say everything back until the far end leaves."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, contextlib.suppress(OSError):
        while data := connection.recv(BUFFER_BYTES):
            connection.sendall(data)


def accept(listener: socket.socket) -> None:
    """Serve whoever comes, each in a thread."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def main() -> None:
    """Listen until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
    while os.read(sys.stdin.fileno(), BUFFER_BYTES):
        pass


if __name__ == "__main__":
    main()
