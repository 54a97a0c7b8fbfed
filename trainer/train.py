"""One run: from hyperparameters to a trained model and its logs."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from trainer import data, record
from trainer import model as network
from trainer.cloud.cluster import Cluster
from trainer.cloud.environment import Environment
from trainer.cloud.tuning import METRIC, MetricReport
from trainer.errors import UsageError
from trainer.hparams import PRECISIONS, HParams
from trainer.tensorboard.callback import TensorBoard
from trainer.training import checkpoint, devices, export, optimizer
from trainer.training import precision as precisions
from trainer.training.loop import Batches, Loop, Part
from trainer.training.precision import Precision
from trainer.training.progress import Progress

_WARM_UP = 0.2  # of all steps, until the highest learning rate; then it falls to zero along a cosine


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run came to.

    Attributes:
      test_accuracy: the share of the test images that are classified rightly.
      seconds: from the first step to the end of the last validation.
      images_per_second: training images over those seconds; 0 where the run was finished before.
      model: the file of the trained model; nothing on a machine that is not the chief.
    """

    test_accuracy: float
    seconds: float
    images_per_second: float
    model: Path | None


def run(
    hparams: HParams,
    environment: Environment,
    screen: Console,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Result:
    """Trains, looks at the test images once, and saves the model.

    A run that was stopped goes on from the end of its last whole epoch. Of machines that train together all call this,
    and the chief alone writes.

    Args:
      hparams: what to train.
      environment: where.
      screen: what a person watches.
      callbacks: Keras's or one's own, told of every event on every machine.

    Raises:
      UsageError: the data, the network or the output folder cannot be what the flags ask for; nothing was written.
      DivergedError: the loss is not finite.
      MachineLostError: another machine of the cluster is gone.
    """
    screen = screen if environment.is_chief else Console(quiet=True, force_terminal=False)
    former = record.check(environment.root, hparams)
    strategy = _choose_strategy(hparams, environment, screen)
    with devices.named_losses(environment.cluster):
        keras.utils.set_random_seed(hparams.seed)
        dataset = data.load(hparams.data, hparams.validation_split, hparams.seed)
        steps_per_epoch = _count_steps(hparams.batch_size, len(dataset.train), strategy.num_replicas_in_sync)
        validation, test = _part(dataset.validation, strategy), _part(dataset.test, strategy)
        precision = _choose_precision(hparams, former, strategy, environment.cluster)
        with strategy.scope():
            model = _build(hparams, dataset, precision, steps_per_epoch)
            loop = Loop(model, strategy, [keras.metrics.SparseCategoricalAccuracy(name="accuracy")])
        if environment.is_chief:
            environment.claim()
            record.write(environment.root, hparams, precision.name, precision.reason)
        screen.out(f"precision {precision}", highlight=False)

        state = [*model.variables, *model.optimizer.variables]
        first_step = _restore(environment, state, strategy)
        steps = range(first_step, hparams.epochs * steps_per_epoch)
        epochs = range(first_step // steps_per_epoch, hparams.epochs)
        written = _callbacks(environment, state, steps_per_epoch, hparams.batch_size) if environment.is_chief else []
        begin = time.perf_counter()
        with Progress(screen, hparams.epochs, steps_per_epoch, hparams.batch_size) as progress:
            batches = _training_batches(dataset.train, hparams, steps)
            loop.fit(batches, validation, steps_per_epoch, epochs, [*callbacks, progress, *written])
        seconds = time.perf_counter() - begin
        test_accuracy = loop.evaluate(test)["accuracy"]
    saved = export.save(model, environment.model) if environment.is_chief else None
    return Result(test_accuracy, seconds, len(steps) * hparams.batch_size / seconds, saved)


def _choose_strategy(hparams: HParams, environment: Environment, screen: Console) -> tf.distribute.Strategy:
    cluster = environment.cluster
    if cluster:
        screen.out(f"waiting for {len(cluster.workers) - 1} more of {len(cluster.workers)} machines", highlight=False)
    strategy = devices.choose(hparams.strategy, cluster, environment.tpu, hparams.logical_devices)
    if strategy.num_replicas_in_sync > 1:
        screen.out(f"{strategy.num_replicas_in_sync} devices share each batch", highlight=False)
    return strategy


def _count_steps(batch_size: int, images: int, replicas: int) -> int:
    if batch_size > images:
        raise UsageError(
            f"`--batch_size` must be at most the number of training images, {images}. Received: {batch_size}"
        )
    if batch_size % replicas:
        raise UsageError(
            f"`--batch_size` must be a multiple of the {replicas} devices that share a batch. Received: {batch_size}"
        )
    return images // batch_size


def _choose_precision(
    hparams: HParams, former: Mapping[str, str], strategy: tf.distribute.Strategy, cluster: Cluster | None
) -> Precision:
    """Returns the precision of this run: what it began with, else what fits this machine, on all machines the chief's.

    A run that goes on elsewhere keeps what it began with, so that it is one run.
    """
    if former:
        chosen = Precision(former["name"], former["reason"])
    else:
        chosen = precisions.choose(hparams.precision, precisions.look())
    (index,) = devices.from_chief(strategy, cluster, [np.int64(PRECISIONS.index(chosen.name))])
    return chosen if PRECISIONS[index] == chosen.name else Precision(PRECISIONS[index], "as on the chief")


def _build(hparams: HParams, dataset: data.Dataset, precision: Precision, steps_per_epoch: int) -> keras.Model:
    model = network.build(hparams, dataset.input_shape, dataset.classes, precision.policy)
    fitting = _optimizer(hparams, steps_per_epoch)
    if precision.name == "float16":
        fitting = keras.optimizers.LossScaleOptimizer(fitting)  # small gradients would be zero
    model.compile(fitting, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.optimizer.build(model.trainable_variables)
    return model


def _optimizer(hparams: HParams, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    rate: Any = hparams.learning_rate
    if hparams.schedule == "cosine":
        steps = hparams.epochs * steps_per_epoch
        warm_up = round(_WARM_UP * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - warm_up), warmup_target=hparams.learning_rate, warmup_steps=warm_up
        )
    if hparams.optimizer == "sgd":
        return optimizer.SGD(rate, momentum=hparams.momentum)
    if hparams.optimizer == "adamw":
        return optimizer.AdamW(rate, weight_decay=hparams.weight_decay)
    return optimizer.Adam(rate)


def _restore(environment: Environment, state: Sequence[keras.Variable], strategy: tf.distribute.Strategy) -> int:
    """Gives every machine the state of the chief's newest checkpoint, and returns its step."""
    step = checkpoint.restore_latest(environment.checkpoints, state) if environment.is_chief else 0
    (step,) = devices.from_chief(strategy, environment.cluster, [np.int64(step)])
    if step and environment.cluster:
        values = devices.from_chief(strategy, environment.cluster, [variable.numpy() for variable in state])
        for variable, value in zip(state, values, strict=True):
            variable.assign(value)
    return int(step)


def _training_batches(split: data.Split, hparams: HParams, steps: range) -> Batches:
    return lambda context: data.training_batches(
        split,
        hparams.batch_size,
        hparams.seed,
        augment=hparams.augment == "affine",
        steps=steps,
        share=devices.share(context),
    )


def _part(split: data.Split, strategy: tf.distribute.Strategy) -> Part:
    replicas = strategy.num_replicas_in_sync
    if len(split) < replicas:
        raise UsageError(f"`--validation_split` must leave each of {replicas} devices an image. Received: {len(split)}")
    return Part(
        lambda context: data.evaluation_batches(split, devices.share(context)), data.evaluation_steps(split, replicas)
    )


def _callbacks(
    environment: Environment, state: Sequence[keras.Variable], steps_per_epoch: int, batch_size: int
) -> list[keras.callbacks.Callback]:
    """Returns what the chief does beside the training, in this order: logs, checkpoint, the tuning service's metric."""
    callbacks = [
        TensorBoard(environment.logs, steps_per_epoch, batch_size),
        checkpoint.SaveCheckpoint(environment.checkpoints, state, steps_per_epoch),
    ]
    if environment.metric_file:
        report = MetricReport(environment.metric_file)
        callbacks.append(
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: report(logs[METRIC], epoch + 1))
        )
    return callbacks
