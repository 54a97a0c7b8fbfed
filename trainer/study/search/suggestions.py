"""The parameters of the next trial, as Optuna suggests them."""

import contextlib
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import optuna
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from trainer.study.search import stopping
from trainer.study.search.sampler import SECONDS, GaussianProcessSampler, distribution, optuna_value
from trainer.study.search.space import Space, count
from trainer.study.spec import GRID_SEARCH, RANDOM_SEARCH, Job, Value
from trainer.study.trial import ENDED, SUCCEEDED, Trial

_REPEATS = 100  # attempts to draw parameters that were not tried yet


def suggest(job: Job, trials: Sequence[Trial], seed: int) -> dict[str, Value] | None:
    """Returns the parameters of the next trial; None if the whole grid was tried.

    The result depends only on the arguments, so a killed study resumes with the same suggestions.

    Args:
      job: the study.
      trials: all trials so far, finished or not.
      seed: the seed of the study.

    Raises:
      UsageError: a parameter of a grid search has infinitely many values.
    """
    space = Space(job.parameters)
    before = [dict(trial.parameters) for trial in trials]
    if job.algorithm == GRID_SEARCH:
        return _first_new(space, before)
    with quiet():
        if job.algorithm != RANDOM_SEARCH:
            values = ask(space, replayed(job, trials, GaussianProcessSampler(space, seed, per_second=job.budget > 0)))
        else:
            values = _drawn(job, space, trials, seed)
    if values in before and count(job.parameters) < math.inf:  # the few remaining combinations were not drawn
        return _first_new(space, before) or values
    return values


def _first_new(space: Space, before: Sequence[dict[str, Value]]) -> dict[str, Value] | None:
    """Returns the first combination that was not tried; None if all were."""
    return next((values for values in space.combinations() if values not in before), None)


def _drawn(job: Job, space: Space, trials: Sequence[Trial], seed: int) -> dict[str, Value]:
    """Returns random parameters, new ones if possible."""
    before = [dict(trial.parameters) for trial in trials]
    for repeat in range(_REPEATS):
        state = np.random.SeedSequence([seed, len(trials), repeat]).generate_state(1)
        values = ask(space, replayed(job, trials, RandomSampler(int(state[0]))))
        if values not in before:
            break
    return values


def ask(space: Space, study: optuna.Study) -> dict[str, Value]:
    """Returns the active parameters that an Optuna study suggests next."""
    trial = study.ask()
    chosen: dict[int, Value] = {}
    for index, axis in enumerate(space.axes):
        if axis.parent < 0 or chosen.get(axis.parent) in axis.condition:
            name = axis.parameter.name
            if axis.listed:
                chosen[index] = cast(Value, trial.suggest_categorical(name, axis.parameter.values))
            else:
                chosen[index] = axis.value(trial.suggest_float(name, 0, 1))
    return {space.axes[index].parameter.name: value for index, value in chosen.items()}


def replayed(job: Job, trials: Sequence[Trial], sampler: BaseSampler | None = None) -> optuna.Study:
    """Returns an Optuna study with the given trials. It stores a number as the coordinate on its scale."""
    direction = StudyDirection.MAXIMIZE if job.maximize else StudyDirection.MINIMIZE
    study = optuna.create_study(sampler=sampler, direction=direction)
    space = Space(job.parameters)
    end = max((one.measurements[-1].step for one in trials if one.state == SUCCEEDED and one.measurements), default=0)
    study.add_trials([_frozen(job, space, trial, _score(job, trial, trials), _seconds(trial, end)) for trial in trials])
    return study


def _seconds(trial: Trial, end: int) -> float:
    """Returns what a trial took, or would have taken if it had not been stopped before the last step; 0 if unknown."""
    if not trial.stopped_early or not trial.measurements:
        return trial.seconds
    whole, step = trial.parameters.get("epochs", end), trial.measurements[-1].step
    return trial.seconds * max(1.0, float(whole) / step if isinstance(whole, float | int) and step > 0 else 1.0)


def _score(job: Job, trial: Trial, trials: Sequence[Trial]) -> float | None:
    """Returns what an ended trial is worth to the search: its result, or what that would have been without a stop.

    With the results of stopped trials as they are, half-trained networks look bad: the regret doubled.
    """
    result = trial.result(job.selection, job.maximize) if trial.state in ENDED else None
    if result is None or not trial.stopped_early:
        return result.value if result else None
    expected = stopping.expected_result(job, trial, trials)
    return result.value if expected is None else (max if job.maximize else min)(expected, result.value)


def _frozen(job: Job, space: Space, trial: Trial, score: float | None, seconds: float) -> FrozenTrial:
    axes = {axis.parameter.name: axis for axis in space.axes if axis.parameter.name in trial.parameters}
    ended = TrialState.FAIL if score is None else TrialState.COMPLETE
    return optuna.trial.create_trial(
        state=ended if trial.state in ENDED else TrialState.RUNNING,
        value=score,
        params={name: optuna_value(axis, axis.coordinate(trial.parameters[name])) for name, axis in axes.items()},
        distributions={name: distribution(axis) for name, axis in axes.items()},
        user_attrs={SECONDS: seconds},
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Prevents Optuna's log line about a new study."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)
