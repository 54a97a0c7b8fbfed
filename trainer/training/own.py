"""Keras callbacks that a user gives a run: what they must be, and what Keras's own need to know here."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from trainer.errors import UsageError

_VALIDATION = "val_"


def settle(callbacks: Sequence[Any], schedule: str, directions: Mapping[str, str]) -> None:
    """Checks a user's callbacks, and tells those that watch a metric whether it is the better the higher it is.

    Keras finds that among the metrics that a model was compiled with, and here there are none.

    Args:
      callbacks: the user's.
      schedule: the learning rate's, as `--schedule` has it.
      directions: `up` or `down` for each metric, without `val_`.

    Raises:
      UsageError: one of them is no callback, watches what there is not, or sets a learning rate that has a schedule.
    """
    if not isinstance(callbacks, Sequence):
        raise UsageError(f"`callbacks` must be a list. Received: {callbacks!r}")
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise UsageError(
                "`callbacks` must be a list of objects whose class is keras.callbacks.Callback or derived from it. "
                f"Received: {callback!r}"
            )
        name = type(callback).__name__
        if isinstance(callback, _SETTERS) and schedule != "constant":
            raise UsageError(f"`--schedule` must be constant where {name} sets the rate. Received: {schedule}")
        if getattr(callback, "mode", "") == "auto" and hasattr(callback, "monitor"):
            metric = callback.monitor.removeprefix(_VALIDATION)
            if metric not in directions:
                names = ", ".join(f"{prefix}{known}" for prefix in (_VALIDATION, "") for known in directions)
                raise UsageError(
                    f"`{name}(monitor=…)` must be one of {names}, or have a `mode`, min or max. "
                    f"Received: {callback.monitor}"
                )
            callback.mode = "max" if directions[metric] == "up" else "min"


def directions(metrics: Sequence[keras.metrics.Metric]) -> dict[str, str]:
    """Returns `up` or `down` for the loss and for each metric that has a direction."""
    known = {metric.name: getattr(metric, "_direction", None) for metric in metrics}
    return {"loss": "down"} | {name: direction for name, direction in known.items() if direction}


_SETTERS = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)
