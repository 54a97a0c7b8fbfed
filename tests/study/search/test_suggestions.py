import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from tests.study.jobs import PADDING, RATE, job
from trainer.errors import UsageError
from trainer.study.search.gaussian_process import features
from trainer.study.search.space import Space
from trainer.study.search.suggestions import suggest
from trainer.study.spec import GRID_SEARCH, LOG, RANDOM_SEARCH, REVERSE_LOG, UNSPECIFIED, Job, Parameter, Value
from trainer.study.trial import ACTIVE, INFEASIBLE, REQUESTED, SUCCEEDED, Measurement, Trial, best

DILATION = Parameter(name="dilation_rate", kind="integer", low=1, high=3)
STRIDE = Parameter(name="stride", kind="integer", low=1, high=2, children=(((1,), DILATION),))
FILTERS = Parameter(name="filters", kind="discrete", values=(16.0, 32.0, 64.0, 128.0), scale=LOG)
MIXED = (FILTERS, STRIDE, PADDING, RATE)
ALGORITHMS = (UNSPECIFIED, RANDOM_SEARCH)


def _ended(id: int, parameters: Mapping[str, Value], result: float | None) -> Trial:
    measured = () if result is None else (Measurement(1, result),)
    return Trial(id=id, parameters=parameters, state=INFEASIBLE if result is None else SUCCEEDED, measurements=measured)


def _run(study: Job, objective: Callable[[Mapping[str, Any]], float | None], count: int, seed: int = 0) -> list[Trial]:
    done: list[Trial] = []
    for number in range(1, count + 1):
        values = suggest(study, done, seed)
        assert values is not None
        done.append(_ended(number, values, objective(values)))
    return done


def _accuracy(values: Mapping[str, Any]) -> float:
    return -((math.log10(values["learning_rate"]) + 2.7) ** 2) - 0.1 * (values["padding"] == "same")


def _distinct(trials: Sequence[Trial]) -> int:
    return len({tuple(trial.parameters.items()) for trial in trials})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_kinds_and_ends(algorithm: str) -> None:
    for trial in _run(job(parameters=MIXED, algorithm=algorithm), _accuracy, 15):
        values = trial.parameters
        assert isinstance(values["filters"], float)
        assert values["filters"] in FILTERS.values
        assert type(values["stride"]) is int
        assert values["padding"] in PADDING.values
        assert isinstance(values["learning_rate"], float)
        assert RATE.low <= values["learning_rate"] <= RATE.high
        assert ("dilation_rate" in values) == (values["stride"] == 1)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_depends_on_its_arguments_alone(algorithm: str) -> None:
    study = job(parameters=MIXED, algorithm=algorithm)
    done = _run(study, _accuracy, 12)
    again = [suggest(study, done[:count], 0) for count in range(12)]
    assert again == [trial.parameters for trial in done]
    assert suggest(study, done, 1) != suggest(study, done, 2)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_running_trials_are_not_suggested_again(algorithm: str) -> None:
    study = job(parameters=MIXED, algorithm=algorithm, parallel_trials=4)
    trials = _run(study, _accuracy, 10)
    for number, state in enumerate((REQUESTED, ACTIVE, ACTIVE, ACTIVE), start=11):
        values = suggest(study, trials, 0)
        assert values is not None
        trials.append(Trial(id=number, parameters=values, state=state))
    assert _distinct(trials) == 14


def test_running_trials_are_apart() -> None:
    study = job(parameters=(RATE,), parallel_trials=3)
    trials = _run(study, lambda values: -((math.log10(values["learning_rate"]) + 2.7) ** 2), 8)
    rates = []
    for number in range(9, 12):
        values = suggest(study, trials, 0)
        assert values is not None
        rates.append(math.log10(float(values["learning_rate"])))
        trials.append(Trial(id=number, parameters=values, state=ACTIVE))
    assert min(abs(a - b) for a, b in ((rates[0], rates[1]), (rates[0], rates[2]), (rates[1], rates[2]))) > 1e-3


@pytest.mark.parametrize("maximize", [True, False])
def test_finds_the_best(maximize: bool) -> None:
    study = job(maximize=maximize, parameters=(PADDING, RATE))
    sign = 1 if maximize else -1
    done = _run(study, lambda values: sign * _accuracy(values), 20)
    found = best(done, study.selection, maximize)
    assert found is not None
    assert found.parameters["padding"] == "valid"
    assert math.log10(float(found.parameters["learning_rate"])) == pytest.approx(-2.7, abs=0.05)


