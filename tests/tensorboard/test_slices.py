"""Three slices through one position of a volume."""

import numpy as np
import pytest

from trainer.tensorboard.draw import sheets, slices
from trainer.tensorboard.draw.scale import Scale

VOLUMES = Scale("volume")


def test_cuts_share_an_axis_with_those_beside_them() -> None:
    values = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    front, side, top = slices.cut(values, (1, 2, 0))
    np.testing.assert_array_equal(front, values[1])
    np.testing.assert_array_equal(side, values[:, :, 0].T)
    np.testing.assert_array_equal(top, values[:, 2])
    np.testing.assert_array_equal(front[:, 0], side[:, 1])  # at the width, and at the depth
    np.testing.assert_array_equal(front[2], top[1])


def test_where_the_parts_are() -> None:
    parts = [np.full((4, 6, 3), 10, np.uint8), np.full((4, 2, 3), 20, np.uint8), np.full((2, 6, 3), 30, np.uint8)]
    drawn = slices.laid_out(parts, (1, 2, 5), 12, VOLUMES)
    text = "\n".join(
        "".join({10: "a", 20: "b", 30: "c", 255: "."}.get(pixel, "+") for pixel in row) for row in drawn[..., 1]
    )
    assert text == "\n".join(
        [
            "aaaaaa....bb",
            "aaaaaa....bb",
            "aaaaaa++++bb",
            "aaaaaa....bb",
            *(".....+.....+",) * 4,
            "cccccc......",
            "cccccc++++..",
        ]
    )
    assert tuple(drawn[2, 7]) == sheets.MARK


@pytest.mark.parametrize("side", [60, 108, 160])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (16, 16, 16), (64, 64, 64), (20, 64, 64), (200, 32, 32), (5, 300, 200)])
def test_it_is_about_as_large_as_is_asked_for(sizes: tuple[int, ...], side: int) -> None:
    volume = np.zeros((*sizes, 3), np.uint8)
    for spacing in ((), (5.0, 1.0, 1.0)):
        scale = Scale("volume", spacing=spacing, unit="mm" if spacing else "")
        at = slices.middle(sizes)
        drawn = slices.laid_out(slices.cut(volume, at), at, side, scale)
        assert max(drawn.shape) <= side + 15 + 2  # a line of text
        assert max(drawn.shape) >= 0.7 * side


def test_axes_are_as_long_as_their_millimetres() -> None:
    volume = np.full((10, 40, 40, 3), 9, np.uint8)
    at = slices.middle(volume.shape[:3])
    drawn = slices.laid_out(slices.cut(volume, at), at, 120, Scale("volume", spacing=(4.0, 1.0, 1.0), unit="mm"))
    inked = (drawn == 9).all(-1)
    assert abs(inked[5].sum() - inked[:, 5].sum()) <= 2
    assert inked.sum() == pytest.approx(3 * 58 * 58, rel=0.05)


def test_the_most_active_position() -> None:
    values = np.zeros((5, 6, 7))
    assert slices.most_active(values) == (2, 3, 3)
    assert slices.most_active(np.full((3, 3, 3), np.nan)) == (1, 1, 1)
    values[4, 1, 2] = 1
    assert slices.most_active(values) == (4, 1, 2)
    values[:] = 0
    values[0:3, 0:3, 4:7] = 2  # a box, as occlusion has it
    assert slices.most_active(values) == (1, 1, 5)


def test_a_slice_is_drawn_where_it_is_cut() -> None:
    volume = np.zeros((8, 8, 8, 3), np.uint8)
    volume[1, 2, 3] = 255
    for at, seen in (((1, 2, 3), 3), ((1, 0, 0), 1), ((0, 0, 3), 1), ((0, 2, 0), 1), ((0, 0, 0), 0)):
        drawn = slices.laid_out(slices.cut(volume, at), at, 36, VOLUMES)
        slots = (drawn[:16, :16], drawn[:16, 20:36], drawn[20:36, :16])
        assert sum(int((slot == 255).all(-1).any()) for slot in slots) == seen
