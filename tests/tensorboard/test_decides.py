import numpy as np
import pytest

from trainer.tensorboard.draw import curves, sheets
from trainer.tensorboard.draw.decides import tiles, what_decides
from trainer.tensorboard.draw.scale import IMAGES, Scale


def test_what_decides_lays_heat_over_the_image() -> None:
    image, heat = np.zeros((8, 8, 1)), np.zeros((8, 8))
    heat[2, 3] = 1.0
    plain = what_decides(image, {"a": np.zeros((8, 8))}, "title")
    assert (what_decides(image, {"a": heat}, "title") != plain).any()


@pytest.mark.parametrize(("sign", "strong"), [(1, 0), (-1, 2)])
def test_along_a_signal_red_speaks_for_the_class_and_blue_against_it(sign: int, strong: int) -> None:
    signal, values = np.sin(np.arange(100.0) / 9)[:, None], np.full(100, -1e-9)
    values[40:60] = sign
    drawn = what_decides(signal, {"a": values}, "title", Scale("signal", -1, 1))[-92:].astype(int)
    stronger = drawn[..., strong] - drawn[..., 2 - strong]
    columns = np.flatnonzero((stronger > 30).any(0))
    left = 5 + curves.MARGIN  # the frame, and the numbers
    assert columns.tolist() == [*range(left + 120, left + 180)]
    assert stronger.min() > -10


def test_slices_go_through_what_decides() -> None:
    volume, heat = np.zeros((9, 9, 9, 1)), np.zeros((9, 9, 9))
    heat[2, 7, 1] = 1.0
    drawn = what_decides(volume, {"Grad-CAM": heat, "b": -heat}, "title", Scale("volume"))
    drawn = drawn[60:]  # without the legend
    yellow = (np.abs(drawn.astype(int) - (233, 236, 154)) < 12).all(-1)  # 0.9 of the last colour of heat
    assert yellow.sum() == 3 * 7 * 7  # pixels of a voxel, in each slice
    assert drawn.shape[1] <= sheets.SHOWN


def test_a_signed_map_diverges_about_zero_and_an_unsigned_one_is_heat_whatever_its_values() -> None:
    image, some = np.zeros((8, 8, 1)), np.zeros((8, 8))
    some[2:5, 3] = 1.0
    pictures = [tiles(image, {name: some}, IMAGES)[1] for name in ("occlusion", "Grad-CAM")]
    red, yellow = (picture[picture.shape[0] // 3, picture.shape[1] * 7 // 16].astype(int) for picture in pictures)
    assert red[0] - red[1] > 60
    assert yellow[1] - yellow[2] > 60


def test_noise_of_a_large_image_is_smoothed_and_one_outlier_leaves_the_rest_visible() -> None:
    values = np.random.default_rng(0).normal(size=(100, 100))
    values[0, 0] = 1000.0
    image = np.zeros((100, 100, 1))
    one, zero = (tiles(image, {"integrated gradients": each})[1].astype(int) for each in (values, 0 * values))
    assert np.abs(one - zero).sum(-1)[20:].mean() > 30


def test_nothing_decides() -> None:
    for shape in ((50, 2), (8, 8, 3), (8, 8, 8, 1)):
        what_decides(np.zeros(shape), {"a": np.zeros(shape[:-1])}, "title")
        what_decides(np.zeros(shape), {}, "title")
