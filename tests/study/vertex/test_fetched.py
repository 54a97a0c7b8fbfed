"""A tuning job as Google's own client gives it back, in the project's terms."""

import dataclasses
import json
from typing import Any

import pytest

from tests.vertex import bodies
from trainer.study.config import document as config
from trainer.study.trial import Measurement, Trial
from trainer.study.vertex.fetched import failure_of, trials_of
from trainer.study.vertex.job import TUNING
from trainer.study.vertex.service import parsed


def through_the_messages(body: dict[str, Any]) -> dict[str, Any]:
    message = parsed(TUNING, body)
    return dict(json.loads(type(message).to_json(message, use_integers_for_enums=False)))


def fetched(*trials: dict[str, Any], **changes: Any) -> list[Trial]:
    return trials_of(through_the_messages(bodies.tuning(trials=[*trials], **changes)))


def test_the_job_is_the_one_that_was_sent() -> None:
    there = config.job(through_the_messages(bodies.tuning()))
    here = config.job(bodies.tuning())
    assert dataclasses.replace(there, document={}) == dataclasses.replace(here, document={})
    assert there.parameters[1].children[0][0] == (1,)


def test_trials_have_their_parameters_by_kind() -> None:
    (trial,) = fetched(bodies.trial(3, "SUCCEEDED", 0.5, 0.75, 0.625, endTime="2026-07-01T12:01:30.123456789Z"))
    assert trial == Trial(
        id=3,
        parameters={"filters": 32.0, "stride": 1, "dilation_rate": 2, "padding": "same", "learning_rate": 0.002},
        state="SUCCEEDED",
        measurements=(Measurement(1, 0.5, 10.5), Measurement(2, 0.75, 20.5), Measurement(3, 0.625, 30.5)),
        started=1782907200.0,
        ended=pytest.approx(1782907290.123, abs=1e-3),
    )
    assert [type(value) for value in trial.parameters.values()] == [float, int, int, str, float]


def test_a_trial_without_measurements_has_its_final_one() -> None:
    final = {"stepCount": 7, "metrics": [{"metricId": "val_accuracy", "value": 0.5}]}
    (trial,) = fetched(bodies.trial(1, "SUCCEEDED", finalMeasurement=final))
    assert trial.measurements == (Measurement(7, 0.5),)


def test_a_final_measurement_that_is_another_comes_in_its_place() -> None:
    final = {"stepCount": 9, "metrics": [{"metricId": "val_accuracy", "value": 0.5}]}
    (trial,) = fetched(bodies.trial(1, "SUCCEEDED", 0.25, finalMeasurement=final))
    assert [measured.step for measured in trial.measurements] == [1, 9]


def test_trials_come_by_number_and_an_infeasible_one_says_why() -> None:
    trials = fetched(
        bodies.trial(10, "ACTIVE", 0.5),
        bodies.trial(9, "INFEASIBLE", infeasibleReason="The replica\nexited with 1."),
        bodies.trial(2, "REQUESTED", startTime=None),
    )
    assert [(trial.id, trial.state, trial.reason) for trial in trials] == [
        (2, "REQUESTED", ""),
        (9, "INFEASIBLE", "The replica exited with 1."),
        (10, "ACTIVE", ""),
    ]
    assert trials[0].started == 0.0
    assert trials[1].measurements == ()
    assert trials[1].ended == trials[1].started > 0  # it took no time, as far as is known


def test_other_metrics_and_values_that_are_no_numbers_are_left_out() -> None:
    measured = [
        {"stepCount": 1, "metrics": [{"metricId": "loss", "value": 3.0}]},
        {"stepCount": 2, "metrics": [{"metricId": "val_accuracy", "value": "NaN"}]},
        {"stepCount": 3, "metrics": [{"metricId": "loss", "value": 3.0}, {"metricId": "val_accuracy", "value": 0.25}]},
    ]
    (trial,) = fetched(bodies.trial(1, "SUCCEEDED", measurements=measured))
    assert trial.measurements == (Measurement(3, 0.25),)


def test_why_a_job_failed() -> None:
    assert failure_of({"error": {"code": 8, "message": "Too many\ntrials failed."}}) == "Too many trials failed."
    assert failure_of({}) == ""
