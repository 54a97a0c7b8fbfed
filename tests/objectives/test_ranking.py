import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from trainer.objectives.ranking import average_precision


@pytest.mark.parametrize("levels", [0, 2, 7])  # of scores; 0: all differ
@pytest.mark.parametrize("count", [1, 2, 300])
def test_equals_scikit_learn(count: int, levels: int) -> None:
    random = np.random.default_rng(count + levels)
    scores = random.random(count).astype(np.float32)
    scores = np.round(scores * levels) / levels if levels else scores
    is_true = random.random(count) < 0.3
    is_true[0] = True
    assert average_precision(scores, is_true) == pytest.approx(average_precision_score(is_true, scores), abs=1e-9)


def test_is_undefined_without_a_sample_of_the_class() -> None:
    assert average_precision(np.array([0.5]), np.array([False])) is None
