"""Images that tests make."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def noise(seed: int = 0, height: int = 12, width: int = 16, channels: int = 3) -> np.ndarray:
    """Returns random squares of 4 pixels, `(height, width, channels)`."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, channels), np.uint8)
    return small.repeat(4, 0).repeat(4, 1)


def encoded(pixels: np.ndarray | Image.Image, format: str = "PNG", mode: str = "", **options: Any) -> bytes:
    """Returns pixels as the content of an image file."""
    if isinstance(pixels, np.ndarray):
        pixels = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    stream = io.BytesIO()
    (pixels.convert(mode) if mode else pixels).save(stream, format, **options)
    return stream.getvalue()


def write_classes(root: Path, counts: dict[str, int], **shape: int) -> dict[Path, np.ndarray]:
    """Writes folders of so many images each, and returns what each file's pixels are."""
    written = {}
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            pixels = noise(len(written), **shape)
            path = root / name / f"{index:03}.png"
            path.write_bytes(encoded(pixels))
            written[path] = pixels
    return written