DEPTH = Parameter(name="depth", kind="integer", low=1, high=6)
WIDTH = Parameter(name="filters", kind="discrete", values=(8.0, 16.0, 32.0, 64.0), scale=LOG)
TUNED = Parameter(name="fine_tune_rate", kind="double", low=0.01, high=1, scale=LOG)
UNFREEZE = Parameter(name="unfreeze", kind="categorical", values=("none", "all"), children=((("all",), TUNED),))
NETWORKS = Parameter(
    name="model",
    kind="categorical",
    values=("convolutional", "residual", "MobileNetV3Small"),
    children=(
        (("convolutional", "residual"), WIDTH),
        (("residual",), DEPTH),
        (("MobileNetV3Small",), UNFREEZE),
    ),
)


def _network(values: Mapping[str, Any]) -> float:
    """Returns an accuracy that is best by far of a tuned MobileNetV3Small, if at one rate."""
    rate = 0.05 * (math.log10(values["learning_rate"]) + 2.7) ** 2
    if values["model"] == "convolutional":
        return 0.6 - rate - 0.02 * abs(math.log2(values["filters"]) - 5)
    if values["model"] == "residual":
        return 0.7 - rate - 0.02 * abs(values["depth"] - 4) - 0.02 * abs(math.log2(values["filters"]) - 4)
    tuned = 0.15 - 0.1 * (math.log10(values["fine_tune_rate"]) + 1.3) ** 2 if values["unfreeze"] == "all" else 0.0
    return 0.68 - rate + tuned


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_finds_the_best_network_and_what_it_alone_has(seed: int) -> None:
    study = job(parameters=(NETWORKS, RATE))
    done = _run(study, _network, 30, seed)
    found = best(done, study.selection, maximize=True)
    assert found is not None
    assert set(found.parameters) == {"model", "unfreeze", "fine_tune_rate", "learning_rate"}
    assert math.log10(float(found.parameters["fine_tune_rate"])) == pytest.approx(-1.3, abs=0.3)
    assert _network(found.parameters) > 0.82  # of 0.83
    # It has not looked at one network alone.
    assert {trial.parameters["model"] for trial in done} == {*NETWORKS.values}


def test_what_does_not_exist_in_a_trial_changes_no_expectation() -> None:
    space = Space((NETWORKS, RATE))
    points = np.random.default_rng(0).random((200, len(space.axes)))
    others = np.where(space.exist(points), points, np.random.default_rng(1).random(points.shape))
    assert not np.array_equal(points, others)
    assert np.array_equal(features(space, points)[0], features(space, others)[0])


def test_a_loss_beyond_all_others_does_not_mislead() -> None:
    study = job(maximize=False, parameters=(PADDING, RATE))
    done = _run(study, lambda values: 1e9 if values["learning_rate"] > 4e-3 else -_accuracy(values), 20)
    found = best(done, study.selection, maximize=False)
    assert found is not None
    assert math.log10(float(found.parameters["learning_rate"])) == pytest.approx(-2.7, abs=0.1)


def test_keeps_away_from_where_trials_fail() -> None:
    study = job(parameters=(RATE, PADDING))
    done = _run(study, lambda values: None if values["learning_rate"] > 1e-3 else values["learning_rate"], 24)
    early, late = done[:8], done[12:]
    failed = [sum(trial.state == INFEASIBLE for trial in some) / len(some) for some in (early, late)]
    assert failed[1] < failed[0]


@pytest.mark.parametrize("parameters", [(RATE,), MIXED])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_goes_on_where_all_have_failed(parameters: tuple[Parameter, ...], algorithm: str) -> None:
    assert _distinct(_run(job(parameters=parameters, algorithm=algorithm), lambda values: None, 15)) == 15


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tries_nothing_twice_while_there_is_something_else(algorithm: str) -> None:
    study = job(parameters=(STRIDE, PADDING), algorithm=algorithm)
    done = _run(study, lambda values: values["stride"] + 0.1 * (values["padding"] == "same"), 9)
    assert _distinct(done[:8]) == 8  # there are 8 in all, and the ninth is one of them


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_finds_the_last_of_many_combinations(algorithm: str) -> None:
    depth = Parameter(name="depth", kind="integer", low=1, high=300)
    fixed = Parameter(name="dropout", kind="double", low=0.5, high=0.5)
    study = job(parameters=(depth, fixed), algorithm=algorithm)
    done = [_ended(number, {"depth": number, "dropout": 0.5}, 0.5) for number in range(1, 301) if number != 137]
    assert suggest(study, done, 0) == {"depth": 137, "dropout": 0.5}


def _timed(trial: Trial) -> Trial:
    """Returns a trial that took ten times as long with `same` padding, which is a little better."""
    return dataclasses.replace(trial, started=1.0, ended=101.0 if trial.parameters["padding"] == "same" else 11.0)


