"""What the event loop reports of connections that never became one.

A peer that leaves during its TLS handshake, or speaks no TLS, is reported to the loop's exception handler as
an error of ours, with a traceback. On a port in the open this happens all the time and says nothing; whoever
dialled is told by the call that failed.
"""

import asyncio
import logging
from typing import Any

_log = logging.getLogger(__name__)

_HANDSHAKE = "SSL handshake failed"


def quieten_failed_handshakes(loop: asyncio.AbstractEventLoop) -> None:
    """Log failed TLS handshakes as a detail; everything else goes where it went before."""
    before = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # Any: as asyncio
        if str(context.get("message", "")).startswith(_HANDSHAKE):
            _log.debug("a TLS handshake failed: %r", context.get("exception"))
        elif before is not None:
            before(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
