import io

import numpy as np
import pytest
from PIL import Image

from tests.data.making import noise
from trainer.data.kinds.coarse import coarse, packed, unpacked


@pytest.mark.parametrize(
    ("shape", "values"), [((100, 2), 64), ((9, 1), 9), ((28, 28, 1), 256), ((12, 40, 3), 192), ((16, 16, 20, 1), 512)]
)
def test_vectors_have_no_mean_and_the_length_1(shape: tuple[int, ...], values: int) -> None:
    samples = np.random.default_rng(0).normal(5, 2, (3, *shape)).astype(np.float32)
    vectors = coarse(samples)
    assert vectors.shape == (3, values)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors.mean(1), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_cells_are_means_where_they_divide_the_sizes() -> None:
    samples = np.random.default_rng(0).integers(0, 256, (2, 64, 32, 3), np.uint8)
    expected = (samples @ [0.299, 0.587, 0.114]).reshape(2, 16, 4, 16, 2).mean((2, 4)).reshape(2, -1)
    expected -= expected.mean(1, keepdims=True)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(coarse(samples), expected, atol=1e-5)


def test_positions_are_shared_by_the_cells_that_divide_them() -> None:
    (vector,) = coarse(np.arange(96, dtype=np.float32)[np.newaxis, :, np.newaxis])  # cells of 1.5 positions
    np.testing.assert_allclose(np.diff(vector), (vector[-1] - vector[0]) / 63, atol=2e-3)


def test_brightness_contrast_size_and_compression_hardly_matter() -> None:
    image = Image.fromarray(noise(3, 96, 128)).resize((320, 240), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=40)
    pixels = np.asarray(image, np.float32)
    (one,) = coarse(pixels[np.newaxis])
    for other in (np.asarray(Image.open(stream)), np.asarray(image.resize((150, 110))), pixels * 0.5 + 20):
        assert np.linalg.norm(coarse(other[np.newaxis])[0] - one) < 0.06
    (another,) = coarse(noise(4, 96, 128)[np.newaxis])
    assert np.linalg.norm(another - one) > 0.5


@pytest.mark.parametrize("value", [0, 7, 255, 1e-20, 3e37, np.nan])
def test_a_sample_that_is_the_same_everywhere_is_like_no_other(value: float) -> None:
    assert not coarse(np.full((2, 30, 30, 1), value, np.float32)).any()


def test_text_keeps_a_vector_nearly() -> None:
    vectors = coarse(np.random.default_rng(0).normal(size=(5, 32, 32, 3)))
    (*found, nothing) = unpacked([packed(vector) for vector in [*vectors, np.zeros(256, np.float32)]])
    assert np.linalg.norm(np.stack(found) - vectors, axis=1).max() < 0.015
    assert not nothing.any()
    assert coarse(np.zeros((0, 8, 8, 1), np.uint8)).shape == (0, 1)
