"""The report of a study: what study.json says, and nothing else."""

import dataclasses
import datetime
import json
from pathlib import Path

import pytest

from tests.pages.parsed import Page, parsed
from tests.study.shown import SHOWN, TRIALS, measured
from trainer.errors import UsageError
from trainer.study.local.ledger import NAME, Ledger
from trainer.study.screen import record, report, wording
from trainer.study.trial import SUCCEEDED, Trial

NOW = datetime.datetime(2026, 1, 2, 3, 4)
JOB = dataclasses.replace(SHOWN, metric="val_accuracy")


def _page(folder: Path, *trials: Trial) -> Page:
    Ledger(folder, JOB, 0).put(*trials)
    return parsed(report.html(record.read(folder / NAME), str(folder), NOW))


def test_it_has_the_figures_of_the_record(tmp_path: Path) -> None:
    found = _page(tmp_path, *TRIALS)
    content = json.loads((tmp_path / NAME).read_text())
    assert wording.metric(content["best"]["value"]) in found.texts
    assert f"val_accuracy of trial {content['best']['trial']}, at epoch {content['best']['step']}" in found.text
    assert [title for level, title in found.headings if level == 2] == [
        "Best trial", "Ranking", "Parameters", "What mattered", "Curves", "Commands"
    ]  # fmt: skip
    for said in ("Trial 2: diverged: the loss is NaN at step 40", "2 of 6 trials ended", "--data=digits --epochs=3"):
        assert said.replace("2 of 6", "3 of 6") in found.text
    lines = [drawn["class"] for drawn in found.of("polyline")]
    assert lines.count("line best") >= 2, "the best trial, among the parameters and among the curves"


def test_ties_have_intervals_and_the_smallest_is_named(tmp_path: Path) -> None:
    each = [
        Trial(
            id=number, parameters={"filters": 4.0}, state=SUCCEEDED, measurements=measured(value), validated=100,
            network_parameters=1000 * number, started=1.0, ended=2.0,
        )
        for number, value in enumerate((0.5, 0.9, 0.91), 1)
    ]  # fmt: skip
    found = _page(tmp_path, *each)
    assert "95 % interval (Wilson) 0.8377 to 0.9519, 100 validation samples" in found.text
    assert "Trial 2 is tied with it: the intervals overlap. Trial 2 has the smallest network of these" in found.text
    assert "Train trial 2 longer, the smallest network of the tied trials" in found.text
    assert "2 (tied)" in found.texts


def test_a_study_without_results_says_so(tmp_path: Path) -> None:
    found = _page(tmp_path, *TRIALS[4:])
    assert "No trial has succeeded yet." in found.text
    assert "0 of 2 trials ended" in found.text


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1, "trials": [1]}', '{"trials": []}'])
def test_rejects_another_file(content: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(content)
    with pytest.raises(UsageError, match="must be the folder of a run or of a study"):
        record.read(tmp_path / NAME)


def test_hostile_values_are_texts(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    trial = dataclasses.replace(TRIALS[0], parameters={**TRIALS[0].parameters, "padding": hostile})
    failed = dataclasses.replace(TRIALS[1], reason=f'{hostile}"onload="x')
    found = _page(tmp_path, trial, failed)
    assert hostile in found.texts


def test_the_best_trial_of_a_metric_that_is_minimised_is_the_lowest(tmp_path: Path) -> None:
    job = dataclasses.replace(SHOWN, metric="val_loss", maximize=False)
    each = [
        Trial(
            id=number, parameters={"filters": 4.0 * number}, state=SUCCEEDED, measurements=measured(*values),
            validated=100, started=1.0, ended=2.0,
        )
        for number, values in enumerate([(0.9, 0.5), (0.75, 0.25, 0.5), (0.125, 0.0625), (0.5,)], 1)
    ]  # fmt: skip
    Ledger(tmp_path, job, 0).put(*each)
    found = parsed(report.html(record.read(tmp_path / NAME), str(tmp_path), NOW))
    assert "val_loss of trial 3, at epoch 2" in found.text
    assert "0.0625 val_loss of trial 3" in found.text
    assert "All trials, the best first; less is better" in found.text
    assert "interval" not in found.text and "tied" not in found.text
    assert json.loads((tmp_path / NAME).read_text())["best"]["trial"] == 3
    assert [drawn["class"] for drawn in found.of("polyline")].count("line best") >= 2
