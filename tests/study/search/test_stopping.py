import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from trainer.study.search import stopping
from trainer.study.spec import BEST_MEASUREMENT, Job, Stopping
from trainer.study.trial import ACTIVE, INFEASIBLE, REQUESTED, SUCCEEDED, Measurement, Trial

NOW = 1.7e9


def _job(rule: str = "", *, minimize: bool = False, options: dict[str, Any] | None = None, **values: Any) -> Job:
    return Job(
        name="job",
        metric="val_accuracy",
        maximize=not minimize,
        parameters=(),
        max_trials=20,
        parallel_trials=2,
        stopping=Stopping(rule=rule, options=options or {}),
        **values,
    )


def _trial(number: int, values: Sequence[float], state: str = SUCCEEDED, **others: Any) -> Trial:
    measured = [Measurement(step, float(value), 60.0 * step) for step, value in enumerate(values, 1)]
    return Trial(id=number, parameters={}, state=state, measurements=measured, **others)


def _running(values: Sequence[float], **others: Any) -> Trial:
    return _trial(99, values, ACTIVE, **others)


def _learning(ceilings: Sequence[float], epochs: int = 20) -> list[Trial]:
    random = np.random.default_rng(0)
    steps = np.arange(1, epochs + 1)
    return [
        _trial(number, ceiling * (1 - np.exp(-0.25 * steps)) + random.normal(0, 0.004, epochs))
        for number, ceiling in enumerate(ceilings, 1)
    ]


GOOD = _learning([0.9, 0.85, 0.8, 0.88, 0.75, 0.82, 0.87])
RULES = ("median", "decay_curve", "convex")


def _mirrored(trial: Trial) -> Trial:
    measured = [dataclasses.replace(one, value=-one.value) for one in trial.measurements]
    return dataclasses.replace(trial, measurements=measured)


@pytest.mark.parametrize("rule", ["", *RULES])
def test_a_trial_without_others_or_measurements_goes_on(rule: str) -> None:
    job = _job(rule)
    assert not stopping.should_stop(job, _running([]), GOOD)
    assert not stopping.should_stop(job, _running([0.1] * 9), [])
    assert not stopping.should_stop(job, _running([0.1] * 9), [_running([0.5] * 9), _trial(1, [0.9], INFEASIBLE)])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("minimize", [False, True])
@pytest.mark.parametrize("by_seconds", [False, True])
@pytest.mark.parametrize("selection", ["LAST_MEASUREMENT", BEST_MEASUREMENT])
def test_stops_who_falls_behind_and_lets_go_on_who_leads(
    rule: str, minimize: bool, by_seconds: bool, selection: str
) -> None:
    job = _job(rule, minimize=minimize, options={"useElapsedDuration": by_seconds}, selection=selection)
    others = [_mirrored(trial) for trial in GOOD] if minimize else GOOD
    for ceiling, expected in ((0.4, True), (0.97, False)):
        trial = _running(ceiling * (1 - np.exp(-0.25 * np.arange(1, 11))))
        trial = _mirrored(trial) if minimize else trial
        assert stopping.should_stop(job, trial, [*others, trial]) == expected


@pytest.mark.parametrize("rule", RULES)
def test_whatever_was_measured_has_an_answer(rule: str) -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        trials = []
        for number in range(1, int(random.integers(2, 14))):
            values = random.choice([0.0, 0.1, 0.5, 1e-100, 1e100], int(random.integers(0, 9)))
            seconds = np.sort(random.integers(0, 3, len(values)))
            measured = [
                Measurement(*one) for one in zip(range(len(values)), values.tolist(), seconds.tolist(), strict=True)
            ]
            state, stopped = str(random.choice([SUCCEEDED, SUCCEEDED, INFEASIBLE, ACTIVE])), bool(random.random() < 0.2)
            trials.append(Trial(id=number, parameters={}, state=state, measurements=measured, stopped_early=stopped))
        options = {"minMeasurementCount": int(random.integers(1, 4)), "useElapsedDuration": bool(random.random() < 0.5)}
        job = _job(rule, options=options, minimize=bool(random.random() < 0.5))
        for trial in trials:
            assert stopping.should_stop(job, trial, trials) in (True, False)
            added = stopping.last_measurement(job, trial, trials)
            assert added is None or np.isfinite(added.value)


def test_no_rule_stops_no_trial() -> None:
    assert not stopping.should_stop(_job(), _running([0.0] * 9), GOOD)


def test_rejects_another_rule() -> None:
    with pytest.raises(ValueError, match="`rule` must be one of median, decay_curve, convex. Received: luck"):
        stopping.should_stop(_job("luck"), _running([0.1]), GOOD)


