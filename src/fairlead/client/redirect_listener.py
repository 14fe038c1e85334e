"""The loopback address to which a browser brings the code back (RFC 8252 §7.3).

It answers whatever comes with a short page, one connection after the other, and returns when a redirect with
the right state has come. Anybody on this machine can connect: the state tells the redirect from the rest, and
PKCE makes a code worthless to others.
"""

from __future__ import annotations

import hmac
import socket
import time
from urllib.parse import parse_qsl

from fairlead.client.oidc_provider import LoginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

WAIT_S = 600.0
"""For the user to sign in."""
CONNECTION_TIMEOUT_S = 2.0
"""For one browser connection to send its request: they may open some that they never use."""
MAX_REQUEST_BYTES = 16 * 1024
CALLBACK = "/callback"

_PAGE = "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{text}\n"


class RedirectListener:
    """Listens on 127.0.0.1. Port 0 takes a free one."""

    def __init__(self, port: int = 0) -> None:
        """Raises `LoginError` if the port is taken."""
        try:
            self._socket = socket.create_server(("127.0.0.1", port))
        except (OSError, OverflowError) as exc:
            raise LoginError(f"cannot listen on 127.0.0.1:{port} for the browser: {exc}") from None
        self.redirect_uri = f"http://127.0.0.1:{self._socket.getsockname()[1]}{CALLBACK}"

    def close(self) -> None:
        self._socket.close()

    def wait(self, state: str) -> Mapping[str, str]:
        """The parameters of the redirect with this state. Raises `LoginError` when nobody came in time."""
        deadline = time.monotonic() + WAIT_S
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                break
            with connection:
                found = _serve(connection, state)
            if found is not None:
                return found
        raise LoginError("nobody signed in in time: run fairlead login again")


def _serve(connection: socket.socket, state: str) -> Mapping[str, str] | None:
    deadline = time.monotonic() + CONNECTION_TIMEOUT_S
    received = b""
    try:
        while b"\r\n\r\n" not in received and len(received) < MAX_REQUEST_BYTES:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            data = connection.recv(4096)
            if not data:
                break
            received += data
        found = redirect_parameters(received, state)
        if found is None:
            page = _PAGE.format(status="404 Not Found", text="Nothing is here.")
        else:
            page = _PAGE.format(status="200 OK", text="You may close this page and go back to the terminal.")
        connection.sendall(page.encode())
    except OSError:  # TimeoutError included
        return redirect_parameters(received, state)
    return found


def redirect_parameters(request: bytes, state: str) -> Mapping[str, str] | None:
    """The parameters of a GET of the callback with this state; None for any other request."""
    line = request.partition(b"\r\n")[0].decode("latin-1").split(" ")
    if len(line) != 3 or line[0] != "GET":
        return None
    path, _, query = line[1].partition("?")
    try:
        pairs = parse_qsl(query, max_num_fields=32)
    except ValueError:
        return None
    found = dict(pairs)
    given = found.get("state", "").encode()
    is_ours = path == CALLBACK and len(found) == len(pairs) and hmac.compare_digest(given, state.encode())
    return found if is_ours else None
