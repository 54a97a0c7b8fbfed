"""Runs trials on this machine: starts them, takes their reports, and stops them."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence

from trainer.environment import PHASE, Phase
from trainer.errors import StorageError
from trainer.study.local import layout, models, outcome
from trainer.study.local.ledger import Ledger
from trainer.study.local.metric_file import MetricFile
from trainer.study.local.server import Server
from trainer.study.search import stopping
from trainer.study.spec import Value
from trainer.study.trial import ACTIVE, ENDED, INFEASIBLE, REQUESTED, STOPPING, SUCCEEDED, Measurement, Trial

Suggest = Callable[[Sequence[Trial]], dict[str, Value] | None]

_TICK = 0.2  # seconds between two looks at what trials have reported
_STARTS = 3  # of a trial that dies in a way that the service starts again


class Runner:
    """Runs the trials of a study until there are enough, from the state that the ledger has.

    Args:
      ledger: the study; takes every change before it is acted upon.
      server: starts trials.
      suggest: gives the parameters of the next trial; nothing if there is none left.
      variables: the environment variables of this process.
      cores: the cores that trials share.
      keep_models: how many of the best trials keep their checkpoints, and are finished at the end of the study; 0 is
        all, which then finish themselves.
      clock: seconds since 1970.
    """

    def __init__(
        self,
        ledger: Ledger,
        server: Server,
        suggest: Suggest,
        *,
        variables: Mapping[str, str],
        cores: Sequence[int],
        keep_models: int = 0,
        clock: Callable[[], float] = time.time,
    ):
        self._job, self._ledger, self._server, self._suggest = ledger.job, ledger, server, suggest
        self._variables, self._keep_models, self._clock = variables, keep_models, clock
        self._free = layout.core_groups(cores, ledger.job.parallel_trials)[::-1]
        self._cores: dict[int, tuple[int, ...]] = {}  # of the trials that run
        self._files: dict[int, MetricFile] = {}
        self._starts: dict[int, int] = {}

    def run(self, is_stopped: Callable[[], bool], show: Callable[[Sequence[Trial]], None]) -> str:
        """Returns `SUCCEEDED`, or `FAILED` if too many trials failed; nothing if it was stopped before that.

        Args:
          is_stopped: whether to end; trials that run then are resumed another time.
          show: takes all trials, several times a second.

        Raises:
          StorageError: the ledger cannot be written.
          ChildProcessError: the server has ended.
        """
        waiting = [trial for trial in map(self._settled, self._ledger.trials) if trial.state not in ENDED]
        self._delete_models()
        begun = self._clock() - self._ledger.seconds
        while not is_stopped():
            self._ledger.seconds = self._clock() - begun
            if not stopping.failures_allowed(self._job, self._ledger.trials):
                return "FAILED"
            while self._free and not is_stopped() and not self._ends_now():
                trial = waiting.pop(0) if waiting else self._next()
                if trial is None:
                    break
                self._start(trial)
                show(self._ledger.trials)
            if not self._cores:
                for trial in waiting:  # the study ended while it was interrupted
                    if trial.state == ACTIVE:
                        self._settled(dataclasses.replace(trial, state=STOPPING))
                return "SUCCEEDED" if any(t.state == SUCCEEDED for t in self._ledger.trials) else "FAILED"
            for event in self._server.events(_TICK):
                if "ended" in event:
                    self._end(event["ended"], event["status"])
            self._observe()
            show(self._ledger.trials)
        self._ledger.put()
        return ""

    def _settled(self, trial: Trial) -> Trial:
        """Returns a trial as it is after the study was killed; one that was being stopped has ended."""
        if trial.state == STOPPING and trial.measurements:
            ended = trial.started + trial.measurements[-1].seconds
            trial = dataclasses.replace(trial, state=SUCCEEDED, stopped_early=True, ended=ended)
            trial = outcome.with_record(trial, layout.folder(self._ledger.folder, trial.id))
            self._ledger.put(trial)
        elif trial.state == STOPPING:
            trial = self._postponed(trial)
        return trial

    def _postponed(self, trial: Trial) -> Trial:
        """Returns a trial that the study's end stopped before its first measurement; a longer study starts it again."""
        trial = dataclasses.replace(trial, state=REQUESTED, started=0.0, paused=0.0)
        self._ledger.put(trial)
        return trial

    def _next(self) -> Trial | None:
        """Returns a new trial, which is in the ledger; nothing if there is no further one."""
        trials = self._ledger.trials
        if len(trials) >= self._job.max_trials or stopping.study_is_over(self._job, trials, self._clock()):
            return None
        parameters = self._suggest(trials)
        if parameters is None:
            return None
        trial = Trial(id=len(trials) + 1, parameters=parameters)
        self._ledger.put(trial)
        return trial

    def _start(self, trial: Trial) -> None:
        study = self._ledger.folder
        layout.folder(study, trial.id).mkdir(parents=True, exist_ok=True)
        self._files[trial.id] = MetricFile(layout.metric_file(study, trial.id), self._job.metric)
        self._cores[trial.id] = self._free.pop()
        self._starts[trial.id] = self._starts.get(trial.id, 0) + 1
        now = self._clock()
        worked = trial.started + (trial.measurements[-1].seconds if trial.measurements else 0.0)
        paused = trial.paused + max(0.0, now - worked) if trial.started else 0.0
        self._ledger.put(dataclasses.replace(trial, state=ACTIVE, started=trial.started or now, paused=paused))
        phase = Phase.TRAINING if self._keep_models else Phase.WHOLE
        environment = layout.environment(study, self._job.name, trial.id, self._variables, self._job.parallel_trials)
        self._server.start(
            trial.id,
            layout.arguments(self._job.arguments, trial.parameters),
            {**environment, PHASE: phase.value},
            layout.log(study, trial.id),
            self._cores[trial.id],
        )

    def _observe(self) -> None:
        """Takes what running trials have reported, and stops those that a rule stops."""
        for number in self._cores:
            before = self._trial(number)
            trial = self._measured(before)
            if trial == before:
                continue
            # The decision is written with what it follows from, so that a killed study resumes with it.
            if trial.state == ACTIVE and stopping.should_stop(self._job, trial, self._ledger.trials):
                self._stop(trial)
            else:
                self._ledger.put(trial)
        running = [trial for trial in map(self._trial, self._cores) if trial.state == ACTIVE]
        if running and self._ends_now():
            for trial in running:
                self._stop(trial)

    def _ends_now(self) -> bool:
        """Returns whether running trials are to end: the budget is used, or the file ends the study at once."""
        if self._job.budget and self._ledger.seconds >= self._job.budget:
            return True
        is_over = stopping.stops_running_trials(self._job)
        return is_over and bool(stopping.study_is_over(self._job, self._ledger.trials, self._clock()))

    def _stop(self, trial: Trial) -> None:
        self._ledger.put(dataclasses.replace(trial, state=STOPPING))
        self._server.stop(trial.id)

    def _end(self, number: int, status: int) -> None:
        self._free.append(self._cores.pop(number))
        trial = outcome.with_record(self._measured(self._trial(number)), layout.folder(self._ledger.folder, number))
        if status in outcome.RETRIED and self._starts[number] < _STARTS:
            self._ledger.put(trial)
            self._start(trial)
            return
        was_stopped = trial.state == STOPPING
        if was_stopped and status and not trial.measurements:
            self._postponed(trial)
            return
        predicted = stopping.last_measurement(self._job, trial, self._ledger.trials) if was_stopped and status else None
        if predicted:
            trial = dataclasses.replace(trial, measurements=(*trial.measurements, predicted))
        log = outcome.last_lines(layout.log(self._ledger.folder, number))
        state, reason = outcome.judge(status, trial.measurements, self._job.metric, was_stopped, log)
        self._ledger.put(
            dataclasses.replace(
                trial,
                state=state,
                stopped_early=was_stopped and status != 0,
                reason=reason,
                log=log if state == INFEASIBLE else "",
                finished=status == 0 and not self._keep_models,
                ended=self._clock(),
            )
        )
        self._delete_models()

    def _delete_models(self) -> None:
        try:
            models.keep_best(self._ledger.folder, self._job, self._ledger.trials, self._keep_models)
        except OSError as error:
            raise StorageError(f"{error.filename} cannot be deleted: {error.strerror}") from error

    def _measured(self, trial: Trial) -> Trial:
        """Returns a trial with all that it has reported by now; of two reports of one step the later holds."""
        by_step = {measured.step: measured for measured in trial.measurements}
        for step, value, timestamp in self._files[trial.id].read():
            if step not in by_step or by_step[step].value != value:
                by_step[step] = Measurement(step, value, max(0.0, timestamp - trial.started))
        return dataclasses.replace(trial, measurements=tuple(by_step[step] for step in sorted(by_step)))

    def _trial(self, number: int) -> Trial:
        return next(trial for trial in self._ledger.trials if trial.id == number)
