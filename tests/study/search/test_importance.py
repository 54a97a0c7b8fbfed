import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.study.jobs import PADDING, RATE, job
from trainer.study.search.importance import importance
from trainer.study.search.suggestions import suggest
from trainer.study.spec import RANDOM_SEARCH, Parameter
from trainer.study.trial import INFEASIBLE, SUCCEEDED, Measurement, Trial

DILATION = Parameter(name="dilation_rate", kind="integer", low=1, high=4)
STRIDE = Parameter(name="stride", kind="integer", low=1, high=2, children=(((1,), DILATION),))
STUDY = job(parameters=(STRIDE, PADDING, RATE), algorithm=RANDOM_SEARCH)


def _trials(objective: Callable[[Mapping[str, Any]], float], count: int = 40) -> list[Trial]:
    values = [suggest(STUDY, [], seed) or {} for seed in range(count)]
    return [
        Trial(id=number, parameters=some, state=SUCCEEDED, measurements=(Measurement(1, objective(some)),))
        for number, some in enumerate(values, start=1)
    ]


def _rate(values: Mapping[str, Any]) -> float:
    return math.log10(values["learning_rate"])


@pytest.mark.parametrize(
    ("objective", "first"),
    [
        (_rate, "learning_rate"),
        (lambda values: float(values["padding"] == "same"), "padding"),
        (lambda values: float(values["stride"]), "stride"),
        (lambda values: float(values.get("dilation_rate", 2.5)), "dilation_rate"),
    ],
)
def test_names_what_mattered(objective: Callable[[Mapping[str, Any]], float], first: str) -> None:
    shares = importance(STUDY, _trials(objective))
    assert set(shares) == {"stride", "dilation_rate", "padding", "learning_rate"}
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert all(type(share) is float for share in shares.values())
    assert next(iter(shares)) == first
    assert shares[first] > 0.7


def test_one_result_beyond_all_others_does_not_decide() -> None:
    trials = _trials(lambda values: _rate(values) if values["learning_rate"] > 1.3e-4 else -1e9)
    assert next(iter(importance(STUDY, trials))) == "learning_rate"


def test_trials_without_a_result_are_left_out() -> None:
    trials = _trials(_rate)
    others = [Trial(id=41, parameters=trials[0].parameters, state=INFEASIBLE, reason="crashed"), *trials]
    assert importance(STUDY, others) == importance(STUDY, trials)


def test_says_nothing_where_nothing_can_be_said(capfd: pytest.CaptureFixture[str]) -> None:
    assert importance(STUDY, []) == {}
    assert importance(STUDY, _trials(_rate, 4)) == {}
    assert importance(STUDY, _trials(lambda values: 0.5)) == {}
    alike = [dataclasses.replace(trial, parameters=_trials(_rate)[0].parameters) for trial in _trials(_rate)]
    assert importance(STUDY, alike) == {}
    assert importance(STUDY, _trials(_rate, 8)) != {}
    assert capfd.readouterr() == ("", "")
