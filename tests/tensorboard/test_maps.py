import numpy as np
import pytest

from trainer.tensorboard.draw import sheets
from trainer.tensorboard.draw.maps import feature_maps
from trainer.tensorboard.draw.scale import Scale


def test_dead_filters_are_crossed_out() -> None:
    maps = {"conv1": np.zeros((6, 6, 3), np.float32)}
    red = np.array([214, 39, 40])

    def count(dead: list[bool]) -> int:
        sheet = feature_maps(np.zeros((6, 6, 1)), maps, {"conv1": np.array(dead)}, "class a")
        return int((sheet == red).all(-1).sum())

    assert count([False, False, False]) == 0
    assert 0 < count([True, False, False]) < count([True, True, False])


def test_every_rank_of_maps() -> None:
    maps = {"signal": np.ones((9, 2)), "image": np.ones((5, 4, 3)), "volume": np.ones((3, 5, 4, 70))}
    dead = {name: np.zeros(values.shape[-1], bool) for name, values in maps.items()}
    sheet = feature_maps(np.zeros((6, 6, 3)), maps, dead, "class a")
    assert sheet.dtype == np.uint8
    assert sheet.shape[2] == 3


def test_the_line_of_a_dead_filter_is_red() -> None:
    maps = {"conv1": np.random.default_rng(0).random((20, 3))}
    red = np.array([214, 39, 40])

    def count(dead: list[bool]) -> int:
        sheet = feature_maps(np.zeros((40, 1)), maps, {"conv1": np.array(dead)}, "class a", Scale("signal"))
        return int((sheet == red).all(-1).sum())

    assert count([False] * 3) == 0
    assert 0 < count([True, False, False]) < count([True, True, False])


@pytest.mark.parametrize("shape", [(150, 6), (12, 20, 1), (16, 16, 16, 1)])
@pytest.mark.parametrize("layers", [2, 8])
def test_a_sheet_is_as_wide_as_is_shown(shape: tuple[int, ...], layers: int) -> None:
    random = np.random.default_rng(0)
    maps = {f"conv{index}": random.random((*shape[:-1], 70)) for index in range(layers)}
    dead = {name: np.zeros(70, bool) for name in maps}
    sheet = feature_maps(random.random(shape), maps, dead, "class a")
    assert sheet.shape[1] <= sheets.SHOWN
    assert sheet.shape[0] < 2000


def test_slices_go_through_the_most_active_position() -> None:
    volume = np.zeros((8, 12, 12, 1))
    volume[1, 9, 2] = 255
    active, elsewhere = np.zeros((4, 6, 6, 2)), np.zeros((4, 6, 6, 2))
    active[0, 4, 1], elsewhere[3, 0, 5] = 1, 1

    def white(maps: np.ndarray) -> int:
        sheet = feature_maps(volume, {"conv": maps}, {"conv": np.zeros(2, bool)}, "class a", Scale("volume"))
        return int((sheet[60:180, 20:160] == 255).all(-1).sum())

    # A position of the map is two of the volume along each axis, of which the later is drawn.
    assert white(active) > white(elsewhere)
