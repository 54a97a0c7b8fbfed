"""Synthetic photographs: JPEGs of realistic size in class folders."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

_DIFFERENT = 200  # the other files are copies; the work of the decoder is the same
_CLASSES = 4


def write(root: Path, count: int, side: int) -> None:
    """Writes images, an eighth of them to the validation split and an eighth to the test split."""
    contents = [encode(seed, side) for seed in range(min(count, _DIFFERENT))]
    for index in range(count):
        part = {0: "validation", 1: "test"}.get(index // _CLASSES % 8, "train")
        folder = root / part / f"kind {index % _CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        # A JPEG may have any bytes after its end; a number there makes the files different.
        (folder / f"{index:07}.jpg").write_bytes(contents[index % len(contents)] + str(index).encode())


def encode(seed: int, side: int) -> bytes:
    """Returns a JPEG of smooth colours, with some edges and grain: about 14 KB for 224 pixels, like a photograph."""
    random = np.random.default_rng(seed)
    few, more = (random.integers(0, most, (squares, squares, 3), np.uint8) for most, squares in ((205, 7), (60, 28)))
    smooth = np.asarray(Image.fromarray(few).resize((side, side), Image.Resampling.BICUBIC), np.float32)
    edges = np.asarray(Image.fromarray(more).resize((side, side), Image.Resampling.NEAREST))
    grain = random.normal(0, 6, (side, side, 1))
    pixels = np.clip(smooth + edges + grain, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=85)
    return stream.getvalue()
