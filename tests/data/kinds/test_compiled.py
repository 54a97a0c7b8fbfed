"""Augmentation under XLA: the same random numbers, and values within rounding."""

import numpy as np
import pytest
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.known import kind_of

_SHAPES = {
    "affine": [(12, 10, 1), (9, 14, 3)],
    "photo": [(12, 10, 3), (9, 14, 1), (1, 1, 3)],
    "photo_unmirrored": [(12, 10, 3)],
    "signal": [(40, 1), (25, 3), (1, 1)],
    "volume": [(6, 7, 8, 1), (5, 5, 5, 3)],
    "volume_unmirrored": [(6, 7, 8, 1)],
}


@pytest.mark.parametrize(("preset", "shape"), [(name, shape) for name, shapes in _SHAPES.items() for shape in shapes])
def test_compiled_augmentation_is_the_same_within_rounding(preset: str, shape: tuple[int, ...]) -> None:
    form = Form(shape[:-1], shape[-1])
    smooth = np.random.default_rng(0).normal(size=(8, *shape)).cumsum(1).cumsum(-2)
    samples = tf.constant(128 + 10 * smooth / max(1.0, smooth.std()), tf.float32)

    def changed(samples: tf.Tensor, step: tf.Tensor, is_compiled: bool) -> tf.Tensor:
        seed = tf.stack([step, 7])
        return kind_of(form).change(preset, 8, form.sizes, seed, is_compiled=is_compiled)(samples, tf.constant(0))

    step = tf.constant(3)
    plain = changed(samples, step, is_compiled=False)
    compiled = tf.function(lambda samples, step: changed(samples, step, True), jit_compile=True)(samples, step)
    np.testing.assert_allclose(compiled, plain, rtol=1e-4, atol=2e-3)
    assert preset == "signal" or not np.allclose(plain, samples)
