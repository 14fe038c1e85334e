"""Bytes through `fairlead proxy` and nothing around it: from a pipe to a socket and back, no ssh."""

import os
import select
import socket
import subprocess
import threading
from collections.abc import Callable

from tools.stack import LocalStack

CHUNK_BYTES = 64 * 1024
GREETING = b"ready\n"
WAIT_S = 60.0


class Transfer:
    """One session through `fairlead proxy`: its client process, and the target's end."""

    def __init__(self, stack: LocalStack, node_id: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(WAIT_S)
            self.client = subprocess.Popen(
                ["fairlead", "proxy", node_id, str(listener.getsockname()[1])],
                env=stack.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self._target = listener.accept()[0]
        self._target.settimeout(WAIT_S)
        self._target.sendall(GREETING)
        assert self.client.stdin is not None
        assert self.client.stdout is not None
        self._input, self._output = self.client.stdin.fileno(), self.client.stdout.fileno()
        if os.read(self._output, len(GREETING)) != GREETING:
            raise ConnectionError("the session does not stand")

    def up(self, size: int) -> None:
        """From the client's standard input to the target."""
        chunk = memoryview(os.urandom(CHUNK_BYTES))
        writer = threading.Thread(target=_write_all, args=(lambda: os.write(self._input, chunk), size))
        writer.start()
        buffer = bytearray(4 * CHUNK_BYTES)
        _read_all(lambda: self._target.recv_into(buffer), size)
        writer.join(WAIT_S)

    def down(self, size: int) -> None:
        """From the target to the client's standard output."""
        chunk = os.urandom(CHUNK_BYTES)
        writer = threading.Thread(target=_write_all, args=(lambda: self._target.send(chunk), size))
        writer.start()
        _read_all(lambda: len(os.read(self._output, 4 * CHUNK_BYTES)), size)
        writer.join(WAIT_S)

    def fill_up(self, quiet_s: float) -> int:
        """Send towards the target, which reads nothing, until nothing was taken for `quiet_s` seconds; how
        many bytes were."""
        return _fill(self._input, quiet_s)

    def fill_down(self, quiet_s: float) -> int:
        """The same from the target, while nobody reads the client's standard output."""
        return _fill(self._target.fileno(), quiet_s)

    def close(self) -> None:
        """End the session."""
        self._target.close()
        self.client.communicate(timeout=WAIT_S)


def _write_all(write: Callable[[], int], size: int) -> None:
    while size > 0:
        size -= write()


def _read_all(read: Callable[[], int], size: int) -> None:
    while size > 0:
        count = read()
        if not count:
            raise ConnectionError("the session ended in between")
        size -= count


def _fill(descriptor: int, quiet_s: float) -> int:
    chunk, taken = bytes(CHUNK_BYTES), 0
    os.set_blocking(descriptor, False)
    while select.select([], [descriptor], [], quiet_s)[1]:
        taken += os.write(descriptor, chunk)
    os.set_blocking(descriptor, True)
    return taken
