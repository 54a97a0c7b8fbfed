"""Files of volumes, made by other programs' libraries."""

import gzip
import io
from typing import Any

import numpy as np
from PIL import Image


def npy(array: np.ndarray) -> bytes:
    """Returns an array as an `.npy` file."""
    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


def gif(frames: np.ndarray, **options: Any) -> bytes:
    """Returns uint8 frames, `(count, height, width)` or with 3 channels, as an animated GIF."""
    written = io.BytesIO()
    first, *others = [Image.fromarray(one) for one in frames]
    first.save(written, "GIF", save_all=True, append_images=others, **options)
    return written.getvalue()


def nifti(array: np.ndarray, affine: np.ndarray | None = None, version: int = 1, **scale: float) -> bytes:
    """Returns an array as a NIfTI file; nibabel must be installed.

    Args:
      array: `(x, y, z)` or `(x, y, z, channels)`.
      affine: from voxels to millimetres.
      version: 1 or 2.
      scale: `slope` and `inter`.
    """
    import nibabel

    form = nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image
    image = form(array, np.eye(4) if affine is None else affine)
    image.header.set_slope_inter(scale.get("slope", 1), scale.get("inter", 0))
    return bytes(image.to_bytes())


def compressed(content: bytes) -> bytes:
    """Returns a file as gzip compresses it."""
    return gzip.compress(content, mtime=0)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Returns random bytes."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
