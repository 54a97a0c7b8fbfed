"""The scores of attributions in TensorBoard, and what a card records of them."""

import keras
import numpy as np
import pytest

from trainer.insight.observer import Examples, Observer
from trainer.networks.parts import CONVOLUTIONS
from trainer.tensorboard.decisions import Decisions


def observed() -> Observer:
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="conv"),
        keras.layers.Flatten(),
        keras.layers.Dense(2, name="logits"),
    ]
    model = keras.Sequential([keras.Input((12, 12, 1)), *layers])
    random = np.random.default_rng(0)
    samples = random.integers(0, 256, (40, 12, 12, 1)).astype(np.uint8)
    return Observer(model, Examples(samples, np.arange(40) % 4 % 2, ["a", "b"]))


def test_scores_are_scalars_and_the_best_method_is_recorded() -> None:
    decisions = Decisions(observed(), seen=1_000_000)
    moment = {summary.value[0].tag for summary in decisions.moment()}
    assert {"attribution_of_probes/deletion_grad_cam", "attribution_of_probes/insertion_hires_cam"} <= moment
    conclusion = {summary.value[0].tag for summary in decisions.conclude(np.full((40, 2), 0.5))}
    scores = ("deletion", "insertion", "road", "infidelity", "faithfulness")
    methods = ("grad_cam", "hires_cam", "integrated_gradients", "occlusion")
    assert {f"attribution/{score}_{method}" for score in scores for method in methods} <= conclusion
    assert {"what_decides/a", "attribution/curves"} <= conclusion
    found = decisions.explanation
    best = max(found["scores"], key=lambda method: found["scores"][method]["faithfulness"])
    assert (found["method"], found["samples"]) == (best, 40)


def test_a_short_run_scores_the_probes_alone() -> None:
    decisions = Decisions(observed())
    decisions._observer.probes = np.arange(5)
    list(decisions.conclude(np.full((40, 2), 0.5)))
    assert decisions.explanation["samples"] == 5


@pytest.mark.parametrize("is_marked", [True, False])
@pytest.mark.parametrize("sizes", [(12, 12), (8, 8, 8), (12,)])
def test_a_network_that_goes_by_a_watermark_is_reported(sizes: tuple[int, ...], is_marked: bool) -> None:
    """Class b has a mark, in the same corner or anywhere. Signals are aligned, so that a position says nothing."""
    random, rank = np.random.default_rng(0), len(sizes)
    samples, labels = random.uniform(0, 60, (40, *sizes, 1)).astype(np.float32), np.arange(40) % 2
    for index in np.flatnonzero(labels):
        starts = [0 if is_marked else int(random.integers(0, size - 1)) for size in sizes]
        samples[(index, *(slice(start, start + 2) for start in starts))] = np.array([[200.0], [255.0]])
    layers = [CONVOLUTIONS[rank](1, 1, use_bias=False), keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((*sizes, 1)), *layers])
    weights = np.zeros((*sizes, 2))
    weights[(*((slice(0, 2),) * rank if is_marked else ()), 1)] = 1
    model.set_weights([np.ones((1,) * (rank + 2)), weights.reshape(-1, 2), np.array([1.0, 0.0])])
    threshold = np.median(model.predict(samples, verbose=0)[:, 1])
    model.set_weights([*model.get_weights()[:2], np.array([threshold, 0.0])])
    observer = Observer(model, Examples(samples, labels, ["a", "b"], noun="thing"))
    decisions = Decisions(observer)
    tags = {summary.value[0].tag for summary in decisions.conclude(observer.classify()[0])}
    is_reported = is_marked and rank > 1
    assert (len(decisions.cues) == 1) == is_reported
    assert ({"what_decides", "report/cues"} <= tags) == is_reported
    if is_reported:
        assert decisions.cues[0].startswith("100% of the things of class b are decided by the same region")
