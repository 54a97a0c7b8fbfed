"""The pointing game: whether the maximum of a map is where the cue is known to be."""

import numpy as np


def hits(maps: np.ndarray, cues: np.ndarray) -> np.ndarray:
    """Returns of each sample whether the largest attribution is within its cue, `(batch,)`.

    Args:
      maps: attributions, `(batch, *spatial)`.
      cues: which positions are of the cue, `(batch, *spatial)`.

    Raises:
      ValueError: the shapes differ.

    Source: Zhang et al., Top-down Neural Attention by Excitation Backprop, 2016, section 4.2.
    """
    if maps.shape != cues.shape:
        raise ValueError(f"`cues` must have the shape of maps, {maps.shape}. Received: shape {cues.shape}")
    flat = np.nan_to_num(maps).reshape(len(maps), -1)
    best = flat.argmax(1)
    is_inside = cues.reshape(len(cues), -1)[np.arange(len(cues)), best]
    return np.asarray(is_inside & (np.ptp(flat, axis=1) > 0), bool)
