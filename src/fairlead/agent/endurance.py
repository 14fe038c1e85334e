"""A part of the agent that must run for ever: what nobody foresaw is logged, and the part starts again.

Failures that are foreseen (a server that is away, a refusal) are the part's own business.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from fairlead.agent.backoff import Backoff

logger = logging.getLogger(__name__)

FAULT_RETRY_FIRST_S = 1.0
FAULT_RETRY_CAP_S = 300.0

STEADY_S = 600.0
"""A part that ran this long counts as sound: the next fault is followed by the first delay again."""


async def run_for_ever(
    name: str,
    run: Callable[[], Awaitable[None]],
    uniform: Callable[[float, float], float],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Run `run` until cancelled, again after every exception."""
    backoff = Backoff(FAULT_RETRY_FIRST_S, FAULT_RETRY_CAP_S, uniform, least=0.5)
    while True:
        started = clock()
        try:
            await run()
        except Exception:  # a fault of ours must not take the sessions with it
            if clock() - started > STEADY_S:
                backoff.reset()
            delay_s = backoff.next_delay_s()
            logger.exception("a fault in the %s; it starts again in %.0f s", name, delay_s)
            await sleep(delay_s)