@pytest.mark.parametrize(
    ("values", "others", "expected"),
    [
        # Running averages up to step 2 are 0.3, 0.4 and 0.5: what came later does not count.
        ([0.1, 0.39], [[0.2, 0.4, 9], [0.3, 0.5, 9], [0.4, 0.6, 9]], True),
        ([0.1, 0.41], [[0.2, 0.4, 9], [0.3, 0.5, 9], [0.4, 0.6, 9]], False),
        ([0.1, 0.4], [[0.2, 0.6], [0.2, 0.6]], False),  # strictly below
        ([0.45, 0.1], [[0.2, 0.6]], False),  # its best, not its last
        ([0.1] * 4, [[0.2, 0.2], [0.05, 0.05]], True),  # shorter ones count with what they have
        ([0.1], [[0.0], [0.3]], True),  # the median of two is between them
    ],
)
def test_median_compares_the_best_with_running_averages(
    values: list[float], others: list[list[float]], expected: bool
) -> None:
    done = [_trial(number, other) for number, other in enumerate(others, 1)]
    assert stopping.should_stop(_job("median"), _running(values), done) == expected


def test_median_by_seconds_compares_at_the_same_time() -> None:
    slow = Trial(
        id=1, parameters={}, state=SUCCEEDED, measurements=[Measurement(1, 0.1, 50.0), Measurement(2, 0.9, 99.0)]
    )
    trial = Trial(
        id=2, parameters={}, state=ACTIVE, measurements=[Measurement(1, 0.2, 10.0), Measurement(5, 0.3, 60.0)]
    )
    assert stopping.should_stop(_job("median"), trial, [slow])
    assert not stopping.should_stop(_job("median", options={"useElapsedDuration": True}), trial, [slow])
    early = dataclasses.replace(trial, measurements=trial.measurements[:1])
    assert not stopping.should_stop(_job("median", options={"useElapsedDuration": True}), early, [slow])


def test_decay_curve_needs_five_trials_that_went_as_far() -> None:
    job, bad = _job("decay_curve"), _running([0.05] * 6)
    assert stopping.should_stop(job, bad, GOOD[:5])
    assert not stopping.should_stop(job, bad, GOOD[:4])
    short = [dataclasses.replace(trial, measurements=trial.measurements[:5]) for trial in GOOD]
    assert not stopping.should_stop(job, bad, short)
    stopped = [dataclasses.replace(trial, stopped_early=True) for trial in GOOD]
    assert not stopping.should_stop(job, bad, stopped)


def test_decay_curve_compares_with_trials_of_the_same_network() -> None:
    job, bad = _job("decay_curve"), dataclasses.replace(_running([0.05] * 6), parameters={"model": "residual"})
    for network, expected in (("residual", True), ("linear", False)):
        others = [dataclasses.replace(trial, parameters={"model": network}) for trial in GOOD]
        assert stopping.should_stop(job, bad, others) == expected


def test_decay_curve_waits_for_a_slow_starter_where_such_have_won() -> None:
    steps = np.arange(1, 21)
    slow = [_trial(n, (0.9 + n / 100) / (1 + np.exp(8 - steps))) for n in range(1, 6)]
    fast = [_trial(n, (0.5 + n / 100) * (1 - np.exp(-steps))) for n in range(6, 11)]
    beginning = 0.97 / (1 + np.exp(8 - steps))
    for epochs in (2, 4, 8, 12):
        assert not stopping.should_stop(_job("decay_curve"), _running(beginning[:epochs]), [*slow, *fast])
    assert stopping.should_stop(_job("median"), _running(beginning[:4]), [*slow, *fast])


def test_decay_curve_of_the_best_measurement_spares_the_best() -> None:
    values = [0.95, *np.linspace(0.4, 0.1, 9)]
    assert not stopping.should_stop(_job("decay_curve", selection=BEST_MEASUREMENT), _running(values), GOOD)


def test_a_stopped_trial_would_have_reached_what_others_like_it_did() -> None:
    job = _job("decay_curve")
    own = _trial(99, 0.6 * (1 - np.exp(-0.25 * np.arange(1, 6))), stopped_early=True)
    assert stopping.expected_result(job, own, [*GOOD, own]) == pytest.approx(0.6, abs=0.06)
    assert stopping.expected_result(job, own, GOOD[:4]) is None, "too few went as far"
    good = _trial(99, 2 * (1 - np.exp(-0.25 * np.arange(1, 6))), stopped_early=True)
    assert stopping.expected_result(job, good, GOOD) == max(trial.measurements[-1].value for trial in GOOD)
    mirrored = stopping.expected_result(_job(minimize=True), _mirrored(own), [_mirrored(one) for one in GOOD])
    assert mirrored == pytest.approx(-0.6, abs=0.06)


