"""Attributions of a cue that is planted at a known position of a signal, an image and a volume."""

import math

import keras
import numpy as np
import pytest

from trainer.data.form import Form
from trainer.insight.attribution import Explainer
from trainer.networks.parts import CONVOLUTIONS, GLOBAL_AVERAGES, scale

CENTRE, SPREAD = (1000.0, -3.0), (50.0, 0.5)  # of two channels; both are far from 0, in spreads
FORMS = {
    "signal": Form((40,), 2, -math.inf, math.inf, CENTRE, SPREAD),
    "image": Form((12, 20), 2, -math.inf, math.inf, CENTRE, SPREAD),
    "volume": Form((8, 12, 10), 2, -math.inf, math.inf, CENTRE, SPREAD),
}


def detector(form: Form) -> keras.Model:
    """Returns a network for which what is above the centre speaks for class 0, and what is below it for class 1."""
    rank = form.rank
    model = keras.Sequential(
        [
            keras.Input(form.shape),
            scale(form, "float32"),
            CONVOLUTIONS[rank](2, 3, padding="same", activation="relu", name="conv"),
            GLOBAL_AVERAGES[rank](),
            keras.layers.Dense(2, name="logits"),
        ]
    )
    kernel = np.zeros((*(3,) * rank, 2, 2))
    kernel[(1,) * rank] = ((1, -1), (1, -1))
    model.set_weights([kernel, np.zeros(2), np.array(((1, -1), (-1, 1))) * 100, np.zeros(2)])
    return model


def planted(form: Form) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns a sample with two cues, and where they are: two positions along each axis, above and below the centre."""
    sample = np.broadcast_to(np.array(CENTRE), form.shape).copy()
    above, below = np.zeros((2, *form.sizes), bool)
    above[tuple(slice(size // 4, size // 4 + 2) for size in form.sizes)] = True
    below[tuple(slice(3 * size // 4 - 1, 3 * size // 4 + 1) for size in form.sizes)] = True
    sample[above] += 3 * np.array(SPREAD)
    sample[below] -= 2 * np.array(SPREAD)
    return sample[None].astype(np.float32), above, below


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("method", ["grad_cam", "integrated_gradients", "occlusion"])
def test_it_points_to_the_cue_of_the_class(name: str, method: str) -> None:
    form, explainer = FORMS[name], Explainer(detector(FORMS[name]))
    sample, above, below = planted(form)
    blank = np.array(CENTRE, np.float32)
    methods = {
        "grad_cam": explainer.grad_cam,
        "integrated_gradients": lambda *given: explainer.integrated_gradients(*given, blank)[0].sum(-1),
        "occlusion": lambda *given: explainer.occlusion(*given, size=2, stride=1, fill=blank),
    }
    for label, (own, other) in enumerate(((above, below), (below, above))):
        (found,) = methods[method](sample, [label])
        assert own[np.unravel_index(found.argmax(), found.shape)]
        assert found[own].min() > 0
        if method != "grad_cam":  # which shows what speaks for the class alone
            assert found[other].max() < 0
        apart = 0 if method != "occlusion" else 1  # a box may cover a part of the cue
        near = above | below
        for axis in range(form.rank):
            near = near | np.roll(near, apart, axis) | np.roll(near, -apart, axis)
        np.testing.assert_allclose(found[~near], 0, atol=1e-5)


@pytest.mark.parametrize("name", FORMS)
def test_attributions_are_complete_from_the_centre(name: str) -> None:
    model, (sample, above, below) = detector(FORMS[name]), planted(FORMS[name])
    blank = np.array(CENTRE, np.float32)
    found, residuals = Explainer(model).integrated_gradients(np.repeat(sample, 2, 0), [0, 1], blank)
    logits = model(sample).numpy()[0] - model(np.broadcast_to(blank, sample.shape)).numpy()[0]
    np.testing.assert_allclose(found.reshape(2, -1).sum(1), logits, rtol=1e-4)
    assert residuals.max() < 1e-4
    np.testing.assert_allclose(logits[0], 100 * 2 * (3 * above.mean() - 2 * below.mean()), rtol=1e-4)


def test_boxes_have_a_size_for_each_axis() -> None:
    form = FORMS["volume"]
    explainer, (sample, above, _) = Explainer(detector(form)), planted(form)
    (found,) = explainer.occlusion(sample, [0], size=(2, 3, 5), stride=(2, 3, 5), fill=np.array(CENTRE))
    box = (slice(2, 4), slice(3, 6), slice(0, 5))  # which covers the cue, but for nothing
    assert above[box].sum() == above.sum()
    np.testing.assert_allclose(found[box], found[box].max())
    assert found[box].max() == found.max() > 0
    with pytest.raises(ValueError, match=r"^`size` must be from 1 to \(8, 12, 10\) .* Received: size=\(9, 3, 5\)"):
        explainer.occlusion(sample, [0], size=(9, 3, 5), stride=1)
    with pytest.raises(ValueError, match=r"^`stride` must be from 1 to size=\(2, 3, 5\)\. Received: stride=3"):
        explainer.occlusion(sample, [0], size=(2, 3, 5), stride=3)


def test_many_steps_on_a_large_sample_are_taken_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    form = FORMS["signal"]
    explainer, (sample, _, _) = Explainer(detector(form)), planted(form)
    whole, _ = explainer.integrated_gradients(sample, [0], 0.0, 64, most_steps=64)
    monkeypatch.setattr(explainer, "_most", 5)
    pieces, _ = explainer.integrated_gradients(sample, [0], 0.0, 64, most_steps=64)
    np.testing.assert_allclose(pieces, whole, rtol=1e-4, atol=1e-5)
