"""Many runs from one config.yaml: `python -m trainer.study --config=config.yaml`, here or on Vertex AI."""

import dataclasses
import datetime
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer import command_line, console, interpreter, signals
from trainer.errors import StoppedError, StorageError, UsageError
from trainer.hparams import AUTO, HParams
from trainer.study import options as study_options
from trainer.study.options import Options
from trainer.study.spec import UNPROMISING, Job, Stopping

_COMMAND = "python -m trainer.study"
_GO_ON = "the same command with its --job_dir resumes the study"
_LAST_WORDS = 60.0  # seconds for all trials to save and end


def main(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Runs or submits a study and returns the exit status.

    0: done. 1: too many trials failed, or the service ended the job otherwise. 2: a flag, file or variable breaks a
    rule. 4: the output cannot be written, or the process that starts the trials was killed. 129, 130, 143: stopped.
    """
    if "--help" in arguments or "-h" in arguments:
        print(study_options.help_text(_COMMAND, console.width(command_line.WIDTH)))
        return 0
    with signals.caught(_LAST_WORDS) as stop:
        try:
            return _run(arguments, variables, stop)
        except UsageError as error:
            return _stop(2, str(error))
        except (StorageError, ChildProcessError) as error:
            return _stop(4, f"{error}; {_GO_ON}")
        except StoppedError:
            return _stop(stop.status, f"stopped; {_GO_ON}")


def _run(arguments: Sequence[str], variables: Mapping[str, str], stop: signals.Stop) -> int:
    from trainer.screen import Screen, silent

    options, flags, given = study_options.read(arguments)
    folds = str(given.get("folds", "0"))
    if folds != "0" and "/" not in folds:
        raise UsageError(f"`--folds` must be one fold, as in 1/5, in a study. Received: {folds}")
    screen = Screen()
    if options.target == "vertex":
        kept = command_line.last_value(arguments, "keep_models", study_options.flags())
        if kept and kept != "0":
            raise UsageError(
                "`--keep_models` must be 0 with `--target=vertex`: the bucket keeps the models of all trials. "
                f"Received: {kept}"
            )
    if options.results or options.target == "vertex":
        _refuse_local_flags(options)
        from trainer.study.vertex import session as vertex
        from trainer.study.vertex.surroundings import World

        return vertex.run(options, flags, screen, stop, World.of(variables))
    from trainer.study.config import document as config

    known = study_options.flags()
    job = _planned(config.read(Path(options.config), command_line.without(flags, ["job_dir", "quiet"], known)), options)
    from trainer.study.local import session as local  # loads the search: a mistake is reported before that

    python = interpreter.word(sys.executable, Path.cwd(), variables.get("PATH"))
    folder = local.folder_of(str(given.get("job_dir", "")), datetime.datetime.now())
    words = [*command_line.without(arguments, ["job_dir"], known), f"--job_dir={local.shown(folder)}"]
    plan = local.Plan(
        job=job,
        folder=folder,
        seed=int(given.get("seed", HParams.seed)),
        isolation=options.isolation,
        keep_models=options.keep_models,
        command=[python, "-m", "trainer.study", *words],
    )
    return local.run(plan, screen, stop, variables, silent() if given.get("quiet") == "yes" else screen)


def _planned(job: Job, options: Options) -> Job:
    """Returns a job with the counts, the budget and the stopping rule that flags give."""
    trials = options.max_trial_count or job.max_trials
    parallel = options.parallel_trial_count or min(job.parallel_trials, trials)
    if parallel > trials:
        raise UsageError(
            f"`--parallel_trial_count` must be at most the number of trials, {trials}. Received: {parallel}"
        )
    stopping = Stopping() if options.stop == "none" else job.stopping
    if options.stop == AUTO and not job.stopping.rule:
        stopping = UNPROMISING
    return dataclasses.replace(
        job, max_trials=trials, parallel_trials=parallel, budget=options.seconds, stopping=stopping
    )


def _refuse_local_flags(options: Options) -> None:
    """Refuses the flags that change how trials end: Vertex AI follows the file alone.

    Raises:
      UsageError: there is one.
    """
    if options.budget:
        raise UsageError(
            "`--budget` must be used with `--target=local`; on Vertex AI, "
            f"`studyStoppingConfig` of the file limits the time. Received: {options.budget}"
        )
    if options.stop == "none":
        raise UsageError(
            "`--stop` must be auto or config with `--target=vertex`, where the file alone says which trials end early. "
            "Received: none"
        )


def _stop(status: int, reason: str) -> int:
    mistakes = reason.count("\n") + 1
    console.report(f"trainer: {mistakes} mistakes\n{reason}" if mistakes > 1 else f"trainer: {reason}")
    return status


if __name__ == "__main__":
    console.prepare()
    sys.exit(main(sys.argv[1:], os.environ))
