import numpy as np
import pytest

from trainer.tensorboard.draw.kernels import filters


def test_a_filter_of_one_channel_is_grey_and_zero_is_its_middle() -> None:
    kernel = np.zeros((3, 3, 1, 2), np.float32)
    kernel[0, 0, 0, 0], kernel[2, 2, 0, 0] = 2.0, -2.0
    sheet = filters(kernel, "conv1", is_first=True)
    colours = {tuple(colour) for colour in sheet.reshape(-1, 3)}
    assert {(128, 128, 128), (255, 255, 255), (0, 0, 0)} <= colours


def test_a_filter_of_three_channels_has_the_input_s_colours() -> None:
    kernel = np.zeros((3, 3, 3, 1), np.float32)
    kernel[:, :, 0] = 1.0
    assert (255, 128, 128) in {tuple(colour) for colour in filters(kernel, "conv1", is_first=True).reshape(-1, 3)}


def test_a_filter_keeps_its_place_whatever_it_weighs() -> None:
    kernel = np.zeros((3, 3, 1, 4), np.float32)
    kernel[..., 2] = 1.0
    before = filters(kernel, "conv1", is_first=True)
    kernel[..., 0], kernel[..., 2] = 0.5, 1.0
    after = filters(kernel, "conv1", is_first=True)
    changed = np.flatnonzero((before != after).any((0, 2)))
    assert before.shape == after.shape
    assert changed.max() < before.shape[1] / 2  # the first one of two columns or more


@pytest.mark.parametrize(
    "shape", [(9, 24, 16), (3, 24, 1), (3, 3, 1, 1), (5, 3, 64, 300), (1, 1, 2, 5), (3, 3, 3, 8, 6)]
)
@pytest.mark.parametrize("is_first", [True, False])
def test_every_rank_and_any_number_of_channels(shape: tuple[int, ...], is_first: bool) -> None:
    sheet = filters(np.random.default_rng(0).normal(size=shape), "conv", is_first=is_first)
    assert sheet.dtype == np.uint8
    assert sheet.shape[2] == 3


def test_a_kernel_of_zeros_or_without_numbers_can_be_drawn() -> None:
    filters(np.zeros((3, 3, 1, 2)), "conv")
    filters(np.full((3, 3, 4, 2), np.nan), "conv")
