import itertools

import numpy as np
import pytest

from trainer.objectives import calibration


def _plain(confidence: np.ndarray, is_right: np.ndarray, count: int) -> float:
    """The expected calibration error, as the paper defines it."""
    edges = np.linspace(0, 1, count + 1)
    error = 0.0
    for low, high in itertools.pairwise(edges):
        own = (confidence > low) & (confidence <= high)
        if own.any():
            error += own.mean() * abs(confidence[own].astype(np.float64).mean() - is_right[own].mean())
    return error


@pytest.mark.parametrize("count", [1, 10, 15])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equals_a_plain_implementation(count: int, dtype: type) -> None:
    random = np.random.default_rng(count)
    confidence = np.concatenate([random.random(500), np.linspace(0.1, 1, 10)]).astype(dtype)
    is_right = random.random(len(confidence)) < confidence
    found = calibration.bins(confidence, is_right, count)
    assert calibration.expected_error(found) == pytest.approx(_plain(confidence, is_right, count), abs=1e-12)
    assert sum(one.samples for one in found) == len(confidence)
    assert (found[0].low, found[-1].high, len(found)) == (0, 1, count)


def test_a_bin_without_samples_has_no_accuracy() -> None:
    found = calibration.bins(np.array([1.0, 1.0]), np.array([True, False]))
    assert [one.samples for one in found] == [0] * 14 + [2]
    assert (found[0].confidence, found[0].accuracy) == (None, None)
    assert (found[-1].confidence, found[-1].accuracy) == (1.0, 0.5)
    assert calibration.expected_error(found) == 0.5


def test_rejects_bins_without_samples() -> None:
    with pytest.raises(ValueError, match="must have a sample"):
        calibration.expected_error(calibration.bins(np.array([]), np.array([], bool)))
