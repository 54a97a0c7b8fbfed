"""A few threads for concurrent requests."""

import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

_T = TypeVar("_T")


class Workers:
    """Runs tasks on threads that do not delay the end of the program, unlike the standard library's pool.

    Args:
      count: the number of threads; they start with the first tasks.
    """

    def __init__(self, count: int):
        self.count = count
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def all(self, tasks: Sequence[Callable[[], _T]]) -> list[_T]:
        """Returns the result of each task after all have finished.

        If called in one of its own threads, it runs the tasks one after another, which prevents a deadlock.

        Raises:
          Exception: the error of the first task that fails; tasks that have not started by then do not run.
        """
        if len(tasks) < 2 or threading.current_thread() in self._threads:
            return [task() for task in tasks]
        batch = _Batch(tasks)
        for index in range(len(tasks)):
            self._tasks.put(partial(batch.run, index))
        while len(self._threads) < min(self.count, len(tasks)):
            thread = threading.Thread(target=self._work, name=f"storage-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return batch.results()

    def close(self) -> None:
        """Ends the threads without waiting for their current tasks."""
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        for task in iter(self._tasks.get, None):
            task()


class _Batch:
    """Tasks of one call."""

    def __init__(self, tasks: Sequence[Callable[[], Any]]):
        self._tasks = tasks
        self._results: list[Any] = [None] * len(tasks)
        self._error: BaseException | None = None
        self._left = len(tasks)
        self._lock, self._done = threading.Lock(), threading.Event()

    def run(self, index: int) -> None:
        """Runs a task, unless another one has failed."""
        try:
            if self._error is None:
                self._results[index] = self._tasks[index]()
        except BaseException as error:
            self._error = self._error or error
        with self._lock:
            self._left -= 1
            if not self._left:
                self._done.set()

    def results(self) -> list[Any]:
        """Waits for all and returns their results, or raises the first error."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._results
