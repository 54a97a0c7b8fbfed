"""What a run needs before its first step: devices, precision, network, batches, and what writes to TensorBoard."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from trainer import command_line as flags
from trainer import data
from trainer.cluster import Cluster
from trainer.environment import Environment
from trainer.errors import UsageError
from trainer.hparams import PRECISIONS, HParams
from trainer.insight.observer import Examples
from trainer.networks import convolutional as network
from trainer.objectives.classes import WeightedCrossentropy, class_weights
from trainer.tensorboard.callback import TensorBoard
from trainer.tensorboard.log import Log
from trainer.training import devices, optimizer
from trainer.training import precision as precisions
from trainer.training import state as states
from trainer.training.loop import Batches, Loop, Part
from trainer.training.metric import MetricReport
from trainer.training.precision import Precision
from trainer.training.save import MetricCallback

_CHANGES = 12  # images that show what the augmentation does


def strategy_of(hparams: HParams, environment: Environment, screen: Console) -> tf.distribute.Strategy:
    """Returns the devices that train, and says where there are several."""
    cluster = environment.cluster
    if cluster:
        screen.out(f"waiting for {len(cluster.workers) - 1} more of {len(cluster.workers)} machines", highlight=False)
    strategy = devices.choose(hparams.strategy, cluster, environment.tpu, hparams.logical_devices)
    if strategy.num_replicas_in_sync > 1:
        screen.out(f"{strategy.num_replicas_in_sync} devices share each batch", highlight=False)
    return strategy


def count_steps(batch_size: int, images: int, replicas: int) -> int:
    """Returns the steps of an epoch, whole batches only.

    Raises:
      UsageError: there is none, or the devices cannot share a batch.
    """
    if batch_size > images:
        raise UsageError(
            f"`--batch_size` must be at most the number of training images, {images}. Received: {batch_size}"
        )
    if batch_size % replicas:
        raise UsageError(
            f"`--batch_size` must be a multiple of the {replicas} devices that share a batch. Received: {batch_size}"
        )
    return images // batch_size


def precision_of(
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


def loop_of(
    hparams: HParams,
    dataset: data.Dataset,
    precision: Precision,
    strategy: tf.distribute.Strategy,
    *,
    steps_per_epoch: int,
    is_stopped: Callable[[], bool],
) -> Loop:
    """Returns the network with its optimizer, its loss and its metric, on the devices."""
    with strategy.scope():
        model = _model(hparams, dataset, precision, steps_per_epoch)
        metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        return Loop(model, strategy, metrics, is_stopped)


def _model(hparams: HParams, dataset: data.Dataset, precision: Precision, steps_per_epoch: int) -> keras.Model:
    model = network.build(hparams, dataset.form.shape, dataset.classes, precision.policy)  # type: ignore[arg-type]
    fitting = optimizer.make(hparams, hparams.epochs * steps_per_epoch)
    if precision.name == "float16":
        fitting = keras.optimizers.LossScaleOptimizer(fitting)  # small gradients would be zero
    model.compile(fitting, _choose_loss(hparams, dataset))
    model.optimizer.build(model.trainable_variables)
    return model


def _choose_loss(hparams: HParams, dataset: data.Dataset) -> keras.losses.Loss:
    if hparams.class_weights == "none":
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return WeightedCrossentropy(class_weights(dataset.train.targets, dataset.classes))


def training_batches(split: data.Store, hparams: HParams, steps: range) -> Batches:
    """Returns what gives each device its share of the batches of these steps."""
    preset = _preset(hparams, split)
    return lambda context: data.training_batches(
        split,
        hparams.batch_size,
        hparams.seed,
        augment=preset != "none",
        steps=steps,
        share=devices.share(context),
        preset=preset,
    )


def _preset(hparams: HParams, split: data.Store) -> str:
    return data.choose_preset(hparams.augment, split)


def part_of(split: data.Store, strategy: tf.distribute.Strategy) -> Part:
    """Returns what the devices are to look at without learning from it.

    Raises:
      UsageError: it has fewer images than there are devices.
    """
    replicas = strategy.num_replicas_in_sync
    if len(split) < replicas:
        raise UsageError(f"`--validation_split` must leave each of {replicas} devices an image. Received: {len(split)}")
    return Part(
        lambda context: data.evaluation_batches(split, devices.share(context)), data.evaluation_steps(split, replicas)
    )


def board_of(
    hparams: HParams,
    environment: Environment,
    dataset: data.Dataset,
    former: Mapping[str, str],
    state: Mapping[str, Any] | None,
    *,
    steps_per_epoch: int,
    pictures: Sequence[int],
    profile: Sequence[int],
    lag: Callable[[], float] | None,
) -> TensorBoard | None:
    """Returns what the chief writes to TensorBoard; nothing on another machine."""
    if not environment.is_chief:
        return None
    before = state["callbacks"][states.name_of(TensorBoard)]["sizes"] if state else {}
    return TensorBoard(
        # The logs in a folder without a record of this run are not its own, and are left alone.
        Log(environment.logs, before if former else None),
        steps_per_epoch,
        hparams.batch_size,
        configuration=hparams.configuration(),
        command=flags.command(hparams),
        examples=_examples(hparams, dataset) if pictures else None,
        pictures=pictures,
        profile=profile,
        lag=lag,
    )


def _examples(hparams: HParams, dataset: data.Dataset) -> Examples:
    """Returns what is drawn: validation images, and the first ones to train on, before and after they are changed."""
    images, labels = dataset.validation.preview()
    preset = _preset(hparams, dataset.train)
    changes = data.changes(dataset.train, hparams.batch_size, hparams.seed, preset, _CHANGES)
    return Examples(images, labels, dataset.class_names, changes)


def reports(environment: Environment) -> list[MetricCallback]:
    """Returns what tells the tuning service, where there is one; on the chief alone."""
    if not (environment.metric_file and environment.is_chief):
        return []
    return [MetricCallback(MetricReport(environment.metric_file))]
