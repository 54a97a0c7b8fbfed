"""The scores of attributions in TensorBoard, and what a card records of them."""

import keras
import numpy as np

from trainer.insight.observer import Examples, Observer
from trainer.tensorboard.decisions import Decisions


def observer() -> Observer:
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
    decisions = Decisions(observer(), seen=1_000_000)
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
    decisions = Decisions(observer())
    decisions._observer.probes = np.arange(5)
    list(decisions.conclude(np.full((40, 2), 0.5)))
    assert decisions.explanation["samples"] == 5