def test_with_a_budget_a_cheap_trial_is_worth_more() -> None:
    counts = []
    for budget in (0.0, 600.0):
        study = job(parameters=(RATE, PADDING), budget=budget)
        done: list[Trial] = []
        for number in range(1, 13):
            values = suggest(study, done, 0)
            assert values is not None
            accuracy = -((math.log10(float(values["learning_rate"])) + 2.7) ** 2) + 0.01 * (values["padding"] == "same")
            done.append(_timed(_ended(number, values, accuracy)))
        counts.append(sum(trial.parameters["padding"] == "valid" for trial in done))
    assert counts[1] > counts[0]


def test_trials_without_a_time_are_suggested_with_a_budget_too() -> None:
    assert _run(job(budget=60.0), _accuracy, 8) == _run(job(), _accuracy, 8)


def test_a_stopped_trial_counts_with_what_it_would_have_reached() -> None:
    """Half-trained networks would look bad: with four epochs of 16, a good rate below the results of bad ones."""
    rates = [1e-4, 2e-4, 4e-4, 1e-3, 2e-3, 4e-3, 1e-2]
    whole = [
        Trial(id=number, parameters={"learning_rate": rate}, state=SUCCEEDED, measurements=_curve(rate, 16))
        for number, rate in enumerate(rates, 1)
    ]
    short = [
        dataclasses.replace(one, id=one.id + 7, measurements=_curve(1.2 * rates[one.id - 1], 4), stopped_early=True,
                            parameters={"learning_rate": 1.2 * rates[one.id - 1]})
        for one in whole[3:5]
    ]  # fmt: skip
    study = job(parameters=(RATE,))
    values = suggest(study, [*whole, *short], 0)
    assert values is not None
    assert 5e-4 < float(values["learning_rate"]) < 5e-3


def _curve(rate: float, epochs: int) -> tuple[Measurement, ...]:
    final = 0.9 - 0.1 * (math.log10(rate) + 2.8) ** 2
    return tuple(Measurement(step, final * (1 - math.exp(-step / 4))) for step in range(1, epochs + 1))


def test_one_value_is_no_matter() -> None:
    single = Parameter(name="batch_size", kind="integer", low=64, high=64)
    listed = Parameter(name="depth", kind="discrete", values=(2.0,))
    done = _run(job(parameters=(single, listed, RATE)), lambda values: values["learning_rate"], 10)
    assert {(trial.parameters["batch_size"], trial.parameters["depth"]) for trial in done} == {(64, 2.0)}


def test_reverse_log_scale_is_finest_at_the_upper_end() -> None:
    momentum = Parameter(name="momentum", kind="double", low=0.01, high=0.99, scale=REVERSE_LOG)
    done = _run(job(parameters=(momentum,), algorithm=RANDOM_SEARCH), lambda values: 0.0, 40)
    assert statistics.median(float(trial.parameters["momentum"]) for trial in done) > 0.8


def test_random_search_does_not_heed_results() -> None:
    study = job(parameters=MIXED, algorithm=RANDOM_SEARCH)
    other = _run(study, lambda values: -_accuracy(values), 8)
    assert [trial.parameters for trial in _run(study, _accuracy, 8)] == [trial.parameters for trial in other]


def test_a_grid_is_tried_whole_and_once() -> None:
    study = job(parameters=(STRIDE, PADDING), algorithm=GRID_SEARCH)
    done = _run(study, lambda values: None, 8)
    assert _distinct(done) == 8
    assert done[0].parameters == {"stride": 1, "dilation_rate": 1, "padding": "same"}
    assert done[7].parameters == {"stride": 2, "padding": "valid"}
    assert suggest(study, done, 0) is None
    assert suggest(study, [*done[:3], *done[4:]], 0) == done[3].parameters


def test_rejects_a_grid_with_a_double() -> None:
    with pytest.raises(UsageError, match="`algorithm` must not be GRID_SEARCH"):
        suggest(job(algorithm=GRID_SEARCH), [], 0)


def test_is_fast_after_200_trials_and_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    study = job(parameters=MIXED, algorithm=RANDOM_SEARCH)
    values = [suggest(study, [], seed) or {} for seed in range(200)]
    done = [_ended(number, some, _accuracy(some)) for number, some in enumerate(values, start=1)]
    begin = time.process_time()
    found = suggest(job(parameters=MIXED), done, 0)
    assert found is not None
    assert found["padding"] == "valid"
    assert time.process_time() - begin < 3  # about 0.3; the machine may be busy
    assert capfd.readouterr() == ("", "")
