"""Which trials are as good as the best one, as far as so many validation samples can say."""

from collections.abc import Sequence

from trainer import interval
from trainer.metrics import of_tag
from trainer.study.spec import Job
from trainer.study.trial import Trial


def interval_of(job: Job, trial: Trial) -> tuple[float, float] | None:
    """Returns the 95 % interval of a trial's result; None if that is no accuracy, or of an unknown number of samples.

    Args:
      job: the study's.
      trial: which may still run.
    """
    result, metric = trial.result(job.selection, job.maximize), of_tag(job.metric)
    if not (metric and metric.is_share) or not result or trial.validated < 1 or not 0 <= result.value <= 1:
        return None
    return interval.wilson(result.value, trial.validated)


def tied(job: Job, ranked: Sequence[Trial]) -> list[Trial]:
    """Returns the trials whose interval overlaps with that of the best, without the best, in their order.

    All trials see the same samples, so a paired test might tell some of them apart; trials whose intervals do not
    overlap, it does tell apart.

    Args:
      job: the study's.
      ranked: trials with a result, the best first.
    """
    found = [(trial, interval_of(job, trial)) for trial in ranked]
    if not found or not found[0][1]:
        return []
    (_, (low, high)), *others = ((trial, ends) for trial, ends in found if ends)
    return [trial for trial, ends in others if ends[0] <= high and low <= ends[1]]


def recommended(job: Job, ranked: Sequence[Trial]) -> Trial | None:
    """Returns the trial with the smallest network among the best and those tied with it; of equal ones the better.

    Time does not count, because a trial that was stopped early is the fastest.

    Args:
      job: the study's.
      ranked: trials with a result, the best first.

    Returns:
      The best trial if the size of a network is not known; None if there is no trial.
    """
    equals = [*ranked[:1], *tied(job, ranked)]
    if not all(trial.network_parameters for trial in equals):
        return ranked[0]
    return min(equals, key=lambda trial: trial.network_parameters, default=None)
