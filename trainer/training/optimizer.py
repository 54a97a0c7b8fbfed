"""Keras's Adam, AdamW and SGD, with one kernel for each variable's update in place of a chain of small ones.

Arguments, state and results are Keras's, the results to float32 rounding, but for the average of the weights. What a
kernel does not do, a sparse gradient or `amsgrad`, is left to Keras's own update.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from trainer.hparams import HParams
from trainer.training import rates

_KERNEL_TYPES = (tf.float16, tf.bfloat16, tf.float32, tf.float64)


def _has_kernel(gradient: Any, variable: tf.Variable) -> bool:
    return isinstance(gradient, tf.Tensor) and variable.dtype in _KERNEL_TYPES


class _Averaging:
    """The moving average of the weights, one kernel for each variable beside a difference.

    It is the plain mean of the first weights until that has the share of one step that `ema_momentum` asks for, so that
    it never depends on the initial weights. Source: Polyak and Juditsky, "Acceleration of stochastic approximation by
    averaging", 1992.
    """

    def _update_model_variables_moving_average(self: Any, trainable_variables: Sequence[Any]) -> None:
        step = tf.cast(self.iterations + 1, tf.float32)
        share = tf.maximum(1 - self.ema_momentum, 1 / step)
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            slot = tf.convert_to_tensor(average)
            delta = slot - tf.cast(tf.convert_to_tensor(variable), slot.dtype)
            tf.raw_ops.ResourceApplyGradientDescent(var=_handle(average), alpha=tf.cast(share, slot.dtype), delta=delta)


class _FusedAdam(_Averaging):
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
class SGD(_Averaging, keras.optimizers.SGD):
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
    steps_per_epoch: int = 1,
    schedule: keras.optimizers.schedules.LearningRateSchedule | None = None,
) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a stage of so many steps, with its learning rate or schedule.

    Args:
      hparams: the optimizer's flags.
      steps: of the stage.
      share: what the learning rate is multiplied by.
      steps_per_epoch: steps of an epoch, in which the time constant of averaged weights is measured.
      schedule: in place of the one of `--schedule`.
    """
    highest = hparams.learning_rate * share
    decays = rates.DECAYS.get(hparams.schedule)
    rate: Any = schedule or (decays(highest, steps) if decays else highest)
    average: Any = {}
    if hparams.average_epochs:
        average = {"use_ema": True, "ema_momentum": max(0.0, 1 - 1 / (hparams.average_epochs * steps_per_epoch))}
    if hparams.optimizer == "sgd":
        return SGD(rate, momentum=hparams.momentum, **average)
    if hparams.optimizer == "adamw":
        return AdamW(rate, weight_decay=hparams.weight_decay, **average)
    return Adam(rate, **average)


def _handle(slot: Any) -> tf.Tensor:
    """Returns the resource of an optimizer's variable: under a strategy, of this replica's."""
    return slot.value.handle
