"""Intervals, undefined scores, and the order of mistakes."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from trainer.data.lists.entries import Entry
from trainer.data.lists.targets import target_of
from trainer.objectives.evaluation import bootstrap
from trainer.objectives.evaluation.label_answers import Answers
from trainer.objectives.evaluation.labels import OfLabels
from trainer.objectives.evaluation.numbers import OfNumbers
from trainer.objectives.evaluation.result import Evaluation, Table
from trainer.objectives.ranking import average_precision

_RANDOM = np.random.default_rng(0)


def test_the_interval_of_a_mean_is_about_that_of_the_normal_distribution() -> None:
    values = _RANDOM.normal(3, 2, 400)
    drawn = bootstrap.resampled(400, 1, lambda weights: weights @ values / weights.sum(1))
    found = bootstrap.interval(float(values.mean()), drawn, 400)
    half = 1.96 * values.std() / 20
    assert found == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)
    again = bootstrap.resampled(400, 1, lambda weights: weights @ values / weights.sum(1))
    np.testing.assert_array_equal(drawn, again)


def test_the_interval_contains_the_true_score_about_as_often_as_it_says() -> None:
    hits = []
    for _ in range(200):
        values = _RANDOM.exponential(1, 60)
        drawn = bootstrap.resampled(60, 1, lambda weights, own=values: weights @ own / 60)  # type: ignore[misc]
        low, high = bootstrap.interval(float(values.mean()), drawn, 60) or (0, 0)
        hits.append(low < 1 < high)
    assert 0.88 < np.mean(hits) < 0.99


@pytest.mark.parametrize(
    ("score", "drawn", "samples"),
    [
        (0.5, np.array([0.4, 0.6]), 9),
        (1.0, np.ones(200), 50),  # everything is right: its interval would be empty
        (0.5, np.full(200, np.nan), 50),
        (np.nan, np.array([0.4, 0.6]), 50),
    ],
)
def test_there_is_no_interval_that_would_say_too_much(score: float, drawn: np.ndarray, samples: int) -> None:
    assert bootstrap.interval(score, drawn, samples) is None


def test_average_precision_of_weighted_samples_is_that_of_repeated_ones() -> None:
    true = _RANDOM.random((40, 2)) < 0.3
    shares = np.round(_RANDOM.random((40, 2)), 1).astype(np.float32)  # with ties
    found = Answers(true, shares, np.array([0.5, 0.5], np.float32))._precisions[0]
    expected = [average_precision(shares[:, label], true[:, label]) for label in range(2)]
    assert found == pytest.approx(expected)


def _evaluated(
    evaluator: OfLabels | OfNumbers, targets: np.ndarray, outputs: np.ndarray, groups: Sequence[str] = ()
) -> Evaluation:
    def read() -> Iterable[tuple[int, np.ndarray]]:
        return [(0, outputs[:7]), (7, outputs[7:])]

    return evaluator.evaluate(targets, groups, read, "images")


def test_samples_that_cannot_be_read_do_not_count() -> None:
    targets = _RANDOM.normal(size=(30, 1)).astype(np.float32)
    outputs = targets + 1
    outputs[[3, 20]] = np.nan
    found = _evaluated(OfNumbers(["turn"]), targets, outputs, ["a"] * 20 + ["b"] * 10)
    assert found.summary.content["samples"] == 28
    assert found.summary.content["mean_absolute_error"] == pytest.approx(1)
    assert [one.content["samples"] for one in found.groups.values()] == [19, 9]
    assert not {3, 20} & {*found.mistakes.indices.tolist()}


@pytest.mark.parametrize("number", [0.0, 1e6])
def test_r2_of_equal_numbers_is_undefined(number: float) -> None:
    targets = np.full((20, 1), number, np.float32)
    found = _evaluated(OfNumbers(["turn"]), targets, targets + 1)
    assert (found.summary.content["r2"], found.summary.content["r2_interval"]) == (None, None)
    near = targets + np.arange(20, dtype=np.float32)[:, np.newaxis]
    assert _evaluated(OfNumbers(["turn"]), near, near).summary.content["r2"] == pytest.approx(1)


def test_a_label_that_no_sample_has_is_undefined_and_left_out_of_the_means() -> None:
    targets = np.zeros((20, 2), np.float32)
    targets[::2, 0] = 1
    shares = np.where(targets > 0, 0.9, 0.2).astype(np.float32)
    found = _evaluated(OfLabels(["red", "round"], [0.5, 0.5]), targets, shares)
    assert found.summary.content["mean_average_precision"] == 1
    assert found.summary.content["macro_f1"] == 1
    label = found.content["labels"][1]
    assert [label[name] for name in ("precision", "recall", "f1", "average_precision")] == [None] * 4
    assert not len(found.mistakes.indices)


def test_a_table_shows_the_rows_with_the_lowest_ranks() -> None:
    table = Table(
        "labels", ["label", "F1"], [[str(row), "1"] for row in range(4)], [3, 1, 2, 0], "those with the lowest F1"
    )
    assert table.shown(4) == ("labels", table.rows)
    assert table.shown(2) == ("labels: 2 of 4, those with the lowest F1", [["3", "1"], ["1", "1"]])


@pytest.mark.parametrize(
    ("target", "texts", "names"),
    [
        ("classes", ["cat", "dog"], ("cat", "dog")),
        ("labels", ['["red", "small"]', "[]"], ("red", "small")),
        ("numbers", ['{"turn": 1.5, "größe": -0.25}', '{"turn": 3.0, "größe": 0.0}'], ("turn", "größe")),
    ],
)
def test_targets_of_arrays_have_the_texts_of_lists(target: str, texts: list[str], names: tuple[str, ...]) -> None:
    entries = [Entry(str(index), text, str(index)) for index, text in enumerate(texts)]
    reader = target_of(target)
    assert reader.texts(reader.encoded(entries, names), names) == texts


def test_classes_without_names_are_their_numbers() -> None:
    assert target_of("classes").texts(np.array([[3], [0]]), ()) == ["3", "0"]
