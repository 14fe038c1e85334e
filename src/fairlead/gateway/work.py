"""Coroutines that callbacks start: none loses its exception, and stopping waits for all of them."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_log = logging.getLogger(__name__)


class BackgroundWork:
    """The gateway's own tasks. An exception ends its task, is logged once, and touches no other."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(
        self, work: Coroutine[Any, Any, None], *, purpose: str
    ) -> None:  # Any: neither sends nor yields
        """Run `work`; `purpose` names it in the log. Works that are spawned in order start in that order."""
        task = self._loop.create_task(self._guarded(work, purpose))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # one that was cancelled before it began

    async def finish(self, timeout_s: float) -> None:
        """Wait for all work, including what it spawns; cancel what is left after the timeout."""
        deadline = self._loop.time() + timeout_s
        while self._tasks:
            remaining = deadline - self._loop.time()
            if remaining <= 0:
                break
            await asyncio.wait(self._tasks, timeout=remaining)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _guarded(self, work: Coroutine[Any, Any, None], purpose: str) -> None:
        try:
            await work
        except Exception:
            _log.exception("could not %s", purpose)
