import math

import pytest
from scipy import stats

from trainer import interval


# Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998, table I.
@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_intervals_are_the_published_ones(right: int, count: int, low: float, high: float) -> None:
    assert interval.wilson(right / count, count) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("share", "count"), [(0.9, 29), (0.5, 10), (0.9893, 10_000), (0.01, 200)])
def test_the_ends_are_the_shares_that_a_score_test_just_allows(share: float, count: int) -> None:
    z = stats.norm.ppf(0.975)
    for end in interval.wilson(share, count):
        assert abs(share - end) == pytest.approx(z * math.sqrt(end * (1 - end) / count))


@pytest.mark.parametrize("count", [1, 2, 7, 100, 10**7])
def test_the_interval_holds_the_share_and_stays_between_0_and_1(count: int) -> None:
    for right in {0, 1, count // 2, count}:
        low, high = interval.wilson(right / count, count)
        assert 0 <= low <= right / count <= high <= 1
        assert high > low
    assert interval.wilson(0.0, count)[0] == 0
    assert interval.wilson(1.0, count)[1] == 1


@pytest.mark.parametrize(
    ("share", "count", "samples", "text"),
    [
        (0.9893, 10_000, "images", "98.93% (98.71 to 99.11%, 10,000 images)"),
        (1.0, 29, "signals", "100.00% (88.30 to 100.00%, 29 signals)"),
        (0.0, 1, "volumes", "0.00% (0.00 to 79.35%, 1 volume)"),
    ],
)
def test_an_accuracy_is_said_with_its_interval(share: float, count: int, samples: str, text: str) -> None:
    assert interval.percent(share, count, samples) == text
    assert len(f"test accuracy {text}") <= 80


@pytest.mark.parametrize(("share", "count"), [(-0.1, 5), (1.1, 5), (math.nan, 5), (0.5, 0)])
def test_rejects_what_is_no_share_of_samples(share: float, count: int) -> None:
    with pytest.raises(ValueError, match=r"`(share|count)` must be .* Received: "):
        interval.wilson(share, count)
