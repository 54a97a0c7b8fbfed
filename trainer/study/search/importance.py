"""The importance of each parameter of a study."""

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator

from trainer.study.search.sampler import distribution, optuna_value, standardised
from trainer.study.search.space import Space
from trainer.study.search.suggestions import quiet
from trainer.study.spec import Job
from trainer.study.trial import SUCCEEDED, Trial

_FEWEST = 5  # results; with fewer, all parameters get about the same share


def importance(job: Job, trials: Sequence[Trial]) -> dict[str, float]:
    """Returns each parameter's share in the differences between results, the largest first.

    The shares sum to 1. The result is empty if too few trials have a result, or if all results or all parameters are
    the same.

    The evaluator is Optuna's fANOVA: the share of the variance of a random forest that is due to one parameter alone
    (Hutter et al., An Efficient Approach for Assessing Hyperparameter Importance, 2014). PED-ANOVA is faster, but it
    uses only the best tenth of the trials, 2 of 20: the sum of its errors was 1.5 of at most 2, fANOVA's was 0.5. An
    inactive parameter is set to the middle of its range, so it has a share only if it makes a difference when active.

    Args:
      job: the study.
      trials: all trials of the study.
    """
    measured = [(trial, trial.result(job.selection, job.maximize)) for trial in trials if trial.state == SUCCEEDED]
    pairs = [(trial, result.value if job.maximize else -result.value) for trial, result in measured if result]
    if len(pairs) < _FEWEST or len({value for _, value in pairs}) == 1:
        return {}
    space = Space(job.parameters)
    distributions = {axis.parameter.name: distribution(axis) for axis in space.axes}
    results = standardised(np.array([value for _, value in pairs]), failed=0)
    with quiet():
        study = optuna.create_study(direction="maximize")
        for (trial, _), value in zip(pairs, results, strict=True):
            point = zip(space.axes, space.point(trial.parameters), strict=True)
            params = {axis.parameter.name: optuna_value(axis, float(coordinate)) for axis, coordinate in point}
            study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=float(value)))
        try:
            shares = FanovaImportanceEvaluator(seed=0).evaluate(study)
        except RuntimeError:  # no tree found a difference, for example if all trials had the same parameters
            return {}
    total = sum(shares.values())
    return {name: float(share / total) for name, share in shares.items()} if total else {}
