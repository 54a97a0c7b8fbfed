"""A sample as a file."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from trainer.data.kinds.example import example
from trainer.data.kinds.known import BY_RANK


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_a_png(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, channels), np.uint8)
    suffix, content = example(pixels, BY_RANK[2])
    assert suffix == ".png"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))).reshape(pixels.shape), pixels)


@pytest.mark.parametrize(
    "sample",
    [
        np.ones((4, 4, 1), np.float32),
        np.ones((4, 4, 5), np.uint8),
        np.ones((7, 2), np.float32),
        np.ones((2, 3, 4, 1), np.uint8),
    ],
)
def test_other_values_are_an_array(sample: npt.NDArray[np.generic]) -> None:
    suffix, content = example(sample, BY_RANK[sample.ndim - 1])
    assert suffix == ".npy"
    np.testing.assert_array_equal(np.load(io.BytesIO(content)), sample)
