"""The scores are Quantus's on the same maps, where it is installed."""

import warnings
from typing import Any

import keras
import numpy as np
import pytest

from trainer.insight.attribution import Explainer
from trainer.insight.scores.curves import deletion, insertion
from trainer.insight.scores.infidelity import falls_of, infidelity, sums_of
from trainer.insight.scores.road import imputed, road

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the packages that it imports
    quantus = pytest.importorskip("quantus")

pytestmark = pytest.mark.filterwarnings("ignore")
FILL, STEPS, COUNT = 0.25, 8, 6


def network(sizes: tuple[int, int]) -> tuple[keras.Model, Explainer]:
    """Returns a network that ends in logits, and its explainer."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="conv"),
        keras.layers.Flatten(),
        keras.layers.Dense(3, name="logits"),
    ]
    model = keras.Sequential([keras.Input((*sizes, 1)), *layers])
    return model, Explainer(model)


def given(sizes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    samples = random.uniform(0, 1, (COUNT, *sizes, 1)).astype(np.float32)
    return samples, random.integers(0, 3, COUNT), random.normal(size=(COUNT, *sizes)).astype(np.float32)


def theirs(metric: Any, model: keras.Model, samples: np.ndarray, labels: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Returns what a metric of Quantus gives."""
    found = metric(
        model=model,
        x_batch=samples,
        y_batch=labels,
        a_batch=maps[:, None],
        channel_first=False,
        softmax=False,
    )
    return np.asarray([*found.values()] if isinstance(found, dict) else found, np.float64)


def plain(metric: Any, **options: Any) -> Any:
    return metric(abs=False, normalise=False, disable_warnings=True, display_progressbar=False, **options)


def test_deletion_and_insertion() -> None:
    model, explainer = network((8, 8))
    samples, labels, maps = given((8, 8))
    flipping = plain(quantus.PixelFlipping, features_in_step=64 // STEPS, perturb_baseline=FILL)
    falling = deletion(explainer.logits, samples, labels, maps, fill=FILL, steps=STEPS)
    np.testing.assert_allclose(falling[:, 1:], theirs(flipping, model, samples, labels, maps), atol=1e-3)
    rising = insertion(explainer.logits, samples, labels, maps, start=np.float32(FILL), steps=STEPS)
    reverse = theirs(flipping, model, samples, labels, -maps)[:, ::-1]  # the least important are covered first
    np.testing.assert_allclose(rising[:, :-1], reverse, atol=1e-3)


def test_imputed_values_and_road() -> None:
    model, _ = network((10, 10))
    samples, _, maps = given((10, 10))
    labels = model.predict(samples, verbose=0).argmax(1)
    removed = maps > 0
    found = imputed(samples, removed, tolerance=1e-6)
    for one, mask, filled in zip(samples, removed, found, strict=True):
        expected = quantus.noisy_linear_imputation(one[None, ..., 0], np.flatnonzero(mask), noise=0.0)
        np.testing.assert_allclose(filled[..., 0], expected[0], atol=1e-3)

    def is_predicted(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
        return (model.predict(values, verbose=0).argmax(1) == classes).astype(np.float32)

    metric = plain(quantus.ROAD, noise=0.0, percentages=[10, 30, 50, 70])
    expected = theirs(metric, model, samples, labels, maps)
    shares = road(is_predicted, samples, labels, maps, (0.1, 0.3, 0.5, 0.7), tolerance=1e-6).mean(0)
    np.testing.assert_allclose(shares, expected, atol=1e-3)


def test_infidelity() -> None:
    """Quantus covers the blocks of an image one after the other; in a column of blocks, each time they are one box."""
    model, explainer = network((16, 4))
    samples, labels, maps = given((16, 4))
    metric = plain(quantus.Infidelity, perturb_patch_sizes=[4], n_perturb_samples=1, perturb_baseline=FILL)
    boxes = [(slice(0, 4 * count), slice(0, 4)) for count in range(1, 5)]
    falls = falls_of(explainer.logits, samples, labels, boxes, FILL)
    sums = sums_of(maps * (samples[..., 0] - FILL), boxes)  # Quantus's maps are gradients: it multiplies by the change
    np.testing.assert_allclose(
        infidelity(falls, sums), theirs(metric, model, samples, labels, maps), rtol=1e-3, atol=1e-3
    )
