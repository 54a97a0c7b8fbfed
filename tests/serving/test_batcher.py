import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from trainer.serving.batcher import Batcher, BusyError


class Worker:
    """Doubles numbers, once it may, and remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.is_called, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, numbers: list[int]) -> list[int]:
        self.batches.append(numbers)
        self.is_called.set()
        self.may_go_on.wait(10)
        if 13 in numbers:
            raise ArithmeticError("13")
        return [2 * number for number in numbers]


@pytest.fixture
def worker() -> Worker:
    return Worker()


def _batcher(worker: Worker, *, maximum: int = 4, seconds: float = 0.0, capacity: int = 100) -> Batcher[int, int]:
    return Batcher(worker, ThreadPoolExecutor(1), maximum=maximum, seconds=seconds, capacity=capacity)


async def _until_busy(worker: Worker) -> None:
    assert await asyncio.get_running_loop().run_in_executor(None, worker.is_called.wait, 10)


def test_what_comes_while_it_works_is_worked_on_together(worker: Worker) -> None:
    async def run() -> list[list[int]]:
        batcher = _batcher(worker)
        async with batcher.running():
            first = asyncio.create_task(batcher.submit([0]))
            await _until_busy(worker)
            others = [asyncio.create_task(batcher.submit([number])) for number in range(1, 7)]
            await asyncio.sleep(0)
            worker.may_go_on.set()
            return await asyncio.gather(first, *others)

    assert asyncio.run(run()) == [[2 * number] for number in range(7)]
    assert worker.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_a_batch_that_is_full_waits_for_nobody(worker: Worker) -> None:
    worker.may_go_on.set()

    async def run() -> list[int]:
        batcher = _batcher(worker, seconds=1000)
        async with batcher.running():
            return await batcher.submit([1, 2, 3, 4])

    assert asyncio.run(run()) == [2, 4, 6, 8]
    assert worker.batches == [[1, 2, 3, 4]]


def test_the_first_waits_a_while_for_others(worker: Worker) -> None:
    worker.may_go_on.set()

    async def run() -> None:
        batcher = _batcher(worker, seconds=0.2)
        async with batcher.running():
            first = asyncio.create_task(batcher.submit([1]))
            await asyncio.sleep(0.01)
            await asyncio.gather(first, batcher.submit([2]))
            assert await batcher.submit([3]) == [6]  # alone, after that while

    asyncio.run(run())
    assert worker.batches == [[1, 2], [3]]


def test_a_failure_reaches_those_of_its_batch_alone(worker: Worker) -> None:
    worker.may_go_on.set()

    async def run() -> None:
        batcher = _batcher(worker)
        async with batcher.running():
            with pytest.raises(ArithmeticError, match="13"):
                await batcher.submit([13])
            assert await batcher.submit([1]) == [2]
            assert await batcher.submit([]) == []

    asyncio.run(run())


def test_takes_no_more_than_it_can_hold(worker: Worker) -> None:
    async def run() -> None:
        batcher = _batcher(worker, capacity=2)
        async with batcher.running():
            first = asyncio.create_task(batcher.submit([0]))
            await _until_busy(worker)
            second = asyncio.create_task(batcher.submit([1, 2, 3]))  # one request may be larger than that
            await asyncio.sleep(0)
            with pytest.raises(BusyError, match="too many requests are waiting"):
                await batcher.submit([4])
            worker.may_go_on.set()
            assert await asyncio.gather(first, second) == [[0], [2, 4, 6]]

    asyncio.run(run())


def test_a_client_that_is_gone_costs_no_work(worker: Worker) -> None:
    async def run() -> None:
        batcher = _batcher(worker)
        async with batcher.running():
            first = asyncio.create_task(batcher.submit([0]))
            await _until_busy(worker)
            gone, other = (asyncio.create_task(batcher.submit([number])) for number in (1, 2))
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.sleep(0)
            worker.may_go_on.set()
            assert await asyncio.gather(first, other) == [[0], [4]]

    asyncio.run(run())
    assert worker.batches == [[0], [2]]