CONVEX = [0.1, 0.2, 0.28, 0.34, 0.38, 0.41]  # its last five lie on a slope of 0.053; a line to step 20 ends at 1.15


def test_convex_needs_enough_of_everything() -> None:
    flat = [0.1, 0.1, 0.11, 0.11, 0.111, 0.112]
    assert stopping.should_stop(_job("convex"), _running(flat), GOOD)
    assert not stopping.should_stop(_job("convex"), _running(flat), GOOD[:5])
    assert stopping.should_stop(_job("convex"), _running(flat), GOOD[:6])
    assert not stopping.should_stop(_job("convex"), _running(flat[:4]), GOOD)
    more = {"minMeasurementCount": "3"}
    assert stopping.should_stop(_job("convex", options=more), _running(flat[:4]), GOOD[:4])
    assert not stopping.should_stop(_job("convex", options=more), _running(flat[:4]), GOOD[:3])


def test_convex_asks_for_more_than_the_least_steps() -> None:
    flat = _running([0.1, 0.1, 0.11, 0.11, 0.111, 0.112])
    for options, expected in (
        ({"maxStepCount": "60"}, False),  # a tenth of it is 6, and it must be more
        ({"maxStepCount": 59}, True),
        ({"maxStepCount": 60, "minStepCount": 0}, True),
        ({"minStepCount": "6"}, False),
        ({"minStepCount": "5"}, True),
    ):
        assert stopping.should_stop(_job("convex", options=options), flat, GOOD) == expected


def test_convex_goes_on_along_the_slope() -> None:
    assert not stopping.should_stop(_job("convex"), _running(CONVEX), GOOD)
    for end, expected in ((14, True), (16, False)):  # the line there ends at 0.83 and at 0.94; the best is 0.9
        assert stopping.should_stop(_job("convex", options={"maxStepCount": end}), _running(CONVEX), GOOD) == expected


def test_convex_predicts_nothing_from_a_flat_curve() -> None:
    assert not stopping.should_stop(_job("convex"), _running([0.1] * 9), GOOD)


def test_convex_adds_what_it_predicts() -> None:
    steps = np.arange(1, 21)
    values = 0.5 * (1 - np.exp(-0.25 * steps))
    trial = _running(values[:8])
    assert stopping.should_stop(_job("convex"), trial, GOOD)
    added = stopping.last_measurement(_job("convex"), trial, GOOD)
    assert added is not None
    assert (added.step, added.seconds) == (20, 480.0)
    assert added.value == pytest.approx(values[-1], abs=0.05)
    mirrored = [_mirrored(other) for other in GOOD]
    negative = stopping.last_measurement(_job("convex", minimize=True), _mirrored(trial), mirrored)
    assert negative == dataclasses.replace(added, value=-added.value)
    by_seconds = stopping.last_measurement(_job("convex", options={"useElapsedDuration": True}), trial, GOOD)
    assert by_seconds is not None
    assert (by_seconds.step, by_seconds.seconds) == (8, 1200.0)
    assert stopping.last_measurement(_job("median"), trial, GOOD) is None
    assert stopping.last_measurement(_job("convex"), _running([0.5]), GOOD) is None
    assert stopping.last_measurement(_job("convex"), trial, []) is None


def test_convex_predicts_with_the_learning_rate() -> None:
    def series(rate: float, epochs: int) -> np.ndarray:
        values = [0.1]
        for _ in range(epochs - 1):
            values.append(0.8 * values[-1] + 0.2 * (0.9 + 0.1 * np.log10(rate)))
        return np.array(values)

    done = [
        dataclasses.replace(_trial(number, series(rate, 20)), parameters={"learning_rate": rate})
        for number, rate in enumerate((1.0, 0.1, 0.01, 1e-3), 1)
    ]
    trial = dataclasses.replace(_running(series(1e-4, 8)), parameters={"learning_rate": 1e-4})
    # Of order 1, for that of order 5 learns it from the values alone.
    options = {"minMeasurementCount": 1}
    found = {
        name: stopping.last_measurement(
            _job("convex", options={**options, "learningRateParameterName": name}), trial, done
        )
        for name in ("learning_rate", "")
    }
    errors = {name: abs(one.value - series(1e-4, 20)[-1]) for name, one in found.items() if one}
    assert errors["learning_rate"] < 1e-3 < 1e-2 < errors[""], errors


def _ended(number: int, value: float, minutes: float, state: str = SUCCEEDED) -> Trial:
    trial = _trial(number, [value] if state == SUCCEEDED else [], state)
    return dataclasses.replace(trial, started=NOW, ended=NOW + 60 * minutes)


