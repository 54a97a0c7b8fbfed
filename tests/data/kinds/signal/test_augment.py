import numpy as np
import pytest
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.signal import augment

_SCALE = 0.1


def _change(
    signals: np.ndarray, seed: tuple[int, int] = (0, 0), count: int | None = None, first: int = 0
) -> np.ndarray:
    change = augment.change("signal", count or len(signals), signals.shape[1:2], tf.constant(seed))
    return np.asarray(change(tf.constant(signals, tf.float32), tf.constant(first)))


def _waves(count: int, length: int, channels: int = 1) -> np.ndarray:
    """Returns a slow sine with another phase in each signal and channel."""
    phases = np.random.default_rng(0).uniform(0, 6, (count, 1, channels))
    return np.sin(np.linspace(0, 12, length)[None, :, None] + phases)


@pytest.mark.parametrize(("length", "channels"), [(1, 1), (2, 1), (24, 1), (150, 6)])
def test_keeps_the_shape_and_follows_from_the_seed(length: int, channels: int) -> None:
    signals = _waves(16, length, channels)
    changed = _change(signals)
    assert changed.shape == signals.shape
    assert np.isfinite(changed).all()
    np.testing.assert_array_equal(changed, _change(signals))
    if length > 1:
        assert not np.array_equal(changed, _change(signals, (1, 0)))
        assert not np.array_equal(changed, _change(signals, (0, 1)))
        assert len(np.unique(changed.reshape(16, -1), axis=0)) == 16


@pytest.mark.parametrize("rows", [1, 3, 6])
def test_is_the_same_whatever_share_of_the_batch_is_asked(rows: int) -> None:
    signals = _waves(12, 50, 2)
    whole = _change(signals, (5, 7))
    for first in range(0, 12, rows):
        part = _change(signals[first : first + rows], (5, 7), 12, first)
        np.testing.assert_array_equal(part, whole[first : first + rows])


def test_is_the_same_in_a_graph() -> None:
    signals = tf.constant(_waves(6, 40), tf.float32)

    @tf.function(autograph=False)
    def inside(step: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
        return augment.change("signal", 6, (40,), tf.stack([step, 3]))(signals, first)

    np.testing.assert_allclose(
        inside(tf.constant(2), tf.constant(0)), _change(np.asarray(signals), (2, 3)), rtol=1e-5, atol=1e-6
    )


def test_a_changed_signal_stays_near_itself() -> None:
    signals = _waves(200, 150)
    changed = _change(signals)
    own = np.sqrt(np.square(changed - signals).mean((1, 2)))
    other = np.sqrt(np.square(changed - np.roll(signals, 1, 0)).mean((1, 2)))
    assert np.median(own) < 0.2 * np.median(other)
    assert (changed.std((1, 2)) / signals.std((1, 2))).min() > 0.85
    assert (changed.std((1, 2)) / signals.std((1, 2))).max() < 1.15


def test_a_constant_channel_stays_as_it_is() -> None:
    np.testing.assert_allclose(_change(np.full((8, 30, 2), 1e4)), 1e4, rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_what_is_added_is_relative_to_the_signal(factor: float) -> None:
    signals = _waves(8, 60)
    np.testing.assert_allclose(_change(factor * signals) / factor, _change(signals), atol=1e-4)


def test_channels_are_displaced_together() -> None:
    signals = np.repeat(_waves(50, 150), 2, axis=2)
    changed = _change(signals)
    assert np.abs(changed[..., 0] - changed[..., 1]).max() < 0.2  # of two noises
    steep = np.zeros((50, 150, 2))
    steep[:, 75:] = 1
    places = (_change(steep) > 0.5).argmax(1)
    assert np.abs(places[:, 0] - places[:, 1]).max() <= 1
    assert 1 < np.abs(places - 75).max() <= 150 * 0.06
    assert (places != 75).mean() > 0.5


def test_half_of_the_signals_keep_their_highest_frequencies() -> None:
    fast = np.tile([[1.0], [-1.0]], (200, 100, 1)).reshape(200, 200, 1)
    spread = _change(fast).std((1, 2))
    assert 70 < (np.abs(spread - 1) < _SCALE + 0.01).sum() < 130


def test_what_is_asked_for_is_chosen_and_signal_for_auto() -> None:
    def look(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError

    form = Form((8,), 1)
    assert augment.choose_preset("auto", form, look).name == "signal"
    assert augment.choose_preset("none", form, look).name == "none"
    assert "--augment=signal" in augment.choose_preset("signal", form, look).reason
