"""Requests that come at the same time are answered together: one call for many costs little more than for one."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class BusyError(RuntimeError):
    """More is waiting than may wait."""


@dataclasses.dataclass
class _Waiting(Generic[Item, Result]):
    item: Item
    answer: "asyncio.Future[Result]"


class Batcher(Generic[Item, Result]):
    """Gathers items while the former batch is worked on, and then a little longer.

        async with batcher.running():
            results = await batcher.submit(items)

    Args:
      work: returns the result of each item, in order; it runs in `executor`, and one call at a time.
      executor: threads.
      maximum: items in a batch.
      seconds: how long the first of them waits for others; 0 where only what is there already is taken together.
      capacity: where so many items are waiting, no more are taken.
    """

    def __init__(
        self,
        work: Callable[[list[Item]], Sequence[Result]],
        executor: Executor,
        *,
        maximum: int,
        seconds: float,
        capacity: int,
    ):
        self._work, self._executor, self._maximum, self._seconds = work, executor, maximum, seconds
        self._queue: asyncio.Queue[_Waiting[Item, Result]] = asyncio.Queue()
        self._capacity = capacity

    async def submit(self, items: Sequence[Item]) -> list[Result]:
        """Returns the results of some items, in order.

        Raises:
          BusyError: too many are waiting.
          Exception: whatever `work` raised.
        """
        if items and self._queue.qsize() >= self._capacity:
            raise BusyError("too many requests are waiting")
        loop = asyncio.get_running_loop()
        some = [_Waiting[Item, Result](item, loop.create_future()) for item in items]
        for waiting in some:
            self._queue.put_nowait(waiting)
        return await asyncio.gather(*(waiting.answer for waiting in some))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works on what is submitted meanwhile."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await self._gather()
            batch = [waiting for waiting in batch if not waiting.answer.done()]  # a client that is gone
            if not batch:
                continue
            try:
                results = await loop.run_in_executor(self._executor, self._work, [waiting.item for waiting in batch])
            except Exception as error:
                for waiting in batch:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(error)
                continue
            for waiting, result in zip(batch, results, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(result)

    async def _gather(self) -> list[_Waiting[Item, Result]]:
        """Returns the next batch, as soon as it is full or its time is up."""
        batch = [await self._queue.get()]
        deadline = asyncio.get_running_loop().time() + self._seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline if self._seconds else None):
                while len(batch) < self._maximum:
                    if not self._seconds and self._queue.empty():
                        break
                    batch.append(await self._queue.get())
        return batch
