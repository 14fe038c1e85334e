"""The numbers one data channel is run with, and the limits that hold for every channel."""

from __future__ import annotations

from fairlead.protocol.values import Value

DEFAULT_MAX_PAYLOAD_BYTES = 128 * 1024
"""What our own ends take. Every message costs each process on its way the same, however long it is; above
this, buffers outgrow what they bring."""
STOCK_MAX_PAYLOAD_BYTES = 64 * 1024
"""The most that is sent to an official program: proven against both, which have no limit as receivers."""
DEFAULT_WINDOW_BYTES = 4 * 1024 * 1024
MAX_WINDOW_BYTES = 16 * 1024 * 1024
"""Largest window that may be set, and the most a channel holds of a peer that knows no window."""
MIN_WINDOW_BYTES = 64 * 1024
MAX_BACKLOG_BYTES = 3 * MAX_WINDOW_BYTES
"""Frames that may wait for a driver's socket: the largest window, once more when the peer says that it comes
back, and acknowledgements. A peer that asks for more while it reads nothing is cut off."""
MAX_UNACKNOWLEDGED_MESSAGES = 8192
"""Bounds the cost of very small messages; below the 10,000 that the official client can keep in order."""
MAX_HELD_MESSAGES = 10_000
"""Received messages held because they came early or were not yet written; more are left unacknowledged."""

HANDSHAKE_TIMEOUT_S = 15.0
DELIVERY_TIMEOUT_S = 300.0
"""Silence of a peer that owes an acknowledgement; the official client gives up after 3,000 resends, about
as long."""

CUMULATIVE_ACK_BYTES = 256 * 1024
CUMULATIVE_ACK_DELAY_S = 0.050

CLIENT_VERSION = "1.2.764.0"
AGENT_VERSION = "3.3.0.0"
"""Versions to announce: they open every gate of the official programs and of the AWS CLI."""


class ChannelSettings(Value):
    """`version` is announced in the handshake, `session_id` in agent_session_state (agent only).
    `session_types` are those a client accepts. `zero_digest` offers (agent) or accepts (client) messages
    without payload digest: for documents whose stream protects itself, as SSH does. `max_payload_bytes` above
    the window means the window.
    `fairlead` false: say nothing of our own terms, as against an official program.
    `delivery_timeout_s` None: never report PeerUnresponsive."""

    __slots__ = (
        "cumulative_acks",
        "delivery_timeout_s",
        "fairlead",
        "half_close",
        "handshake_timeout_s",
        "max_payload_bytes",
        "session_id",
        "session_types",
        "version",
        "window_bytes",
        "zero_digest",
    )

    def __init__(
        self,
        version: str,
        *,
        session_id: str = "",
        session_types: tuple[str, ...] = ("Port",),
        max_payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES,
        window_bytes: int = DEFAULT_WINDOW_BYTES,
        fairlead: bool = True,
        cumulative_acks: bool = True,
        zero_digest: bool = False,
        half_close: bool = True,
        handshake_timeout_s: float = HANDSHAKE_TIMEOUT_S,
        delivery_timeout_s: float | None = DELIVERY_TIMEOUT_S,
    ) -> None:
        if not MIN_WINDOW_BYTES <= window_bytes <= MAX_WINDOW_BYTES:
            raise ValueError(f"window_bytes must be {MIN_WINDOW_BYTES} to {MAX_WINDOW_BYTES}: {window_bytes}")
        if max_payload_bytes < 1:
            raise ValueError(f"max_payload_bytes must be at least 1: {max_payload_bytes}")
        self.version = version
        self.session_id = session_id
        self.session_types = session_types
        self.max_payload_bytes = min(max_payload_bytes, window_bytes)
        self.window_bytes = window_bytes
        self.fairlead = fairlead
        self.cumulative_acks = cumulative_acks
        self.zero_digest = zero_digest
        self.half_close = half_close
        self.handshake_timeout_s = handshake_timeout_s
        self.delivery_timeout_s = delivery_timeout_s
