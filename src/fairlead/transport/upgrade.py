"""The client's opening handshake (RFC 6455 §4), as bytes. Pure: the nonce is an argument.

No extension is offered, so an answer that names one is refused: compressing encrypted bytes costs time only.
"""

from __future__ import annotations

from binascii import b2a_base64
from hashlib import sha1

from fairlead.protocol.open_channel import RESUME_HEADER, RESUME_HEADER_VALUE
from fairlead.transport.errors import UpgradeError, printable
from fairlead.transport.http import ResponseHead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from fairlead.transport.addresses import Endpoint

NONCE_BYTES = 16
ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 §1.3."""


def upgrade_request(endpoint: Endpoint, nonce: bytes, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """The request that turns a connection to `endpoint` into a WebSocket; `nonce` has 16 random bytes."""
    lines = [
        f"GET {endpoint.target} HTTP/1.1",
        f"Host: {endpoint.host_header}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {encoded_nonce(nonce).decode('ascii')}",
        "Sec-WebSocket-Version: 13",
    ]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def encoded_nonce(nonce: bytes) -> bytes:
    return b2a_base64(nonce, newline=False)


def accept_value(nonce: bytes) -> str:
    """What `Sec-WebSocket-Accept` must say (§4.2.2)."""
    digest = sha1(encoded_nonce(nonce) + ACCEPT_SUFFIX, usedforsecurity=False).digest()
    return b2a_base64(digest, newline=False).decode("ascii")


def check_upgrade(head: ResponseHead, nonce: bytes, authority: str) -> None:
    """Check the answer to `upgrade_request`. Raises `UpgradeError`, which carries the HTTP status."""
    if head.status != 101:
        reason = printable(head.reason, 100)
        raise UpgradeError(
            f"{authority} refuses the session's WebSocket: HTTP {head.status} {reason}".rstrip()
            + "; is it a Session Manager gateway, or is a proxy in the way?",
            head.status,
        )
    if head.value("upgrade").lower() != "websocket" or "upgrade" not in head.tokens("connection"):
        raise UpgradeError(f"{authority} answers 101 but does not switch to WebSocket", 101)
    if head.value("sec-websocket-accept") != accept_value(nonce):
        raise UpgradeError(
            f"{authority} answers with a wrong Sec-WebSocket-Accept; is a proxy in the way?", 101
        )
    if head.has("sec-websocket-extensions") or head.has("sec-websocket-protocol"):
        raise UpgradeError(f"{authority} insists on a WebSocket extension or subprotocol nobody offered", 101)


def takes_resume_secrets(head: ResponseHead) -> bool:
    """Whether a good answer comes from a gateway to which a client may come back with a secret."""
    return head.value(RESUME_HEADER.lower()) == RESUME_HEADER_VALUE
