"""Waiting for what other threads and processes do: for a condition, never for a time.

A test that passes waits no longer than it must, so the limit is generous: it says only when to give up.
"""

import asyncio
import time
from collections.abc import Callable

PATIENCE_S = 60.0
"""How long anything may take on a machine with much else to do; one test may take longer."""


def wait_until(
    holds: Callable[[], object],
    what: str = "it",
    timeout_s: float = PATIENCE_S,
    *,
    look_every_s: float = 0.02,
) -> None:
    """Look again and again; fail when the time is up."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s in vain for {what}"
        time.sleep(look_every_s)


async def eventually(holds: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """The same inside an event loop; TimeoutError when the time is up."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def at_rest(measure: Callable[[], object], quiet_s: float = 0.3) -> None:
    """Until a quantity has not changed for a while: whoever moved it is stopped.

    Only for parties that share this event loop, where a slow machine delays all of them alike.
    """
    async with asyncio.timeout(PATIENCE_S):
        before = object()
        while before != (now := measure()):
            before = now
            await asyncio.sleep(quiet_s)
