import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from trainer.objectives import scores


def test_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    true, predicted = random.integers(0, 6, 200), random.integers(1, 7, 200)  # 0 is never predicted, 6 never true
    confusion = confusion_matrix(true, predicted, labels=range(7))
    expected = np.array(precision_recall_fscore_support(true, predicted, labels=range(7), zero_division=0))
    expected[1:3, 6] = np.nan  # which has no recall, and so no mean with it
    found = [(one.precision, one.recall, one.f1, one.support) for one in scores.per_class(confusion, "abcdefg")]
    np.testing.assert_allclose(np.array(found, float), np.transpose(expected))
    assert found[6] == (0.0, None, None, 0)
    assert [one.name for one in scores.per_class(confusion, "abcdefg")] == [*"abcdefg"]


def test_no_samples_are_no_error() -> None:
    assert scores.per_class(np.zeros((1, 1), np.int64), ["a"]) == [scores.Score("a", None, None, None, 0)]
