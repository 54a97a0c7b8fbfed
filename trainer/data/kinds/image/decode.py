"""Decodes an image to pixels, in the same way in training and in the exported model."""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.image import orientation
from trainer.data.kinds.image.bmp import decode_bmp
from trainer.data.kinds.image.exif import UPRIGHT
from trainer.data.kinds.image.fit import fit, grey
from trainer.data.kinds.image.gif import decode_gif
from trainer.data.kinds.image.header import FORMATS, JPEG_RULE, MAGICS, WEBP_MOVES, WEBP_RULE, Header
from trainer.data.kinds.image.reading import chosen, limit, numbers, only_where
from trainer.data.kinds.kind import Decode

_RATIOS = (2, 4, 8)  # by which a JPEG can be made smaller while it is decoded
# Adobe's marker, "no transform": the values of four colours are stored as 255 less, as all programs write them.
_INVERTED = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"


def decode(encoded: tf.Tensor, size: tuple[int, ...], channels: int) -> tf.Tensor:
    """Returns the pixels of a JPEG, PNG, GIF, BMP or WebP file, `(height, width, channels)`, uint8 from 0 to 255.

    The content decides the format. The image is turned and mirrored by its EXIF orientation. The whole image
    is resized, whatever its shape was; an image of the right size is left unchanged. Values of 16 bits
    are divided by 257. Transparency is ignored: a pixel has its stored colour. Of several
    frames, the first is taken; an animated WebP, a compressed BMP and a JPEG of more than 8
    bits are refused.

    Args:
      encoded: the file's content, a scalar string.
      size: `(height, width)`.
      channels: 1 for grey, 3 for colour.

    Raises:
      tf.errors.InvalidArgumentError: it is not such an image, is broken, or has more than 100 million pixels.
    """
    return _decode(encoded, size, channels, is_plain=False, only="")


def make_decoder(headers: Sequence[Header], form: Form) -> Decode:
    """Returns the function from a file's content to pixels of a form, for files with these headers."""
    size, channels = form.sizes, form.channels
    is_plain = all(header.is_plain for header in headers)
    fitting = (header.format == "JPEG" and (header.height, header.width) == size for header in headers)
    if channels == 3 and is_plain and all(fitting):
        # The same as `decode`; detecting the format of each image took a sixth of the time.
        return lambda encoded: tf.reshape(_jpeg(encoded, channels), form.shape)
    formats = {header.format for header in headers}
    only = min(formats) if len(formats) == 1 else ""
    return lambda encoded: _decode(encoded, size, channels, is_plain, only)


def exported(form: Form) -> Decode:
    """Returns the function from any image's content to pixels of a form."""
    return lambda encoded: decode(encoded, form.sizes, form.channels)


def _decode(encoded: tf.Tensor, size: tuple[int, ...], channels: int, is_plain: bool, only: str) -> tf.Tensor:
    """Decodes as `decode`, without the steps that the headers of all files have made unnecessary.

    Args:
      encoded: the file's content.
      size: `(height, width)`.
      channels: 1 or 3.
      is_plain: whether no image has an orientation; see `Header.is_plain`.
      only: the format of all images, or empty.
    """
    rest = _rest(size, channels, is_plain, only)
    if only != "JPEG" or not is_plain:
        return tf.reshape(rest(encoded), (*size, channels))

    height, width, found = tf.unstack(tf.io.extract_jpeg_shape(encoded))
    is_direct = (height == size[0]) & (width == size[1]) & (found <= channels)
    # A JPEG of the right size has a call of its own: other operations in a graph take time even if they do not run,
    # a quarter of the decoding.
    image = tf.cond(is_direct, lambda: _jpeg(encoded, channels), lambda: rest(encoded))
    return tf.reshape(image, (*size, channels))


