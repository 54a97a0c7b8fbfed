"""Where lines are drawn."""

import math

import numpy as np
import pytest

from trainer.tensorboard.draw import curves, sheets, strokes, text
from trainer.tensorboard.draw.scale import Scale

OPEN = Scale("signal", -math.inf, math.inf)
PAPER = (255, 255, 255)
GOLDEN = """\
......#......
.....###.....
.....####....
....##.##....
.####...####.
.###.....###.
"""


def _columns(picture: np.ndarray) -> np.ndarray:
    """Returns the columns of a plot's area that have ink above its lower third."""
    height = (len(picture) - 13) * 2 // 3
    area = picture[:height, curves.MARGIN : -4]
    return np.flatnonzero((area < 128).any((0, 2)))


def test_a_line_as_text() -> None:
    area = np.full((6, 13, 3), 255, np.uint8)
    strokes.laid(area, np.array([0.0, 0, 1, 0, 0]), 0.0, 1.0, (0, 0, 0))
    drawn = "\n".join("".join("#" if pixel < 160 else "." for pixel in row) for row in area[..., 0])
    assert drawn + "\n" == GOLDEN


@pytest.mark.parametrize("width", [164, 338])
@pytest.mark.parametrize("length", [24, 150, 1000, 16_000])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.99])
def test_a_pulse_is_drawn_over_its_position(length: int, share: float, width: int) -> None:
    signal = np.zeros((length, 1), np.float32)
    position = int(share * length)
    signal[position] = 1
    inner = width - curves.MARGIN - 4
    columns = _columns(curves.plot(signal, width, OPEN))
    expected = (position + 0.5) / length * inner
    assert columns.min() - 1 <= expected <= columns.max() + 1
    assert len(columns) < inner / length + 8


def test_a_map_is_over_the_positions_of_its_signal() -> None:
    signal, smaller = np.zeros((120, 1)), np.zeros(15)
    signal[64:72], smaller[8] = 1, 1
    above = _columns(curves.plot(signal, 338, OPEN))
    strip = curves.strip(smaller, 338, 17, (0.0, 1.0), label="0", ink=(0, 0, 0))
    below = np.flatnonzero((strip[:8, curves.MARGIN : -4] < 128).any((0, 2)))
    assert abs(above.mean() - below.mean()) < 3


def test_what_is_missing_is_a_gap() -> None:
    signal = np.ones((100, 1))
    signal[40:60] = np.nan
    area = curves.plot(signal, 138, OPEN)[:, curves.MARGIN : -4]
    inked = (area[:45, :, 0] < 160).any(0)
    assert inked[:36].all()
    assert not inked[40:57].any()
    assert inked[60:].all()
    for values in (np.nan, np.inf):
        curves.plot(np.full((5, 2), values), 134, OPEN)


def test_each_channel_has_its_own_line_and_more_than_twelve_are_said() -> None:
    random = np.random.default_rng(0)
    heights = [len(curves.plot(random.normal(size=(50, count)), 338, OPEN)) for count in (1, 2, 6, 12, 13, 40)]
    assert heights == sorted(heights)
    assert heights[4] == heights[5] == heights[3] + text.HEIGHT


def test_a_quiet_channel_looks_quiet() -> None:
    signal = np.random.default_rng(0).normal(size=(100, 1))
    loud, quiet = (
        np.ptp(
            np.flatnonzero(
                (curves.plot(signal, 164, Scale("signal", -math.inf, math.inf, spread))[:50, 40:150] < 128).any((1, 2))
            )
        )
        for spread in ((), (50.0,))
    )
    assert loud > 40
    assert quiet < 12


def test_colours_are_on_the_line_and_behind_it_at_their_positions() -> None:
    signal, colours, opacity = np.zeros((100, 1)), np.zeros((100, 3), np.uint8), np.zeros((100, 1))
    colours[30:40], opacity[30:40] = (255, 0, 0), 0.9
    area = curves.plot(signal, 238, OPEN, colours=colours, opacity=opacity)[:55, curves.MARGIN : -4].astype(int)
    is_red = area[..., 0] - area[..., 2] > 60
    assert np.flatnonzero(is_red.any(0)).tolist() == [*range(60, 80)]
    assert is_red[:, 60:80].all()  # the band
    assert ((area[:, 60:80] - (255, 0, 0)) ** 2).sum(-1).min() < 50**2  # the line
    assert (np.ptp(area[:, 100:120], -1) == 0).all()  # grey on white


@pytest.mark.parametrize(
    ("scale", "other"),
    [(Scale("signal", spacing=(0.1,), unit="s"), Scale("signal", spacing=(0.001,), unit="s")), (Scale(), Scale())],
)
def test_the_axis_is_in_the_unit_of_the_positions(scale: Scale, other: Scale) -> None:
    signal = np.zeros((50, 1))
    one, two = curves.plot(signal, 164, scale), curves.plot(signal, 164, other)
    assert (one[-12:] != two[-12:]).any() == (scale != other)


@pytest.mark.parametrize("taps", [1, 2, 3, 41, 400])
def test_taps_of_a_kernel(taps: int) -> None:
    lines = np.zeros((2, taps))
    lines[0] = 1
    drawn = curves.taps(lines, ["7", "12"], 1.0, 62, 40)
    assert drawn.shape == (40 + sheets.FONT + 2, 62, 3)
    top, middle = drawn[:6].reshape(-1, 3), drawn[17:23].reshape(-1, 3)
    for part, colour in ((top, curves.COLOURS[0]), (middle, curves.COLOURS[1])):
        assert np.abs(part.astype(int) - colour).sum(-1).min() < 160


def test_a_small_one_is_square() -> None:
    random = np.random.default_rng(0)
    for shape in ((1, 1), (150, 1), (100, 6), (16_000, 2)):
        drawn = curves.small(random.normal(size=shape), 32)
        assert drawn.shape == (32, 32, 3)
        assert (drawn[:-1, :-1] != PAPER).any()
