"""Small networks, trained on classes that differ by a cue at a random position: the most faithful maps point to it."""

import keras
import numpy as np
import pytest

from trainer.insight import explained
from trainer.insight.attribution import Explainer
from trainer.insight.scores import methods
from trainer.insight.scores.pointing import hits
from trainer.networks.parts import CONVOLUTIONS, GLOBAL_AVERAGES

CASES = {"a bump in a signal": ((100,), 15), "a patch in an image": ((24, 24), 7), "a blob in a volume": ((12,) * 3, 5)}
SCORED, HELD_BACK = 20, 100


def planted(sizes: tuple[int, ...], side: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns noise with a cue, a hill in class 1 and a valley in class 0; the labels; and where each cue is."""
    random = np.random.default_rng(seed)
    samples, labels = random.normal(0, 0.5, (count, *sizes, 1)).astype(np.float32), random.integers(0, 2, count)
    line = np.hanning(side + 2)[1:-1]
    hill = np.prod(np.meshgrid(*(line,) * len(sizes), indexing="ij"), axis=0)
    cues = np.zeros((count, *sizes), bool)
    for index, label in enumerate(labels):
        corner = [int(random.integers(0, size - side + 1)) for size in sizes]
        box = tuple(slice(start, start + side) for start in corner)
        samples[(index, *box, 0)] += 3 * (2 * label - 1) * hill
        cues[(index, *box)] = True
    return samples, labels, cues


def trained(samples: np.ndarray, labels: np.ndarray) -> keras.Model:
    rank = samples.ndim - 2
    keras.utils.set_random_seed(0)
    layers = [CONVOLUTIONS[rank](8, 3, padding="same", activation="relu", name=f"conv{index}") for index in range(2)]
    model = keras.Sequential(
        [keras.Input(samples.shape[1:]), *layers, GLOBAL_AVERAGES[rank](), keras.layers.Dense(2, name="logits")]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    model.fit(samples, labels, epochs=12, batch_size=32, verbose=0)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_best_method_points_to_the_cue(name: str) -> None:
    sizes, side = CASES[name]
    samples, labels, _ = planted(sizes, side, 600, seed=0)
    model = trained(samples, labels)
    others, classes, cues = planted(sizes, side, HELD_BACK, seed=1)
    assert (model.predict(others, verbose=0).argmax(1) == classes).mean() > 0.95
    explainer = Explainer(model)
    maps = {
        method: explained.explain(explainer, method, others, classes).maps for method in explained.methods(explainer)
    }
    some = {method: found[:SCORED] for method, found in maps.items()}
    scores = methods.measure(explainer, others[:SCORED], classes[:SCORED], some)
    shares = {method: float(hits(found, cues).mean()) for method, found in maps.items()}
    best = methods.ranked(scores)[0]
    assert shares[best] >= 0.95
    assert scores[best].faithfulness > 0.2
