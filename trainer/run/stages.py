"""The stages of a run as the loop takes them: which layers learn, from which feed, with which optimizer."""

import functools
import itertools
import math

import keras
import tensorflow as tf
from rich.console import Console

from trainer import data, networks
from trainer.insight import table
from trainer.insight.unfolded import Unfolded
from trainer.run.length import AGAIN
from trainer.run.plan import Plan
from trainer.training import devices, features, frozen, optimizer, rates, statistics
from trainer.training.feed import Feed
from trainer.training.loop import Stage
from trainer.training.mixing import Mixing
from trainer.training.step import Forward


def make(plan: Plan, screen: Console) -> list[Stage]:
    """Returns the stages of a run; nothing is computed before one begins."""
    stages = plan.network.stages
    names = [f"stage {number} of {len(stages)}" if len(stages) > 1 else "" for number in range(1, len(stages) + 1)]
    begins = itertools.accumulate((stage.epochs for stage in stages), initial=0)
    return [
        _Stage(plan, stage, screen, name, begin).as_stage()
        for stage, name, begin in zip(stages, names, begins, strict=False)
    ]


class _Stage:
    """One stage of a run.

    Where the layers below those that learn are frozen, their outputs for each unchanged sample are computed once and
    kept: of the validation part always, of the training part where samples are not changed, or where the head alone
    learns, from a few changed copies of each.
    """

    def __init__(self, plan: Plan, described: networks.Stage, screen: Console, name: str, begin: int):
        self._plan, self._described, self._screen, self._name = plan, described, screen, name
        is_last = described is plan.network.stages[-1]
        self._cycles = plan.length.cycles(begin) if is_last else [described.epochs]  # their ends, from this stage on
        self._below: Unfolded | None = None  # the frozen part
        self._variants = 0  # of each training sample whose features are kept
        self._keeps_validation = False
        self._kept: features.Array | None = None

    def as_stage(self) -> Stage:
        """Returns the stage for the loop."""
        plan = self._plan
        return Stage(
            epochs=self._described.epochs,
            begin=self._begin,
            training=self._training,
            validation=self._validation,
            mixing=Mixing.of(plan.hparams.mixup, plan.hparams.seed),
            settling=min(plan.steps_per_epoch, -(-statistics.SAMPLES // plan.hparams.batch_size)),
        )

    def _begin(self) -> Forward:
        plan, model, names = self._plan, self._plan.network.model, self._described.trainable
        with plan.strategy.scope():
            frozen.choose_layers(model, names)
            self._compile(model)
            parts = frozen.cut(model, names)
        if self._name:
            weights = sum(math.prod(variable.shape) for variable in model.trainable_variables)
            self._screen.out(
                f"{self._name}: {weights:,} of {table.count_parameters(model):,} weights learn", highlight=False
            )
        if parts is None:
            whole: Forward = model
            return whole
        below, above = parts
        self._below, dataset = below, plan.dataset
        if plan.preset == "none" or not frozen.has_learning_convolutions(model, names):
            self._variants = features.count(below, dataset.train, plan.preset, self._cycles[0])
        self._keeps_validation = features.count(below, dataset.validation, "none", 1) > 0
        has_features = {True: self._variants > 0, False: self._keeps_validation}

        def forward(values: tf.Tensor, training: bool) -> tf.Tensor:
            kept = values if has_features[training] else below(values, training=False)[0]
            return above(kept, training=training)[0]

        return forward

    def _training(self, steps: range) -> Feed:
        plan = self._plan
        if self._below is None or not self._variants:
            return plan.training(steps)
        if self._kept is None:
            self._kept = self._outputs(self._below)
        targets, size, seed = plan.dataset.train.targets, plan.hparams.batch_size, plan.hparams.seed
        batches = functools.partial(data.variant_batches, self._kept, targets, size, seed, steps=steps)
        return Feed(lambda context: batches(share=devices.share(context)), len(steps))

    def _validation(self) -> Feed:
        plan = self._plan
        if self._below is None or not self._keeps_validation:
            return plan.validation
        return plan.evaluation(features.of_evaluation(self._below, plan.dataset.validation))

    def _outputs(self, below: Unfolded) -> features.Array:
        """Returns what the frozen part gives for the training part, `(variants, samples, *shape)`."""
        plan, samples, copies = self._plan, self._plan.dataset.train, self._variants - 1
        also = f" and {copies} changed {'copy' if copies == 1 else 'copies'} of each" if copies else ""
        self._screen.out(f"frozen layers run once over {len(samples):,} {plan.samples}{also}", highlight=False)
        return features.of_training(
            below, samples, self._variants, plan.hparams.seed, plan.preset, erase=plan.hparams.erase
        )

    def _compile(self, model: keras.Model) -> None:
        plan, described = self._plan, self._described
        steps = described.epochs * plan.steps_per_epoch
        fitting = optimizer.make(
            plan.hparams, steps, described.rate, steps_per_epoch=plan.steps_per_epoch, schedule=self._schedule()
        )
        if plan.precision.name == "float16":
            fitting = keras.optimizers.LossScaleOptimizer(fitting)  # small gradients would be zero
        model.compile(fitting, plan.objective.loss)
        fitting.build(model.trainable_variables)

    def _schedule(self) -> keras.optimizers.schedules.LearningRateSchedule | None:
        """Returns the schedule of the last stage where the run stops by itself, or was given more epochs."""
        plan, until, steps = self._plan, self._plan.length.until, self._plan.steps_per_epoch
        highest = plan.hparams.learning_rate * self._described.rate
        if plan.hparams.schedule == "constant" or self._described is not plan.network.stages[-1]:
            return None
        if until:
            return rates.UntilCooled(highest, round(until.warm_up * steps), until.cool_down * steps)
        if len(self._cycles) == 1:
            return None
        return rates.Cycles(highest, AGAIN * highest, [end * steps for end in self._cycles], plan.hparams.schedule)
