import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.data.making import encoded, noise
from trainer.data.kinds.image.decode import decode, fit_all, grey

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
    "gif without its end": (READABLE["gif"][:60], "Invalid GIF"),
    "bmp without its end": (READABLE["bmp"][:400], "Input size should match"),
    "bmp of its start alone": (READABLE["bmp"][:20], "channels|pixels|Incomplete|bmp|BMP"),
    "bmp of one bit": (encoded(IMAGE, "BMP", "1"), "channels"),
    "webp without its end": (READABLE["webp"][:100], "WebP"),
    "webp that moves": (encoded(IMAGE, "WEBP", save_all=True, append_images=[OTHER]), "WebP Animation"),
    "bomb": (_bomb(), "at most|100,000,000 pixels"),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", READABLE)
def test_reads_what_pillow_reads(name: str, channels: int) -> None:
    content = READABLE[name]
    theirs = np.asarray(Image.open(io.BytesIO(content)).convert("L" if channels == 1 else "RGB"))
    ours = decode(tf.constant(content), (HEIGHT, WIDTH), channels)
    assert ours.dtype == tf.uint8
    assert ours.shape == (HEIGHT, WIDTH, channels)
    difference = np.abs(ours.numpy().astype(int) - theirs.reshape(HEIGHT, WIDTH, channels))
    if name.startswith("jpeg"):  # of a JPEG, colours beyond the cube are cut off before they become grey, or after
        assert difference.mean() < 3
    else:
        assert difference.max() <= 1


def test_sixteen_bits_become_eight() -> None:
    np.testing.assert_array_equal(decode(tf.constant(encoded(DEEP)), (HEIGHT, WIDTH), 1), noise(1, HEIGHT, WIDTH, 1))


def test_grey_pixels_are_the_same_in_colour() -> None:
    pixels = noise(0, HEIGHT, WIDTH, 1)
    for channels in (1, 3):
        np.testing.assert_array_equal(
            decode(tf.constant(encoded(pixels)), (HEIGHT, WIDTH), channels), pixels.repeat(channels, 2)
        )
    np.testing.assert_array_equal(grey(tf.constant(pixels.repeat(3, 2))), pixels)


@pytest.mark.parametrize("size", [(24, 32), (10, 7), (6, 8), (100, 100)])
@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_brings_the_whole_image_to_a_size(name: str, size: tuple[int, int]) -> None:
    smooth = Image.fromarray(noise(2, 8, 8)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    ours = decode(tf.constant(encoded(smooth, name.upper())), size, 3).numpy()
    theirs = np.asarray(smooth.resize(size[::-1], Image.Resampling.BILINEAR)).astype(int)
    assert ours.shape == (*size, 3)
    assert np.abs(ours - theirs).mean() < 6


@pytest.mark.parametrize("ratio", [2, 3, 9])
def test_a_fine_pattern_becomes_its_mean(ratio: int) -> None:
    stripes = np.zeros((ratio * 16, ratio * 16, 1), np.uint8)
    stripes[:, ::2] = 200
    small = fit_all(tf.constant(stripes), (16, 16)).numpy()
    assert abs(small.mean() - stripes.mean()) < 3
    if ratio > 2:
        assert small.std() < 20


def test_is_the_same_in_a_graph() -> None:
    inside = tf.function(lambda content: decode(content, (20, 30), 3), input_signature=[tf.TensorSpec((), tf.string)])
    for content in READABLE.values():
        np.testing.assert_array_equal(inside(tf.constant(content)), decode(tf.constant(content), (20, 30), 3))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", BROKEN)
def test_rejects_what_is_no_image(name: str, channels: int) -> None:
    content, message = BROKEN[name]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decode(tf.constant(content), (HEIGHT, WIDTH), channels)


@pytest.mark.parametrize("name", READABLE)
def test_every_beginning_ends_in_a_plain_error(name: str) -> None:
    inside = tf.function(lambda content: decode(content, (8, 8), 3), input_signature=[tf.TensorSpec((), tf.string)])
    for length in range(0, min(len(READABLE[name]) - 2, 200), 3):
        with pytest.raises(tf.errors.InvalidArgumentError):
            inside(tf.constant(READABLE[name][:length]))
