import numpy as np
import pytest

from trainer.tensorboard.draw import images


def test_a_filter_of_one_channel_is_grey_and_zero_is_its_middle() -> None:
    kernel = np.zeros((3, 3, 1, 2), np.float32)
    kernel[0, 0, 0, 0], kernel[2, 2, 0, 0] = 2.0, -2.0
    sheet = images.filters(kernel, "conv1", is_first=True)
    colours = {tuple(colour) for colour in sheet.reshape(-1, 3)}
    assert {(128, 128, 128), (255, 255, 255), (0, 0, 0)} <= colours


def test_a_filter_of_three_channels_has_the_input_s_colours() -> None:
    kernel = np.zeros((3, 3, 3, 1), np.float32)
    kernel[:, :, 0] = 1.0
    assert (255, 128, 128) in {
        tuple(colour) for colour in images.filters(kernel, "conv1", is_first=True).reshape(-1, 3)
    }


def test_a_filter_keeps_its_place_whatever_it_weighs() -> None:
    kernel = np.zeros((3, 3, 1, 4), np.float32)
    kernel[..., 2] = 1.0
    before = images.filters(kernel, "conv1", is_first=True)
    kernel[..., 0], kernel[..., 2] = 0.5, 1.0
    after = images.filters(kernel, "conv1", is_first=True)
    changed = np.flatnonzero((before != after).any((0, 2)))
    assert before.shape == after.shape
    assert changed.max() < before.shape[1] / 2  # the first one of two columns or more


@pytest.mark.parametrize(
    "shape", [(9, 24, 16), (3, 24, 1), (3, 3, 1, 1), (5, 3, 64, 300), (1, 1, 2, 5), (3, 3, 3, 8, 6)]
)
@pytest.mark.parametrize("is_first", [True, False])
def test_every_rank_and_any_number_of_channels(shape: tuple[int, ...], is_first: bool) -> None:
    sheet = images.filters(np.random.default_rng(0).normal(size=shape), "conv", is_first=is_first)
    assert sheet.dtype == np.uint8
    assert sheet.shape[2] == 3


def test_a_kernel_of_zeros_or_without_numbers_can_be_drawn() -> None:
    images.filters(np.zeros((3, 3, 1, 2)), "conv")
    images.filters(np.full((3, 3, 4, 2), np.nan), "conv")


def test_dead_filters_are_crossed_out() -> None:
    maps = {"conv1": np.zeros((6, 6, 3), np.float32)}
    red = np.array([214, 39, 40])

    def count(dead: list[bool]) -> int:
        sheet = images.feature_maps(np.zeros((6, 6, 1)), maps, {"conv1": np.array(dead)}, "class a")
        return int((sheet == red).all(-1).sum())

    assert count([False, False, False]) == 0
    assert 0 < count([True, False, False]) < count([True, True, False])


def test_what_decides_lays_heat_over_the_image() -> None:
    image, heat = np.zeros((8, 8, 1)), np.zeros((8, 8))
    heat[2, 3] = 1.0
    plain = images.what_decides(image, {"a": np.zeros((8, 8))}, "title")
    assert (images.what_decides(image, {"a": heat}, "title") != plain).any()


def test_confusion_matrix_of_few_and_many_classes() -> None:
    assert images.confusion_matrix(np.eye(3, dtype=int), ["cat", "dog", "a long name"]).shape[1] > 100
    assert max(images.confusion_matrix(np.eye(200, dtype=int), [str(i) for i in range(200)]).shape) < 1000


def test_a_sprite_is_square() -> None:
    assert images.sprite(np.zeros((10, 5, 7, 3), np.uint8), 8).shape == (32, 32, 3)
