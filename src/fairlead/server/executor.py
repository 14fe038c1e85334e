"""Database threads: where use cases run, so that the event loop never waits for a disk.

SQLite gets one thread, because it has one writer and waiting for a lock would only cost; a database with real
concurrency gets several. What waits is bounded: beyond it callers are told to come back later, which AWS
clients do by themselves.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar, TypeVarTuple

from fairlead.domain.errors import Throttled

MAX_WAITING = 2_000
"""Calls that may run or wait at the same time."""
CONCURRENT_THREADS = 8
"""Threads for a database that runs transactions side by side; as many as it has pooled connections."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class DatabaseExecutor:
    """Runs synchronous work on its threads. Used from one event loop."""

    def __init__(self, threads: int, max_waiting: int = MAX_WAITING) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="database")
        self._max_waiting = max_waiting
        self._waiting = 0

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Run `work`; raises what it raises, or Throttled when too much is waiting."""
        if self._waiting >= self._max_waiting:
            raise Throttled
        return await self.run_always(work, *arguments)

    async def run_always(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """As `run`, whatever is waiting: for what must not be lost, such as the end of a session."""
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *arguments))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish what was begun."""
        self._pool.shutdown(wait=True)
