"""What a TLS transport has taken from its socket and not yet handed on.

aiofastnet (1.2), which picows puts under WebSockets, hands on all that it has read before it reads more, but
stops within its own buffer when reading pauses. When it goes on it waits for the socket, which may have
nothing more: the rest of what was decrypted would stay there until the peer sends another byte.
"""

import asyncio


def read_what_is_left(transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
    """Let the transport look into its own buffer soon. No effect on transports that keep nothing back."""
    retry = getattr(transport, "_retry_ssl_read", None)
    if retry is not None:
        loop.call_soon(retry)
