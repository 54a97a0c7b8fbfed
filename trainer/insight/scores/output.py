"""What the scores ask of a model: the output for one class of each sample."""

from collections.abc import Callable, Iterator

import numpy as np

# Samples `(batch, *spatial, channels)` and one class for each to the output for that class, `(batch,)`. The model works
# through them in batches of its own: `trainer.insight.attribution.Explainer` has two such functions.
Output = Callable[[np.ndarray, np.ndarray], np.ndarray]

_MOST_VALUES = 2**22  # of changed samples in memory at once: 16 MB


def pieces(samples: np.ndarray, versions: int) -> Iterator[slice]:
    """Yields slices of samples, so that a number of versions of each slice fits in memory.

    Args:
      samples: `(batch, *spatial, channels)`.
      versions: of each sample.
    """
    at_once = max(1, _MOST_VALUES // (versions * samples[0].size)) if len(samples) else 1
    yield from (slice(first, first + at_once) for first in range(0, len(samples), at_once))


def of_versions(output: Output, changed: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Returns the output for each version of each sample, `(batch, versions)`.

    Args:
      output: of the model.
      changed: `(batch, versions, *spatial, channels)`.
      classes: one per sample.
    """
    count, versions = changed.shape[:2]
    flat = changed.reshape(count * versions, *changed.shape[2:])
    return output(flat, classes.repeat(versions)).reshape(count, versions)


def checked(samples: np.ndarray, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns samples and maps as float32.

    Raises:
      ValueError: the maps are not `(batch, *spatial)` for these samples.
    """
    values, found = np.asarray(samples, np.float32), np.asarray(maps, np.float32)
    if found.shape != values.shape[:-1]:
        raise ValueError(f"`maps` must have the shape {values.shape[:-1]}. Received: shape {found.shape}")
    return values, found