@functools.cache
def _rest(size: tuple[int, ...], channels: int, is_plain: bool, only: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the decoder of every kind of image, as one operation of a graph."""

    def turned(image: tf.Tensor, noted: Callable[[tf.Tensor], tf.Tensor], encoded: tf.Tensor) -> tf.Tensor:
        return image if is_plain else orientation.upright(image, noted(encoded))

    readers: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
        "JPEG": lambda encoded: _decode_jpeg(encoded, size, channels, is_plain),
        "PNG": lambda encoded: turned(_decode_png(encoded, channels), orientation.in_png, encoded),
        "BMP": lambda encoded: _coloured(decode_bmp(encoded), channels),
        "GIF": lambda encoded: _coloured(decode_gif(encoded), channels),
        "WebP": lambda encoded: turned(_decode_webp(encoded, channels), orientation.in_webp, encoded),
    }

    def decode_any(encoded: tf.Tensor) -> tf.Tensor:
        if only:
            return fit(readers[only](encoded), size)
        begins = [tf.strings.substr(encoded, 0, len(magic)) == magic for magic in MAGICS.values()]
        which = tf.argmax(tf.stack([*begins, True]), output_type=tf.int32)
        functions = [*(readers[name] for name in MAGICS), lambda encoded: _refuse(channels)]
        return fit(chosen(which, functions, encoded, tf.TensorSpec((None, None, channels), tf.uint8)), size)

    as_one: Callable[[tf.Tensor], tf.Tensor] = tf.function(
        decode_any,
        input_signature=[tf.TensorSpec((), tf.string)],
        autograph=False,
        experimental_attributes={"_noinline": True},
    )
    return as_one


def _jpeg(encoded: tf.Tensor, channels: int, ratio: int = 1) -> tf.Tensor:
    # The default differs from what all other programs decode by up to 16 of 255, and is no faster.
    return tf.io.decode_jpeg(encoded, channels=channels, ratio=ratio, dct_method="INTEGER_ACCURATE")


def _decode_jpeg(encoded: tf.Tensor, size: tuple[int, ...], channels: int, is_plain: bool) -> tf.Tensor:
    height, width, found = tf.unstack(tf.io.extract_jpeg_shape(encoded))
    turn = tf.constant(UPRIGHT) if is_plain else orientation.in_jpeg(encoded)
    high, wide = tf.where(turn >= 5, size[1], size[0]), tf.where(turn >= 5, size[0], size[1])
    with limit(height, width), only_where((found == 1) | (found == 3) | (found == 4), JPEG_RULE):
        smaller = tf.minimum(height // high, width // wide)

    def at(wanted: int, content: tf.Tensor) -> tf.Tensor:
        def reduced() -> tf.Tensor:
            index = tf.cast(smaller >= 4, tf.int32) + tf.cast(smaller >= 8, tf.int32)
            return tf.switch_case(index, [lambda r=r: _jpeg(content, wanted, r) for r in _RATIOS])

        # Most often the image is to keep its size, and a switch costs as much as a tenth of the decoding.
        return tf.cond(smaller < 2, lambda: _jpeg(content, wanted), reduced)

    def colours() -> tf.Tensor:
        return at(3, tf.cond(found == 4, lambda: _inverted(encoded), lambda: encoded))

    image = tf.cond(found == 1, lambda: at(1, encoded), lambda: grey(colours())) if channels == 1 else colours()
    return image if is_plain else orientation.upright(image, turn)


def _inverted(encoded: tf.Tensor) -> tf.Tensor:
    """Returns a JPEG of four colours with Adobe's marker, without which the decoder does not invert them."""
    return tf.strings.join([b"\xff\xd8", _INVERTED, tf.strings.substr(encoded, 2, -1)])


def _decode_png(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    width, height = tf.unstack(numbers(encoded, 16, 2, tf.int32, little=False))
    bits, colour = tf.unstack(tf.cast(numbers(encoded, 24, 2, tf.uint8), tf.int32))

    def at(wanted: int) -> tf.Tensor:
        return tf.cond(
            bits == 16, lambda: _deep_png(encoded, wanted), lambda: tf.io.decode_png(encoded, channels=wanted)
        )

    with limit(height, width):
        if channels == 3:
            return at(3)
        return tf.cond((colour == 0) | (colour == 4), lambda: at(1), lambda: grey(at(3)))


def _deep_png(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    values = tf.io.decode_png(encoded, channels=channels, dtype=tf.uint16)
    return tf.cast(tf.round(tf.cast(values, tf.float32) / 257), tf.uint8)


def _decode_webp(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    # At most 16,383 pixels a side, 268 million; more than the limit are as an error of memory at the most. Asked for no
    # number of channels, TensorFlow 2.21 writes beyond its memory where the image moves; asked for 3 it refuses
    # transparency.
    start = tf.io.decode_raw(tf.strings.substr(encoded, 0, 21), tf.uint8, fixed_length=21)
    is_extended = tf.reduce_all(start[12:16] == tf.constant([*b"VP8X"], tf.uint8))
    moves = is_extended & (tf.bitwise.bitwise_and(start[20], WEBP_MOVES) != 0)
    with only_where(~moves, WEBP_RULE):
        image = tf.io.decode_webp(encoded, channels=0)[0]
    return _coloured(image[..., :3], channels)


def _coloured(image: tf.Tensor, channels: int) -> tf.Tensor:
    image = tf.ensure_shape(image, (None, None, 3))
    return image if channels == 3 else grey(image)


def _refuse(channels: int) -> tf.Tensor:
    with only_where(tf.constant(False), f"an image must be {FORMATS}"):
        return tf.zeros((1, 1, channels), tf.uint8)
