"""One run: from hyperparameters to a trained model and its logs."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from trainer import data, flags, record, resume
from trainer import model as network
from trainer.cloud.cluster import Cluster
from trainer.cloud.environment import Environment
from trainer.cloud.fetch import fetch
from trainer.cloud.storage import Storage
from trainer.cloud.tuning import METRIC, MetricReport
from trainer.errors import UsageError
from trainer.hparams import PRECISIONS, HParams
from trainer.mirror import Mirror, mirrored
from trainer.signals import Stop
from trainer.tensorboard import schedule
from trainer.tensorboard.callback import TensorBoard
from trainer.tensorboard.log import Log
from trainer.tensorboard.observer import Examples
from trainer.training import devices, optimizer
from trainer.training import precision as precisions
from trainer.training import state as states
from trainer.training.checkpoint import Store
from trainer.training.loop import Batches, Loop, Part
from trainer.training.precision import Precision
from trainer.training.progress import Progress
from trainer.training.saving import Every, MetricCallback, SaveCheckpoint
from trainer.training.weighting import WeightedCrossentropy, class_weights

_CHANGES = 12  # images that show what the augmentation does


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run came to.

    Attributes:
      test_accuracy: the share of the test images that are classified rightly.
      model: the file of the trained model; nothing on a machine that is not the chief.
      seconds: from the first step to the end of the last validation; 0 where the run was finished before.
      images_per_second: training images over those seconds.
    """

    test_accuracy: float
    model: Path | None
    seconds: float = 0.0
    images_per_second: float = 0.0


def run(
    hparams: HParams,
    environment: Environment,
    screen: Console,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    stop: Stop | None = None,
    *,
    read: Callable[[HParams, Console], data.Dataset] | None = None,
) -> Result:
    """Trains, looks at the test images once, and saves the model.

    A run that was stopped goes on from where it was last saved, as if it had not been stopped. Of machines that train
    together all call this, and the chief alone writes.

    Args:
      hparams: what to train.
      environment: where.
      screen: what a person watches.
      callbacks: Keras's or one's own, told of every event on every machine. What they remember is saved too.
      stop: whether the program was told to stop.
      read: returns the data set, in place of `load`.

    Raises:
      UsageError: the data, the network or the output folder cannot be what the flags ask for; nothing was written.
      DivergedError: the loss is not finite.
      StorageError: the output can no longer be written.
      StoppedError: the program was told to stop, and the state is saved.
      MachineLostError: another machine of the cluster is gone.
    """
    stop = stop or Stop()
    screen = screen if environment.is_chief else Console(quiet=True, force_terminal=False)
    read = read or _reader(environment)
    with resume.named_failures(), mirrored(environment, screen, stop) as storage:
        return _run(hparams, environment, screen, callbacks, stop=stop, storage=storage, read=read)


def _run(
    hparams: HParams,
    environment: Environment,
    screen: Console,
    callbacks: Sequence[keras.callbacks.Callback],
    *,
    stop: Stop,
    storage: Storage | None,
    read: Callable[[HParams, Console], data.Dataset],
) -> Result:
    former = record.check(environment.root, hparams)
    strategy = _choose_strategy(hparams, environment, screen)
    with devices.named_losses(environment.cluster):
        keras.utils.set_random_seed(hparams.seed)
        dataset = read(hparams, screen)
        steps_per_epoch = _count_steps(hparams.batch_size, len(dataset.train), strategy.num_replicas_in_sync)
        validation, test = _part(dataset.validation, strategy), _part(dataset.test, strategy)
        configuration = {**hparams.configuration(), "steps_per_epoch": steps_per_epoch}
        store = Store(environment.checkpoints, configuration, hparams.keep_checkpoints)
        finished = resume.finished(store, hparams, environment, strategy)
        if finished:
            _report_again(environment, store)
            return Result(*finished)
        precision = _choose_precision(hparams, former, strategy, environment.cluster)
        with strategy.scope():
            model = _build(hparams, dataset, precision, steps_per_epoch)
            metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
            loop = Loop(model, strategy, metrics, lambda: stop.requested)
        claimed = environment.claimed() if environment.is_chief and not storage else contextlib.nullcontext()
        with data.named_breaks(dataset), claimed:
            if storage:
                storage.begin()
                storage.start()
            state = resume.read_state(store, hparams, environment, strategy, screen)
            if environment.is_chief and not former:
                record.write(environment.root, hparams, precision.name, precision.reason)
            screen.out(f"precision {precision}", highlight=False)
            first_step, every = (state["step"] if state else 0), Every.read(hparams.checkpoint_every)
            steps = range(first_step, hparams.epochs * steps_per_epoch)
            if first_step:
                screen.out(f"goes on from step {first_step:,} of {steps.stop:,}", highlight=False)
            save = SaveCheckpoint(store, loop.state, every, METRIC, resumed=state)
            pictures = schedule.picture_steps(hparams.log_images, steps_per_epoch, hparams.epochs)
            profile = schedule.profile_steps(hparams.profile_steps)

            def call_ends(step: int) -> float:
                others = (schedule.next_step(steps, step) for steps in (pictures, profile))
                return min(every.next_step(step), *others)

            batches = _training_batches(dataset.train, hparams, steps)
            board = _tensorboard(
                hparams,
                environment,
                dataset,
                former,
                state,
                steps_per_epoch=steps_per_epoch,
                pictures=pictures,
                profile=profile,
                lag=storage.lag if storage else None,
            )
            begin = time.perf_counter()
            with (
                board.session() if board else contextlib.nullcontext(),
                stop.deferred(),
                resume.saved(save if environment.is_chief else None, stop),
            ):
                with Progress(screen, hparams.epochs, steps_per_epoch, hparams.batch_size) as progress:
                    written = [board, *_reports(environment), save] if board else []
                    written += [Mirror(storage)] if storage else []
                    told = [keras.callbacks.History(), *callbacks, progress, *written]
                    loop.fit(
                        batches, validation, steps_per_epoch, hparams.epochs, told, state=state, call_ends=call_ends
                    )
                seconds = time.perf_counter() - begin
                test_accuracy = loop.evaluate(test)["accuracy"]
            saved = resume.finish(model, dataset, store, environment, test_accuracy) if environment.is_chief else None
    return Result(test_accuracy, saved, seconds, len(steps) * hparams.batch_size / seconds)


