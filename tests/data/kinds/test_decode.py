import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.data.images import BROKEN, DEEP, HEIGHT, READABLE, WIDTH
from tests.data.making import encoded, noise
from trainer.data.form import Form
from trainer.data.kinds.image.decode import decode, make_decoder
from trainer.data.kinds.image.fit import fit_all, grey
from trainer.data.kinds.image.header import Header


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
