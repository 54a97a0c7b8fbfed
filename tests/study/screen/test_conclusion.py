import dataclasses
import shlex
from pathlib import Path

import pytest

from tests.study.shown import SHOWN, TRIALS, measured
from trainer import command_line as flags
from trainer.study.screen import conclusion
from trainer.study.trial import INFEASIBLE, SUCCEEDED, Trial

WHOLE = """\
Trial 1 is the best, with val_accuracy 0.9375 at epoch 2.

Ranking, 2 trials, by the best measurement; more is better:
                  learning                   dilation              val
  trial  filters      rate  padding  stride      rate  epoch  accuracy    best  time  state
    ★ 1        8   0.00123  same          1         2    3/3    0.8750  0.9375  0:15  done
      3        4    0.0001  valid         2         –    1/3    0.2500  0.2500  0:05  stopped

Parameter importance: 2 trials are too few to know it; 3 parameters need about 18.

1 trial of 6 infeasible:
  trial 2: diverged: the loss is NaN at step 40

To train the best trial longer:
  python -m trainer.task --data=digits --filters=8 --learning_rate=0.00123456 --padding=same --stride=1 --dilation_rate=2 --epochs=12

To compare all trials on the HParams page of TensorBoard:
  python -m trainer.tensorboard '--logdir=/runs/my study'"""  # noqa: E501
SHARES = """\
Parameter importance, as shares of the variance of val_accuracy:
  learning_rate  ██████████████░░░░░░  70%
  filters        █████░░░░░░░░░░░░░░░  24%
  padding        █░░░░░░░░░░░░░░░░░░░   6%
"""
NOTHING = """\
None of 1 trial succeeded.

1 trial of 1 infeasible:
  trial 2: diverged: the loss is NaN at step 40

To compare all trials on the HParams page of TensorBoard:
  python -m trainer.tensorboard --logdir=/runs/study"""


def test_a_study_that_came_to_something() -> None:
    shares = {"filters": 0.24, "learning_rate": 0.7, "padding": 0.06}
    assert conclusion.text(SHOWN, TRIALS, shares, Path("/runs/my study")) == WHOLE


@pytest.mark.parametrize(
    ("count", "parameters", "is_shown", "is_known"),
    [
        (9, 1, False, False),
        (10, 1, True, False),
        (15, 1, True, False),
        (16, 1, True, True),
        (17, 3, True, False),
        (18, 3, True, True),
    ],
)
def test_the_importance_is_shown_where_there_are_enough_trials_to_know_it(
    count: int, parameters: int, is_shown: bool, is_known: bool
) -> None:
    shares = dict([("learning_rate", 0.7), ("filters", 0.24), ("padding", 0.06)][:parameters])
    trials = [dataclasses.replace(TRIALS[0], id=number) for number in range(1, count + 1)]
    text = conclusion.text(SHOWN, [*trials, *TRIALS[1:2]], shares, Path("/a"))
    assert ("█" in text) is is_shown
    assert (
        f"Parameter importance: {count} trials are too few to know it; {parameters} parameter" in text
    ) is not is_shown
    assert (f"  (uncertain: {count} trials are few; {parameters} parameter" in text) is (is_shown and not is_known)
    assert parameters < 3 or not is_known or SHARES in text


def _trial(number: int, value: float, parameters: int = 0, validated: int = 144) -> Trial:
    return Trial(
        id=number,
        parameters={"filters": float(number)},
        state=SUCCEEDED,
        measurements=measured(value),
        started=100.0,
        ended=109.0,
        validated=validated,
        network_parameters=parameters,
    )


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        (
            [_trial(1, 0.9583, 103_000), _trial(2, 0.9375, 12_345), _trial(3, 0.5, 7)],
            "Trial 1 is the best, with val_accuracy 0.9583 at epoch 1.\n"
            "Its 95 % interval is 0.9120 to 0.9807, as of 144 validation samples.\n"
            "Trial 2 is tied with it: the intervals overlap.\n"
            "Of these, trial 2 has the smallest network: 12,345 parameters, not 103,000.\n\n",
        ),
        (
            [_trial(1, 0.9583, 7), _trial(2, 0.9375, 12), _trial(4, 0.9306, 9)],
            "\nTrials 2 and 4 are tied with it: the intervals overlap.\n"
            "Of these, trial 1 has the smallest network: 7 parameters.\n\n",
        ),
        ([_trial(1, 0.95, 7), _trial(2, 0.94, 7)], "\nTrial 2 is tied with it: the intervals overlap.\n\nRanking"),
        ([_trial(1, 0.95, 7), _trial(2, 0.94, 0)], "\nTrial 2 is tied with it: the intervals overlap.\n\nRanking"),
        ([_trial(n, 0.9, n) for n in range(1, 14)], "\nTrials 2, 3, 4, 5 and 8 more are tied with"),
        ([_trial(1, 0.9), _trial(2, 0.7)], "as of 144 validation samples.\n\nRanking"),
        ([_trial(1, 1.0, validated=3), _trial(2, 0.0, validated=1)], "Trial 2 is tied with it"),
        ([_trial(1, 0.9, validated=0), _trial(2, 0.9)], "at epoch 1.\n\nRanking"),
        ([_trial(1, 0.9), _trial(2, 0.89, validated=0)], "as of 144 validation samples.\n\nRanking"),
    ],
)
def test_trials_whose_intervals_overlap_are_tied_and_the_smallest_is_named(trials: list[Trial], said: str) -> None:
    text = conclusion.text(SHOWN, trials, {}, Path("/a"), width=80)
    assert said in text
    assert max(map(len, text.split("\n\nRanking")[0].splitlines())) <= 80


