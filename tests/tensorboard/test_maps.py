import numpy as np

from trainer.tensorboard.draw.maps import feature_maps


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
