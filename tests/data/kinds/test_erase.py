import numpy as np
import pytest
import tensorflow as tf

from trainer.data.kinds import erase


@pytest.mark.parametrize("shape", [(40, 2), (20, 30, 3), (8, 9, 10, 1)])
@pytest.mark.parametrize("is_compiled", [False, True])
def test_a_box_of_some_samples_has_their_mean(shape: tuple[int, ...], is_compiled: bool) -> None:
    samples = np.random.default_rng(0).uniform(0, 255, (64, *shape)).astype(np.float32)

    def change(rows: tf.Tensor, first: int, share: float) -> tf.Tensor:
        made = tf.function(
            lambda: erase.change(
                rows, share, tf.constant([3, 5]), count=64, first=tf.constant(first, tf.int64), sizes=shape[:-1]
            ),
            jit_compile=is_compiled,
        )
        return made().numpy()

    found = change(tf.constant(samples), 0, 0.5)
    differs = np.any(found != samples, axis=-1)
    assert 0.3 < np.mean(np.any(differs, axis=tuple(range(1, differs.ndim)))) < 0.7
    for one, other, places in zip(samples, found, differs, strict=True):
        for axis in range(places.ndim):  # a box: along each axis one piece
            along = np.flatnonzero(np.any(places, axis=tuple({*range(places.ndim)} - {axis})))
            assert not len(along) or 0.1 * places.shape[axis] <= len(along) == along[-1] - along[0] + 1
        np.testing.assert_allclose(
            other[places], np.broadcast_to(one.mean(axis=tuple(range(one.ndim - 1))), other.shape)[places], rtol=1e-4
        )
    # However the batch is shared out.
    np.testing.assert_allclose(change(tf.constant(samples[32:]), 32, 0.5), found[32:], rtol=1e-6)
    np.testing.assert_array_equal(change(tf.constant(samples), 0, 1e-9), samples)
