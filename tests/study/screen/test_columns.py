import dataclasses

import pytest

from tests.study.shown import NOW, SHOWN, TRIALS
from trainer.hparams import EPOCHS
from trainer.study.screen import columns
from trainer.study.screen.columns import Column
from trainer.study.trial import Measurement


def test_nothing_is_wider_than_the_width_and_all_have_the_same_rows() -> None:
    every = columns.of_trials(SHOWN, TRIALS, TRIALS[0], NOW)
    for width in range(45, 140):
        heads, rows = columns.fit(every, width)
        assert len(rows) == len(TRIALS)
        assert max(map(len, [*heads, *rows])) <= width, (width, heads, rows)
        assert [row.split()[-1] for row in rows[2:]] == ["stopped", "stopping", "running", "waiting"], width


def test_what_is_worth_least_goes_first_and_what_is_worth_nothing_else_never() -> None:
    every = [Column("a", ["1"]), Column("bb", ["22"], worth=1), Column("cc", ["33"], worth=2), Column("d", ["long"])]
    rows = [row for width in (12, 9, 6, 3) for row in columns.fit(every, width)[1]]
    assert rows == ["1 22 33 long", "1 33 long", "1 long", "1 long"]


def test_headings_are_folded_before_they_are_cut() -> None:
    every = [Column("learning_rate", ["0.1"], worth=1), Column("state", ["done"], is_text=True)]
    assert columns.fit(every, 40)[0] == ["learning_rate  state"]
    assert columns.fit(every, 16)[0] == ["learning", "    rate  state"]


def test_the_last_column_is_cut_at_the_width() -> None:
    every = [Column("a", ["1"]), Column("b", ["a very long reason"], is_text=True)]
    assert columns.fit(every, 15)[1] == ["1  a very long…"]


def test_a_parameter_that_no_trial_has_is_no_column() -> None:
    without = [trial for trial in TRIALS if "dilation_rate" not in trial.parameters]
    assert "dilation_rate" not in [column.title for column in columns.of_trials(SHOWN, without, None, NOW)]
    assert "dilation_rate" in [column.title for column in columns.of_trials(SHOWN, TRIALS, None, NOW)]


def test_a_parameter_that_a_trial_has_not_is_a_dash() -> None:
    (column,) = [one for one in columns.of_trials(SHOWN, TRIALS, None, NOW) if one.title == "dilation_rate"]
    assert column.cells == ["2", "–", "–", "1", "–", "–"]


def test_what_few_trials_have_goes_first() -> None:
    every = columns.of_trials(SHOWN, TRIALS, None, NOW)
    worth = {column.title: column.worth for column in every if column.worth}
    order = ["time", "dilation_rate", "stride", "padding", "learning_rate", "filters"]
    assert sorted(worth, key=worth.__getitem__) == order


def test_a_result_has_its_interval_which_outlives_the_time() -> None:
    trials = [
        dataclasses.replace(TRIALS[0], validated=144),
        *TRIALS[1:3],
        dataclasses.replace(TRIALS[3], validated=144),
    ]
    every = columns.of_trials(SHOWN, trials, None, NOW)
    (column,) = [one for one in every if one.title == "95 %"]
    assert [*column.cells] == ["0.885–0.967", "", "", ""]  # one that runs has no result yet
    heads = [" ".join(columns.fit(every, width)[0]) for width in (140, 95, 50)]
    assert [("95 %" in head, "time" in head) for head in heads] == [(True, True), (True, False), (False, False)]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        (("MobileNetV3Small", "MobileNetV3Large"), ["MobileNetV3Sm…", "MobileNetV3La…"]),
        (("laboratory.nets:wide", "laboratory.nets:deep"), ["…ory.nets:wide", "…ory.nets:deep"]),
        (("gs://my-bucket/a/best.keras", "gs://my-bucket/b/best.keras"), ["…/a/best.keras", "…/b/best.keras"]),
        (("laboratory.nets:wide", "laboratory.nets:wide", "same"), ["laboratory.ne…", "laboratory.ne…", "same"]),
    ],
)
def test_long_values_can_be_told_apart(values: tuple[str, ...], cells: list[str]) -> None:
    trials = [dataclasses.replace(TRIALS[0], parameters={"padding": value}) for value in values]
    (column,) = [one for one in columns.of_trials(SHOWN, trials, None, NOW) if one.title == "padding"]
    assert [*column.cells] == cells


@pytest.mark.parametrize(
    ("arguments", "parameters", "said", "longest"),
    [
        (("--epochs=16",), {}, "16", 16),
        (("--epochs", "16", "--batch_size", "16"), {}, "16", 16),
        (("--epochs=16", "--data=digits", "--epochs=4"), {}, "4", 4),
        (("--epochs=16",), {"epochs": 8.0}, "8", 8),
        (("--data=digits",), {}, "", EPOCHS),
        (("--epochs=0",), {}, "0", EPOCHS),
        (("--epochs=auto",), {}, "", EPOCHS),
    ],
)
def test_epochs_come_from_the_flags(
    arguments: tuple[str, ...], parameters: dict[str, float], said: str, longest: int
) -> None:
    job = dataclasses.replace(SHOWN, arguments=arguments)
    trial = dataclasses.replace(TRIALS[0], parameters=parameters)
    assert columns.epochs(job, trial) == said
    assert columns.longest(job, trial) == longest


def test_a_trial_whose_recipe_chose_its_epochs_takes_as_many_as_it_reported() -> None:
    trial = dataclasses.replace(TRIALS[0], measurements=(Measurement(1, 0.5), Measurement(78, 0.9)))
    assert columns.longest(dataclasses.replace(SHOWN, arguments=("--data=photos",)), trial) == 78
