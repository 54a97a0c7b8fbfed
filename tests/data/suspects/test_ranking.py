"""Which labels are suspect, on probabilities whose wrong labels are known."""

import numpy as np
import pytest

from trainer.data.suspects import ranking

SAMPLES, CLASSES = 600, 4


def _drawn(share: float, sure: float = 4.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns probabilities, labels, and which of these are wrong."""
    random = np.random.default_rng(seed)
    true = random.integers(0, CLASSES, SAMPLES)
    logits = random.normal(size=(SAMPLES, CLASSES)) + sure * np.eye(CLASSES)[true]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    is_wrong = random.permutation(SAMPLES) < share * SAMPLES
    labels = np.where(is_wrong, (true + random.integers(1, CLASSES, SAMPLES)) % CLASSES, true)
    return probabilities.astype(np.float32), labels, is_wrong


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.4])
def test_estimates_the_share_of_wrong_labels(share: float) -> None:
    probabilities, labels, is_wrong = _drawn(share)
    found = ranking.rank([probabilities], labels)
    assert abs(found.noise - share) < 0.03
    assert not share or is_wrong[found.order[: int(is_wrong.sum())]].mean() > 0.9


def test_a_source_that_knows_nothing_gets_no_weight() -> None:
    probabilities, labels, is_wrong = _drawn(0.1, sure=2.0)
    random = np.random.default_rng(1).dirichlet(np.ones(CLASSES), SAMPLES).astype(np.float32)
    alone, both = ranking.rank([probabilities], labels), ranking.rank([probabilities, random], labels)
    assert both.weights[1] < 0.1 * both.weights[0]
    first = int(is_wrong.sum())
    assert is_wrong[both.order[:first]].sum() >= is_wrong[alone.order[:first]].sum() - 2


def test_two_sources_find_more_than_one() -> None:
    one, labels, is_wrong = _drawn(0.1, sure=1.5)
    true = np.where(is_wrong, -1, labels)
    random = np.random.default_rng(7)
    logits = random.normal(size=one.shape) + 1.5 * np.eye(CLASSES)[np.where(true < 0, (labels + 1) % CLASSES, true)]
    other = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    first = int(is_wrong.sum())
    single, both = (is_wrong[ranking.rank(some, labels).order[:first]].mean() for some in ([one], [one, other]))
    assert both > single


def test_order_of_classes_and_samples_does_not_matter() -> None:
    probabilities, labels, _ = _drawn(0.1)
    found = ranking.rank([probabilities], labels)
    order = np.random.default_rng(2).permutation(SAMPLES)
    classes = np.random.default_rng(3).permutation(CLASSES)
    renamed = np.argsort(classes)[labels]
    moved = ranking.rank([probabilities[order][:, classes]], renamed[order])
    np.testing.assert_allclose(moved.margins, found.margins[order], atol=1e-3)


def test_probabilities_of_0_and_1_are_finite() -> None:
    labels = np.arange(40) % 2
    found = ranking.rank([np.eye(2, dtype=np.float32)[labels]], labels)
    assert np.isfinite(found.margins).all()
    assert found.count == 0


def test_neighbours_are_those_with_the_same_direction_and_not_the_sample_itself() -> None:
    labels = np.repeat([0, 1, 2], 10)
    centres = np.array([[9, 0, 0], [0, 9, 0], [0, 0, 9]], np.float32)
    features = centres[labels] + np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    labels[0] = 2
    rows = np.eye(3, dtype=np.float32)[labels]
    votes = ranking.neighbour_votes(features, features, rows, itself=np.arange(30), count=5)
    np.testing.assert_allclose(votes.sum(1), 1, rtol=1e-5)
    assert votes[0].argmax() == 0
    alone = ranking.neighbour_votes(features[:2], features[2:3].repeat(2, 0), rows[2:4])
    assert alone.shape == (2, 3)
