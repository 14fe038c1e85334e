"""Database threads: where use cases run, so that the event loop never waits for a disk.

SQLite gets one thread that writes, because it has one writer and waiting for a lock would only cost; a
database with real concurrency gets several. What waits is bounded: beyond it callers are told to come back
later, which AWS clients do by themselves.

Calls that thousands of agents make at the same time, and that only read, are made together on a thread of
their own: all that wait when it is free share one view of the database. They keep nobody from writing, and a
crowd costs little more than one of it. Calls that write may be made together too, to wait for the disk once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

from fairlead.domain.errors import Throttled

MAX_WAITING = 2_000
"""Calls that may run or wait at the same time."""
MAX_WAITING_TOGETHER = 4_000
"""The same for one kind of call that is made together. Who makes it holds a socket meanwhile."""
MAX_TOGETHER = 100
"""Calls that share one view of the database; whoever comes meanwhile waits for all of them."""
MAX_WRITTEN_TOGETHER = 16
"""Calls that share one transaction; none is answered before it is committed."""
CONCURRENT_THREADS = 8
"""Threads for a database that runs transactions side by side; as many as it has pooled connections."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Arguments = tuple[Any, ...]  # Any: of the function that is called
View = Callable[[Sequence[Arguments]], AbstractContextManager[None]]
"""Opens the view of the database that calls with these arguments share, on the thread that makes them."""


class DatabaseExecutor:
    """Runs synchronous work on its threads. Used from one event loop."""

    def __init__(self, threads: int, max_waiting: int = MAX_WAITING, *, reads_apart: bool = True) -> None:
        """`reads_apart`: another thread than those that write may read; false for a database in memory."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="database")
        self._reads = (
            ThreadPoolExecutor(1, thread_name_prefix="database-reads") if reads_apart else self._pool
        )
        self._together: dict[Callable[..., Any], _Together] = {}  # Any: what the function gives
        self._max_waiting = max_waiting
        self._waiting = 0

    def read_together(
        self,
        work: Callable[..., Any],  # Any: what it gives
        view: View,
        waits_behind: Callable[..., bool] = lambda *_: False,
    ) -> None:
        """From now on `run` makes calls of `work` that wait at the same time in one view.

        Calls whose arguments `waits_behind` says True to are made when no others wait.
        """
        self._together[work] = _Together(self._reads, MAX_TOGETHER, work, view, waits_behind)

    def write_together(self, work: Callable[..., Any], transaction: View) -> None:  # Any: what it gives
        """From now on `run` makes calls of `work` that wait at the same time in one transaction.

        What `transaction` raises when it ends, each of them raises.
        """
        self._together[work] = _Together(
            self._pool, MAX_WRITTEN_TOGETHER, work, transaction, lambda *_: False
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
            answer: T = await together.call(arguments)
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
    """The calls of one function; one group of them runs at a time."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        most: int,
        work: Callable[..., Any],  # Any: what it gives, here and below
        view: View,
        waits_behind: Callable[..., bool],
    ) -> None:
        self._pool = pool
        self._most = most
        self._work = work
        self._view = view
        self._waits_behind = waits_behind
        self._first: deque[_Call] = deque()
        self._behind: deque[_Call] = deque()
        self._is_running = False

    async def call(self, arguments: Arguments) -> Any:
        """What `work` gives for these arguments; raises what it raises, or Throttled."""
        if len(self._first) + len(self._behind) >= MAX_WAITING_TOGETHER:
            raise Throttled
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        queue = self._behind if self._waits_behind(*arguments) else self._first
        queue.append((arguments, answer))
        if not self._is_running:
            self._is_running = True
            loop.call_soon(self._next, loop)  # whoever else comes in this turn of the loop goes along
        return await answer

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        calls: list[_Call] = []
        while len(calls) < self._most and (self._first or self._behind):
            call = (self._first or self._behind).popleft()
            if not call[1].done():  # who was cancelled meanwhile waits no longer
                calls.append(call)
        self._is_running = bool(calls)
        if calls:
            group = self._pool.submit(self._make, [arguments for arguments, _ in calls])
            group.add_done_callback(lambda done: _tell(loop, self._answer, loop, calls, done))

    def _make(self, calls: Sequence[Arguments]) -> list["_Answer"]:
        """The answers in order. On a database thread."""
        results: list[_Answer] = []
        with self._view(calls):
            for arguments in calls:
                try:
                    results.append((self._work(*arguments), None))
                except Exception as error:
                    results.append((None, error))
        return results

    def _answer(
        self, loop: asyncio.AbstractEventLoop, calls: Sequence["_Call"], done: "Future[list[_Answer]]"
    ) -> None:
        failure = done.exception()
        answers = [(None, failure)] * len(calls) if failure is not None else done.result()
        for (_, answer), (result, error) in zip(calls, answers, strict=True):
            if answer.done():
                continue
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)
        self._next(loop)


_Call = tuple[Arguments, asyncio.Future[Any]]
_Answer = tuple[Any, BaseException | None]  # what a call gave, or what it raised


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: object) -> None:
    """Call back on the loop, unless it is closed: then nobody waits any more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback, *arguments)
