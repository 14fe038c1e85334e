"""A scripted API endpoint for client tests: a dialer whose connections lead to a thread that answers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator

from tests.support.waiting import PATIENCE_S

Answer = tuple[int, object] | bytes | None


def json_answer(status: int, body: object, *headers: str) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(text.encode())}", *headers, "", text]
    return "\r\n".join(lines).encode()


class ScriptedRequest:
    """One request as it came."""

    def __init__(self, head: str, body: bytes) -> None:
        first, *lines = head.split("\r\n")
        self.method, self.target, _ = first.split(" ")
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.text = body.decode()

    @property
    def operation(self) -> str:
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.text)


class ScriptedDialer:
    """Stands in for `transport.dialer.Dialer`. `answers` yields what each request gets: (status, body), raw
    bytes, or None to hang up. `requests` and `dialled` record what happened."""

    def __init__(
        self, answers: Iterator[Answer] | list[Answer] | Callable[[ScriptedRequest], Answer]
    ) -> None:
        if callable(answers):
            self._answer = answers
        else:
            remaining = iter(answers)
            self._answer = lambda request: next(remaining)
        self.requests: list[ScriptedRequest] = []
        self.dialled: list[str] = []

    def dial(self, endpoint) -> socket.socket:
        self.dialled.append(endpoint.authority)
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(theirs,), daemon=True).start()
        return ours

    def listen(self) -> int:
        """Serve one TCP connection on loopback; the port."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            listener = server.dup()

        def accept() -> None:
            with listener:
                listener.settimeout(PATIENCE_S)
                self._serve(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            buffer = b""
            while True:
                while b"\r\n\r\n" not in buffer:
                    data = sock.recv(65536)
                    if not data:
                        return
                    buffer += data
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                request = ScriptedRequest(head.decode(), b"")
                length = int(request.headers.get("content-length", "0"))
                while len(buffer) < length:
                    buffer += sock.recv(65536)
                request = ScriptedRequest(head.decode(), buffer[:length])
                buffer = buffer[length:]
                self.requests.append(request)
                answer = self._answer(request)
                if answer is None:
                    return
                sock.sendall(answer if isinstance(answer, bytes) else json_answer(*answer))
