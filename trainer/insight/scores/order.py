"""The order of a sample's positions by their attribution."""

import numpy as np


def ranks(maps: np.ndarray) -> np.ndarray:
    """Returns the rank of each position within its map, from 0 for the largest attribution; the shape of the maps.

    Equal values are in a random order, always the same: by position, a map that is mostly 0 would be worked through
    from the top.

    Args:
      maps: `(batch, *spatial)`. NaN counts as 0.
    """
    flat = np.nan_to_num(np.asarray(maps, np.float32)).reshape(len(maps), -1)
    mixed = np.random.default_rng(0).permutation(flat.shape[1])
    order = mixed[np.argsort(-flat[:, mixed], axis=1, kind="stable")]
    found = np.empty(flat.shape, np.int32)
    np.put_along_axis(found, order, np.arange(flat.shape[1], dtype=np.int32)[None], axis=1)
    return found.reshape(maps.shape)
