import numpy as np
import pytest
import tensorflow as tf

from tests.data import signs
from trainer.data.form import Form
from trainer.data.kinds.image import augment as augmentation


def _change(preset: str, images: np.ndarray, seed: tuple[int, int] = (0, 0)) -> np.ndarray:
    change = augmentation.change(preset, len(images), images.shape[1:3], tf.constant(seed))
    return np.asarray(change(tf.constant(images, tf.float32), tf.constant(0)))


@pytest.mark.parametrize("preset", ["affine", "photo"])
@pytest.mark.parametrize("channels", [1, 3])
def test_stays_within_what_pixels_may_be_and_follows_from_the_seed(preset: str, channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (16, 10, 14, channels))
    changed = _change(preset, images)
    assert changed.shape == images.shape
    assert changed.min() >= 0
    assert changed.max() <= 255
    np.testing.assert_array_equal(changed, _change(preset, images))
    assert not np.array_equal(changed, _change(preset, images, (1, 0)))
    assert len(np.unique(changed.reshape(16, -1), axis=0)) == 16


def test_photographs_are_mirrored_half_the_time_and_never_upside_down() -> None:
    ramp = np.zeros((200, 9, 9, 1))
    ramp[..., 0] = 100 + np.arange(9)[None, :] * 5 - np.arange(9)[:, None] * 3
    changed = _change("photo", ramp)[..., 0]
    across, down = changed[:, 4, 8] - changed[:, 4, 0], changed[:, 8, 4] - changed[:, 0, 4]
    assert 70 < (across < 0).sum() < 130
    assert (down < 0).all()
    assert 0.5 < np.abs(across).mean() / 40 < 1.1  # a part of at least 0.7 of the side


def test_photographs_show_nothing_from_beyond_their_edge() -> None:
    bright = np.full((50, 9, 9, 3), 200.0)
    changed = _change("photo", bright).reshape(50, -1, 3)
    assert np.ptp(changed, axis=1).max() < 1e-3  # no black corner


def test_photographs_are_seen_in_another_light_of_another_colour() -> None:
    changed = _change("photo", np.full((200, 5, 5, 3), 120.0))[:, 0, 0]
    assert 10 < changed.mean(1).std() < 30
    assert 3 < (changed[:, 0] - changed[:, 2]).std() < 15


def test_a_grey_photograph_stays_one() -> None:
    assert _change("photo", np.full((8, 5, 5, 1), 120.0)).shape == (8, 5, 5, 1)


def test_photographs_that_are_not_mirrored_are_the_same_otherwise() -> None:
    ramp = np.zeros((200, 9, 9, 1))
    ramp[..., 0] = 100 + np.arange(9)[None, :] * 5
    changed, mirrored = _change("photo_unmirrored", ramp)[..., 0], _change("photo", ramp)[..., 0]
    assert (changed[:, 4, 8] > changed[:, 4, 0]).all()
    is_mirrored = mirrored[:, 4, 8] < mirrored[:, 4, 0]
    np.testing.assert_allclose(np.where(is_mirrored[:, None, None], mirrored[..., ::-1], mirrored), changed, atol=1e-3)


def _no_look(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    raise AssertionError


@pytest.mark.parametrize(
    ("asked", "channels", "preset"),
    [("auto", 1, "affine"), ("photo", 1, "photo"), ("affine", 3, "affine"), ("none", 3, "none")],
)
def test_what_is_asked_for_is_chosen_and_affine_for_grey(asked: str, channels: int, preset: str) -> None:
    assert augmentation.choose_preset(asked, Form((8, 8), channels), _no_look).name == preset


@pytest.mark.parametrize(("kind", "preset"), [("arrows", "photo_unmirrored"), ("blobs", "photo")])
def test_auto_mirrors_colours_unless_their_sides_have_meaning(kind: str, preset: str) -> None:
    images, targets = {"arrows": signs.arrows, "blobs": signs.blobs}[kind]()
    chosen = augmentation.choose_preset("auto", Form((32, 32), 3), lambda count, size: (images, targets))
    assert chosen.name == preset
    assert f"({len(images)} images: " in chosen.reason
    assert "--augment=" in chosen.reason
