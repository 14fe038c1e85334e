"""Message ids without a call to the system per message: random bytes once, then a counter.

The ids have the form of a version 4 UUID (RFC 9562 §5.4). Peers only compare them.
"""

from __future__ import annotations

SEED_BYTES = 10
"""Random bytes that the caller gives (`os.urandom(SEED_BYTES)`); 74 bits of them remain."""

_COUNTER_BYTES = 6


class MessageIds:
    """An endless supply of ids: `seed` is random, the last six bytes count."""

    __slots__ = ("_count", "_prefix")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"the seed must be {SEED_BYTES} random bytes")
        prefix = bytearray(seed)
        prefix[6] = prefix[6] & 0x0F | 0x40  # version 4
        prefix[8] = prefix[8] & 0x3F | 0x80  # RFC variant
        self._prefix = bytes(prefix)
        self._count = 0

    def next_id(self) -> bytes:
        """The next id, 16 bytes in RFC order."""
        self._count += 1
        return self._prefix + self._count.to_bytes(_COUNTER_BYTES, "big")


def format_message_id(message_id: bytes) -> str:
    """The canonical text of an id: lower-case, with hyphens."""
    digits = message_id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
