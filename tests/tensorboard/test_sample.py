import math

import numpy as np
import pytest

from trainer.tensorboard.draw import sample, sheets
from trainer.tensorboard.draw.augmentation import augmentation
from trainer.tensorboard.draw.scale import IMAGES, Scale


def test_three_channels_are_colours_and_any_others_their_mean() -> None:
    assert (sample.picture(np.full((1, 1, 3), (10, 20, 30)), 1) == (10, 20, 30)).all()
    assert (sample.picture(np.full((1, 1, 2), (10, 20)), 1) == (15, 15, 15)).all()
    assert (sample.picture(np.full((1, 1, 1), np.nan), 1) == 0).all()


def test_opacity_lays_colours_over_a_faint_sample() -> None:
    seen, colours = np.full((1, 2, 1), 200.0), np.full((1, 2, 3), (250, 0, 0), np.uint8)
    mixed = sample.tinted(seen, colours, np.array([[[0.0], [1.0]]]), 2)
    assert (mixed[0] == ((164, 164, 164), (250, 0, 0))).all()


def test_a_thumbnail_is_square() -> None:
    assert sample.thumbnail(np.zeros((5, 7, 3), np.uint8), 8).shape == (8, 8, 3)


def test_augmented_samples_are_beside_their_originals() -> None:
    before, after = np.zeros((3, 84, 84, 1)), np.full((3, 84, 84, 1), 255)
    sheet = augmentation(before, after)
    assert (sheet[60, 20] == 0).all()
    assert (sheet[60, 20 + 84] == 255).all()


OPEN = Scale("sample", -math.inf, math.inf)
SHAPES = [(150, 1), (24, 6), (16_000, 2), (12, 9, 1), (12, 9, 3), (16, 16, 16, 1), (20, 9, 12, 3), (1, 1), (1, 1, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [IMAGES, OPEN])
def test_a_sample_of_every_rank(shape: tuple[int, ...], scale: Scale) -> None:
    one = np.random.default_rng(0).normal(100, 50, shape)
    one.flat[0] = np.nan
    colours, opacity = np.zeros((*shape[:-1], 3), np.uint8), np.full((*shape[:-1], 1), 0.5)
    for drawn in (
        sample.picture(one, 160, scale),
        sample.tinted(np.nan_to_num(one), colours, opacity, 160, scale),
        sample.pair(one, one * 2, 160, scale),
        sample.thumbnail(one, 32, scale),
        sample.values(one[..., 0], 60, (0.0, 200.0), sheets.SEQUENTIAL, scale),
    ):
        assert drawn.dtype == np.uint8
        assert drawn.shape[2] == 3
        assert max(drawn.shape) <= 2 * 160 + sample.APART


def test_values_without_bounds_are_drawn_as_the_sample_has_them() -> None:
    image = np.linspace(1000, 1001, 100).reshape(10, 10, 1)
    assert (sample.picture(image, 10) == 255).all()
    drawn = sample.picture(image, 10, OPEN)
    assert (drawn[0, 0], drawn[-1, -1]) == (pytest.approx([0] * 3), pytest.approx([255] * 3))
    assert np.ptp(drawn[5].astype(int)) > 20


@pytest.mark.parametrize("shape", [(10, 10, 1), (10, 10, 10, 1)])
def test_a_change_of_brightness_is_seen(shape: tuple[int, ...]) -> None:
    one = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    drawn = sample.pair(one, one + 0.5, 84, OPEN)
    half = drawn.shape[1] // 2
    assert drawn[:20, half + 5 :].mean() > drawn[:20, : half - 5].mean() + 60


def test_signals_in_a_pair_have_one_axis() -> None:
    one = np.sin(np.arange(100.0))[:, None]
    drawn = sample.pair(one, 4 * one, 160, OPEN)
    heights = [
        np.flatnonzero((part[:50, 40:150] < 128).any((1, 2)))
        for part in (drawn[:, :160], drawn[:, 160 + sample.APART :])
    ]
    assert np.ptp(heights[1]) == pytest.approx(4 * np.ptp(heights[0]), abs=8)
    assert (drawn[:50, :33] == drawn[:50, 160 + sample.APART : 193 + sample.APART]).all()  # the numbers


def test_a_volume_is_drawn_through_the_position_that_is_asked_for() -> None:
    volume = np.zeros((8, 8, 8, 1), np.uint8)
    volume[1, 5, 6] = 255
    assert (sample.picture(volume, 84) == 255).all(-1).sum() < (sample.picture(volume, 84, at=(1, 5, 6)) == 255).all(
        -1
    ).sum()
    opacity = np.ones((8, 8, 8, 1))
    red = np.zeros((8, 8, 8, 3), np.uint8)
    red[1, 5, 6] = (250, 0, 0)
    found = (sample.tinted(volume, red, opacity, 84, at=(1, 5, 6)) == (250, 0, 0)).all(-1)
    assert found.sum() == 3 * 5 * 5  # pixels of a voxel, in each slice
