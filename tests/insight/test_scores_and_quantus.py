"""The scores are Quantus's on the same maps of three networks, where it is installed."""

import functools
import itertools
import warnings
from typing import Any

import keras
import numpy as np
import pytest

from trainer.data.form import Form
from trainer.hparams import HParams
from trainer.insight import explained
from trainer.insight.attribution import Explainer
from trainer.insight.sanity import rank_correlation
from trainer.insight.scores.curves import deletion, insertion
from trainer.insight.scores.infidelity import falls_of, infidelity, sums_of
from trainer.insight.scores.road import imputed, road
from trainer.layers import Dropout
from trainer.networks import convolutional, residual

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the packages that it imports
    quantus = pytest.importorskip("quantus")

pytestmark = pytest.mark.filterwarnings("ignore")
FILL, COUNT, CLASSES = 0.25, 6, 3
SIZES = (16, 4)  # a column of four of the blocks that Quantus's infidelity covers
STEPS, FRACTIONS, BLOCK = 8, (0.1, 0.3, 0.5, 0.7), 4
NETWORKS = ("default", "residual", "depthwise")
METHODS = ("hires_cam", "integrated_gradients", "occlusion")

Pair = tuple[np.ndarray, np.ndarray]  # ours, and Quantus's


class Case:
    """A network, samples and maps of one method.

    Attributes:
      model: ends in logits.
      explainer: of the model.
      samples: `(batch, 16, 4, 1)`.
      labels: the predicted classes, `(batch,)`.
      maps: `(batch, 16, 4)`.
    """

    def __init__(self, network: str, method: str) -> None:
        self.model, self.explainer, self.samples = prepared(network)
        self.labels = self.model.predict(self.samples, verbose=0).argmax(1)
        found = explained.explain(self.explainer, method, self.samples, self.labels, FILL).maps
        # Equal values, as the zeros of a class activation map, have an order of their own here and there.
        self.maps = found + np.random.default_rng(1).normal(0, 1e-4 * np.ptp(found), found.shape).astype(np.float32)

    def theirs(self, metric: Any, maps: np.ndarray | None = None, **options: Any) -> np.ndarray:
        """Returns what a metric of Quantus gives."""
        found = metric(
            model=self.model,
            x_batch=self.samples,
            y_batch=self.labels,
            a_batch=(self.maps if maps is None else maps)[:, None],
            channel_first=False,
            softmax=False,
            **options,
        )
        return np.asarray([*found.values()] if isinstance(found, dict) else found, np.float64)


def without_dropout(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, Dropout):
        return keras.layers.Identity(name=layer.name)
    return layer.__class__.from_config(layer.get_config())


