"""Sanity checks of attributions: their correlation with those of the same network with shuffled weights."""

from collections.abc import Iterable

import numpy as np

from trainer.insight.attribution import Explainer


def sanity(
    explainer: Explainer,
    samples: np.ndarray,
    classes: Iterable[int],
    cams: np.ndarray | None,
    paths: np.ndarray,
    *,
    baseline: float | np.ndarray = 0.0,
    draws: int = 2,
) -> dict[str, float]:
    """Returns, for each method, the rank correlation between its maps and those of a `shuffled` network.

    The value is the mean over samples and draws; a single draw is unreliable for Grad-CAM. A value near 1 means that
    the maps show the samples and not what the network has learned. Integrated gradients are summed over channels.
    Elements that equal the baseline are left out, since their attribution is 0 in every network.

    Args:
      explainer: the explainer of the network.
      samples: raw values, as the input of the model.
      classes: one per sample.
      cams: the result of `grad_cam` for the samples; None leaves this method out.
      paths: the result of `integrated_gradients` for the samples.
      baseline: the baseline of `paths`.
      draws: the number of shuffled networks.

    Raises:
      ValueError: samples or classes do not fit the model.

    Source: Adebayo et al., Sanity Checks for Saliency Maps, 2018, section 3.
    """
    values, labels = np.asarray(samples, np.float32), np.asarray(classes)
    seen = (values != np.asarray(baseline, np.float32)).any(axis=-1)
    correlations: dict[str, list[np.ndarray]] = {}
    for draw in range(draws):
        other = explainer.shuffled(draw)
        if cams is not None:
            found = rank_correlation(cams, other.grad_cam(values, labels))
            correlations.setdefault("grad_cam", []).append(found)
        # Ranks settle long before the sum does.
        theirs, _ = other.integrated_gradients(values, labels, baseline, steps=4, most_steps=4)
        found = rank_correlation(_summed(paths, seen), _summed(theirs, seen))
        correlations.setdefault("integrated_gradients", []).append(found)
    return {name: float(np.mean(found)) for name, found in correlations.items()}


def rank_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns Spearman's correlation between the maps of each sample in `a` and `b`, `(batch,)`.

    Equal values have their mean rank. Elements that are NaN in both maps are left out. The correlation with a constant
    map is 0.

    Raises:
      ValueError: the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"`b` must have the shape of a, {a.shape}. Received: shape {b.shape}")
    correlations = np.zeros(len(a))
    for i, maps in enumerate(zip(a, b, strict=True)):
        first, second = (_centred_ranks(values[~np.isnan(values)]) for values in maps)
        scale = np.sqrt((first @ first) * (second @ second))
        if scale:
            correlations[i] = first @ second / scale
    return correlations


def _summed(attributions: np.ndarray, seen: np.ndarray) -> np.ndarray:
    return np.where(seen, attributions.sum(axis=-1), np.nan)


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    """Returns the ranks of the values, flat, with a mean of 0."""
    _, ranks, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    # Doubled, as whole numbers: a constant map is exactly 0.
    return np.asarray((2 * np.cumsum(counts) - counts)[ranks] - values.size, np.float64)
