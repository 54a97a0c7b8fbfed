import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import average_precision_score, f1_score

from trainer.objectives import binned_ranking, labels
from trainer.objectives.binned_ranking import F1, AveragePrecision, Ranking
from trainer.objectives.outputs import Answer

_RANDOM = np.random.default_rng(0)
TRUE = (_RANDOM.random((400, 3)) < [0.5, 0.1, 0.02]).astype(np.float32)
LOGITS = (3 * _RANDOM.normal(size=(400, 3)) + 2 * TRUE - 1).astype(np.float32)


def _of(metric: Ranking | F1, weights: np.ndarray | None = None) -> np.ndarray:
    for first in range(0, len(TRUE), 150):
        part = slice(first, first + 150)
        metric.update_state(TRUE[part], LOGITS[part], sample_weight=None if weights is None else weights[part])
    return np.asarray(metric.result())


def test_average_precision_is_that_of_all_samples_in_order() -> None:
    expected = average_precision_score(TRUE, LOGITS)
    assert _of(AveragePrecision(3)) == pytest.approx(expected, abs=2e-3)
    scores = binned_ranking.scores(_of(Ranking(3)), [0.5] * 3)
    assert [one.average_precision for one in scores] == pytest.approx(
        average_precision_score(TRUE, LOGITS, average=None), abs=2e-3
    )


def test_f1_is_that_of_a_probability_of_one_half() -> None:
    expected = f1_score(TRUE, LOGITS >= 0, average=None)
    assert _of(F1(3)) == pytest.approx(expected.mean(), abs=1e-6)
    scores = binned_ranking.scores(_of(Ranking(3)), [0.5] * 3)
    assert [one.f1 for one in scores] == pytest.approx(expected, abs=1e-2)
    assert [one.support for one in scores] == TRUE.sum(0).tolist()


def test_rows_without_weight_do_not_count() -> None:
    weights = np.ones(400, np.float32)
    weights[:200] = 0
    expected = average_precision_score(TRUE[200:], LOGITS[200:])
    assert _of(AveragePrecision(3), weights) == pytest.approx(expected, abs=2e-3)


def test_thresholds_are_those_of_the_best_f1() -> None:
    found = binned_ranking.thresholds(_of(Ranking(3)), 0.5)
    probabilities = 1 / (1 + np.exp(-LOGITS.astype(np.float64)))
    for column, limit in enumerate(found):
        own = f1_score(TRUE[:, column], probabilities[:, column] >= limit)
        every = [f1_score(TRUE[:, column], probabilities[:, column] >= one) for one in probabilities[:, column]]
        assert own == pytest.approx(max(every), abs=0.02)


def test_a_label_that_no_sample_has_keeps_the_usual_threshold_and_no_score() -> None:
    metric = Ranking(2)
    metric.update_state(np.array([[1, 0], [1, 0]], np.float32), np.array([[1, -1], [2, -2]], np.float32))
    counts = np.asarray(metric.result())
    first, second = binned_ranking.thresholds(counts, 0.5)
    assert (first, second) == (pytest.approx(1 / (1 + np.exp(-1)), abs=0.01), 0.5)
    assert binned_ranking.scores(counts, [first, second])[1] == binned_ranking.LabelScore(None, None, None, None, 0)


def test_the_loss_weighs_absence_and_presence() -> None:
    weights = labels.label_weights(np.array([[1, 0], [0, 0], [0, 0], [0, 1]], np.float32))
    np.testing.assert_allclose(weights, [[2 / 3, 2 / 3], [2, 2]], rtol=1e-6)
    loss = labels.SigmoidCrossentropy(weights)
    true, logits = np.array([[1, 0]], np.float32), np.array([[0.5, -0.3]], np.float32)
    plain = tf.nn.sigmoid_cross_entropy_with_logits(true, logits).numpy()[0]
    assert float(loss(true, logits)) == pytest.approx((2 * plain[0] + 2 / 3 * plain[1]) / 2, rel=1e-5)
    again = labels.SigmoidCrossentropy.from_config(loss.get_config())
    assert float(again(true, logits)) == pytest.approx(float(loss(true, logits)))


def test_an_answer_is_the_labels_from_their_thresholds() -> None:
    outputs = labels.Labels(["red", "round"], [0.9, 0.2])
    (answer,) = outputs.named(np.array([[2.0, -1.0]], np.float32))
    assert answer.name == "round"
    assert outputs.fields(answer, 1) == ["round\t0.2689"]
    assert outputs.prediction(answer)["labels"] == ["round"]
    assert outputs.record(answer, 1)["top"][0]["label"] == "red"
    assert labels.Labels.read(outputs.content(), outputs.names) == outputs
    none = Answer("", 0.1, np.array([0.1, 0.1], np.float32))
    assert (outputs.fields(none, 1), outputs.caption(none)) == (["no label"], "no label")
