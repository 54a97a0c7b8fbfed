"""One run: from hyperparameters to a trained model and its logs."""

import dataclasses
import time
from pathlib import Path

import keras
from rich.console import Console

from trainer import data, record
from trainer import model as network
from trainer.cloud.environment import Environment
from trainer.cloud.tuning import METRIC, MetricReport
from trainer.errors import UsageError
from trainer.hparams import HParams
from trainer.tensorboard.callback import TensorBoard
from trainer.training import checkpoint, export
from trainer.training.loop import Loop
from trainer.training.progress import Progress

_WARM_UP = 0.2  # of all steps, until the highest learning rate; then it falls to zero along a cosine


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run came to.

    Attributes:
      test_accuracy: the share of the test images that are classified rightly.
      seconds: from the first step to the end of the last validation.
      images_per_second: training images over those seconds; 0 where the run was finished before.
      model: the file of the trained model.
    """

    test_accuracy: float
    seconds: float
    images_per_second: float
    model: Path


def run(hparams: HParams, environment: Environment, screen: Console) -> Result:
    """Trains, looks at the test images once, and saves the model.

    A run that was stopped goes on from the end of its last whole epoch.

    Raises:
      UsageError: the data, the network or the output folder cannot be what the flags ask for; nothing was written.
      DivergedError: the loss is not finite.
    """
    keras.utils.set_random_seed(hparams.seed)
    dataset = data.load(hparams.data, hparams.validation_split, hparams.seed)
    steps_per_epoch = _count_steps(hparams.batch_size, len(dataset.train))
    model = network.build(hparams, dataset.input_shape, dataset.classes)
    model.compile(_optimizer(hparams, steps_per_epoch), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.optimizer.build(model.trainable_variables)

    record.check(environment.root, hparams)
    environment.claim()
    record.write(environment.root, hparams)

    state = [*model.variables, *model.optimizer.variables]
    first_step = checkpoint.restore_latest(environment.checkpoints, state)
    batches = data.training_batches(
        dataset.train,
        hparams.batch_size,
        hparams.seed,
        augment=hparams.augment == "affine",
        steps=range(first_step, hparams.epochs * steps_per_epoch),
    )
    epochs = range(first_step // steps_per_epoch, hparams.epochs)
    images = len(epochs) * steps_per_epoch * hparams.batch_size
    callbacks = _callbacks(environment, state, images // max(1, len(epochs)))
    loop = Loop(model)
    begin = time.perf_counter()
    with Progress(screen, hparams.epochs, steps_per_epoch, hparams.batch_size) as progress:
        validation = data.evaluation_batches(dataset.validation)
        loop.fit(batches, validation, steps_per_epoch, epochs, [progress, *callbacks])
    seconds = time.perf_counter() - begin

    test = loop.evaluate(data.evaluation_batches(dataset.test))
    return Result(test["accuracy"], seconds, images / seconds, export.save(model, environment.model))


def _count_steps(batch_size: int, images: int) -> int:
    if batch_size > images:
        raise UsageError(
            f"`--batch_size` must be at most the number of training images, {images}. Received: {batch_size}"
        )
    return images // batch_size


def _optimizer(hparams: HParams, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    steps = hparams.epochs * steps_per_epoch
    warm_up = round(_WARM_UP * steps)
    return keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - warm_up), warmup_target=hparams.learning_rate, warmup_steps=warm_up
        )
    )


def _callbacks(
    environment: Environment, state: list[keras.Variable], images_per_epoch: int
) -> list[keras.callbacks.Callback]:
    """Returns what happens beside the training, in this order: logs, checkpoint, the tuning service's metric."""
    callbacks = [
        TensorBoard(environment.logs, images_per_epoch),
        checkpoint.SaveCheckpoint(environment.checkpoints, state),
    ]
    if environment.metric_file:
        report = MetricReport(environment.metric_file)
        callbacks.append(
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: report(logs[METRIC], epoch + 1))
        )
    return callbacks
