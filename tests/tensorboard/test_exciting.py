import numpy as np
import pytest

from trainer.insight.exciting import Exciting
from trainer.tensorboard.draw import sheets
from trainer.tensorboard.draw.exciting import exciting

PALE = (198, 219, 239)


def _drawn(window: tuple[int, ...], channels: int, *, outside: int = 0, centres: bool = False) -> np.ndarray:
    random, rank = np.random.default_rng(0), len(window)
    patches = random.uniform(0, 255, (6, 4, *window, channels)).astype(np.float32)
    patches[:, :, :outside] = np.nan
    kernels = random.normal(size=(6, *(3,) * rank, channels))
    span = tuple(side + 2 for side in window) if centres else window
    values, middles = random.random((6, 4)), np.zeros((6, 4, rank))
    return exciting(
        "conv1", Exciting(np.arange(6), 32, 64, kernels, values.astype(int), values, patches, span, middles)
    )


@pytest.mark.parametrize("channels", [1, 3, 20])
@pytest.mark.parametrize("window", [(9,), (150,), (3, 3), (39, 39), (64, 40), (200, 300), (5, 5, 5), (16, 16, 16)])
def test_a_sheet_is_as_wide_as_is_shown(window: tuple[int, ...], channels: int) -> None:
    for centres in (False, True):
        drawn = _drawn(window, channels, centres=centres)
        assert drawn.dtype == np.uint8
        assert drawn.shape[1] <= sheets.SHOWN
        assert len(drawn) < 1000


@pytest.mark.parametrize("window", [(9,), (9, 9), (9, 9, 9)])
def test_padding_is_pale(window: tuple[int, ...]) -> None:
    counts = [int((_drawn(window, 1, outside=each) == PALE).all(-1).sum()) for each in (0, 1, 3)]
    assert counts[0] == 0
    assert counts[0] < counts[1] < counts[2]


def test_a_dead_layer_says_so() -> None:
    none = np.zeros((0, 4))
    found = Exciting(none[:, 0], 8, 64, np.zeros((0, 3, 3, 1)), none, none, np.zeros((0, 4, 3, 3, 1)), (3, 3), none)
    assert (exciting("conv1", found) == sheets.MARK).all(-1).any()
