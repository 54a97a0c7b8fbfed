import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from trainer.objectives import scores


def test_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    labels, taken = random.integers(0, 6, 200), random.integers(1, 7, 200)  # 0 is never taken, 6 is never there
    confusion = scores.count(labels, taken, 7)
    np.testing.assert_array_equal(confusion, confusion_matrix(labels, taken, labels=range(7)))
    assert scores.accuracy(confusion) == accuracy_score(labels, taken)
    expected = precision_recall_fscore_support(labels, taken, labels=range(7), zero_division=0)
    found = [(one.precision, one.recall, one.f1, one.support) for one in scores.per_class(confusion, "abcdefg")]
    np.testing.assert_allclose(found, np.transpose(expected))
    assert [one.name for one in scores.per_class(confusion, "abcdefg")] == [*"abcdefg"]


def test_batches_add_up() -> None:
    labels, taken = [0, 1, 2, 2], [0, 2, 2, 1]
    whole = scores.count(labels, taken, 3)
    np.testing.assert_array_equal(
        whole, scores.count(labels[:1], taken[:1], 3) + scores.count(labels[1:], taken[1:], 3)
    )


def test_no_images_are_no_error() -> None:
    assert scores.accuracy(scores.count([], [], 2)) == 0
    assert scores.per_class(scores.count([], [], 1), ["a"]) == [pytest.approx(scores.Score("a", 0, 0, 0, 0))]
