"""Database threads: where use cases run, so that the event loop never waits for a disk.

SQLite gets one thread that writes, because it has one writer and waiting for a lock would only cost; a
database with real concurrency gets several. What waits is bounded: beyond it callers are told to come back
later, which AWS clients do by themselves.

Calls that thousands of agents make at the same time, and that only read, are made together on a thread of
their own: all that wait when it is free, of whatever kind, share one view of the database. They keep nobody
from writing, and a crowd costs little more than one of it. Calls that write may be made together too, to wait
for the disk once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from enum import IntEnum
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

from fairlead.domain.errors import Throttled

MAX_WAITING = 2_000
"""Calls that may run or wait at the same time."""
MAX_WAITING_TOGETHER = 4_000
"""The same for calls that are made together, in each rank. Who makes one holds a socket meanwhile."""
MAX_TOGETHER = 100
"""Calls that share one view of the database; whoever comes meanwhile waits for all of them."""
GATHERING_S = 0.01
"""In a crowd a view for patient calls is opened this long after the one before, so that it serves many. To
open it, and to read what all of them need, costs ten times what a call then takes."""
MAX_WRITTEN_TOGETHER = 16
"""Calls that share one transaction; none is answered before it is committed."""
CONCURRENT_THREADS = 8
"""Threads for a database that runs transactions side by side; as many as it has pooled connections."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Work = Callable[..., Any]  # Any: what it gives
Call = tuple[Work, tuple[Any, ...]]  # Any: the arguments of the function that is called
View = Callable[[Sequence[Call]], AbstractContextManager[None]]
"""Opens the view of the database that these calls share, on the thread that makes them."""


class Rank(IntEnum):
    """Who is served before whom, of calls that are made together."""

    HURRIED = 0
    """At once, when the thread is free."""
    PATIENT = 1
    """In a crowd, after a moment in which others come along."""
    LAST = 2
    """The same, and when no others wait."""


class DatabaseExecutor:
    """Runs synchronous work on its threads. Used from one event loop."""

    def __init__(self, threads: int, max_waiting: int = MAX_WAITING, *, reads_apart: bool = True) -> None:
        """`reads_apart`: another thread than those that write may read; false for a database in memory."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="database")
        self._reads = (
            ThreadPoolExecutor(1, thread_name_prefix="database-reads") if reads_apart else self._pool
        )
        self._together: dict[Work, _Together] = {}
        self._max_waiting = max_waiting
        self._waiting = 0

    def read_together(
        self, works: Collection[Work], view: View, rank_of: Callable[[Call], Rank] = lambda _: Rank.HURRIED
    ) -> None:
        """From now on `run` makes calls of any of `works` that wait at the same time in one view."""
        together = _Together(self._reads, MAX_TOGETHER, view, rank_of)
        self._together.update(dict.fromkeys(works, together))

    def write_together(self, work: Work, transaction: View) -> None:
        """From now on `run` makes calls of `work` that wait at the same time in one transaction.

        What `transaction` raises when it ends, each of them raises.
        """
        self._together[work] = _Together(
            self._pool, MAX_WRITTEN_TOGETHER, transaction, lambda _: Rank.HURRIED
        )

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Run `work`; raises what it raises, or Throttled when too much is waiting."""
        if work not in self._together and self._waiting >= self._max_waiting:
            raise Throttled
        return await self.run_always(work, *arguments)

    async def run_always(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """As `run`, whatever is waiting: for what must not be lost, such as the end of a session."""
        together = self._together.get(work)
        if together is not None:
            answer: T = await together.call((work, arguments))
            return answer
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *arguments))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish what was begun."""
        self._reads.shutdown(wait=True)
        self._pool.shutdown(wait=True)


class _Together:
    """Calls that are made together; one group of them runs at a time."""

    def __init__(
        self, pool: ThreadPoolExecutor, most: int, view: View, rank_of: Callable[[Call], Rank]
    ) -> None:
        self._pool = pool
        self._most = most
        self._view = view
        self._rank_of = rank_of
        self._waiting: tuple[deque[_Waiting], ...] = tuple(deque() for _ in Rank)
        self._is_running = False
        self._gathering: asyncio.TimerHandle | None = None
        self._gathers_until = 0.0

    async def call(self, call: Call) -> Any:  # Any: what its work gives
        """What it gives; raises what it raises, or Throttled."""
        rank = self._rank_of(call)
        if len(self._waiting[rank]) >= MAX_WAITING_TOGETHER:
            raise Throttled
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting[rank].append((call, answer))
        if not self._is_running:
            self._is_running = True
            loop.call_soon(self._next, loop)  # whoever else comes in this turn of the loop goes along
        elif self._gathering is not None and self._is_complete:
            self._gathering.cancel()
            self._next(loop)
        return await answer

    @property
    def _is_complete(self) -> bool:
        """Whether there is nothing to be gained by waiting for more calls."""
        return bool(self._waiting[Rank.HURRIED]) or sum(map(len, self._waiting)) >= self._most

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        self._gathering = None
        if any(self._waiting) and not self._is_complete and loop.time() < self._gathers_until:
            self._gathering = loop.call_at(self._gathers_until, self._next, loop)
            return
        group = self._take_group()
        self._is_running = bool(group)
        if group:
            is_crowd = len(group) > 1
            self._gathers_until = loop.time() + GATHERING_S if is_crowd else 0.0
            made = self._pool.submit(self._make, [call for call, _ in group])
            made.add_done_callback(lambda done: _tell(loop, self._answer, loop, group, done))

    def _take_group(self) -> list["_Waiting"]:
        group: list[_Waiting] = []
        for queue in self._waiting:
            while queue and len(group) < self._most:
                waiting = queue.popleft()
                if not waiting[1].done():  # who was cancelled meanwhile waits no longer
                    group.append(waiting)
        return group

    def _make(self, calls: Sequence[Call]) -> list["_Answer"]:
        """The answers in order. On a database thread."""
        results: list[_Answer] = []
        with self._view(calls):
            for work, arguments in calls:
                try:
                    results.append((work(*arguments), None))
                except Exception as error:
                    results.append((None, error))
        return results

    def _answer(
        self, loop: asyncio.AbstractEventLoop, group: Sequence["_Waiting"], done: "Future[list[_Answer]]"
    ) -> None:
        failure = done.exception()
        answers = [(None, failure)] * len(group) if failure is not None else done.result()
        for (_, answer), (result, error) in zip(group, answers, strict=True):
            if answer.done():
                continue
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)
        self._next(loop)


_Waiting = tuple[Call, asyncio.Future[Any]]
_Answer = tuple[Any, BaseException | None]  # what a call gave, or what it raised


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: object) -> None:
    """Call back on the loop, unless it is closed: then nobody waits any more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback, *arguments)
