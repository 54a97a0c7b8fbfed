import math

import numpy as np
import pytest

from trainer import data
from trainer.data import moments


@pytest.mark.parametrize("shape", [(50, 7), (9, 5, 4), (6, 5, 4, 3)], ids=["signals", "images", "volumes"])
def test_each_channel_has_its_mean_and_spread(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    samples = (random.normal(size=(*shape, 2)) * (1, 1e3) + (5, -2e4)).astype(np.float32)
    form = data.Form(shape[1:], 2)
    memory = data.Memory(samples, np.zeros(len(samples), np.int32), form)
    axes = tuple(range(len(shape)))
    for found in (moments.scaled(form, samples), moments.of_store(form, memory)):
        np.testing.assert_allclose(found.centre, samples.mean(axes, np.float64), rtol=1e-6)
        np.testing.assert_allclose(found.spread, samples.std(axes, np.float64), rtol=1e-5)
        assert (found.low, found.high, found.sizes) == (-math.inf, math.inf, form.sizes)


def test_a_channel_that_never_changes_has_the_spread_1() -> None:
    samples = np.full((4, 3, 2), (0.0, 1e6), np.float32)
    assert moments.scaled(data.Form((3,), 2), samples).spread == (1.0, 1.0)


def test_a_form_survives_json() -> None:
    form = data.Form((3,), 2, -math.inf, math.inf, (0.5, 1.0), (1.0, 2.0), (0.01,), "s")
    assert data.Form.from_json(form.to_json()) == form
    assert data.Form.from_json({"sizes": [2, 3], "channels": 1, "low": 0.0, "high": 255.0}) == data.Form((2, 3), 1)
