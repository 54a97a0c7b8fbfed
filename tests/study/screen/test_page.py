import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.study.shown import NOW, SHOWN, TRIALS, measured
from tests.tensorboard.test_experiment import Reader
from trainer.study.screen import page
from trainer.study.spec import BEST_MEASUREMENT, LAST_MEASUREMENT, Parameter
from trainer.study.trial import INFEASIBLE
from trainer.tensorboard import experiment
from trainer.tensorboard.experiment import FAILED, RUNNING, SUCCESS, Domain, Session


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the page was last written with."""
    calls: list[Any] = []
    monkeypatch.setattr(experiment, "write", lambda *arguments: calls.__setitem__(slice(None), arguments))
    return calls


def test_trials_that_have_begun_have_their_status(written: list[Any]) -> None:
    page.write(SHOWN, TRIALS, Path("/study"))
    sessions: list[Session] = written[3]
    statuses = {session.name: session.status for session in sessions}
    assert statuses == {"1": SUCCESS, "2": FAILED, "3": SUCCESS, "4": RUNNING, "5": RUNNING}
    assert (sessions[0].started, sessions[0].ended, sessions[3].ended) == (1000, 1015, 0)
    assert sessions[0].parameters == TRIALS[0].parameters


@pytest.mark.parametrize(
    ("selection", "maximize", "results"),
    [
        (BEST_MEASUREMENT, True, [0.5, 0.75, 0.75, 0.75]),
        (BEST_MEASUREMENT, False, [0.5, 0.5, 0.25, 0.25]),
        (LAST_MEASUREMENT, True, [0.5, 0.75, 0.25, 0.625]),
    ],
)
def test_the_metric_ends_in_the_result(
    selection: str, maximize: bool, results: list[float], written: list[Any]
) -> None:
    job = dataclasses.replace(SHOWN, selection=selection, maximize=maximize)
    trial = dataclasses.replace(TRIALS[0], measurements=measured(0.5, 0.75, 0.25, 0.625))
    page.write(job, [trial], Path("/study"))
    (session,) = written[3]
    assert [point.value for point in session.curves["val_accuracy"]] == results
    assert [point.value for point in session.curves["measured/val_accuracy"]] == [0.5, 0.75, 0.25, 0.625]
    assert [point.seconds for point in session.curves["val_accuracy"]] == [1004, 1008, 1012, 1016]
    assert trial.result(selection, maximize).value == results[-1]  # type: ignore[union-attr]


def test_a_result_has_the_ends_of_its_interval(written: list[Any]) -> None:
    page.write(SHOWN, TRIALS, Path("/study"))
    assert [metric.tag for metric in written[2]] == ["val_accuracy"]
    page.write(SHOWN, [dataclasses.replace(TRIALS[0], validated=144), *TRIALS[1:]], Path("/study"))
    assert [metric.title for metric in written[2]] == ["val_accuracy", "95 % from", "95 % to"]
    first, *others = written[3]
    ends = [(point.step, round(point.value, 3)) for tag in ("low", "high") for point in first.curves[f"interval/{tag}"]]
    assert ends == [(3, 0.885), (3, 0.967)]
    assert not any("interval/low" in session.curves for session in others)


def test_an_infeasible_trial_has_no_result_but_what_it_measured(written: list[Any]) -> None:
    page.write(SHOWN, [TRIALS[1]], Path("/study"))
    assert set(written[3][0].curves) == {"measured/val_accuracy"}


def test_a_trial_that_never_began_may_be_infeasible(written: list[Any]) -> None:
    page.write(SHOWN, [dataclasses.replace(TRIALS[5], state=INFEASIBLE)], Path("/study"))
    assert [session.status for session in written[3]] == [FAILED]


def test_parameters_that_depend_on_others_come_last_and_once(written: list[Any]) -> None:
    child = Parameter(name="child", kind="integer", low=1, high=3)
    parent = Parameter(
        name="parent", kind="categorical", values=("a", "b"), children=((("a",), child), (("b",), child))
    )
    page.write(dataclasses.replace(SHOWN, parameters=(parent, *SHOWN.parameters)), TRIALS, Path("/study"))
    names = [domain.name for domain in written[1]]
    assert names == ["parent", "filters", "learning_rate", "padding", "stride", "child", "dilation_rate"]
    assert written[1][1] == Domain(name="filters", values=(4.0, 8.0))
    assert written[1][2] == Domain(name="learning_rate", low=1e-4, high=1e-2)


def test_tensorboard_lists_trials_of_several_networks(tmp_path: Path) -> None:
    networks = ("convolutional", "residual", "MobileNetV3Small")
    children = (
        (networks[:2], SHOWN.parameters[0]),
        (networks[2:], Parameter(name="unfreeze", kind="categorical", values=("none", "2"))),
    )
    job = dataclasses.replace(
        SHOWN, parameters=(Parameter(name="model", kind="categorical", values=networks, children=children),)
    )
    given = [{"model": "residual", "filters": 8.0}, {"model": "MobileNetV3Small", "unfreeze": "2"}]
    trials = [
        dataclasses.replace(TRIALS[0], id=number, parameters=parameters) for number, parameters in enumerate(given, 1)
    ]
    page.write(job, trials, tmp_path)
    reader = Reader(tmp_path)
    assert [parameters for _, parameters, _ in reader.rows().values()] == given
    domains = {info.name: [*info.domain_discrete] for info in reader.experiment().hparam_infos}
    assert domains == {"model": sorted(networks), "filters": [4, 8], "unfreeze": ["2", "none"]}


def test_it_is_written_for_real(tmp_path: Path) -> None:
    page.write(SHOWN, TRIALS, tmp_path)
    page.write(SHOWN, [dataclasses.replace(trial, ended=trial.ended or NOW) for trial in TRIALS], tmp_path)
    rows = sorted(path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*tfevents*"))
    assert rows == ["hparams", "hparams/1", "hparams/2", "hparams/3", "hparams/4/running", "hparams/5/running"]
