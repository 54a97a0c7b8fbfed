"""Scores of attributions on functions whose answer is known."""

import numpy as np
import pytest

from trainer.insight.cues import same_region
from trainer.insight.scores.curves import area, blurred, deletion, insertion
from trainer.insight.scores.infidelity import falls_of, grid, infidelity, random_boxes, sums_of
from trainer.insight.scores.order import ranks
from trainer.insight.scores.pointing import hits
from trainer.insight.scores.road import imputed, road

SIZES = {1: (40,), 2: (9, 12), 3: (5, 6, 7)}
ranked = pytest.mark.parametrize("rank", SIZES)


def given(rank: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns samples, classes, and the exact attributions of `mean` from 0."""
    random = np.random.default_rng(rank)
    samples = random.uniform(0, 1, (3, *SIZES[rank], 2)).astype(np.float32)
    return samples, np.array([0, 1, 1]), samples.sum(-1) / samples[0].size


def mean(samples: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return samples.reshape(len(samples), -1).mean(1)


@ranked
def test_the_curves_of_a_sum_are_those_of_its_sorted_terms(rank: int) -> None:
    samples, classes, maps = given(rank)
    terms = np.sort(maps.reshape(3, -1), axis=1)[:, ::-1]
    counts = np.rint(np.arange(6) / 5 * terms.shape[1]).astype(int)
    expected = np.stack([terms[:, :count].sum(1) for count in counts], 1)
    falling = deletion(mean, samples, classes, maps, steps=5)
    rising = insertion(mean, samples, classes, maps, start=np.float32(0), steps=5)
    np.testing.assert_allclose(rising, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(falling, expected[:, -1:] - expected, rtol=1e-4, atol=1e-5)
    assert (area(rising) > area(insertion(mean, samples, classes, -maps, start=np.float32(0), steps=5))).all()


@ranked
def test_imputed_positions_are_the_mean_of_their_neighbours(rank: int) -> None:
    samples, _, _ = given(rank)
    removed = np.random.default_rng(0).random((3, *SIZES[rank])) < 0.6
    filled = imputed(samples, removed, tolerance=1e-6)
    np.testing.assert_array_equal(filled[~removed], samples[~removed])
    inner = tuple(size // 2 for size in SIZES[rank])
    around = np.stack(np.meshgrid(*(np.arange(-1, 2),) * rank, indexing="ij"), -1).reshape(-1, rank)
    around = around[np.abs(around).sum(1) > 0]
    weights = 1 / np.square(around).sum(1)
    alone = np.zeros((1, *SIZES[rank]), bool)
    alone[(0, *inner)] = True
    (one,) = imputed(samples[:1], alone, tolerance=1e-6)
    near = np.stack([samples[(0, *(inner + offset))] for offset in around])
    np.testing.assert_allclose(one[inner], weights @ near / weights.sum(), rtol=1e-4)


@ranked
def test_a_smooth_sample_is_imputed_as_it_was_and_noise_comes_on_top(rank: int) -> None:
    flat = np.full((1, *SIZES[rank], 1), 7.0, np.float32)
    removed = np.random.default_rng(0).random((1, *SIZES[rank])) < 0.5
    np.testing.assert_allclose(imputed(flat, removed), flat, rtol=1e-5)
    noisy = imputed(flat, removed, 0.1)
    assert 0.02 < noisy[removed].std() < 0.2
    np.testing.assert_array_equal(noisy[~removed], flat[~removed])


@ranked
def test_road_falls_faster_if_the_most_important_positions_go_first(rank: int) -> None:
    samples, classes, maps = given(rank)
    most = road(mean, samples, classes, maps, (0.0, 0.3))
    least = road(mean, samples, classes, maps, (0.0, 0.3), least_first=True)
    np.testing.assert_allclose(most[:, 0], mean(samples, classes), rtol=1e-5)
    assert (least[:, 1] > most[:, 1]).all()
    with pytest.raises(ValueError, match=r"^`fractions` must be from 0 to below 1\. Received: \(0\.5, 1\.0\)$"):
        road(mean, samples, classes, maps, (0.5, 1.0))


@ranked
def test_exact_attributions_have_no_infidelity(rank: int) -> None:
    samples, classes, maps = given(rank)
    for boxes in (grid(SIZES[rank], 3), random_boxes(SIZES[rank], 9)):
        falls = falls_of(mean, samples, classes, boxes)
        np.testing.assert_allclose(infidelity(falls, sums_of(maps, boxes)), 0, atol=1e-9)
        np.testing.assert_allclose(infidelity(falls, sums_of(1000 * maps, boxes), is_scaled=True), 0, atol=1e-6)
        np.testing.assert_allclose(infidelity(falls, sums_of(-maps, boxes), is_scaled=True), 1)
        assert (infidelity(falls, sums_of(2 * maps, boxes)) > 0).all()


def test_equal_attributions_are_in_an_order_of_their_own() -> None:
    found = ranks(np.zeros((2, 50)))
    np.testing.assert_array_equal(np.sort(found), [np.arange(50)] * 2)
    assert (found[0] != np.arange(50)).any()
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(ranks(np.array([[1.0, 3.0, np.nan, -2.0]])), [[1, 0, 2, 3]])


def test_a_blur_keeps_the_mean_and_takes_the_rest() -> None:
    samples, _, _ = given(2)
    assert blurred(samples).std() < samples.std() / 4
    np.testing.assert_allclose(blurred(samples).mean(), samples.mean(), rtol=0.05)


def test_the_pointing_game() -> None:
    maps, cues = np.zeros((3, 4, 4)), np.zeros((3, 4, 4), bool)
    maps[0, 1, 2] = maps[1, 0, 0] = 1.0
    cues[:, 1, 2] = True
    np.testing.assert_array_equal(hits(maps, cues), [True, False, False])  # an empty map points to nothing
    with pytest.raises(ValueError, match=r"^`cues` must have the shape of maps"):
        hits(maps, cues[:1])


@ranked
def test_names_the_region_that_decides_a_class(rank: int) -> None:
    random, sizes = np.random.default_rng(0), (12,) * rank
    samples, labels = random.uniform(0, 1, (40, *sizes, 1)).astype(np.float32), np.arange(40) % 2
    maps = random.uniform(0, 1, (40, *sizes))
    mark = tuple(slice(2, 5) for _ in sizes)
    assert same_region(maps, samples, labels) == []
    samples[(labels == 1, *mark)] = 3 * random.integers(0, 2, (*(3,) * rank, 1))
    maps[(labels == 1, *(3,) * rank)] = 2
    (cue,) = same_region(maps, samples, labels)
    assert (cue.label, cue.share) == (1, 1.0)
    assert all(part.start <= 3 < part.stop for part in cue.region)


@pytest.mark.parametrize("score", [deletion, insertion, road])
def test_rejects_maps_of_another_shape(score: object) -> None:
    samples, classes, maps = given(2)
    with pytest.raises(ValueError, match=r"^`maps` must have the shape \(3, 9, 12\)\. Received: shape \(3, 9, 11\)$"):
        score(mean, samples, classes, maps[..., 1:])  # type: ignore[operator]
