"""Moments of a network, drawn beside the training."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary

from trainer.insight.observer import Snapshot

_MOST = 4  # that wait: the first moments follow one another within a second, a drawing takes one
_MOST_BYTES = 2**28  # of their weights, in memory and in a checkpoint

Kernels = Mapping[str, np.ndarray]


class Moment(NamedTuple):
    """A step and the network's weights after it."""

    step: int
    snapshot: Snapshot


class Drawn(NamedTuple):
    """What is written of a moment, and each convolution's kernels at it."""

    step: int
    summaries: Sequence[Summary]
    kernels: Kernels


class Moments:
    """Draws moments in a thread, one after the other; the thread that adds them takes what is drawn.

    Nothing is written here, so that the log and `waiting` agree about which moments are in the log: a checkpoint has
    the moments that are not, and a resumed run draws them again.

    Args:
      draw: returns the summaries of a snapshot and its kernels, given the kernels at the moment before.
      kernels: at the last moment that was drawn; empty where there was none.
    """

    def __init__(self, draw: Callable[[Snapshot, Kernels], tuple[Sequence[Summary], Kernels]], kernels: Kernels):
        self._draw, self._kernels = draw, kernels  # the kernels are the drawing thread's alone
        self._waiting: deque[tuple[Moment, Future[Drawn]]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")  # begins with the first moment

    @property
    def waiting(self) -> list[Moment]:
        """The moments that were added and not taken, in order."""
        return [moment for moment, _ in self._waiting]

    def add(self, moment: Moment) -> None:
        """Has a moment drawn."""
        self._waiting.append((moment, self._thread.submit(self._drawn, moment)))

    def take(self, most: int | None = None) -> Iterator[Drawn]:
        """Yields the moments that are drawn, and waits until there are at most so many others.

        Raises:
          Exception: what the drawing of one raised.
        """
        while self._waiting and (self._waiting[0][1].done() or (most is not None and len(self._waiting) > most)):
            yield self._waiting[0][1].result()
            self._waiting.popleft()

    def close(self) -> None:
        """Ends the thread after the moment that it draws; the others are not drawn."""
        self._thread.shutdown(cancel_futures=True)

    def _drawn(self, moment: Moment) -> Drawn:
        summaries, self._kernels = self._draw(moment.snapshot, self._kernels)
        return Drawn(moment.step, summaries, self._kernels)


def most_waiting(snapshot: Snapshot) -> int:
    """Returns how many moments of a network may wait."""
    size = sum(value.nbytes for value in snapshot.values)
    return max(1, min(_MOST, _MOST_BYTES // max(1, size)))