@functools.cache
def prepared(name: str) -> tuple[keras.Model, Explainer, np.ndarray]:
    """Returns a network with random weights, its explainer, and samples."""
    keras.utils.set_random_seed(0)
    form = Form(SIZES, 1, 0.0, 1.0)
    if name == "depthwise":
        layers = [
            keras.layers.SeparableConv2D(6, 3, padding="same", activation="relu", name="conv1"),
            keras.layers.DepthwiseConv2D(3, padding="same", activation="relu", name="conv2"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(CLASSES, name="logits"),
        ]
        model = keras.Sequential([keras.Input(form.shape), *layers])
    else:
        build = {"default": convolutional.build, "residual": residual.build}[name]
        # Quantus cannot permute the seeds of dropout.
        model = keras.models.clone_model(build(HParams(filters=4), form, CLASSES).model, clone_function=without_dropout)
    samples = np.random.default_rng(0).uniform(0, 1, (COUNT, *form.shape)).astype(np.float32)
    return model, Explainer(model), samples


def plain(metric: Any, **options: Any) -> Any:
    return metric(abs=False, normalise=False, disable_warnings=True, display_progressbar=False, **options)


def both_deletions(case: Case) -> Pair:
    flipping = plain(quantus.PixelFlipping, features_in_step=np.prod(SIZES) // STEPS, perturb_baseline=FILL)
    ours = deletion(case.explainer.logits, case.samples, case.labels, case.maps, fill=FILL, steps=STEPS)
    return ours[:, 1:], case.theirs(flipping)


def both_insertions(case: Case) -> Pair:
    """The least important positions are covered first: insertion from its end."""
    flipping = plain(quantus.PixelFlipping, features_in_step=np.prod(SIZES) // STEPS, perturb_baseline=FILL)
    start = np.float32(FILL)
    ours = insertion(case.explainer.logits, case.samples, case.labels, case.maps, start=start, steps=STEPS)
    return ours[:, :-1], case.theirs(flipping, -case.maps)[:, ::-1]


def both_road(case: Case) -> Pair:
    """Quantus gives the share of samples whose class is still the predicted one."""

    def is_predicted(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
        return (case.model.predict(values, verbose=0).argmax(1) == classes).astype(np.float32)

    metric = plain(quantus.ROAD, noise=0.0, percentages=[round(100 * fraction) for fraction in FRACTIONS])
    shares = road(is_predicted, case.samples, case.labels, case.maps, FRACTIONS, tolerance=1e-6).mean(0)
    return shares, case.theirs(metric)


def both_imputed(case: Case) -> Pair:
    removed = case.maps > np.median(case.maps)
    found = imputed(case.samples, removed, tolerance=1e-6)[..., 0]
    theirs = [
        quantus.noisy_linear_imputation(one[None, ..., 0], np.flatnonzero(mask), noise=0.0)[0]
        for one, mask in zip(case.samples, removed, strict=True)
    ]
    return found, np.stack(theirs)


def both_infidelities(case: Case) -> Pair:
    """Quantus covers one block after the other, and leaves them covered; in a column, each time they are one box."""
    metric = plain(quantus.Infidelity, perturb_patch_sizes=[BLOCK], n_perturb_samples=1, perturb_baseline=FILL)
    boxes = [(slice(0, stop), slice(0, BLOCK)) for stop in range(BLOCK, SIZES[0] + 1, BLOCK)]
    falls = falls_of(case.explainer.logits, case.samples, case.labels, boxes, FILL)
    sums = sums_of(case.maps * (case.samples[..., 0] - FILL), boxes)  # its maps are gradients, times the change
    return infidelity(falls, sums), case.theirs(metric)


def both_completenesses(case: Case) -> Pair:
    """Quantus asks whether the sum is exactly the difference of the outputs; its difference is noted on the way."""
    differences: list[np.ndarray] = []

    def noted(difference: np.ndarray) -> np.ndarray:
        differences.append(difference)
        return difference

    attributions, residuals = case.explainer.integrated_gradients(case.samples, case.labels, FILL, 8, most_steps=8)
    sums = attributions.sum(-1)
    case.theirs(plain(quantus.Completeness, perturb_baseline=FILL, output_func=noted), sums)
    difference = np.concatenate(differences).astype(np.float64)
    return residuals, np.abs(sums.sum((1, 2), np.float64) - difference) / np.abs(difference)


def both_correlations(case: Case) -> Pair:
    """Quantus permutes the weights of one layer after the other, from the last one, and explains each network."""
    explained_by_them: list[np.ndarray] = []

    def explain(model: keras.Model, inputs: np.ndarray, targets: np.ndarray, **_: Any) -> np.ndarray:
        values = np.moveaxis(inputs, 1, -1)
        found, _ = Explainer(model).integrated_gradients(values, targets, FILL, 2, most_steps=2)
        explained_by_them.append(found.sum(-1))
        return explained_by_them[-1][:, None]

    metric = plain(quantus.MPRT, skip_layers=True, return_last_correlation=True)
    theirs = case.theirs(metric, explain_func=explain)
    return rank_correlation(case.maps, explained_by_them[-1]), theirs


SCORES = {
    "deletion": both_deletions,
    "insertion": both_insertions,
    "ROAD": both_road,
    "imputed values": both_imputed,
    "infidelity": both_infidelities,
    "completeness": both_completenesses,
    "randomisation": both_correlations,
}


ONE = {"completeness", "randomisation"}  # of integrated gradients, whatever the maps


@pytest.mark.parametrize(("network", "method"), [*zip(NETWORKS, METHODS, strict=True)])
@pytest.mark.parametrize("score", SCORES)
def test_scores_are_quantus_s(score: str, network: str, method: str) -> None:
    ours, theirs = SCORES[score](Case(network, method))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.abs(theirs).max())


if __name__ == "__main__":  # prints the table of all pairs
    for score, network, method in itertools.product(SCORES, NETWORKS, METHODS):
        if score not in ONE or method == "integrated_gradients":
            ours, theirs = SCORES[score](Case(network, method))
            most = np.abs(ours - theirs).max()
            print(f"| {score} | {network} | {method} | {ours.mean():.5f} | {theirs.mean():.5f} | {most:.1e} |")
