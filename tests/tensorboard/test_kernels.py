import numpy as np
import pytest

from trainer.tensorboard.draw import curves, sheets
from trainer.tensorboard.draw.kernels import filters, has_more


@pytest.mark.parametrize("is_first", [True, False])
def test_zero_is_the_middle_of_one_scale_in_every_layer(is_first: bool) -> None:
    kernel = np.zeros((3, 3, 1, 2), np.float32)
    kernel[0, 0, 0, 0], kernel[2, 2, 0, 0] = 2.0, -2.0
    sheet = filters(kernel, "conv1", is_first=is_first)
    colours = {tuple(colour) for colour in sheet.reshape(-1, 3)}
    assert {sheets.DIVERGING[0], sheets.DIVERGING[-1], (247, 246, 246)} <= colours


def test_few_filters_of_a_deeper_layer_are_large_and_all_are_elsewhere() -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 64, 256))
    few, every = filters(kernel, "conv4", rest="filters_all/conv4"), filters(kernel, "conv4", is_all=True)
    assert has_more(kernel)
    assert not has_more(kernel, is_first=True)
    assert not has_more(kernel[..., :12])
    assert len(few) < 700 < len(every)


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


def _is_near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.asarray(np.abs(picture.astype(int) - colour).sum(-1) < 60)


def _first_tile(sheet: np.ndarray) -> np.ndarray:
    """Returns what is within the first frame."""
    is_frame = (sheet == sheets.FRAME).all(-1)
    tops = np.flatnonzero(is_frame.mean(1) > 0.2)
    lefts = np.flatnonzero(is_frame[tops[0]])
    right = lefts[0] + np.flatnonzero(np.diff(lefts, append=lefts[-1] + 2) > 1)[0]
    return sheet[tops[0] + 1 : tops[1], lefts[0] + 1 : right]


def test_a_kernel_of_a_signal_is_a_curve_of_its_weights() -> None:
    kernel = np.zeros((9, 1, 1), np.float32)
    kernel[2], kernel[6] = 1.0, -1.0
    tile = _first_tile(filters(kernel, "conv1", is_first=True))
    ink = _is_near(tile, curves.COLOURS[0])
    assert abs(np.flatnonzero(ink[:4].any(0)).mean() - 2.5 / 9 * tile.shape[1]) < 2
    assert abs(np.flatnonzero(ink[-5:].any(0)).mean() - 6.5 / 9 * tile.shape[1]) < 2


def test_the_strongest_channels_are_lines_and_in_the_order_of_their_strength() -> None:
    kernel = np.zeros((3, 20, 1), np.float32)
    for channel, weight in ((7, 0.3), (12, -1.0), (4, 0.6), (9, 0.1)):
        kernel[:, channel] = weight
    drawn = filters(kernel, "conv2")
    rows = [np.flatnonzero(_is_near(_first_tile(drawn)[:58], one).any(1)).mean() for one in curves.COLOURS[:3]]
    assert rows[1] < rows[2] < rows[0]
    assert not _is_near(drawn, curves.COLOURS[3]).any()


@pytest.mark.parametrize("shape", [(9, 24, 128), (3, 1, 32), (3, 3, 3, 16, 32), (5, 5, 5, 1, 16)])
def test_a_sheet_is_about_as_wide_as_is_shown(shape: tuple[int, ...]) -> None:
    assert filters(np.random.default_rng(0).normal(size=shape), "conv").shape[1] <= 1.2 * sheets.SHOWN


def test_slices_of_a_kernel_are_parted_by_what_no_weight_looks_like() -> None:
    kernel = np.linspace(-1, 1, 27, dtype=np.float32).reshape(3, 3, 3, 1, 1)
    drawn = filters(kernel, "conv1", is_first=True)
    row = drawn[70]
    (edges,) = np.nonzero((row[:-2] == 255).all(-1) & (row[1:-1] == sheets.FRAME).all(-1) & (row[2:] == 255).all(-1))
    assert np.diff(edges).tolist() == [3 * 8 + 3]
