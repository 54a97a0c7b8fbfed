"""One or more real numbers for each sample: the outputs and the targets are `(batch, numbers)`, in the user's units.

The network learns numbers with a mean of 0 and a standard deviation of 1 over the training samples. Its last layer
turns them into the user's units, so that everything outside has these alone.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.errors import one_line
from trainer.hparams import NUMBERS
from trainer.objectives.objective import Objective
from trainer.objectives.outputs import Answer, Measured, Outputs, Values

_ERRORS = "errors"


def objective(names: Sequence[str], targets: npt.NDArray[np.float32]) -> Objective:
    """Returns the objective of numbers: squared error of scaled numbers, mean absolute error and R².

    Args:
      names: of the numbers.
      targets: of the training samples, `(count, numbers)`.
    """
    exact = targets.astype(np.float64)
    mean, spread = exact.mean(0), exact.std(0)
    spread = np.where(spread > 0, spread, 1.0)  # a fold may leave equal numbers
    return Objective(
        outputs=len(names),
        loss=ScaledSquaredError(spread),
        metrics=lambda: [_mean_absolute_error(), R2(mean, spread)],
        results=lambda: [Errors(mean, spread)],
        meaning=lambda found: Numbers(names),
        measured=lambda results, outputs: _measured(results, outputs, spread),
        finished=lambda model: _in_units(model, mean, spread),
        keeps_targets=False,
    )


def _in_units(model: keras.Model, mean: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]) -> keras.Model:
    layer = keras.layers.Rescaling(spread.tolist(), mean.tolist(), dtype="float32", name="units")
    return keras.Model(model.inputs[0], layer(model.outputs[0]), name=model.name)


@keras.saving.register_keras_serializable("trainer")
class ScaledSquaredError(keras.losses.Loss):
    """The mean over the numbers of the squared error, each in units of its standard deviation.

    Args:
      spread: the standard deviation of each number.
    """

    def __init__(self, spread: npt.ArrayLike):
        super().__init__(name="scaled_squared_error")
        self._spread = tf.constant(spread, tf.float32)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the loss of each sample, `(batch,)`."""
        return tf.reduce_mean(tf.square((y_pred - tf.cast(y_true, y_pred.dtype)) / self._spread), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {"spread": self._spread.numpy().tolist()}


class Errors(keras.metrics.Metric):
    """Sums over samples for each number, `(5, numbers)`: count, absolute error, squared error, number, its square.

    All but the count are in units of the standard deviation, and the numbers are relative to the mean, so that float32
    holds their sums.

    Args:
      mean: of each number over the training samples.
      spread: its standard deviation there.
      name: of the metric.
    """

    def __init__(self, mean: npt.NDArray[np.float64], spread: npt.NDArray[np.float64], name: str = _ERRORS):
        super().__init__(name=name, dtype="float32")
        self._mean, self._spread = tf.constant(mean, tf.float32), tf.constant(spread, tf.float32)
        self._sums = self.add_weight(shape=(5, len(mean)), initializer="zeros", name="sums")

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None) -> None:
        """Adds a batch: targets and outputs, `(batch, numbers)`."""
        true = (tf.cast(y_true, tf.float32) - self._mean) / self._spread
        error = (tf.cast(y_pred, tf.float32) - tf.cast(y_true, tf.float32)) / self._spread
        weights = tf.ones_like(true)
        if sample_weight is not None:
            weights *= tf.cast(sample_weight, tf.float32)[:, tf.newaxis]
        each = tf.stack([tf.ones_like(true), tf.abs(error), tf.square(error), true, tf.square(true)])
        self._sums.assign_add(tf.reduce_sum(each * weights, 1))

    def result(self) -> tf.Tensor:
        return tf.convert_to_tensor(self._sums.value)


class R2(Errors):
    """The mean over the numbers of the coefficient of determination, R².

    Args:
      mean: of each number over the training samples.
      spread: its standard deviation there.
    """

    _direction = "up"

    def __init__(self, mean: npt.NDArray[np.float64], spread: npt.NDArray[np.float64]):
        super().__init__(mean, spread, "r2")

    def result(self) -> tf.Tensor:
        count, _, squared, total, square = tf.unstack(super().result())
        variance = square - tf.math.divide_no_nan(tf.square(total), count)
        # Of equal numbers it is undefined, and must be finite to rank epochs.
        return tf.reduce_mean(tf.where(variance > 0, 1 - tf.math.divide_no_nan(squared, variance), 0.0))


@dataclasses.dataclass(frozen=True)
class Numbers:
    """The numbers of a network.

    Attributes:
      names: of the numbers.
    """

    names: Sequence[str]
    target: str = NUMBERS
    activation: str = "linear"

    def content(self) -> dict[str, Any]:
        return {"name": self.target}

    def link(self, outputs: tf.Tensor) -> tf.Tensor:
        return tf.cast(outputs, tf.float32)

    def signature(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"numbers": self.link(outputs)}

    def answers(self, found: Mapping[str, npt.NDArray[Any]]) -> list[Answer]:
        return self.named(found["numbers"])

    def named(self, outputs: Values) -> list[Answer]:
        return [Answer(self.names[0], float(one[0]), one) for one in outputs]

    def fields(self, answer: Answer, top: int) -> list[str]:
        return [f"{one_line(name)}\t{number:.6g}" for name, number in self._pairs(answer)]

    def record(self, answer: Answer, top: int) -> dict[str, Any]:
        return {"numbers": dict(self._pairs(answer))}

    def prediction(self, answer: Answer) -> dict[str, Any]:
        return {"names": list(self.names), "numbers": answer.probabilities.tolist()}

    def caption(self, answer: Answer) -> str:
        return ", ".join(f"{name} {number:.4g}" for name, number in self._pairs(answer))

    def _pairs(self, answer: Answer) -> list[tuple[str, float]]:
        return [*zip(self.names, answer.probabilities.tolist(), strict=True)]


def _mean_absolute_error() -> keras.metrics.Metric:
    return keras.metrics.MeanAbsoluteError(name="mean_absolute_error")


def _measured(results: Mapping[str, npt.NDArray[Any]], outputs: Outputs, spread: npt.NDArray[np.float64]) -> Measured:
    count, absolute, squared, total, square = results[_ERRORS].astype(np.float64)
    variance = square - total**2 / np.maximum(count, 1)
    known = variance > 1e-9 * np.maximum(count, 1)
    each = np.where(known, 1 - squared / np.where(known, variance, 1), np.nan)
    errors = absolute / np.maximum(count, 1) * spread
    error, r2 = float(errors.mean()), float(each[known].mean()) if known.any() else None
    scores: list[dict[str, Any]] = [
        {"name": name, "mean_absolute_error": float(own), "r2": None if np.isnan(one) else float(one)}
        for name, own, one in zip(outputs.names, errors, each, strict=True)
    ]
    shown = "–" if r2 is None else f"{r2:.4f}"
    return Measured(
        content={"mean_absolute_error": error, "r2": r2, "scores": scores},
        summary=f"test mean absolute error {error:.4g}, R² {shown}",
        title=f"A model of {len(outputs.names)} number{'' if len(outputs.names) == 1 else 's'} a sample",
        heading="Error",
        lines=[f"Mean absolute error: {error:.4g}. R²: {shown}. The numbers have the unit of the training data."],
        columns=["mean absolute error", "R²"],
        rows=[
            [
                score["name"],
                f"{score['mean_absolute_error']:.4g}",
                "–" if score["r2"] is None else f"{score['r2']:.4f}",
            ]
            for score in scores
        ],
    )
