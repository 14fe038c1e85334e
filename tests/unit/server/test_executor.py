import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from fairlead.domain.errors import Throttled
from fairlead.server.executor import Call, DatabaseExecutor, Rank
from tests.support.waiting import PATIENCE_S


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


class Desk:
    """Calls that are made together, and the views that they were made in."""

    def __init__(
        self, executor: DatabaseExecutor, rank_of: Callable[[Call], Rank] = lambda _: Rank.HURRIED
    ) -> None:
        self.executor = executor
        self.gate = threading.Event()
        self.views: list[list[Any]] = []
        executor.read_together([self.double, self.half], self.view, rank_of)

    @contextmanager
    def view(self, calls: Sequence[Call]) -> Iterator[None]:
        self.gate.wait(PATIENCE_S)
        self.views.append([number for _, (number,) in calls])
        yield

    def double(self, number: int) -> int:
        if number < 0:
            raise ValueError(f"{number} is negative")
        return 2 * number

    def half(self, number: int) -> float:
        return number / 2

    async def all(self, *numbers: int) -> list[int | BaseException]:
        """The first call goes alone; the others wait for it and are made together."""
        first = asyncio.ensure_future(self.executor.run(self.double, numbers[0]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(self.executor.run(self.double, number)) for number in numbers[1:]]
        await asyncio.sleep(0)
        self.gate.set()
        return await asyncio.gather(first, *others, return_exceptions=True)


def test_calls_that_wait_at_the_same_time_share_one_view_and_each_has_its_own_answer() -> None:
    async def test(executor: DatabaseExecutor) -> None:
        desk = Desk(executor)
        one, two, failure, three = await desk.all(1, 2, -1, 3)
        assert (one, two, three) == (2, 4, 6)
        assert isinstance(failure, ValueError)
        assert desk.views == [[1], [2, -1, 3]]
        assert await executor.run_always(desk.double, 4) == 8
        assert desk.views[2:] == [[4]]

    _with_executor(test)


def test_calls_of_several_kinds_share_a_view() -> None:
    async def test(executor: DatabaseExecutor) -> None:
        desk = Desk(executor)
        desk.gate.set()
        answers = await asyncio.gather(executor.run(desk.double, 1), executor.run(desk.half, 3))
        assert answers == [2, 1.5]
        assert desk.views == [[1, 3]]

    _with_executor(test)


def by_hundreds(call: Call) -> Rank:
    _, (number,) = call
    return Rank(number // 100)


def test_they_are_served_by_rank() -> None:
    async def test(executor: DatabaseExecutor) -> None:
        desk = Desk(executor, by_hundreds)
        assert await desk.all(1, 200, 100, 2, 201, 3) == [2, 400, 200, 4, 402, 6]
        assert desk.views == [[1], [2, 3, 100, 200, 201]]

    _with_executor(test)


def test_in_a_crowd_who_is_patient_waits_for_others_to_come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.server.executor.GATHERING_S", 3600.0)

    async def test(executor: DatabaseExecutor) -> None:
        desk = Desk(executor, by_hundreds)
        desk.gate.set()

        def ask(*numbers: int) -> asyncio.Future[list[int]]:
            return asyncio.gather(*(executor.run(desk.double, number) for number in numbers))

        await ask(100)
        await ask(101)  # nobody else was there, so it is no crowd
        await ask(102, 103)
        patient = ask(104, 200)
        await asyncio.sleep(0.01)
        assert desk.views == [[100], [101], [102, 103]]
        await ask(1)
        assert await patient == [208, 400]
        assert desk.views[3:] == [[1, 104, 200]]

    _with_executor(test)


def test_nobody_waits_for_company_that_has_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.server.executor.GATHERING_S", 3600.0)
    monkeypatch.setattr("fairlead.server.executor.MAX_TOGETHER", 2)

    async def test(executor: DatabaseExecutor) -> None:
        desk = Desk(executor, by_hundreds)
        desk.gate.set()
        assert await asyncio.gather(*(executor.run(desk.double, number) for number in range(100, 106)))
        assert [len(view) for view in desk.views] == [2, 2, 2]

    _with_executor(test)


def test_a_view_that_cannot_be_had_fails_the_calls_that_were_to_share_it_and_no_later_one() -> None:
    async def test(executor: DatabaseExecutor) -> None:
        desk = Desk(executor)
        failing = True

        @contextmanager
        def view(calls: Sequence[Call]) -> Iterator[None]:
            if failing:
                raise OSError("the disk is gone")
            with desk.view(calls):
                yield

        executor.read_together([desk.double], view)
        desk.gate.set()
        answers = await asyncio.gather(
            *(executor.run(desk.double, n) for n in (1, 2)), return_exceptions=True
        )
        assert [str(answer) for answer in answers] == ["the disk is gone"] * 2
        failing = False
        assert await executor.run(desk.double, 3) == 6

    _with_executor(test)


def test_of_calls_that_are_made_together_no_more_than_a_bound_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.server.executor.MAX_WAITING_TOGETHER", 2)
    monkeypatch.setattr("fairlead.server.executor.MAX_TOGETHER", 1)

    async def test(executor: DatabaseExecutor) -> None:
        desk = Desk(executor)
        answers = await desk.all(1, 2, 3, 4)
        assert answers[:3] == [2, 4, 6]
        assert isinstance(answers[3], Throttled)
        assert desk.views == [[1], [2], [3]]

    _with_executor(test)


def test_who_was_cancelled_while_waiting_is_not_served() -> None:
    async def test(executor: DatabaseExecutor) -> None:
        desk = Desk(executor)
        first = asyncio.ensure_future(executor.run(desk.double, 1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        second, third = (asyncio.ensure_future(executor.run(desk.double, number)) for number in (2, 3))
        await asyncio.sleep(0)
        second.cancel()
        desk.gate.set()
        assert (await first, await third) == (2, 6)
        assert desk.views == [[1], [3]]

    _with_executor(test)


def test_calls_that_write_share_a_transaction_and_fail_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.server.executor.MAX_WRITTEN_TOGETHER", 2)

    async def test(executor: DatabaseExecutor) -> None:
        desk = Desk(executor)

        @contextmanager
        def transaction(calls: Sequence[Call]) -> Iterator[None]:
            with desk.view(calls):
                yield
            if (desk.double, (13,)) in calls:
                raise OSError("the disk is full")

        executor.write_together(desk.double, transaction)
        answers = await desk.all(1, 2, 3, 13, 4)
        assert answers[:3] == [2, 4, 6]
        assert [str(answer) for answer in answers[3:]] == ["the disk is full"] * 2
        assert desk.views == [[1], [2, 3], [13, 4]]

    _with_executor(test)
