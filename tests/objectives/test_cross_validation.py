import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, log_loss, r2_score

from trainer.data.held_out import HeldOut, path_of
from trainer.errors import UsageError
from trainer.objectives.cross_validation import choice, labels, numbers
from trainer.objectives.cross_validation.classes import OfClasses
from trainer.study.folds import summary


def _held_out(*pairs: tuple[int, int]) -> HeldOut:
    """Returns predictions of three classes for samples, each its class and the predicted one."""
    targets, predicted = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
    probabilities = np.full((len(pairs), 3), 0.2, np.float32)
    probabilities[np.arange(len(pairs)), predicted] = 0.6
    return HeldOut([f"f\u00fcr/{i}.png" for i in range(len(pairs))], targets, probabilities, ["a", "b", "c"], "image")


def test_pools_the_samples_of_all_folds() -> None:
    found = OfClasses([_held_out((0, 0), (1, 1), (1, 0), (0, 0)), _held_out((0, 0), (2, 2))])
    assert [(one.correct, one.samples) for one in found.folds] == [(3, 4), (2, 2)]
    assert found.whole.share == pytest.approx(5 / 6)
    assert found.mean == pytest.approx(0.875)
    assert found.deviation == pytest.approx(0.25 / math.sqrt(2))
    assert found.confusion.tolist() == [[3, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert found.small_classes() == {"c": 1}
    assert found.to_json()["folds"] == 2
    assert found.to_json()["interval"] == pytest.approx([0.436, 0.970], abs=0.001)


def test_predictions_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert choice.read(tmp_path, 2, "auto") is None
    for number in (1, 2):
        path_of(tmp_path, number).parent.mkdir(parents=True)
        _held_out((0, 0), (1, 2)).write(path_of(tmp_path, number))
    written, again = _held_out((0, 0), (1, 2)), HeldOut.read(path_of(tmp_path, 1))
    for field in dataclasses.fields(HeldOut):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(written, field.name))
    assert path_of(tmp_path, 1).read_bytes() == path_of(tmp_path, 2).read_bytes(), "without a time"
    found = choice.read(tmp_path, 2, "accuracy")
    assert found is not None
    assert found.to_json()["samples"] == 4
    with pytest.raises(UsageError, match="`--metric` must be one of accuracy, .* for classes. Received: r2"):
        choice.read(tmp_path, 2, "r2")


@pytest.mark.parametrize("content", [b"", b"no zip", "short"])
def test_rejects_damaged_predictions(content: bytes | str, tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    _held_out((0, 0)).write(path)
    path.write_bytes(content if isinstance(content, bytes) else path.read_bytes()[:300])
    with pytest.raises(UsageError, match=r"predictions.npz: must be the predictions of a fold; remove it, and"):
        HeldOut.read(path)


def _of(target: str, *sizes: int) -> list[HeldOut]:
    """Returns predictions of folds, so many samples each, of which only the first fold's have the last label."""
    random, found = np.random.default_rng(0), []
    for number, size in enumerate(sizes):
        names, values = [str(one) for one in range(size)], random.random((size, 3)).astype(np.float32)
        targets = (values + random.random((size, 3)) > 1).astype(np.float32)
        targets[:, 2] *= number == 0
        if target == "numbers":
            targets += 1000
            values += 1000
        found.append(HeldOut(names, targets, values, ["a", "b", "c"], "signal", target))
    return found


def test_labels_are_scored_as_scikit_learn_does() -> None:
    folds = _of("labels", 40, 30)
    for one in folds:
        has = one.targets.any(0)
        expected = average_precision_score(one.targets[:, has], one.probabilities[:, has], average=None)
        np.testing.assert_allclose(labels.each("average_precision", one)[has], expected)
        expected = f1_score(one.targets, one.probabilities >= 0.5, average=None, zero_division=0)
        np.testing.assert_allclose(labels.each("f1", one), expected)
        pairs = zip(one.targets.T, one.probabilities.T, strict=True)
        expected = [log_loss(true, own, labels=[0, 1]) for true, own in pairs]
        np.testing.assert_allclose(labels.each("loss", one), expected, rtol=1e-6)
    assert np.isnan(labels.each("average_precision", folds[1])[2])
    found = choice.cross_validation(folds, "auto")
    values = [np.nanmean(labels.each("average_precision", one)) for one in folds]
    assert found.to_json()["average_precision"]["mean"] == pytest.approx(np.mean(values))
    assert found.measured and found.measured.rows[2][-1] == f"{int(folds[0].targets[:, 2].sum())}"


def test_numbers_are_scored_as_scikit_learn_does(tmp_path: Path) -> None:
    folds = _of("numbers", 40, 30, 20)
    for one in folds:
        expected = r2_score(one.targets[:, :2], one.probabilities[:, :2], multioutput="raw_values")
        np.testing.assert_allclose(numbers.each("r2", one)[:2], expected, rtol=1e-3)
    assert np.isnan(numbers.each("r2", folds[1])[2]), "equal numbers have no R²"
    found = choice.cross_validation(folds, "loss")
    errors = [np.abs(one.probabilities - one.targets).mean() for one in folds]
    mean, deviation = np.mean(errors), np.std(errors, ddof=1)
    written = found.to_json()["mean_absolute_error"]
    assert (written["mean"], written["standard_deviation"]) == pytest.approx((mean, deviation), rel=1e-3)
    assert written["interval"] == pytest.approx([mean - 2.484 * deviation, mean + 2.484 * deviation], rel=1e-2)
    assert found.fold(1).startswith(f"mean absolute error {errors[0]:.4g}, R² ")
    assert found.fold(1).endswith(" (40 signals)") and ", loss " in found.fold(1)
    summary.write(tmp_path, found, {"1": 2.0})
    assert '"mean_absolute_error"' in (tmp_path / summary.NAME).read_text()


def test_the_result_of_labels_fits_a_terminal() -> None:
    found = [*summary.lines(choice.cross_validation(_of("labels", 40, 30), "auto"))]
    starts = [
        "cross-validated mean average precision ",
        "  F1 ",
        "  means of 2 folds, 95 % intervals by Student's t; standard deviation ",
        "the final network is trained on all 2 folds, except its validation part",
    ]
    assert all(one.startswith(start) for one, start in zip(found, starts, strict=True))
    assert found[0].endswith(", 70 signals)")
    assert max(map(len, found)) <= 87


def test_a_fold_of_its_own_has_no_interval() -> None:
    found = choice.cross_validation(_of("numbers", 9), "auto")
    assert "interval" not in found.summary() and " to " not in found.summary()
    assert found.to_json()["r2"]["interval"] is None
