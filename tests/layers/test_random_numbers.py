from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from trainer.layers import Dropout, random_numbers

_COUNT = 2**18  # numbers of a test


def _lowbias32(value: int) -> int:
    """Returns what the source's C code does, in Python's integers."""
    value ^= value >> 16
    value = value * 0x7FEB352D % 2**32
    value ^= value >> 15
    value = value * 0x846CA68B % 2**32
    return value ^ value >> 16


def _word(seed: int, step: int, row: int, column: int) -> int:
    key = _lowbias32((_lowbias32((seed + 0x9E3779B9) % 2**32) + step) % 2**32)
    own = _lowbias32(_lowbias32((row + 0x9E3779B9) % 2**32) ^ key)
    return _lowbias32(own ^ _lowbias32((column + 0x85EBCA6B) % 2**32))


@pytest.mark.parametrize(("seed", "step"), [(0, 0), (3, 1), (2**31 - 1, 2**33 + 5), (-4, -1)])
@pytest.mark.parametrize("compiled", [False, True])
def test_numbers_are_those_of_the_source_however_they_are_computed(seed: int, step: int, compiled: bool) -> None:
    expected = [[_word(seed, step, row, column) for column in range(7)] for row in range(5)]

    def words(step: tf.Tensor) -> tuple[tf.Tensor, ...]:
        rows, columns = step - step + 5, 7 + tf.cast(step - step, tf.int32)
        few, others = random_numbers.words(seed, step, 5, 7), tf.range(2, 5)
        if compiled:
            return few, random_numbers.words(seed, step, others, 7)
        every = random_numbers.words(seed, step, tf.range(rows), columns)
        return few, random_numbers.words(seed, step, others, 7), every

    whole, some, *unknown = tf.function(words, jit_compile=compiled)(tf.constant(step, tf.int64))
    np.testing.assert_array_equal(whole, expected)
    np.testing.assert_array_equal(some, expected[2:])
    for one in unknown:
        np.testing.assert_array_equal(one, expected)


def _bits(words: Any) -> np.ndarray:
    """Returns 32 rows, one for each bit, as -1 and 1."""
    values = np.asarray(words).reshape(-1)
    return np.stack([(values >> bit & 1) * 2.0 - 1 for bit in range(32)])


def _sigmas(products: np.ndarray) -> float:
    """Returns how far the farthest mean of many -1 and 1 is from 0, in standard errors."""
    return float(np.abs(products.mean(-1)).max() * np.sqrt(products.shape[-1]))


@pytest.mark.parametrize("shape", [(64, _COUNT // 64), (_COUNT // 16, 16)])
def test_each_bit_is_set_half_the_time_and_independent_of_its_neighbours(shape: tuple[int, int]) -> None:
    words = random_numbers.words(0, 7, *shape).numpy()
    bits = _bits(words)
    assert _sigmas(bits) < 5
    assert _sigmas(bits[:-1] * bits[1:]) < 5
    assert _sigmas(bits[:, :-1] * bits[:, 1:]) < 5  # the next column
    assert _sigmas(bits[:, : -shape[1]] * bits[:, shape[1] :]) < 5  # the next row


@pytest.mark.parametrize(("seed", "step"), [(1, 0), (0, 1), (0, 64), (1, 1), (2**16, 0), (0, 2**16)])
def test_other_steps_and_seeds_are_independent(seed: int, step: int) -> None:
    shape = (512, _COUNT // 2048)
    one, other = (random_numbers.words(*which, *shape).numpy() for which in ((0, 0), (seed, step)))
    assert _sigmas(_bits(one) * _bits(other)) < 5
    turned = np.roll(other, 1, axis=0)
    assert _sigmas(_bits(one) * _bits(turned)) < 5
    assert np.mean(one == other) < 1e-4


def test_equal_words_are_as_rare_as_by_chance() -> None:
    words = np.concatenate([random_numbers.words(0, step, 256, 64).numpy().reshape(-1) for step in range(32)])
    repeated = len(words) - len(np.unique(words))
    expected = len(words) ** 2 / 2**33
    assert abs(repeated - expected) < 6 * np.sqrt(expected)


def test_uniform_numbers_fill_their_range_evenly() -> None:
    numbers = random_numbers.uniform(5, 2, 64, _COUNT // 64, low=2.0, high=6.0).numpy().reshape(-1)
    counts, _ = np.histogram(numbers, 256, (2.0, 6.0))
    expected = _COUNT / 256
    chi_squared = np.sum((counts - expected) ** 2 / expected)
    assert numbers.min() >= 2
    assert numbers.max() < 6
    assert abs(chi_squared - 255) < 6 * np.sqrt(2 * 255)


def test_noise_is_nearly_normal() -> None:
    numbers = random_numbers.noise(0, 0, 64, _COUNT // 64).numpy().reshape(-1)
    assert numbers.mean() == pytest.approx(0, abs=0.005)
    assert numbers.std() == pytest.approx(1, abs=0.005)
    within = [np.mean(np.abs(numbers) < deviations) for deviations in (1, 2, 3)]
    assert within == pytest.approx([0.683, 0.954, 0.997], abs=0.02)


@pytest.mark.parametrize("rate", [1e-6, 0.01, 0.1, 0.3, 0.5, 0.999, 1 - 1e-7])
@pytest.mark.parametrize("columns", [1, 7, 4096])
def test_a_share_is_dropped_to_the_chance_of_its_number(rate: float, columns: int) -> None:
    rows = _COUNT // 4096
    kept, share = random_numbers.kept(rate, 0, 3, rows, columns)
    assert kept.shape == (rows, columns)
    assert share == pytest.approx(rate, abs=2**-16)
    dropped = 1 - np.mean(kept)
    assert abs(dropped - share) < 5 * np.sqrt(share * (1 - share) / (rows * columns)) + 1e-9


@pytest.mark.parametrize("shape", [(6, 4, 5, 3), (6, 7)])
@pytest.mark.parametrize("whole_maps", [False, True])
def test_masks_are_the_same_whether_compiled_or_not(shape: tuple[int, ...], whole_maps: bool) -> None:
    masks = []
    for compiled in (False, True):
        layer = Dropout(0.4, whole_maps=whole_maps, seed=5)
        layer.build(shape)
        run = tf.function(lambda inputs, layer=layer: layer(inputs, training=True), jit_compile=compiled)
        masks.append(np.stack([run(tf.ones(shape)) for _ in range(3)]))
    np.testing.assert_array_equal(*masks)
