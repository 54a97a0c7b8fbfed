import keras
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from trainer.objectives.classes import Confusion, WeightedCrossentropy, class_weights, objective


def test_seldom_classes_weigh_more_and_the_mean_is_one() -> None:
    labels = np.repeat([0, 1, 3], [60, 30, 10]).astype(np.int32)
    weights = class_weights(labels, 4)
    np.testing.assert_allclose(weights, [100 / 180, 100 / 90, 0, 100 / 30], rtol=1e-6)
    assert weights[labels].mean() == pytest.approx(1)


def test_equal_classes_weigh_one() -> None:
    np.testing.assert_array_equal(class_weights(np.arange(6, dtype=np.int32) % 3, 3), [1, 1, 1])


def test_the_loss_is_the_crossentropy_times_the_weight() -> None:
    random, weights = np.random.default_rng(0), np.array([0.5, 2, 1], np.float32)
    labels, logits = np.array([0, 1, 1, 2, 0]), random.normal(size=(5, 3)).astype(np.float32)
    plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")(labels, logits)
    loss = WeightedCrossentropy(weights)(labels, logits)
    assert float(loss) == pytest.approx(float(np.mean(weights[labels] * np.asarray(plain))), rel=1e-6)
    assert WeightedCrossentropy(weights).get_config() == {"weights": [0.5, 2.0, 1.0], "smoothing": 0.0}


@pytest.mark.parametrize("weights", [None, [0.5, 2, 1]])
def test_smoothed_targets_are_those_of_keras(weights: list[float] | None) -> None:
    random, labels = np.random.default_rng(0), np.array([0, 1, 1, 2, 0])
    logits = random.normal(size=(5, 3)).astype(np.float32)
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    expected = theirs(np.eye(3)[labels], logits, sample_weight=None if weights is None else np.array(weights)[labels])
    ours = objective("abc", weights, smoothing=0.1).loss
    assert float(ours(labels, logits)) == pytest.approx(float(expected), rel=1e-5)
    assert float(WeightedCrossentropy.from_config(ours.get_config())(labels, logits)) == float(ours(labels, logits))


def test_the_confusion_matrix_is_scikit_learns() -> None:
    random, confusion = np.random.default_rng(0), Confusion(7)
    targets, logits = random.integers(0, 6, 200).astype(np.int32), random.normal(size=(200, 7)).astype(np.float32)
    for first in range(0, 200, 64):  # the last batch is smaller
        confusion.update_state(targets[first : first + 64], logits[first : first + 64])
    expected = confusion_matrix(targets, logits.argmax(1), labels=range(7))
    np.testing.assert_array_equal(confusion.result(), expected)
    confusion.reset_state()
    assert not np.any(confusion.result())
