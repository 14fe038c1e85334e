"""What can go wrong between us and the first byte of a session, one class per hop.

The text of each is one line for a person: which hop failed and what to do about it. Text that came from
the other end has been through `printable` already.
"""

from __future__ import annotations

MAX_REMOTE_TEXT = 400
"""Longest piece of somebody else's text that we repeat in an error, in characters."""


class TransportError(Exception):
    """Base of this package's errors."""

    is_passing = False
    """Whether the same may succeed a little later: the other end is busy, or restarts."""


class AddressError(TransportError):
    """The address cannot be used as it is written, or must not be used without TLS."""


class ResolveError(TransportError):
    """The name has no address."""


class ConnectError(TransportError):
    """No address of the endpoint accepted a TCP connection in time."""


class RefusedError(ConnectError):
    """Nothing listens there now."""

    is_passing = True


class ProxyError(TransportError):
    """The proxy named by the environment refused, or cannot be used."""


class TlsError(TransportError):
    """The TLS handshake failed; above all: the certificate is not trusted."""


class HandshakeLostError(TlsError):
    """The connection ended during the handshake, or nothing came for too long."""

    is_passing = True


class UntrustedError(TlsError):
    """The certificate of the other end is not trusted. `verify_code` is OpenSSL's (X509_V_ERR_…), or 0."""

    def __init__(self, text: str, verify_code: int = 0) -> None:
        super().__init__(text)
        self.verify_code = verify_code


class UpgradeError(TransportError):
    """The endpoint answered, but not as a WebSocket server.

    `status` is the HTTP status of the answer, or 0 when there was none.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status

    @property
    def is_passing(self) -> bool:  # type: ignore[override]  # known when the answer is here
        return self.status >= 500 or self.status == 429


class PeerError(TransportError):
    """The endpoint broke the rules of HTTP or of RFC 6455."""


class ConnectionLost(TransportError):
    """The connection ended, or stayed silent too long. `close_code` is that of a close frame, else 0."""

    is_passing = True

    def __init__(self, text: str, close_code: int = 0) -> None:
        super().__init__(text)
        self.close_code = close_code


class ClosedUnanswered(ConnectionLost):
    """The connection ended before the first byte of the answer; the request may have been acted on or not."""


def printable(text: str, limit: int = MAX_REMOTE_TEXT) -> str:
    """`text` from a remote on one line: control characters become spaces, runs of spaces one; cut at `limit`.

    Terminal escape sequences are made harmless by this, since they all start with a control character.
    """
    cleaned = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return cleaned if len(cleaned) <= limit else cleaned[:limit] + "…"
