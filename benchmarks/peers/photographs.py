"""Photographs that nobody has taken: JPEGs as large as such pictures are, written to class folders."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

_DIFFERENT = 200  # of which the others are copies; what a decoder does is the same
_CLASSES = 4


def write(root: Path, count: int, side: int) -> None:
    """Writes so many images, an eighth of them to the validation part and as many to the test part."""
    contents = [encode(seed, side) for seed in range(min(count, _DIFFERENT))]
    for index in range(count):
        part = {0: "validation", 1: "test"}.get(index // _CLASSES % 8, "train")
        folder = root / part / f"kind {index % _CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        # After its end a JPEG may hold anything; with a number, none is a duplicate.
        (folder / f"{index:07}.jpg").write_bytes(contents[index % len(contents)] + str(index).encode())


def encode(seed: int, side: int) -> bytes:
    """Returns a JPEG of smooth colours, with some edges and grain: of 224 pixels some 14 KB, as a photograph's."""
    random = np.random.default_rng(seed)
    few, more = (random.integers(0, most, (squares, squares, 3), np.uint8) for most, squares in ((205, 7), (60, 28)))
    smooth = np.asarray(Image.fromarray(few).resize((side, side), Image.Resampling.BICUBIC), np.float32)
    edges = np.asarray(Image.fromarray(more).resize((side, side), Image.Resampling.NEAREST))
    grain = random.normal(0, 6, (side, side, 1))
    pixels = np.clip(smooth + edges + grain, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=85)
    return stream.getvalue()
