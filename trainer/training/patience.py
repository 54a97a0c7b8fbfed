"""When a run stops because its validation no longer gets better."""

from collections.abc import Callable, Mapping
from typing import Any

import keras

from trainer.metrics import ACCURACY, WORST, Metric
from trainer.training.rates import UntilCooled, schedule_of


class Patience(keras.callbacks.Callback):
    """Lets the learning rate decay to zero once the validation no longer gets better, then stops the run.

    A schedule without a cool-down, as of `--schedule=constant`, stops at once. All that decides is in `get_state`.

    Args:
      patience: epochs without a better one, after which the cool-down begins.
      cool_down: epochs of the cool-down.
      first: epochs before the end of the last stage's warm-up, which do not count.
      most: epochs of the run, with the cool-down.
      log: receives a line when the cool-down begins, and one at the end.
      metric: which epoch is better.
    """

    def __init__(
        self,
        patience: int,
        cool_down: int,
        first: int,
        most: int,
        log: Callable[[str], None],
        *,
        metric: Metric = ACCURACY,
    ):
        super().__init__()
        self._patience, self._cool_down, self._first, self._most, self._log = patience, cool_down, first, most, log
        self._metric = metric
        self._best, self._best_epoch = WORST, 0
        self._cooling = 0  # the epoch after which the cool-down began
        self._begin = 0  # the optimizer's steps at that time

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        done = epoch + 1
        rank = self._metric.rank(logs)
        if rank > self._best:
            self._best, self._best_epoch = rank, done
        if not self._cooling and self._is_time(done):
            self._cooling, self._begin = done, int(self.model.optimizer.iterations.numpy())
            self._log(f"{self._why(done)}{self._what()}")
            self._cool()
        if self._cooling and done >= self._cooling + self._cool_down:
            self.model.stop_training = True
            if self._cool_down:
                self._log(f"stopped after epoch {done}; {self._which()}")

    def get_state(self) -> dict[str, Any]:
        return {
            "best": self._best,
            "best_epoch": self._best_epoch,
            "cooling": self._cooling,
            "begin": self._begin,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._best, self._best_epoch = tuple(state["best"]), state["best_epoch"]
        self._cooling, self._begin = state["cooling"], state["begin"]
        if self._cooling:
            self._cool()

    def _is_time(self, done: int) -> bool:
        if done <= self._first:
            return False
        return self._waited(done) >= self._patience or done >= self._most - self._cool_down

    def _waited(self, done: int) -> int:
        return done - max(self._best_epoch, self._first)

    def _cool(self) -> None:
        schedule = schedule_of(self.model.optimizer)
        if isinstance(schedule, UntilCooled):
            schedule.cool(self._begin)

    def _why(self, done: int) -> str:
        waited = self._waited(done)
        if waited >= self._patience:
            return f"no better for {waited} epoch{'' if waited == 1 else 's'}; "
        return f"{self._most} epochs are the most of --epochs=auto; "

    def _what(self) -> str:
        if not self._cool_down:
            return f"stopped; {self._which()}"
        return f"{self._which()}; the learning rate decays to zero in {self._cool_down} epochs"

    def _which(self) -> str:
        best = self._metric.text(self._metric.value_of(self._best))
        return f"the best was epoch {self._best_epoch} with {best}"
