"""A TCP forwarder that cuts every connection after so many bytes, as bad networks do."""

import contextlib
import socket
import threading

CHUNK_BYTES = 65_536


class CuttingWire:
    """Listens on `port` of loopback and forwards to where `lead_to` says, until `close`.

    `cuts` counts how often everything was cut.
    """

    def __init__(self) -> None:
        self.cuts = 0
        self._cut_at: list[int] = []
        self._target_port = 0
        self._carried = 0
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def lead_to(self, target_port: int) -> None:
        """Forward connections to this port of loopback from now on."""
        self._target_port = target_port

    def cut_after(self, *byte_counts: int) -> None:
        """Cut when so many bytes more have been carried, both directions together; ascending counts."""
        with self._lock:
            self._cut_at = [self._carried + count for count in byte_counts]

    def close(self) -> None:
        """Stop listening and cut what stands."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        with self._lock:
            self._cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target_port))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._sockets |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                self._count(len(data))
                sink.sendall(data)
        for end in (source, sink):
            _shut(end)
        with self._lock:
            if source in self._sockets and sink in self._sockets:
                self._sockets -= {source, sink}
            else:  # the pump of the other direction has ended as well
                source.close()
                sink.close()

    def _count(self, size: int) -> None:
        with self._lock:
            self._carried += size
            if self._cut_at and self._carried >= self._cut_at[0]:
                self._cut_at.pop(0)
                self.cuts += 1
                self._cut()

    def _cut(self) -> None:
        for end in self._sockets:
            _shut(end)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
