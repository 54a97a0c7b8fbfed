"""Which labels and numbers are suspect, on predictions whose wrong ones are known."""

import numpy as np
import pytest

from trainer.objectives.suspects import labels, numbers

NAMES = ["red", "round", "old"]


def test_missing_labels_and_those_too_many_are_named() -> None:
    random = np.random.default_rng(0)
    true = (random.random((300, 3)) < 0.3).astype(np.float32)
    shares = np.clip(0.02 + 0.96 * true + random.normal(0, 0.01, true.shape), 0.001, 0.999).astype(np.float32)
    true[0], true[1], shares[:2, :2] = [1, 1, 0], [0, 0, 1], 0.98
    shares[0, 2], shares[1] = 0.02, [0.02, 0.02, 0.98]
    wrong = random.permutation(np.arange(10, 300))[:40]
    given = true.copy()
    given[0, 1], given[1, 0] = 0, 1  # round is missing, red is too many
    given[wrong, wrong % 3] = 1 - given[wrong, wrong % 3]
    votes = np.full_like(shares, 0.3)
    found = labels.find(given, shares, NAMES, lambda: [votes])
    assert {*found.order[:42].tolist()} == {0, 1, *wrong.tolist()} >= {one.row for one in found.listed}
    assert len(found.listed) >= 35
    by_row = {one.row: one for one in found.listed}
    assert (by_row[0].predicted, by_row[1].predicted) == ("missing: round", "too many: red")
    assert "".join(text + name for text, name in by_row[0].said).startswith("labels red, missing: round (9")
    assert all((one.probability or 0) > 0.9 and (one.given_probability or 1) < 0.1 for one in by_row.values())
    assert found.share == pytest.approx(42 / 900, abs=0.01)


def test_a_sample_with_two_wrong_labels_is_listed_once() -> None:
    true = np.tile(np.array([[1, 0, 0], [0, 1, 0]], np.float32), (100, 1))
    shares = (0.02 + 0.96 * true).astype(np.float32)
    given = true.copy()
    given[0] = 0, 1, 0
    (one,) = labels.find(given, shares, NAMES, lambda: []).listed
    assert {*one.predicted.split("; ")} == {"missing: red", "too many: round"}
    assert labels.given(np.zeros(3), NAMES) == "no label"


def test_the_numbers_that_are_farthest_are_listed_with_their_names() -> None:
    random = np.random.default_rng(0)
    true = random.normal(1000, [1, 50], (400, 2)).astype(np.float32)
    predicted = true + random.normal([0.5, 0], [0.1, 5], true.shape).astype(np.float32)  # shifted: that is no residual
    true[7, 0] += 2
    true[9, 1] -= 80
    found = numbers.find(true, predicted, ["size", "weight"], list)
    assert [one.row for one in found.listed][:2] == [7, 9]
    assert len(found.listed) <= 4
    first, second = found.listed[:2]
    assert first.residual and second.residual and first.residual > 15 and second.residual < -12
    assert "".join(text + name for text, name in second.said).startswith(f"weight {true[9, 1]:.6g}, predicted ")
    assert found.share is None


def test_equal_numbers_and_differences_are_no_suspects() -> None:
    assert numbers.standardised(np.zeros((9, 2))).tolist() == np.zeros((9, 2)).tolist()
    one = np.zeros((9, 1))
    one[3] = 4
    assert numbers.standardised(one).argmax() == 3
    assert np.isfinite(numbers.standardised(one)).all()
