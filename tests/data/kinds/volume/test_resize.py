import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from trainer.data.kinds.volume.resize import fit, resize


def _resized(array: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    return np.asarray(resize(tf.constant(array[None, ..., None]), sizes))[0, ..., 0]


@pytest.mark.parametrize("factors", [(2, 2, 2), (3, 1, 2), (1, 4, 1)])
def test_larger_volumes_are_what_scipy_makes_of_them(factors: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    sizes = tuple(size * factor for size, factor in zip(array.shape, factors, strict=True))
    theirs = ndimage.zoom(array, factors, order=1, grid_mode=True, mode="nearest")
    np.testing.assert_allclose(_resized(array, sizes), theirs, atol=1e-5)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("size", [5, 8, 13, 31])
def test_a_ramp_stays_a_ramp(axis: int, size: int) -> None:
    shape = np.ones(3, int)
    shape[axis] = 20
    ramp = np.broadcast_to(np.arange(20.0).reshape(shape), (20, 20, 20)).astype(np.float32)
    sizes = tuple(size if one == axis else 9 for one in range(3))
    found = np.moveaxis(_resized(ramp, sizes), axis, 0)
    assert np.ptp(found, axis=(1, 2)).max() < 1e-4
    places = (np.arange(size) + 0.5) * 20 / size - 0.5
    inside = (places > 20 / size) & (places < 19 - 20 / size)
    np.testing.assert_allclose(found[inside, 0, 0], places[inside], atol=0.06)  # of a voxel; whole voxels are weighted


def test_a_fine_pattern_becomes_its_mean() -> None:
    stripes = np.zeros((24, 24, 24), np.float32)
    stripes[::2] = 100
    found = _resized(stripes, (6, 6, 6))[1:-1]
    np.testing.assert_allclose(found, 50, atol=1)


def test_is_one_operation_for_a_batch_and_for_each() -> None:
    batch = np.random.default_rng(0).normal(size=(3, 5, 6, 7, 2)).astype(np.float32)
    found = resize(tf.constant(batch), (4, 9, 5)).numpy()
    for index in range(3):
        np.testing.assert_allclose(fit(tf.constant(batch[index]), (4, 9, 5)), found[index], atol=1e-6)
    np.testing.assert_array_equal(fit(tf.constant(batch[0]), (5, 6, 7)), batch[0])
