import numpy as np

from trainer.tensorboard.draw.decides import what_decides


def test_what_decides_lays_heat_over_the_image() -> None:
    image, heat = np.zeros((8, 8, 1)), np.zeros((8, 8))
    heat[2, 3] = 1.0
    plain = what_decides(image, {"a": np.zeros((8, 8))}, "title")
    assert (what_decides(image, {"a": heat}, "title") != plain).any()
