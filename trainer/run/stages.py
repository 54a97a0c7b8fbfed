"""The stages of a run as the loop takes them: which layers learn, from which feed, with which optimizer."""

import dataclasses
import functools

import keras
from rich.console import Console

from trainer import data, networks
from trainer.insight.unfolded import Unfolded
from trainer.run.plan import Plan
from trainer.training import devices, features, frozen, optimizer, statistics
from trainer.training.feed import Feed
from trainer.training.loop import Stage
from trainer.training.steps import Forward


def make(plan: Plan, screen: Console) -> list[Stage]:
    """Returns the stages of a run; nothing is computed before one begins."""
    return [_Stage(plan, described, screen).as_stage() for described in plan.network.stages]


class _Stage:
    """One stage of a run.

    Where the layers below those that learn are frozen, their outputs for each sample are computed once and kept.
    """

    def __init__(self, plan: Plan, described: networks.Stage, screen: Console):
        self._plan, self._described, self._screen = plan, described, screen
        self._kept: _Kept | None = None

    def as_stage(self) -> Stage:
        """Returns the stage for the loop."""
        return Stage(
            epochs=self._described.epochs,
            begin=self._begin,
            training=self._training,
            validation=self._validation,
            settling=min(self._plan.steps_per_epoch, -(-statistics.SAMPLES // self._plan.hparams.batch_size)),
        )

    def _begin(self) -> Forward:
        plan, model, names = self._plan, self._plan.network.model, self._described.trainable
        with plan.strategy.scope():
            frozen.choose_layers(model, names)
            self._compile(model)
            parts = frozen.cut(model, names)
        if parts is None:
            return lambda samples, training: model(samples, training=training)
        below, above = parts
        variants = features.count(below, plan.dataset.train, plan.preset, self._described.epochs)
        if variants:
            self._kept = _Kept(plan, below, variants, self._screen)
            return lambda values, training: above(values, training=training)[0]
        return lambda samples, training: above(below(samples, training=False)[0], training=training)[0]

    def _compile(self, model: keras.Model) -> None:
        plan, described = self._plan, self._described
        fitting = optimizer.make(plan.hparams, described.epochs * plan.steps_per_epoch, described.rate)
        if plan.precision.name == "float16":
            fitting = keras.optimizers.LossScaleOptimizer(fitting)  # small gradients would be zero
        model.compile(fitting, plan.objective.loss)
        fitting.build(model.trainable_variables)

    def _training(self, steps: range) -> Feed:
        return self._kept.training_feed(steps) if self._kept else self._plan.training(steps)

    def _validation(self) -> Feed:
        return self._kept.validation_feed() if self._kept else self._plan.validation


@dataclasses.dataclass(frozen=True)
class _Kept:
    """The outputs of the frozen part of a network.

    Attributes:
      plan: the run.
      part: of the network.
      variants: of each training sample.
      screen: what a person watches.
    """

    plan: Plan
    part: Unfolded
    variants: int
    screen: Console

    def training_feed(self, steps: range) -> Feed:
        """Returns the feed of some steps, counted from the start of the run."""
        hparams, targets, kept = self.plan.hparams, self.plan.dataset.train.targets, self._training
        batches = functools.partial(data.variant_batches, kept, targets, hparams.batch_size, hparams.seed, steps=steps)
        return Feed(lambda context: batches(share=devices.share(context)), len(steps))

    def validation_feed(self) -> Feed:
        """Returns the feed of the validation part."""
        return self.plan.evaluation(features.of_evaluation(self.part, self.plan.dataset.validation))

    @functools.cached_property
    def _training(self) -> features.Array:
        store, copies = self.plan.dataset.train, self.variants - 1
        also = f" and {copies} changed copies of each" if copies else ""
        self.screen.out(f"frozen layers run once over {len(store):,} images{also}", highlight=False)
        return features.of_training(self.part, store, self.variants, self.plan.hparams.seed, self.plan.preset)
