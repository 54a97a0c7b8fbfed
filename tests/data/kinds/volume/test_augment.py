import numpy as np
import pytest
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.volume import augment


def _change(
    volumes: np.ndarray, seed: tuple[int, int] = (0, 0), count: int = 0, first: int = 0, preset: str = "volume"
) -> np.ndarray:
    change = augment.change(preset, count or len(volumes), volumes.shape[1:4], tf.constant(seed))
    return np.asarray(change(tf.constant(volumes, tf.float32), tf.constant(first)))


@pytest.mark.parametrize("shape", [(8, 9, 10, 1), (8, 9, 10, 3), (1, 6, 6, 1)])
def test_follows_from_the_seed_and_differs_for_each(shape: tuple[int, ...]) -> None:
    volumes = np.random.default_rng(0).normal(size=(12, *shape)).astype(np.float32)
    changed = _change(volumes)
    assert changed.shape == volumes.shape
    np.testing.assert_array_equal(changed, _change(volumes))
    assert not np.array_equal(changed, _change(volumes, (1, 0)))
    equal = _change(np.repeat(volumes[:1], 12, 0))
    assert len(np.unique(equal.reshape(12, -1), axis=0)) == 12


def test_some_rows_are_changed_as_in_the_whole_batch() -> None:
    volumes = np.random.default_rng(0).normal(size=(12, 6, 7, 8, 2)).astype(np.float32)
    whole = _change(volumes)
    np.testing.assert_allclose(_change(volumes[4:7], count=12, first=4), whole[4:7], atol=1e-6)


def test_every_axis_stays_where_it_is_and_is_mirrored_half_the_time_or_never() -> None:
    for axis in range(3):
        shape = np.ones(5, int)
        shape[axis + 1] = 16
        ramps = np.broadcast_to(np.arange(16.0).reshape(shape), (60, 16, 16, 16, 1))
        changed = np.moveaxis(_change(ramps, preset="volume_unmirrored"), axis + 1, 1)
        slope = (changed[:, 12] - changed[:, 4]).mean((1, 2, 3)) / 8
        assert slope.min() > 0.5
        assert slope.max() < 1.6
        across = [np.moveaxis(changed, other, 1) for other in (2, 3)]
        for one in across:
            assert np.abs((one[:, 12] - one[:, 4]).mean((1, 2, 3)) / 8).max() < 0.6
        mirrored = np.moveaxis(_change(ramps), axis + 1, 1)
        slope = (mirrored[:, 12] - mirrored[:, 4]).mean((1, 2, 3)) / 8
        assert 15 < (slope < 0).sum() < 45
        assert np.abs(slope).min() > 0.5


def test_no_border_is_seen() -> None:
    bright = np.full((20, 8, 8, 8, 1), 200.0)
    np.testing.assert_allclose(_change(bright), 200, atol=1e-3)


def test_brightness_and_contrast_have_the_scale_of_the_values() -> None:
    volumes = np.random.default_rng(0).normal(size=(40, 8, 8, 8, 1)).cumsum(1)
    small, large = _change(volumes), _change(volumes * 1000 + 50_000)
    np.testing.assert_allclose(small, (large - 50_000) / 1000, atol=0.05)
    shift = (small.mean((1, 2, 3, 4)) - volumes.mean((1, 2, 3, 4))) / volumes.std((1, 2, 3, 4))
    assert 0.05 < shift.std() < 0.5


def _no_look(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    raise AssertionError


@pytest.mark.parametrize("asked", ["volume", "volume_unmirrored", "none"])
def test_what_is_asked_for_is_chosen(asked: str) -> None:
    assert augment.choose_preset(asked, Form((8, 8, 8), 1), _no_look).name == asked


def _blocks(count: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Returns volumes with a small or a large block anywhere."""
    chance = np.random.default_rng(0)
    volumes, targets = chance.normal(100, 10, (count, 16, 16, 16, 1)), np.arange(count) % 2
    for volume, target in zip(volumes, targets, strict=True):
        first = chance.integers(2, 10, 3)
        side = 5 if target else 2
        volume[tuple(slice(one, one + side) for one in first)] += 100
    return volumes.astype(np.float32), targets.astype(np.int32)


def _slopes(axis: int, count: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Returns volumes that grow brighter or darker along an axis."""
    chance = np.random.default_rng(0)
    volumes, targets = chance.normal(100, 10, (count, 16, 16, 16, 1)), np.arange(count) % 2
    shape = np.ones(5, int)
    shape[axis + 1] = 16
    volumes += np.arange(-40, 40, 5).reshape(shape) * np.where(targets, 1, -1).reshape(-1, 1, 1, 1, 1)
    return volumes.astype(np.float32), targets.astype(np.int32)


def _same(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Returns volumes whose classes cannot be told apart."""
    return np.random.default_rng(0).normal(size=(count, 8, 8, 8, 1)), (np.arange(count) % 2).astype(np.int32)


@pytest.mark.parametrize(
    ("samples", "name", "words"),
    [
        (_blocks(), "volume", "mirrored volumes do no harm (80 volumes: "),
        (_slopes(0), "volume_unmirrored", "the direction of axis 1 has meaning (80 volumes: "),
        (_slopes(2), "volume_unmirrored", "the direction of axis 3 has meaning (80 volumes: "),
        (_same(), "volume_unmirrored", "accuracy is too low to judge mirrored volumes (40 volumes: "),
        (_same(2), "volume_unmirrored", "2 volumes: "),
    ],
)
def test_auto_mirrors_only_where_that_is_known_to_be_harmless(
    samples: tuple[np.ndarray, np.ndarray], name: str, words: str
) -> None:
    chosen = augment.choose_preset("auto", Form((16, 16, 16), 1), lambda count, size: samples)
    assert chosen.name == name
    assert words in chosen.reason
    assert "--augment=" in chosen.reason
