"""Keras's Adam, AdamW and SGD, with one kernel for each variable's update in place of a chain of small ones.

Arguments, state and results are Keras's, the results to float32 rounding. What a kernel does not do, a sparse gradient
or `amsgrad`, is left to Keras's own update.
"""

from typing import Any

import keras
import tensorflow as tf

from trainer.hparams import HParams
from trainer.training import rates

_KERNEL_TYPES = (tf.float16, tf.bfloat16, tf.float32, tf.float64)


def _has_kernel(gradient: Any, variable: tf.Variable) -> bool:
    return isinstance(gradient, tf.Tensor) and variable.dtype in _KERNEL_TYPES


class _FusedAdam:
    """The update that Adam and AdamW share: Kingma and Ba, "Adam", 2014, in the form before section 2.1."""

    def update_step(self: Any, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        if self.amsgrad or not _has_kernel(gradient, variable):
            super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]
            return
        index, kind = self._get_variable_index(variable), variable.dtype
        beta_1, beta_2 = tf.constant(self.beta_1, kind), tf.constant(self.beta_2, kind)
        step = tf.cast(self.iterations + 1, kind)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, kind),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, kind),
            grad=tf.cast(gradient, kind),
        )


@keras.saving.register_keras_serializable("trainer")
class Adam(_FusedAdam, keras.optimizers.Adam):
    """`keras.optimizers.Adam`, one kernel for each variable."""


@keras.saving.register_keras_serializable("trainer")
class AdamW(_FusedAdam, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW`, one kernel for each variable beside the decay."""


@keras.saving.register_keras_serializable("trainer")
class SGD(keras.optimizers.SGD):
    """`keras.optimizers.SGD`, with or without momentum, one kernel for each variable."""

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        if not _has_kernel(gradient, variable):
            super().update_step(gradient, variable, learning_rate)
            return
        kind = variable.dtype
        rate, gradient = tf.cast(learning_rate, kind), tf.cast(gradient, kind)
        if self.momentum == 0:
            tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=rate, delta=gradient)
            return
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=_handle(self.momentums[self._get_variable_index(variable)]),
            lr=rate,
            grad=gradient,
            momentum=tf.constant(self.momentum, kind),
            use_nesterov=self.nesterov,
        )


def make(
    hparams: HParams,
    steps: int,
    share: float = 1.0,
    *,
    schedule: keras.optimizers.schedules.LearningRateSchedule | None = None,
) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a stage of so many steps, with its learning rate or schedule.

    Args:
      hparams: the optimizer's flags.
      steps: of the stage.
      share: what the learning rate is multiplied by.
      schedule: in place of the one of `--schedule`.
    """
    highest = hparams.learning_rate * share
    rate: Any = schedule or (rates.cosine(highest, steps) if hparams.schedule == "cosine" else highest)
    if hparams.optimizer == "sgd":
        return SGD(rate, momentum=hparams.momentum)
    if hparams.optimizer == "adamw":
        return AdamW(rate, weight_decay=hparams.weight_decay)
    return Adam(rate)


def _handle(slot: Any) -> tf.Tensor:
    """Returns the resource of an optimizer's variable: under a strategy, of this replica's."""
    return slot.value.handle
