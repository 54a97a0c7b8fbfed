import functools
import io
import struct
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from tests.data.images import BROKEN, DEEP, HEIGHT, READABLE, WIDTH
from tests.data.making import encoded, noise
from tests.data.variants import COLOURS, EXACT, NEAR, REFUSED, chunk, smooth, tiff, values
from tests.data.variants import DEEP as DEEP_VARIANTS
from trainer.data.form import Form
from trainer.data.kinds.image import exif
from trainer.data.kinds.image.decode import decode, make_decoder
from trainer.data.kinds.image.fit import fit_all, grey
from trainer.data.kinds.image.header import Header
from trainer.data.kinds.image.orientation import in_png


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", READABLE)
def test_reads_what_pillow_reads(name: str, channels: int) -> None:
    content = READABLE[name]
    theirs = np.asarray(Image.open(io.BytesIO(content)).convert("L" if channels == 1 else "RGB"))
    ours = decode(tf.constant(content), (HEIGHT, WIDTH), channels)
    assert ours.dtype == tf.uint8
    assert ours.shape == (HEIGHT, WIDTH, channels)
    difference = np.abs(ours.numpy().astype(int) - theirs.reshape(HEIGHT, WIDTH, channels))
    assert difference.max() <= (2 if name.startswith("jpeg") else 0)


@functools.cache
def _inside(size: tuple[int, int], channels: int) -> Callable[[tf.Tensor], tf.Tensor]:
    return tf.function(lambda content: decode(content, size, channels), input_signature=[tf.TensorSpec((), tf.string)])


def _pillow(content: bytes, channels: int) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Palette images with Transparency")
        upright = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
        return np.asarray(upright).reshape(*upright.size[::-1], channels).astype(int)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [*EXACT, *NEAR])
def test_every_variant_is_what_pillow_reads(name: str, channels: int) -> None:
    content = {**EXACT, **NEAR}[name]
    theirs = _pillow(content, channels)
    difference = np.abs(_inside(theirs.shape[:2], channels)(tf.constant(content)).numpy() - theirs)
    assert difference.max() <= (2 if name in NEAR else 0)
    form = Form(theirs.shape[:2], channels)
    known = make_decoder([Header.read(content)], form)(tf.constant(content))
    np.testing.assert_array_equal(known, _inside(form.sizes, channels)(tf.constant(content)))


@pytest.mark.parametrize("name", DEEP_VARIANTS)
def test_sixteen_bits_are_divided_by_257(name: str) -> None:
    content, channels = DEEP_VARIANTS[name]
    wanted = np.rint(values(16, channels) / 257)[..., : 3 if channels > 2 else 1]
    decoded = _inside(wanted.shape[:2], 3)(tf.constant(content)).numpy()
    np.testing.assert_array_equal(decoded, np.broadcast_to(wanted, decoded.shape))


@pytest.mark.parametrize("name", REFUSED)
def test_rejects_in_a_graph_what_the_header_rejects(name: str) -> None:
    content, _, message = REFUSED[name]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _inside((HEIGHT, WIDTH), 3)(tf.constant(content))


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize(("order", "kind", "before"), [("<", 3, 0), (">", 3, 0), ("<", 4, 3), (">", 4, 40)])
def test_an_image_is_upright_as_its_exif_says(orientation: int, order: str, kind: int, before: int) -> None:
    block = tiff(orientation, order, kind, before)
    for content in _noted(block):
        theirs = _pillow(content, 3)
        header = Header.read(content)
        assert (header.height, header.width) == theirs.shape[:2]
        ours = _inside(theirs.shape[:2], 3)(tf.constant(content)).numpy()
        assert np.abs(ours - theirs).max() <= (2 if header.format == "JPEG" else 0)
        known = make_decoder([header], Form(theirs.shape[:2], 3))(tf.constant(content))
        np.testing.assert_array_equal(known, ours)


def _noted(block: bytes) -> Iterator[bytes]:
    """Yields a JPEG, a PNG and a WebP with a block of EXIF, at every place where there may be one."""
    segment = b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block
    jfif = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xff\xff\xfe\0\4ab"
    for mode in ("RGB", "L", "CMYK"):
        jpeg = encoded(smooth(), "JPEG", mode)
        yield jpeg[:2] + segment + jpeg[2:]
        yield jpeg[:2] + jfif + segment + jpeg[2:]
    content = encoded(COLOURS)
    for at in (content.index(b"IDAT") - 4, len(content) - 12):
        yield content[:at] + chunk(b"eXIf", block) + content[at:]
    for one in (block, b"Exif\0\0" + block):
        yield encoded(COLOURS, "WEBP", lossless=True, exif=one)


def test_broken_exif_is_understood_alike_in_python_and_in_a_graph() -> None:
    inside = tf.function(in_png, input_signature=[tf.TensorSpec((), tf.string)])
    random, block, content = np.random.default_rng(0), tiff(6, before=3), encoded(COLOURS)
    for _ in range(200):
        broken = bytearray(block)
        broken[random.integers(len(block))] = random.integers(256)
        broken = broken[: random.integers(1, len(block) + 1)] if random.random() < 0.5 else broken
        image = content[:33] + chunk(b"eXIf", bytes(broken)) + content[33:]
        assert inside(tf.constant(image)) == exif.orientation(bytes(broken))


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
        with pytest.raises((tf.errors.InvalidArgumentError, tf.errors.CancelledError)):
            inside(tf.constant(READABLE[name][:length]))


def test_jpegs_that_have_the_form_are_decoded_without_a_look_at_each() -> None:
    form, jpeg = Form((HEIGHT, WIDTH), 3), tf.constant(READABLE["jpeg"])
    header = Header("JPEG", HEIGHT, WIDTH, False)
    plain = make_decoder([header, header], form)
    np.testing.assert_array_equal(plain(jpeg), decode(jpeg, form.sizes, 3))
    small = tf.constant(encoded(noise(0, 8, 8), "JPEG"))
    with pytest.raises(tf.errors.InvalidArgumentError):
        plain(small)
    for other in (Header("PNG", HEIGHT, WIDTH, False), Header("JPEG", WIDTH, HEIGHT, False)):
        np.testing.assert_array_equal(make_decoder([header, other], form)(small), decode(small, form.sizes, 3))
    assert make_decoder([header], Form((HEIGHT, WIDTH), 1))(jpeg).shape == (HEIGHT, WIDTH, 1)
