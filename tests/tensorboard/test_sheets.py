import numpy as np
import pytest

from trainer.tensorboard.draw import sheets


def test_pixels_become_squares() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    large = sheets.enlarged(picture, 8)
    assert large.shape == (8, 8, 3)
    assert (large[:4, 4:] == picture[0, 1]).all()


def test_a_large_image_becomes_smaller() -> None:
    assert sheets.enlarged(np.zeros((400, 200, 3), np.uint8), 100).shape == (100, 50, 3)


def test_a_grid_has_so_many_columns() -> None:
    pictures = [np.full((10, 20, 3), value, np.uint8) for value in range(5)]
    sheet = sheets.grid(pictures, [""] * 5, columns=2)
    assert sheet.shape == (3 * (10 + 2 + sheets.GAP) + sheets.GAP, 2 * (20 + 2 + sheets.GAP) + sheets.GAP, 3)


def test_what_lies_below_is_as_wide_as_the_widest() -> None:
    sheet = sheets.below([np.zeros((2, 3, 3), np.uint8), np.zeros((4, 7, 3), np.uint8)])
    assert sheet.shape == (6, 7, 3)
    assert (sheet[:2, 3:] == 255).all()
    assert not sheet[2:].any()


def test_a_title_has_room() -> None:
    title = "a title that is wider than what it is above"
    assert sheets.titled(np.zeros((4, 4, 3), np.uint8), title).shape[1] > sheets.width_of(title)


def test_a_long_title_has_lines() -> None:
    title = "a title that is wider than what TensorBoard shows of a picture, which would leave out some of its pixels"
    assert sheets.width_of(title) > sheets.SHOWN
    drawn = sheets.titled(np.zeros((4, 4, 3), np.uint8), title)
    assert drawn.shape[1] <= sheets.SHOWN
    assert len(drawn) == len(sheets.titled(np.zeros((4, 4, 3), np.uint8), "a")) + sheets.FONT + 2


@pytest.mark.parametrize(("width", "times"), [(10, 35), (100, 3), (175, 2), (176, 1), (350, 1), (500, 1)])
def test_a_picture_is_as_wide_as_it_is_shown(width: int, times: int) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (3, width, 3), np.uint8)
    drawn = sheets.shown(picture)
    assert drawn.shape == (3 * times, max(350, width), 3)
    np.testing.assert_array_equal(drawn[::times, : width * times : times], picture)
    assert (drawn[:, width * times :] == 255).all()


def test_a_grid_is_not_wider_than_is_shown() -> None:
    pictures = [np.zeros((100, 80, 3), np.uint8)] * 20
    assert sheets.grid(pictures, [""] * 20).shape[1] <= sheets.SHOWN
