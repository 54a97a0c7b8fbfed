import threading
from collections.abc import Iterator
from functools import partial

import pytest

from trainer.buckets.objects.workers import Workers


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(3)
    yield workers
    workers.close()


def test_results_come_in_order(workers: Workers) -> None:
    assert workers.all([partial(pow, number, 2) for number in range(50)]) == [number**2 for number in range(50)]
    assert workers.all([]) == []


def test_tasks_run_side_by_side(workers: Workers) -> None:
    barrier = threading.Barrier(3, timeout=10)
    assert sorted(workers.all([barrier.wait] * 3)) == [0, 1, 2]


def test_what_has_not_begun_is_left_out_after_a_failure() -> None:
    workers, ran = Workers(1), list[int]()

    def task(number: int) -> None:
        ran.append(number)
        if number == 1:
            raise ValueError(str(number))

    with pytest.raises(ValueError, match="^1$"):
        workers.all([partial(task, number) for number in range(5)])
    assert ran == [0, 1]
    assert workers.all([partial(abs, -1), partial(abs, -2)]) == [1, 2]
    workers.close()


def test_a_task_may_have_tasks_of_its_own(workers: Workers) -> None:
    def task(number: int) -> list[int]:
        return workers.all([partial(pow, number, power) for power in range(4)])

    assert workers.all([partial(task, number) for number in range(10)])[2] == [1, 2, 4, 8]


def test_threads_do_not_keep_the_program_from_ending(workers: Workers) -> None:
    assert all(workers.all([lambda: threading.current_thread().daemon] * 4))
