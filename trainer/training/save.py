"""When a run's state is saved; the writing itself goes on beside the training."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import keras

from trainer.errors import StorageError
from trainer.metrics import ACCURACY, Metric, Rank
from trainer.training import state as states
from trainer.training.checkpoint import Store


@dataclasses.dataclass(frozen=True)
class Every:
    """How often to save within an epoch: after so many steps, or so many seconds. 0 is never."""

    steps: int = 0
    seconds: float = 0.0

    @classmethod
    def read(cls, text: str) -> "Every":
        """Returns what `500` or `30s` says."""
        return cls(seconds=float(text[:-1])) if text.endswith("s") else cls(steps=int(text))

    def next_step(self, step: int) -> float:
        """Returns the first step after this one at which it is time, where steps are counted."""
        return (step // self.steps + 1) * self.steps if self.steps else math.inf


class SaveCheckpoint(keras.callbacks.Callback):
    """Saves the state every so often, and at the end of each epoch. The last callback, so that it sees the others'.

    The training thread copies the state. It waits only where, at the end of an epoch, the former checkpoint is still
    being written.

    Args:
      store: where to.
      state: gives the state, which holds `step`.
      every: how often within an epoch.
      resumed: the state that the run goes on from, which is saved already; None where it begins.
      metric: which epoch is the best.
      clock: seconds.
    """

    def __init__(
        self,
        store: Store,
        state: Callable[[], Mapping[str, Any]],
        every: Every,
        *,
        resumed: Mapping[str, Any] | None = None,
        metric: Metric = ACCURACY,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__()
        self._metric = metric
        self._store, self._state, self._every, self._clock = store, state, every, clock
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._pending: Future[None] | None = None
        self._best: tuple[Rank, int] | None = None  # and its step
        self._last_position = _position(resumed) if resumed else None
        self._epoch, self._last_step, self._last_time = 0, resumed["step"] if resumed else 0, clock()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._pending is None or self._pending.done():
            self.wait()
            if self._is_due(self._epoch * self.params["steps"] + batch + 1):
                self.save()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        step = (epoch + 1) * self.params["steps"]
        rank = self._metric.rank(logs)
        if self._best is None or rank > self._best[0]:
            self._best = rank, step
        self.save({name: float(value) for name, value in logs.items()})

    def save(self, results: Mapping[str, float] | None = None) -> None:
        """Saves the state as it is now, unless that was the last thing to be saved.

        Raises:
          StorageError: the former checkpoint could not be written.
        """
        state = dict(self._state())
        position = _position(state)
        if position == self._last_position:
            return
        self.wait()
        step, best = state["step"], self._best[1] if self._best else None
        about = {
            "stage": state["stage"],
            "epoch": state["epoch"],
            "stopped": state["stop_training"],
            "results": results,
        }
        self._pending = self._writer.submit(self._write, step, state, best, about)
        self._last_position, self._last_step, self._last_time = position, step, self._clock()

    @property
    def best(self) -> tuple[float, int]:
        """The metric of the best epoch, and the step at its end; 0 and 0 before the first."""
        return (self._metric.value_of(self._best[0]), self._best[1]) if self._best else (0.0, 0)

    def wait(self) -> None:
        """Waits until what is being written is on the disk.

        Raises:
          StorageError: it could not be written.
        """
        pending, self._pending = self._pending, None
        try:
            if pending is not None:
                pending.result()
        except OSError as error:
            raise StorageError(f"the checkpoint in {self._store.folder} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Ends the thread that writes, after what it is writing."""
        self._writer.shutdown()

    def get_state(self) -> dict[str, Any]:
        return {"best": self._best}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._best = state["best"]
        if self._best and isinstance(self._best[0], float):  # of an earlier version, without the loss
            self._best = (self._best[0], math.inf), self._best[1]

    def _is_due(self, step: int) -> bool:
        if self._every.steps:
            return step // self._every.steps > self._last_step // self._every.steps
        return self._every.seconds > 0 and self._clock() - self._last_time >= self._every.seconds

    def _write(self, step: int, state: Mapping[str, Any], best: int | None, about: Mapping[str, Any]) -> None:
        content, *apart = states.pack_apart(state, shared(state))
        self._store.write(step, content, best, about, shared=apart)


def shared(state: Mapping[str, Any]) -> list[list[Any]]:
    """Returns the arrays of a state that other checkpoints have too, in parts: frozen weights, and weights to draw."""
    frozen = [state["variables"][number] for number in state.get("frozen", ())]
    callbacks = [one for one in state.get("callbacks", {}).values() if isinstance(one, dict)]
    waiting = [values for one in callbacks for _, values, *_ in one.get("waiting", ())]
    return [part for part in (frozen, *waiting) if part]


def _position(state: Mapping[str, Any]) -> tuple[int, int]:
    return state["epoch"], state["steps_in_epoch"]
