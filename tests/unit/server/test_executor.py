import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fairlead.domain.errors import Throttled
from fairlead.server.executor import DatabaseExecutor


def _with_executor(
    test: Callable[[DatabaseExecutor], Awaitable[Any]], threads: int = 1, max_waiting: int = 10
) -> Any:
    executor = DatabaseExecutor(threads, max_waiting)
    try:
        return asyncio.run(test(executor))  # type: ignore[arg-type]  # every Awaitable here is a coroutine
    finally:
        executor.close()


def test_work_runs_on_a_thread_of_its_own_and_its_result_comes_back() -> None:
    async def test(executor: DatabaseExecutor) -> tuple[int, str]:
        return await executor.run(lambda a, b: (a + b, threading.current_thread().name), 1, 2)

    total, thread = _with_executor(test)
    assert total == 3
    assert thread.startswith("database")


def test_what_work_raises_comes_back() -> None:
    async def test(executor: DatabaseExecutor) -> None:
        await executor.run(int, "x")

    with pytest.raises(ValueError, match="x"):
        _with_executor(test)


def test_one_thread_runs_work_in_order() -> None:
    done: list[int] = []

    async def test(executor: DatabaseExecutor) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(10):
                tasks.create_task(executor.run(done.append, number))

    _with_executor(test)
    assert done == list(range(10))


def test_more_than_may_wait_is_told_to_come_back() -> None:
    gate = threading.Event()

    async def test(executor: DatabaseExecutor) -> None:
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(executor.run(gate.wait)) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(Throttled):
                await executor.run(print)
            urgent = tasks.create_task(executor.run_always(lambda: "done"))
            await asyncio.sleep(0)
            gate.set()
        assert all(task.result() for task in waiting)
        assert urgent.result() == "done"
        assert await executor.run(lambda: "again") == "again"

    _with_executor(test, max_waiting=2)


def test_closing_finishes_what_was_begun() -> None:
    done: list[int] = []
    executor = DatabaseExecutor(1)

    async def begin() -> None:
        await executor.run(done.append, 1)

    asyncio.run(begin())
    executor.close()
    assert done == [1]
