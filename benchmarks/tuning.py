"""The quality and speed of a study, compared with other engines, KerasTuner and Optuna.

    python -m benchmarks.tuning --seeds=30 --trials=30 --only=regret
    python -m benchmarks.tuning --seeds=3 --trials=20 --only=study
    python -m benchmarks.tuning --only=study --studies long
    python -m benchmarks.tuning --seeds=10 --trials=20 --only=stopping
    python -m benchmarks.tuning --seeds=8 --only=budget

`regret`: the difference in accuracy between the optimum and the trial that an engine would choose, its best observed
one; a mean over seeds, on the problems of `benchmarks.objectives`. It also gives the seconds per suggestion.

`study`: the whole command on digits, 20 trials of 2 epochs (`short`) and 20 trials of 16 epochs with early stopping
(`long`). It is compared on the same space, data, epochs and cores with KerasTuner's BayesianOptimization, as one
process and as a chief with a worker per core, and with Optuna's default sampler and a process for each trial.

`stopping` and `budget`: studies of `benchmarks.simulated_studies`. The regret, the share of the epochs and the trials
stopped by mistake with each stopping rule; the regret after a budget of seconds.
"""

import argparse
import contextlib
import dataclasses
import importlib.util
import itertools
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import optuna

from benchmarks import objectives, simulated_studies, whole_studies
from benchmarks.objectives import Objective
from benchmarks.peers import command
from trainer.study.search.space import Space
from trainer.study.search.suggestions import ask, quiet, replayed, suggest
from trainer.study.spec import BEST_MEASUREMENT, RANDOM_SEARCH, UNSPECIFIED, Job, Value
from trainer.study.trial import SUCCEEDED, Measurement, Trial, best

_GOALS = {"centred": 7.0, "off centre": 5.0}  # of the regret x 1e-3
_RULES = ["none", "decay_curve", "median", "convex"]
_STARTS = 6  # trials before Optuna's Gaussian process learns; with its default of 10 it was worse

Suggest = Callable[[Sequence[Trial]], Mapping[str, Value]]


def engines(trials: int) -> dict[str, Callable[[int], contextlib.AbstractContextManager[Suggest]]]:
    """Returns a function for each installed engine that creates it from a seed."""
    found = {
        "ours": lambda seed: _ours(UNSPECIFIED, trials, seed),
        "random": lambda seed: _ours(RANDOM_SEARCH, trials, seed),
        "Optuna TPE": lambda seed: _optuna(optuna.samplers.TPESampler(seed=seed), trials),  # multivariate since 5
        "Optuna TPE, univariate": lambda seed: _optuna(
            optuna.samplers.TPESampler(seed=seed, multivariate=False), trials
        ),
    }
    if importlib.util.find_spec("torch"):
        found["Optuna GP"] = lambda seed: _optuna(
            optuna.samplers.GPSampler(seed=seed, n_startup_trials=_STARTS), trials
        )
    if importlib.util.find_spec("keras_tuner"):
        found["KerasTuner Bayes"] = lambda seed: _keras_tuner(trials, seed)
    return found


def problems() -> dict[str, list[Objective]]:
    """Returns the problems of each column."""
    turned = [objectives.turned(objectives.centred, 1), objectives.turned(objectives.off_centre, 2)]
    return {"centred": [objectives.centred], "off centre": [objectives.off_centre], "turned": turned}


def run(engine: Suggest, objective: Objective, trials: int, seed: int) -> tuple[float, float]:
    """Returns an engine's regret after some trials, and the seconds of a suggestion."""
    draw = random.Random(seed)
    done: list[Trial] = []
    seconds = 0.0
    for number in range(1, trials + 1):
        begin = time.perf_counter()
        values = dict(engine(done))
        seconds += time.perf_counter() - begin
        measured = (Measurement(1, objectives.noisy(objective, values, draw)),)
        done.append(Trial(id=number, parameters=values, state=SUCCEEDED, measurements=measured))
    picked = best(done, _job(trials).selection, maximize=True)
    regret = objectives.optimum(objective) - objective(picked.parameters if picked else {})
    return regret, seconds / trials


