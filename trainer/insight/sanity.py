"""Whether attributions show what a network has learned: compared with those of the same network, weights shuffled."""

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
    """Returns, by method, the rank correlation of its maps with those of a `shuffled` network.

    It is the mean over samples and draws: one draw of Grad-CAM alone may be anything. Near 1, the maps show the
    samples and not what was learned. Integrated gradients are summed over channels; an element that equals the
    baseline is left out, since it has 0 in any network.

    Args:
      explainer: of the network.
      samples: raw values, as the model takes them.
      classes: one per sample.
      cams: what `grad_cam` returns for them; None leaves it out.
      paths: what `integrated_gradients` returns.
      baseline: from which it does.
      draws: how many shuffled networks.

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
    """Returns, `(batch,)`, Spearman's correlation of each sample's map in `a` with that in `b`.

    Equal values share their mean rank; elements that are NaN in both are left out; where a map is constant, the
    correlation is 0.

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
