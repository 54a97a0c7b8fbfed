"""The end of a study: the best trials, which were trained alone, are tested and get their models and reports."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from trainer.environment import PHASE, Phase
from trainer.study.local import layout, models, outcome
from trainer.study.local.ledger import Ledger
from trainer.study.local.server import Server
from trainer.study.screen.conclusion import ranked
from trainer.study.trial import Trial

_TICK = 0.2  # seconds between two looks at whether the study is stopped


@dataclasses.dataclass(frozen=True)
class Finishing:
    """Finishes the trials whose models a study keeps.

    A trial that was finished is marked in the ledger. So the study can be killed at any moment: a study that resumes
    finishes the others.

    Attributes:
      ledger: the study.
      server: starts the processes.
      variables: the environment variables of trials.
      cores: the cores that the processes share.
      keep_models: how many of the best trials keep their models; 0 is all.
    """

    ledger: Ledger
    server: Server
    variables: Mapping[str, str]
    cores: Sequence[int]
    keep_models: int

    def run(self, is_stopped: Callable[[], bool], log: Callable[[str], None]) -> bool:
        """Returns whether it came to its end; it does not if the study is asked to stop.

        Args:
          is_stopped: whether to end.
          log: takes a line for the screen.

        Raises:
          StorageError: the ledger cannot be written.
          ChildProcessError: the server has ended.
        """
        waiting = self._unfinished()
        if waiting:
            numbers = ", ".join(str(trial.id) for trial in waiting)
            log(f"tests and exports trial{'' if len(waiting) == 1 else 's'} {numbers}")
        # Those of a trial: with as many threads, epochs that are trained again are the same to the bit.
        free = layout.core_groups(self.cores, self.ledger.job.parallel_trials)
        running: dict[int, tuple[Trial, tuple[int, ...]]] = {}
        while (waiting or running) and not is_stopped():
            while waiting and free:
                trial, cores = waiting.pop(0), free.pop()
                running[trial.id] = trial, cores
                self._start(trial, cores)
            for event in self.server.events(_TICK):
                if "ended" in event:
                    trial, cores = running.pop(event["ended"])
                    free.append(cores)
                    self._end(trial, event["status"], log)
        return not waiting and not running

    def _unfinished(self) -> list[Trial]:
        ledger = self.ledger
        best = ranked(ledger.job, ledger.trials)[: self.keep_models or None]
        folder = ledger.folder
        return [trial for trial in best if not trial.finished and models.has_weights(layout.folder(folder, trial.id))]

    def _start(self, trial: Trial, cores: Sequence[int]) -> None:
        job, study = self.ledger.job, self.ledger.folder
        environment = layout.environment(study, job.name, trial.id, self.variables, job.parallel_trials)
        phase = Phase.STOPPED if trial.stopped_early else Phase.FINISH
        self.server.start(
            trial.id,
            layout.arguments(job.arguments, trial.parameters),
            {**environment, PHASE: phase.value},
            layout.log(study, trial.id),
            cores,
        )

    def _end(self, trial: Trial, status: int, log: Callable[[str], None]) -> None:
        if status == 0:
            self.ledger.put(dataclasses.replace(trial, finished=True))
            return
        lines = outcome.last_lines(layout.log(self.ledger.folder, trial.id))
        _, reason = outcome.judge(status, trial.measurements, self.ledger.job.metric, False, lines)
        log(f"trial {trial.id} has no model: {reason}; the same command tries again")