STUDY = [_ended(1, 0.5, 10), _ended(2, 0.7, 20), _ended(3, 0.6, 30), _ended(4, 0.7, 40), _ended(5, 0, 45, INFEASIBLE)]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, ""),
        ({"maximumRuntimeConstraint": {"maxDuration": "3600s"}}, "maximumRuntimeConstraint"),
        ({"maximumRuntimeConstraint": {"maxDuration": "3600.5s"}}, ""),
        ({"maximumRuntimeConstraint": {"endTime": "2023-11-14T23:13:20Z"}}, "maximumRuntimeConstraint"),
        ({"maximumRuntimeConstraint": {"endTime": "2023-11-14T23:13:20.000000001Z"}}, "maximumRuntimeConstraint"),
        ({"maximumRuntimeConstraint": {"endTime": "2023-11-14T23:13:21"}}, ""),
        ({"maximumRuntimeConstraint": {"endTime": "2023-11-15T01:13:20+02:00"}}, "maximumRuntimeConstraint"),
        ({"maxNumTrials": "5"}, "maxNumTrials"),
        ({"maxNumTrials": 6}, ""),
        ({"maxNumTrialsNoProgress": 2}, "maxNumTrialsNoProgress"),
        ({"maxNumTrialsNoProgress": "3"}, ""),
        ({"maxDurationNoProgress": "2400s"}, "maxDurationNoProgress"),
        ({"maxDurationNoProgress": "2401s"}, ""),
        ({"maxNumTrials": 5, "minNumTrials": 5}, "maxNumTrials"),
        ({"maxNumTrials": 5, "minNumTrials": 6}, ""),
        ({"maximumRuntimeConstraint": {"maxDuration": "1s"}, "minNumTrials": 6}, ""),
        ({"maxNumTrials": 5, "minimumRuntimeConstraint": {"maxDuration": "3600s"}}, "maxNumTrials"),
        ({"maxNumTrials": 5, "minimumRuntimeConstraint": {"maxDuration": "3601s"}}, ""),
        ({"maxNumTrials": 5, "minimumRuntimeConstraint": {"endTime": "2023-11-14T23:13:21Z"}}, ""),
        ({"maxNumTrials": None, "minimumRuntimeConstraint": None}, ""),
    ],
)
def test_the_study_is_over_after_an_hour(config: dict[str, Any], expected: str) -> None:
    reason = stopping.study_is_over(_job(study_stopping=config), STUDY, NOW + 3600)
    assert reason.partition(":")[0] == (f"`{expected}`" if expected else "")


def test_progress_is_counted_as_trials_end_whatever_their_order() -> None:
    config = {"maxNumTrialsNoProgress": 2}
    late = [*STUDY[2:], *STUDY[:2]]
    assert stopping.study_is_over(_job(study_stopping=config), late, NOW + 3600)
    assert not stopping.study_is_over(_job(study_stopping=config, minimize=True), STUDY[:2], NOW + 3600)
    assert stopping.study_is_over(_job(study_stopping=config, minimize=True), STUDY[:3], NOW + 3600)


def test_a_study_without_a_result_has_progress_to_make() -> None:
    config = {"maxNumTrialsNoProgress": 1, "maxDurationNoProgress": "1s", "maximumRuntimeConstraint": {}}
    job = _job(study_stopping=config)
    assert stopping.study_is_over(job, [], NOW) == ""
    assert stopping.study_is_over(job, [_ended(1, 0, 1, INFEASIBLE), _running([0.1])], NOW + 3600) == ""
    waiting = _job(study_stopping={"maximumRuntimeConstraint": {"maxDuration": "60s"}})
    assert stopping.study_is_over(waiting, [_trial(1, [], REQUESTED)], NOW + 3600) == ""


@pytest.mark.parametrize(("value", "expected"), [(True, True), ("true", True), (False, False), (None, False)])
def test_running_trials_are_stopped_where_it_is_asked(value: object, expected: bool) -> None:
    assert stopping.stops_running_trials(_job(study_stopping={"shouldStopAsap": value})) == expected
    assert not stopping.stops_running_trials(_job())


@pytest.mark.parametrize(
    ("allowed", "failed", "expected"), [(0, 0, True), (0, 1, False), (1, 1, False), (3, 2, True), (3, 3, False)]
)
def test_the_study_ends_when_enough_have_failed(allowed: int, failed: int, expected: bool) -> None:
    trials = [*STUDY[:4], *(_ended(10 + number, 0, 1, INFEASIBLE) for number in range(failed))]
    assert stopping.failures_allowed(_job(max_failed_trials=allowed), trials) == expected