def _reader(environment: Environment) -> Callable[[HParams, Console], data.Dataset]:
    parts = dict(environment.managed)
    managed = data.Managed(parts.pop("format", ""), parts) if parts else None
    return lambda hparams, screen: load(hparams, screen, managed)


def load(hparams: HParams, screen: Console, managed: data.Managed | None = None) -> data.Dataset:
    """Returns the data set that `--data` names, fetched from its bucket first where it is in one.

    Args:
      hparams: what to train.
      screen: hears what is fetched and what is left out.
      managed: what Vertex AI says of the data set that it was given for the job.

    Raises:
      UsageError: it cannot be had, or cannot be split.
    """
    cache = Path(hparams.cache_dir).expanduser()

    def tell(line: str) -> None:
        screen.out(line, highlight=False)

    def fetched(location: str) -> Path:
        return fetch(location, cache, tell=tell)

    return data.load(
        hparams.data,
        hparams.validation_split,
        hparams.seed,
        form=data.Form(hparams.image_size, hparams.color, skip_broken=hparams.skip_broken == "yes"),
        tell=tell,
        fetch=fetched,
        managed=managed,
    )


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
    fitting = optimizer.make(hparams, hparams.epochs * steps_per_epoch)
    if precision.name == "float16":
        fitting = keras.optimizers.LossScaleOptimizer(fitting)  # small gradients would be zero
    model.compile(fitting, _choose_loss(hparams, dataset))
    model.optimizer.build(model.trainable_variables)
    return model


def _choose_loss(hparams: HParams, dataset: data.Dataset) -> keras.losses.Loss:
    if hparams.class_weights == "none":
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return WeightedCrossentropy(class_weights(dataset.train.labels, dataset.classes))


def _training_batches(split: data.Split | data.Sources, hparams: HParams, steps: range) -> Batches:
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


def _preset(hparams: HParams, split: data.Split | data.Sources) -> str:
    """Returns how images are changed; nobody has mirrored or coloured digits."""
    auto = "photo" if split.shape[-1] == 3 else "affine"
    return auto if hparams.augment == "auto" else hparams.augment


def _part(split: data.Split | data.Sources, strategy: tf.distribute.Strategy) -> Part:
    replicas = strategy.num_replicas_in_sync
    if len(split) < replicas:
        raise UsageError(f"`--validation_split` must leave each of {replicas} devices an image. Received: {len(split)}")
    return Part(
        lambda context: data.evaluation_batches(split, devices.share(context)), data.evaluation_steps(split, replicas)
    )


def _tensorboard(
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
    images, labels = data.samples(dataset.validation)
    preset = _preset(hparams, dataset.train)
    changes = data.changes(dataset.train, hparams.batch_size, hparams.seed, preset, _CHANGES)
    return Examples(images, labels, dataset.class_names, changes)


def _reports(environment: Environment) -> list[MetricCallback]:
    """Returns what tells the tuning service, where there is one; on the chief alone."""
    if not (environment.metric_file and environment.is_chief):
        return []
    return [MetricCallback(MetricReport(environment.metric_file))]


def _report_again(environment: Environment, store: Store) -> None:
    """Tells the tuning service what a finished run came to: a trial without a metric is infeasible."""
    reports = _reports(environment)
    found = store.newest(lambda line: None) if reports else None
    if found:
        states.restore_callbacks(reports, states.unpack(found[1])["callbacks"])
