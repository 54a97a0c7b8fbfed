"""One run, from hyperparameters to a trained model and its logs: planned, opened, fitted, finished."""

import contextlib
import dataclasses
import datetime
import functools
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console

from trainer import data, keras_settings
from trainer.buckets.storage import Storage
from trainer.environment import Environment, Phase
from trainer.hparams import HParams
from trainer.metrics import ACCURACY, Metric
from trainer.run import feeds, record, report, resume, stages, writers
from trainer.run.disk import Disk
from trainer.run.mirror import Mirror, mirrored
from trainer.run.plan import Plan, Read
from trainer.screen import silent
from trainer.signals import Stop
from trainer.training import devices, own
from trainer.training.checkpoint import Store
from trainer.training.loop import Loop
from trainer.training.patience import Patience
from trainer.training.progress import Progress, waiting
from trainer.training.save import SaveCheckpoint

State = Mapping[str, Any] | None  # what a run resumes from


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of a run.

    Attributes:
      test_accuracy: the share of the test samples that are classified correctly; NaN if there are none.
      tested: the number of test samples.
      model: the file of the trained model; None on machines other than the chief, and if the run is not finished.
      seconds: the time from the first step to the end of the last validation; 0 if the run was finished before.
      speed: training samples per second.
      samples: the word for the samples, such as images.
      sample: a file with a test sample; empty if there is none.
      outcome: the epochs that the run has done, the best of them and its value of `--metric`, the epoch whose weights
        the model has, and `--metric` on the test samples, as `hparams.json` has them; empty on machines other than the
        chief.
      report: the file of the run's report, for a person; empty if there is none.
      measured: what the test samples say, in one line; empty for classes, which have `test_accuracy`.
    """

    test_accuracy: float
    tested: int
    model: Path | None
    seconds: float = 0.0
    speed: float = 0.0
    samples: str = "images"
    sample: str = ""
    outcome: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    report: str = ""
    measured: str = ""


def run(
    hparams: HParams,
    environment: Environment,
    screen: Console,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    stop: Stop | None = None,
    *,
    read: Read | None = None,
) -> Result:
    """Trains a network, evaluates it once on the test split, and saves the model.

    An interrupted run resumes bit-exactly from its last checkpoint. In a distributed run, all machines call this
    function, and only the chief writes files. If the phase of the environment is the training alone, the result has no
    test and no model.

    Args:
      hparams: what to train.
      environment: where to train: folders, machines and devices.
      screen: the console for the output.
      callbacks: Keras callbacks. They receive every event on every machine, and checkpoints include their state.
      stop: the stop signal of the program.
      read: a function that returns the data set, instead of the data set that `--data` names.

    Raises:
      UsageError: the data, the network, the callbacks or the output folder are invalid; nothing was written.
      DivergedError: the loss is not finite.
      StorageError: the output cannot be written.
      StoppedError: the program received a stop signal, and the state is saved.
      MachineLostError: another machine of the cluster has failed.
    """
    stop = stop or Stop()
    screen = screen if environment.is_chief else silent()
    notes = silent() if hparams.quiet == "yes" else screen
    with (
        resume.named_failures(),
        keras_settings.defaults(),
        mirrored(environment, screen, stop) as storage,
        devices.named_losses(environment.cluster),
        devices.named_operations(),
    ):
        plan = Plan.make(hparams, environment, screen, read or data.reader(environment.managed), notes)
        store = Store(environment.checkpoints, plan.configuration, hparams.keep_checkpoints)
        return _Run(plan, store, storage, screen, notes, stop).complete(callbacks)


@dataclasses.dataclass(frozen=True)
class _Run:
    """A planned run and what surrounds it.

    Attributes:
      plan: what is trained, where and on what.
      store: its checkpoints.
      storage: sends its output to a bucket; None where it stays on this machine, and on machines that do not write.
      screen: what a person watches.
      notes: the same, for lines that are no warnings; it shows nothing with `--quiet`.
      stop: whether the program was told to stop.
    """

    plan: Plan
    store: Store
    storage: Storage | None
    screen: Console
    notes: Console
    stop: Stop

    def complete(self, callbacks: Sequence[keras.callbacks.Callback]) -> Result:
        """Returns what the run has reached, now or before, all of it written."""
        finished = resume.finished(self.plan, self.store)
        if finished:
            resume.report_again(writers.reports(self.plan.environment, self.plan.metric), self.store)
            accuracy, model = finished
            return Result(
                accuracy,
                self._tested,
                model,
                samples=self.plan.samples,
                sample=resume.sample(self.plan),
                outcome=self.plan.former.get(record.OUTCOME, {}),
                report=self._report_again(),
                measured=resume.measured(self.store),
            )
        return self._train(callbacks)

    def _train(self, callbacks: Sequence[keras.callbacks.Callback]) -> Result:
        plan, environment = self.plan, self.plan.environment
        loop = plan.loop(lambda: self.stop.requested)
        own.settle(callbacks, plan.hparams.schedule, own.directions([*loop.metrics, *loop.evaluated]))
        with data.named_breaks(plan.dataset), self._claimed():
            state = self._open()
            first = state["step"] if state else 0
            seconds, results, outcome, explanation = self._fit(loop, state, callbacks)
            meaning = plan.objective.meaning(self._validated(loop))
            accuracy = float(results.get("accuracy", np.nan))
            model = None
            with waiting(self.notes, "saving"):
                if environment.is_chief and self._is_finishing:
                    model = resume.finish(
                        loop.model, plan, self.store, results, meaning=meaning, outcome=outcome, explanation=explanation
                    )
                written = self._report()
        speed = plan.samples_of(first, loop.step) / seconds
        return Result(
            accuracy,
            self._tested,
            model,
            seconds if speed else 0.0,  # all its steps were done before
            speed,
            plan.samples,
            resume.sample(plan),
            outcome,
            written,
            resume.measured(self.store) if model else "",
        )

    def _validated(self, loop: Loop) -> Mapping[str, np.ndarray]:
        """Returns the results of the validation part, if the meaning of the outputs depends on them; else nothing."""
        plan = self.plan
        if not plan.objective.needs_validation or not self._is_finishing:
            return {}
        return loop.evaluate_with(feeds.streamed_evaluation(plan.dataset.validation, plan.strategy), plan.results())

    def _report(self) -> str:
        """Writes the report of the finished run, on the chief; returns where it is, and nothing if there is none."""
        environment = self.plan.environment
        if self.plan.hparams.report == "no" or not environment.is_chief or not self._is_finishing:
            return ""
        return report.write(
            environment,
            resume.sample(self.plan),
            datetime.datetime.now,
            lambda line: self.screen.out(line, highlight=False),
        )

    def _report_again(self) -> str:
        """Returns where the report of a run is that was finished before; writes it if it is not on this machine."""
        return "" if self.storage else report.written(self.plan.environment) or self._report()

    @property
    def _tested(self) -> int:
        return len(self.plan.dataset.test) if self._is_finishing else 0

    @property
    def _is_finishing(self) -> bool:
        return self.plan.environment.phase is not Phase.TRAINING

    def _claimed(self) -> contextlib.AbstractContextManager[None]:
        """Keeps other processes out of the run's folders, which a bucket's local folders are already."""
        environment = self.plan.environment
        return environment.claimed() if environment.is_chief and not self.storage else contextlib.nullcontext()

    def _open(self) -> State:
        """Returns what the run resumes from, on every machine; the folders are then this run's."""
        plan = self.plan
        plan.augmentation  # noqa: B018 - on every machine, before the chief alone asks for it
        if self.storage:
            self.storage.begin()
            self.storage.start()
        state = resume.read_state(plan, self.store, self.screen)
        if plan.environment.is_chief and (plan.length.is_new or not plan.former):
            record.write(plan.environment.root, plan.record)
        self._introduce(state)
        return state

    def _introduce(self, state: State) -> None:
        """Shows what is trained, on what and where, before the first step."""
        plan, note = self.plan, functools.partial(self.notes.out, highlight=False)
        note(f"run in {plan.environment.shown('root')}")
        note(report.counts(plan))
        note(f"precision {plan.precision}")
        note(f"recipe {plan.recipe}")
        if plan.compilation.is_xla or plan.compilation.is_refused:
            note(f"compile {plan.compilation.name}: {plan.compilation.reason}")
        for caveat in plan.caveats if plan.environment.is_chief else []:
            self.screen.out(caveat, highlight=False)
        for line in plan.notes:
            note(line)
        if not plan.dataset.train.arrays() or plan.preset.startswith(("photo", "volume")):
            note(f"augment {plan.preset}: {plan.augmentation.reason}")
        if state and state["step"]:
            of = "" if plan.length.until else f" of {plan.steps:,}"
            note(f"resumes from step {state['step']:,}{of}")
            if plan.changes:
                changes = "; ".join(plan.changes)
                self.screen.out(f"not bit-exact, because sums may be rounded differently: {changes}", highlight=False)
        if len(plan.length.ends) > 1:
            note(plan.length.line(plan.hparams))
        note(Disk.of(plan).line(plan.hparams.keep_checkpoints))

    def _fit(
        self, loop: Loop, state: State, callbacks: Sequence[keras.callbacks.Callback]
    ) -> tuple[float, Mapping[str, np.ndarray], Mapping[str, Any], Mapping[str, Any]]:
        """Returns the seconds of the training, the results of the test part, if there is one, the outcome, and how to
        explain the network.
        """
        plan, hparams = self.plan, self.plan.hparams
        is_chief = plan.environment.is_chief
        save = SaveCheckpoint(self.store, loop.state, plan.every, resumed=state, metric=plan.metric)
        lag = self.storage.lag if self.storage else None
        begin = time.perf_counter()
        with (
            contextlib.closing(save),
            writers.tensorboard(plan, state, lag) as board,
            self.stop.deferred(),
            resume.saved(save if is_chief else None, self.stop),
        ):
            ours = [*board, *writers.reports(plan.environment, plan.metric), *([save] if is_chief else [])]
            ours += [Mirror(self.storage)] if self.storage else []
            patience, epochs = self._patience(), 0 if plan.length.until else plan.length.epochs
            count, is_verbose = len(plan.dataset.train), hparams.verbose == "yes"
            with Progress(
                self.notes,
                epochs,
                count,
                hparams.batch_size,
                plan.samples,
                metric=plan.metric.name,
                is_verbose=is_verbose,
            ) as progress:
                loop.fit(
                    stages.make(plan, self.notes),
                    plan.steps_per_epoch,
                    [keras.callbacks.History(), *callbacks, progress, *patience, *ours],
                    state=state,
                    call_ends=plan.call_ends,
                )
            seconds = time.perf_counter() - begin
            with waiting(self.notes, "testing" if self._tested else "saving"):
                outcome = self._choose_weights(loop, save)
                tested = self._tested
                results = loop.evaluate_with(plan.test, plan.results(), plan.evaluated(tested)) if tested else {}
                outcome = {**outcome, **_of_test(plan.metric, results)} if outcome else outcome
            devices.end_together(plan.strategy, plan.environment.cluster)
            if tested:
                writers.test(board, plan)
        for line in writers.cues(board):
            self.screen.out(line, highlight=False)
        return seconds, results, outcome, writers.explanation(board)

    def _patience(self) -> list[keras.callbacks.Callback]:
        """Returns what stops a run of `--epochs=auto`."""
        length, stages = self.plan.length, self.plan.network.stages
        if length.until is None:
            return []
        until = length.until
        first = length.epochs - stages[-1].epochs + math.ceil(until.warm_up)
        return [
            Patience(
                until.patience,
                until.cool_down,
                first,
                until.most,
                lambda line: self.notes.out(line, highlight=False),
                metric=self.plan.metric,
            )
        ]

    def _choose_weights(self, loop: Loop, save: SaveCheckpoint) -> Mapping[str, Any]:
        """Gives the model the weights that are exported, and returns the outcome, on the chief."""
        plan, (value, best) = self.plan, save.best
        step = loop.step
        if plan.hparams.export == "best" or step % plan.steps_per_epoch:  # stopped early, within an epoch
            step = resume.take_best(loop, plan, self.store, save, self.screen)
        if not plan.environment.is_chief:
            return {}
        return {
            "epochs": loop.step // plan.steps_per_epoch,
            "best_epoch": best // plan.steps_per_epoch,
            f"best_{plan.metric.tag}": value,
            "exported_epoch": step // plan.steps_per_epoch,
        }


def _of_test(metric: Metric, results: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Returns a metric other than the accuracy on the test samples; nothing where it is undefined there."""
    value = float(results.get(metric.name, np.nan))
    return {f"test_{metric.name}": value} if metric is not ACCURACY and math.isfinite(value) else {}
