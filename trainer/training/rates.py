"""Learning-rate schedules: functions of the optimizer's step, and of when a cool-down began."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

_WARM_UP = 0.2  # of all steps, until the highest learning rate; then it falls to zero
_NEVER = -1


def linear(highest: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Returns a warm-up to the highest learning rate, then a linear decay to zero at the last step."""
    return LinearDecay(highest, round(_WARM_UP * steps), steps)


def cosine(highest: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Returns a warm-up to the highest learning rate, then a cosine decay to zero at the last step."""
    warm_up = round(_WARM_UP * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=highest, warmup_steps=warm_up
    )


DECAYS = {"cosine": cosine, "linear": linear}  # by the value of `--schedule`


@keras.saving.register_keras_serializable("trainer")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly from 0 in a warm-up, and falls linearly to 0.

    Args:
      highest: the rate between the two.
      warm_up: steps of the first.
      steps: of both together.
    """

    def __init__(self, highest: float, warm_up: int, steps: int):
        super().__init__()
        self._highest, self._warm_up, self._steps = highest, warm_up, steps

    def __call__(self, step: Any) -> tf.Tensor:
        """Returns the rate of a step, counted from 0."""
        step = tf.cast(step, tf.float32)
        rest = (self._steps - step) / max(1, self._steps - self._warm_up)
        return self._highest * tf.clip_by_value(tf.minimum(step / max(1, self._warm_up), rest), 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"highest": self._highest, "warm_up": self._warm_up, "steps": self._steps}


@keras.saving.register_keras_serializable("trainer")
class Cycles(keras.optimizers.schedules.LearningRateSchedule):
    """A warm-up and a decay to zero, and after it cosine ones, each from a lower rate and without a warm-up.

    Source: Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017.

    Args:
      highest: the peak of the first cycle.
      again: where each further cycle starts.
      ends: the step after which each cycle ends.
      decay: of the first cycle, a key of `DECAYS`.
    """

    def __init__(self, highest: float, again: float, ends: Sequence[int], decay: str = "cosine"):
        super().__init__()
        self._config = {"highest": highest, "again": again, "ends": [*ends], "decay": decay}
        spans = [(begin, end - begin) for begin, end in itertools.pairwise(ends)]
        self._first = DECAYS[decay](highest, ends[0])
        self._others = [(begin, keras.optimizers.schedules.CosineDecay(again, max(1, steps))) for begin, steps in spans]

    def __call__(self, step: Any) -> tf.Tensor:
        rate = self._first(step)
        for begin, part in self._others:
            rate = tf.where(step >= begin, part(step - begin), rate)
        return rate

    def get_config(self) -> dict[str, Any]:
        return dict(self._config)


@keras.saving.register_keras_serializable("trainer")
class UntilCooled(keras.optimizers.schedules.LearningRateSchedule):
    """A warm-up, then the highest rate until a cool-down begins, in which it decays to zero along a line.

    Source: Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations, 2024.

    Args:
      highest: the learning rate after the warm-up.
      warm_up: its steps.
      cool_down: its steps.
      begin: the step at which the cool-down began; -1 before.
    """

    def __init__(self, highest: float, warm_up: int, cool_down: int, begin: int = _NEVER):
        super().__init__()
        self._config = {"highest": highest, "warm_up": warm_up, "cool_down": cool_down}
        self._begin = tf.Variable(begin, trainable=False, dtype=tf.int64)

    def cool(self, step: int) -> None:
        """Begins the cool-down at a step."""
        self._begin.assign(step)

    def __call__(self, step: Any) -> tf.Tensor:
        highest, warm_up, cool_down = (tf.cast(value, tf.float32) for value in self._config.values())
        begin = tf.identity(self._begin)
        risen = tf.minimum(1.0, tf.cast(step, tf.float32) / tf.maximum(1.0, warm_up))
        cooled = tf.cast(tf.cast(step, tf.int64) - begin, tf.float32) / tf.maximum(1.0, cool_down)
        left = tf.where(begin < 0, 1.0, tf.clip_by_value(1.0 - cooled, 0.0, 1.0))
        return highest * risen * left

    def get_config(self) -> dict[str, Any]:
        return {**self._config, "begin": int(self._begin.numpy())}


def schedule_of(optimizer: keras.optimizers.Optimizer) -> Any:
    """Returns the learning-rate schedule of an optimizer, or its learning rate if it has none."""
    return getattr(optimizer, "inner_optimizer", optimizer)._learning_rate
