"""Which parameters mattered in a study."""

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator

from trainer.study.search.sampler import distribution, optuna_value, standardised
from trainer.study.search.space import Space
from trainer.study.search.suggestions import quiet
from trainer.study.spec import Job
from trainer.study.trial import SUCCEEDED, Trial

_FEWEST = 5  # results; fewer give every parameter about as much


def importance(job: Job, trials: Sequence[Trial]) -> dict[str, float]:
    """Returns the share that each parameter has in the differences of the results, the largest first.

    They sum to 1. Where too few trials have a result, or all the same one or the same parameters, nothing is
    said.

    The evaluator is Optuna's fANOVA: the variance of a random forest that is due to one parameter alone (Hutter et al.,
    An Efficient Approach for Assessing Hyperparameter Importance, 2014). PED-ANOVA, which is faster, looks at the best
    tenth of the trials, and of 20 that is 2: its shares were off by 1.5 in sum, of at most 2, and fANOVA's by 0.5. A
    parameter that does not exist in a trial has the middle of its range there, and so has a share only where it makes a
    difference when it exists.

    Args:
      job: the study.
      trials: all of it.
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
        except RuntimeError:  # no tree of the forest found a difference, as where all trials had the same parameters
            return {}
    total = sum(shares.values())
    return {name: float(share / total) for name, share in shares.items()} if total else {}