@pytest.mark.parametrize(
    ("trials", "title", "filters"),
    [
        ([_trial(1, 0.9, 70), _trial(2, 0.95, 80), _trial(3, 0.94, 7), _trial(4, 0.2, 1)], "trial 3 longer, the", 3),
        ([_trial(1, 0.95, 7), _trial(2, 0.94, 80)], "the best trial longer:", 1),
        ([_trial(1, 0.94, 7), _trial(2, 0.95, 7)], "the best trial longer:", 2),
        ([_trial(1, 0.94, 7), _trial(2, 0.95)], "the best trial longer:", 2),
        ([_trial(1, 0.94, 7, validated=0), _trial(2, 0.95, 9, validated=0)], "the best trial longer:", 2),
    ],
)
def test_the_smallest_of_the_tied_trials_is_the_one_to_train_longer(
    trials: list[Trial], title: str, filters: int
) -> None:
    text = conclusion.text(SHOWN, trials, {}, Path("/a"))
    assert f"To train {title}" in text
    assert f"--filters={filters} --epochs=12" in text
    assert text.count("★") == 1, "the mark stays at the best value"


def test_a_metric_that_is_no_accuracy_has_no_interval() -> None:
    job = dataclasses.replace(SHOWN, metric="val_loss", maximize=False)
    assert "interval" not in conclusion.text(job, [_trial(1, 0.5), _trial(2, 0.6)], {}, Path("/a"))


def test_a_study_that_came_to_nothing() -> None:
    assert conclusion.text(SHOWN, TRIALS[1:2], {}, Path("/runs/study")) == NOTHING
    assert "train_longer" not in conclusion.commands(SHOWN, TRIALS[1:2], Path("/runs/study"))


def test_the_command_is_what_the_trial_was_but_for_the_epochs() -> None:
    job = dataclasses.replace(SHOWN, arguments=("--data=my digits", "--epochs", "3", "--job_dir=/gone", "--filters=16"))
    program, *words = shlex.split(conclusion.commands(job, TRIALS, Path("/runs/study"))["train_longer"])
    assert (program, words[:2]) == ("python", ["-m", "trainer.task"])
    hparams = flags.read(words[2:])
    assert (hparams.data, hparams.filters, hparams.learning_rate) == ("my digits", 8, 0.00123456)
    assert (hparams.epochs, hparams.job_dir, hparams.dilation_rate) == (12, "", 2)


def test_the_command_names_the_network_with_what_it_alone_has() -> None:
    job = dataclasses.replace(SHOWN, arguments=("--data=digits", "--epochs=6", "--image_size", "32"))
    parameters = {"model": "MobileNetV3Small", "weights": "a.h5", "unfreeze": "2", "fine_tune_rate": 0.05}
    trial = dataclasses.replace(TRIALS[0], parameters=parameters)
    _, *words = shlex.split(conclusion.commands(job, [trial], Path("/a"))["train_longer"])
    hparams = flags.read(words[2:])
    assert {name: getattr(hparams, name) for name in parameters} == parameters
    assert (hparams.epochs, hparams.image_size) == (24, 32)


def test_tuned_epochs_are_multiplied() -> None:
    trial = dataclasses.replace(TRIALS[0], parameters={"epochs": 5})
    assert conclusion.commands(SHOWN, [trial], Path("/a"))["train_longer"].endswith("--data=digits --epochs=20")


def test_a_longer_run_is_no_run_that_stops_by_itself() -> None:
    job = dataclasses.replace(SHOWN, arguments=("--epochs=auto", "--patience=3"))
    _, *words = shlex.split(conclusion.commands(job, TRIALS[:1], Path("/a"))["train_longer"])
    hparams = flags.read(words[2:])
    assert (hparams.epochs, hparams.patience) == (56, 0)


def test_the_ranking_is_of_ten_and_the_earlier_of_equals_comes_first() -> None:
    trials = [
        Trial(id=number, parameters={}, state=SUCCEEDED, measurements=measured(number % 3 / 4))
        for number in range(1, 13)
    ]
    assert [trial.id for trial in conclusion.ranked(SHOWN, trials)] == [2, 5, 8, 11, 1, 4, 7, 10, 3, 6, 9, 12]
    down = dataclasses.replace(SHOWN, maximize=False)
    assert [trial.id for trial in conclusion.ranked(down, trials)][:4] == [3, 6, 9, 12]
    text = conclusion.text(SHOWN, trials, {}, Path("/a"))
    assert "Ranking, the first 10 of 12, by the best measurement; more is better:" in text
    assert "less is better" in conclusion.text(down, trials, {}, Path("/a"))


def test_the_ranking_also_has_the_trial_to_train_longer() -> None:
    trials = [*(_trial(number, 0.9, 1000) for number in range(1, 12)), _trial(12, 0.89, 10)]
    text = conclusion.text(SHOWN, trials, {}, Path("study"))
    assert "Ranking, the first 10 and trial 12 of 12, by" in text and "To train trial 12 longer" in text
    assert any(line.split()[:1] == ["12"] for line in text.splitlines())


def test_trials_with_one_reason_share_a_line() -> None:
    trials = [
        Trial(id=number, parameters={}, state=INFEASIBLE, reason="exit status 1" if number < 4 else "")
        for number in range(1, 6)
    ]
    text = conclusion.text(SHOWN, trials, {}, Path("/a"))
    assert "5 trials of 5 infeasible:\n  trials 1, 2, 3: exit status 1\n  trials 4, 5: unknown reason\n" in text
