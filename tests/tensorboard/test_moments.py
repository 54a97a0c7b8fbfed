import threading

import numpy as np
import pytest

from trainer.insight.observer import Snapshot
from trainer.tensorboard import summaries
from trainer.tensorboard.moments import Drawn, Kernels, Moment, Moments, most_waiting


def _moment(step: int) -> Moment:
    return Moment(step, Snapshot([np.full(3, step, np.float32)], [True]))


class Drawing:
    """Draws a moment's change since the one before, once it may."""

    def __init__(self) -> None:
        self.may, self.threads = threading.Event(), set[threading.Thread]()

    def __call__(self, snapshot: Snapshot, former: Kernels) -> tuple[list[summaries.Summary], Kernels]:
        assert self.may.wait(10)
        self.threads.add(threading.current_thread())
        change = snapshot.values[0].sum() - former.get("conv", np.zeros(1)).sum()
        return [summaries.scalar("change", change)], {"conv": snapshot.values[0]}


def _changes(drawn: list[Drawn]) -> list[tuple[int, float]]:
    return [(one.step, one.summaries[0].value[0].tensor.float_val[0]) for one in drawn]


def test_draws_every_moment_once_in_order_in_a_thread_of_its_own() -> None:
    drawing = Drawing()
    moments = Moments(drawing, {"conv": np.ones(3)})
    for step in (1, 2, 4):
        moments.add(_moment(step))
    assert [*moments.take()] == []
    assert [moment.step for moment in moments.waiting] == [1, 2, 4]
    drawing.may.set()
    first = [*moments.take(most=1)]
    assert [one.step for one in first] in ([1, 2], [1, 2, 4])
    assert _changes([*first, *moments.take(most=0)]) == [(1, 0.0), (2, 3.0), (4, 6.0)]
    assert moments.waiting == [] == [*moments.take(most=0)]
    moments.close()
    (thread,) = drawing.threads
    assert thread is not threading.current_thread()
    assert not thread.is_alive()


def test_a_moment_that_is_not_taken_waits() -> None:
    drawing = Drawing()
    drawing.may.set()
    moments = Moments(drawing, {})
    moments.add(_moment(1))
    taking = moments.take(most=0)
    assert next(taking).step == 1
    assert [moment.step for moment in moments.waiting] == [1]  # until it is written
    assert next(taking, None) is None
    assert moments.waiting == []
    moments.close()


def test_the_error_of_a_drawing_is_raised_where_it_is_taken() -> None:
    def draw(snapshot: Snapshot, former: Kernels) -> tuple[list[summaries.Summary], Kernels]:
        raise MemoryError("a sheet")

    moments = Moments(draw, {})
    moments.add(_moment(1))
    with pytest.raises(MemoryError, match="a sheet"):
        list(moments.take(most=0))
    moments.close()


def test_close_waits_for_one_drawing_alone() -> None:
    drawing = Drawing()
    moments = Moments(drawing, {})
    for step in range(3):
        moments.add(_moment(step))
    threading.Timer(0.1, drawing.may.set).start()
    moments.close()
    assert len(drawing.threads) == 1
    assert not any(thread.is_alive() for thread in drawing.threads)
    assert [moment.step for moment in moments.waiting] == [0, 1, 2]


@pytest.mark.parametrize(("size", "most"), [(0, 4), (1, 4), (2**24, 4), (2**25, 2), (2**30, 1)])
def test_how_many_moments_may_wait_depends_on_their_size(size: int, most: int) -> None:
    weights = np.broadcast_to(np.float32(0), size)
    assert most_waiting(Snapshot([weights], [True])) == most
