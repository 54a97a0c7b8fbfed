"""One run: from hyperparameters to a trained model and its logs."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
from rich.console import Console

from trainer import data
from trainer.buckets.fetch import fetch
from trainer.buckets.storage import Storage
from trainer.environment import Environment
from trainer.hparams import HParams
from trainer.run import plan as preparation
from trainer.run import record, resume
from trainer.run.mirror import Mirror, mirrored
from trainer.signals import Stop
from trainer.tensorboard import board
from trainer.tensorboard.schedule import Schedule
from trainer.training import devices
from trainer.training import state as states
from trainer.training.checkpoint import Store
from trainer.training.metric import METRIC
from trainer.training.progress import Progress
from trainer.training.save import Every, SaveCheckpoint


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
    strategy = preparation.strategy_of(hparams, environment, screen)
    with devices.named_losses(environment.cluster):
        keras.utils.set_random_seed(hparams.seed)
        dataset = read(hparams, screen)
        steps_per_epoch = preparation.count_steps(hparams.batch_size, len(dataset.train), strategy.num_replicas_in_sync)
        validation, test = (
            preparation.part_of(dataset.validation, strategy),
            preparation.part_of(dataset.test, strategy),
        )
        configuration = {**hparams.configuration(), "steps_per_epoch": steps_per_epoch}
        store = Store(environment.checkpoints, configuration, hparams.keep_checkpoints)
        finished = resume.finished(store, hparams, environment, strategy)
        if finished:
            _report_again(environment, store)
            return Result(*finished)
        precision = preparation.precision_of(hparams, former, strategy, environment.cluster)
        loop = preparation.loop_of(
            hparams,
            dataset,
            precision,
            strategy,
            steps_per_epoch=steps_per_epoch,
            is_stopped=lambda: stop.requested,
        )
        claimed = environment.claimed() if environment.is_chief and not storage else contextlib.nullcontext()
        with data.named_breaks(dataset), claimed:
            if storage:
                storage.begin()
                storage.start()
            state = resume.read_state(store, hparams, environment, strategy, screen)
            if environment.is_chief and not former:
                record.write(environment.root, hparams, precision.name, precision.reason)
            screen.out(f"precision {precision}", highlight=False)
            steps = range(state["step"] if state else 0, hparams.epochs * steps_per_epoch)
            if steps.start:
                screen.out(f"goes on from step {steps.start:,} of {steps.stop:,}", highlight=False)
            every = Every.read(hparams.checkpoint_every)
            save = SaveCheckpoint(store, loop.state, every, METRIC, resumed=state)
            schedule = Schedule.of(hparams, steps_per_epoch)
            batches = preparation.training_batches(dataset.train, hparams, steps)
            log = preparation.log_of(environment, former, state)
            lag = storage.lag if storage else None
            written = preparation.board_of(hparams, dataset, log, schedule, lag) if log else []
            begin = time.perf_counter()
            with (
                board.session(log) if log else contextlib.nullcontext(),
                stop.deferred(),
                resume.saved(save if environment.is_chief else None, stop),
            ):
                with Progress(screen, hparams.epochs, steps_per_epoch, hparams.batch_size) as progress:
                    written += [*preparation.reports(environment), save] if log else []
                    written += [Mirror(storage)] if storage else []
                    told = [keras.callbacks.History(), *callbacks, progress, *written]
                    loop.fit(
                        batches,
                        validation,
                        steps_per_epoch,
                        hparams.epochs,
                        told,
                        state=state,
                        call_ends=lambda step: min(every.next_step(step), schedule.next_step(step)),
                    )
                seconds = time.perf_counter() - begin
                test_accuracy = loop.evaluate(test)["accuracy"]
            saved = (
                resume.finish(loop.model, dataset, store, environment, test_accuracy) if environment.is_chief else None
            )
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


def _report_again(environment: Environment, store: Store) -> None:
    """Tells the tuning service what a finished run came to: a trial without a metric is infeasible."""
    reports = preparation.reports(environment)
    found = store.newest(lambda line: None) if reports else None
    if found:
        states.restore_callbacks(reports, states.unpack(found[1])["callbacks"])
