"""Image files of every kind, sound and broken."""

import struct
import zlib

import numpy as np
from PIL import Image

from tests.data.making import encoded, noise

HEIGHT, WIDTH = 48, 64
IMAGE = Image.fromarray(noise(0, HEIGHT, WIDTH))
OTHER = IMAGE.rotate(180)
DEEP = Image.fromarray(noise(1, HEIGHT, WIDTH, 1)[..., 0].astype(np.uint16) * 257)

READABLE = {
    "jpeg": encoded(IMAGE, "JPEG"),
    "jpeg, grey": encoded(IMAGE, "JPEG", "L"),
    "jpeg, progressive": encoded(IMAGE, "JPEG", progressive=True),
    "jpeg, cmyk": encoded(IMAGE, "JPEG", "CMYK"),
    "png": encoded(IMAGE),
    "png, grey": encoded(IMAGE, "PNG", "L"),
    "png, one bit": encoded(IMAGE, "PNG", "1"),
    "png, palette": encoded(IMAGE, "PNG", "P"),
    "png, transparent": encoded(IMAGE, "PNG", "RGBA"),
    "png, grey and transparent": encoded(IMAGE, "PNG", "LA"),
    "gif": encoded(IMAGE, "GIF", "P"),
    "gif, moving": encoded(IMAGE.convert("P"), "GIF", save_all=True, append_images=[OTHER.convert("P")]),
    "bmp": encoded(IMAGE, "BMP"),
    "bmp, grey": encoded(IMAGE, "BMP", "L"),
    "bmp, palette": encoded(IMAGE, "BMP", "P"),
    "bmp, transparent": encoded(IMAGE, "BMP", "RGBA"),
    "webp": encoded(IMAGE, "WEBP"),
    "webp, lossless": encoded(IMAGE, "WEBP", lossless=True),
    "webp, transparent": encoded(IMAGE, "WEBP", "RGBA", lossless=True),
}


def _bomb() -> bytes:
    """Returns a PNG of 400 million pixels in a few hundred bytes."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


BROKEN = {
    "empty": (b"", "must be JPEG, PNG, GIF, BMP or WebP"),
    "text": (b"no image", "must be JPEG, PNG, GIF, BMP or WebP"),
    "tiff": (encoded(IMAGE, "TIFF"), "must be JPEG, PNG, GIF, BMP or WebP"),
    "jpeg without its end": (READABLE["jpeg"][:-100], "Invalid JPEG data"),
    "jpeg of its start alone": (READABLE["jpeg"][:8], "Invalid JPEG data"),
    "png without its end": (READABLE["png"][:-60], "Invalid PNG"),
    "png of its start alone": (READABLE["png"][:12], "from 1 to 100,000,000 pixels"),
    "gif without its end": (READABLE["gif"][:60], "a GIF must contain an image"),
    "gif cut in its pixels": (READABLE["gif"][:-300], "Invalid GIF|GIF"),
    "bmp without its end": (READABLE["bmp"][:400], "a BMP must contain all its pixels"),
    "bmp of its start alone": (READABLE["bmp"][:20], "from 1 to 100,000,000 pixels|a BMP must"),
    "webp without its end": (READABLE["webp"][:100], "WebP"),
    "webp that moves": (encoded(IMAGE, "WEBP", save_all=True, append_images=[OTHER]), "a WebP must be one image"),
    "bomb": (_bomb(), "at most|100,000,000 pixels"),
}