def regrets(names: Sequence[str], seeds: int, trials: int) -> Iterator[str]:
    """Yields each line of the table as soon as it is measured."""
    yield f"{f'regret x 1e-3, {trials} trials, {seeds} seeds':<36}" + "".join(
        f"{column:>15}" for column in (*problems(), "s a suggestion")
    )
    for name in names:
        cells, seconds = [], []
        for column, some in problems().items():
            pairs = []
            for objective, seed in itertools.product(some, range(seeds)):
                with engines(trials)[name](seed) as engine:
                    pairs.append(run(engine, objective, trials, seed))
            cells.append(_cell(column if name == "ours" else "", [1e3 * regret for regret, _ in pairs]))
            seconds += [each for _, each in pairs]
        yield f"{name:<36}" + "".join(f"{cell:>15}" for cell in (*cells, f"{statistics.mean(seconds):.3f}"))
    yield "to reach" + " " * 28 + "".join(f"{f'<= {goal:g}':>15}" for goal in _GOALS.values())


def _cell(column: str, values: Sequence[float]) -> str:
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    reached = f" {'yes' if statistics.mean(values) <= _GOALS[column] else 'no'}" if column in _GOALS else ""
    return f"{statistics.mean(values):.1f} ± {error:.1f}{reached}"


def _job(trials: int, algorithm: str = UNSPECIFIED) -> Job:
    return Job(
        name="benchmark",
        metric="accuracy",
        maximize=True,
        parameters=objectives.PARAMETERS,
        algorithm=algorithm,
        max_trials=trials,
        parallel_trials=1,
    )


def _in_pairs(trials: int) -> Job:
    """Returns the study of the simulations: two trials at a time, each as good as its best epoch."""
    return dataclasses.replace(_job(trials), parallel_trials=2, selection=BEST_MEASUREMENT)


@contextlib.contextmanager
def _ours(algorithm: str, trials: int, seed: int) -> Iterator[Suggest]:
    job = _job(trials, algorithm)
    yield lambda done: suggest(job, done, seed) or {}


@contextlib.contextmanager
def _optuna(sampler: optuna.samplers.BaseSampler, trials: int) -> Iterator[Suggest]:
    job = _job(trials)
    with quiet():
        yield lambda done: ask(Space(job.parameters), replayed(job, done, sampler))


@contextlib.contextmanager
def _keras_tuner(trials: int, seed: int) -> Iterator[Suggest]:
    from benchmarks.peers import keras_tuner_oracle

    with keras_tuner_oracle.engine(objectives.PARAMETERS, trials, seed) as engine:
        yield engine


def main(popen: command.Popen = subprocess.Popen) -> None:
    """Prints the tables; `popen` starts the processes of the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=("regret", "stopping", "budget", "study"), help="one of the tables")
    parser.add_argument("--seeds", type=int, default=0, help="0 is 30 for the regret, 10, 8 and 3 for the others")
    parser.add_argument("--trials", type=int, default=0, help="0 is 30 for the regret, 40 for the budget, else 20")
    parser.add_argument("--engines", nargs="*", default=[], help="of the regret; none are all")
    parser.add_argument("--rules", nargs="*", default=_RULES, choices=_RULES, help="of the stopping")
    lengths = whole_studies.SIZES
    parser.add_argument("--studies", nargs="*", choices=tuple(lengths), help="lengths of the trials; none are all")
    parser.add_argument("--epochs", type=int, default=0, help="of each trial of the study; 0 is 2 and 16")
    arguments = parser.parse_args()
    seeds, trials = arguments.seeds, arguments.trials
    sizes = [
        dataclasses.replace(lengths[name], epochs=arguments.epochs or lengths[name].epochs)
        for name in arguments.studies or lengths
    ]
    tables = {
        "regret": lambda: regrets(arguments.engines or list(engines(1)), seeds or 30, trials or 30),
        "stopping": lambda: simulated_studies.stopping_table(_in_pairs(trials or 20), seeds or 10, arguments.rules),
        "budget": lambda: simulated_studies.budget_table(_in_pairs(trials or 40), seeds or 8),
        "study": lambda: itertools.chain.from_iterable(
            whole_studies.compare(seeds or 3, trials or 20, size, popen=popen) for size in sizes
        ),
    }
    for name, lines in tables.items():
        if arguments.only in (None, name):
            for line in lines():
                print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
