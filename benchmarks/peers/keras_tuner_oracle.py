"""KerasTuner's Bayesian oracle with an ask-and-tell interface, without the tuner."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras_tuner
from keras_tuner.oracles import BayesianOptimizationOracle

from trainer.study.spec import LOG, Parameter, Value
from trainer.study.trial import Trial


@contextlib.contextmanager
def engine(
    parameters: Sequence[Parameter], trials: int, seed: int
) -> Iterator[Callable[[Sequence[Trial]], Mapping[str, Value]]]:
    """Yields a function that suggests the next trial from all trials so far; it reports the last one to the oracle."""
    with tempfile.TemporaryDirectory() as folder:
        oracle = BayesianOptimizationOracle(
            objective=keras_tuner.Objective("accuracy", "max"),
            max_trials=trials,
            seed=seed,
            hyperparameters=_space(parameters),
        )
        oracle.verbose = 0
        oracle._set_project_dir(folder, "study")  # like the tuner

        def suggest(done: Sequence[Trial]) -> Mapping[str, Value]:
            if done:
                last = oracle.ongoing_trials["tuner"]
                oracle.update_trial(last.trial_id, {"accuracy": done[-1].measurements[-1].value})
                last.status = "COMPLETED"
                oracle.end_trial(last)
            values: Mapping[str, Value] = oracle.create_trial("tuner").hyperparameters.values
            return values

        yield suggest


def _space(parameters: Sequence[Parameter]) -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    for parameter in parameters:
        if parameter.values:
            space.Choice(parameter.name, list(parameter.values))
        else:
            sampling = "log" if parameter.scale == LOG else "linear"
            space.Float(parameter.name, parameter.low, parameter.high, sampling=sampling)
    return space
