"""What a run leaves on the disk: the sizes of its checkpoints and its model, known before the first step."""

import contextlib
import dataclasses
import math
from collections.abc import Iterable, Iterator

import keras
import tensorflow as tf

from trainer.hparams import HParams
from trainer.run import saved_model
from trainer.run.plan import Plan
from trainer.training import frozen


@dataclasses.dataclass(frozen=True)
class Disk:
    """The bytes of weights and optimizer values that a finished run leaves; graphs, logs and the report come on top.

    Attributes:
      checkpoints: how many whole ones there are at most.
      checkpoint: what each has of its own: weights that learn or are statistics, and the optimizer's slots.
      best: the same of the best epoch's checkpoint, which has no slots; 0 if it is always one of the last.
      frozen: the weights that do not learn, which all checkpoints share.
      model: the weights in `model.keras`, and in the SavedModel where there is one.
    """

    checkpoints: int
    checkpoint: int
    best: int
    frozen: int
    model: int

    @classmethod
    def of(cls, plan: Plan) -> "Disk":
        """Returns what a run leaves, from the network's variables in its last stage."""
        model, hparams = plan.network.model, plan.hparams
        with _as_in(model, plan):
            still = [model.variables[number] for number in frozen.positions(model)]
            learning = _bytes(model.trainable_variables)
        weights = _bytes(model.variables)
        kept = _bytes(still)
        reduced = weights - kept
        checkpoint = reduced + slots(hparams) * learning
        has_best = plan.length.epochs > hparams.keep_checkpoints
        return cls(
            checkpoints=min(hparams.keep_checkpoints, plan.length.epochs),
            checkpoint=checkpoint,
            best=(reduced if is_reduced(plan) else checkpoint) if has_best else 0,
            frozen=kept,
            model=(2 if saved_model.is_wanted(plan) else 1) * weights,
        )

    @property
    def total(self) -> int:
        """All bytes."""
        return self.checkpoints * self.checkpoint + self.best + self.frozen + self.model

    def line(self, keep: int) -> str:
        """Returns what a person should know before the run.

        Args:
          keep: the value of `--keep_checkpoints`.
        """
        many = f"{self.checkpoints} checkpoints of" if self.checkpoints > 1 else "1 checkpoint of"
        once = f" and {megabytes(self.frozen)} of frozen weights once" if self.frozen else ""
        best = f", the best epoch's of {megabytes(self.best)}" if self.best else ""
        why = f" (--keep_checkpoints={keep})" if self.best else ""
        return (
            f"leaves up to {megabytes(self.total)} of weights: {many} {megabytes(self.checkpoint)}{why}{best}{once}, "
            f"model {megabytes(self.model)}"
        )


def is_reduced(plan: Plan) -> bool:
    """Returns whether the best checkpoint of a finished run keeps the weights alone.

    With `--average_epochs` it stays whole: the optimizer keeps the average of the weights, which is exported.
    """
    return plan.hparams.average_epochs == 0


def slots(hparams: HParams) -> int:
    """Returns how many values an optimizer keeps for each weight that learns."""
    momentum = {"adam": 2, "adamw": 2}.get(hparams.optimizer, int(hparams.momentum > 0))
    return momentum + int(hparams.average_epochs > 0)


def megabytes(size: int) -> str:
    """Returns bytes in MB, with three figures."""
    value = size / 1e6
    return f"{value:,.0f} MB" if value >= 100 else f"{value:.1f} MB" if value >= 0.1 else f"{size / 1e3:,.1f} kB"


def _bytes(variables: Iterable[keras.Variable]) -> int:
    return sum(math.prod(one.shape) * tf.as_dtype(one.dtype).size for one in variables)


@contextlib.contextmanager
def _as_in(model: keras.Model, plan: Plan) -> Iterator[None]:
    """Makes the layers learn in the block that learn in the last stage of a run."""
    names = plan.network.stages[-1].trainable
    if names is None:  # as the model is
        yield
        return
    layers = [model, *model._flatten_layers(include_self=False)]
    former = [layer.trainable for layer in layers]
    frozen.choose_layers(model, names)
    try:
        yield
    finally:
        for layer, value in zip(layers, former, strict=True):
            layer.trainable = value
