import numpy as np

from trainer.tensorboard.draw import sample
from trainer.tensorboard.draw.augmentation import augmentation


def test_three_channels_are_colours_and_any_others_their_mean() -> None:
    assert (sample.picture(np.full((1, 1, 3), (10, 20, 30)), 1) == (10, 20, 30)).all()
    assert (sample.picture(np.full((1, 1, 2), (10, 20)), 1) == (15, 15, 15)).all()
    assert (sample.picture(np.full((1, 1, 1), np.nan), 1) == 0).all()


def test_opacity_lays_colours_over_a_faint_sample() -> None:
    seen, colours = np.full((1, 2, 1), 200.0), np.full((1, 2, 3), (250, 0, 0), np.uint8)
    mixed = sample.tinted(seen, colours, np.array([[[0.0], [1.0]]]), 2)
    assert (mixed[0] == ((164, 164, 164), (250, 0, 0))).all()


def test_planes_of_every_rank() -> None:
    assert sample.planes(np.zeros((2, 9))).shape == (2, 1, 9)
    assert sample.planes(np.zeros((2, 5, 4))).shape == (2, 5, 4)
    slices = sample.planes(np.arange(24.0).reshape(1, 2, 3, 4))
    assert slices.shape == (1, 3, 4 + 1 + 4)
    assert np.isnan(slices[0, :, 4]).all()
    assert slices[0, 0, 5] == 12


def test_a_thumbnail_is_square() -> None:
    assert sample.thumbnail(np.zeros((5, 7, 3), np.uint8), 8).shape == (8, 8, 3)


def test_augmented_samples_are_beside_their_originals() -> None:
    before, after = np.zeros((3, 84, 84, 1)), np.full((3, 84, 84, 1), 255)
    sheet = augmentation(before, after)
    assert (sheet[60, 20] == 0).all()
    assert (sheet[60, 20 + 84] == 255).all()
