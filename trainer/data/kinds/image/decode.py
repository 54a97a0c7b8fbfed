"""An encoded image becomes pixels, in the same way in training and in the exported model."""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.image.fit import fit, grey
from trainer.data.kinds.image.header import FORMATS, MAXIMUM_PIXELS, Header
from trainer.data.kinds.kind import Decode

_RATIOS = (2, 4, 8)  # by which a JPEG can be made smaller while it is decoded
_PNG = b"\x89PNG\r\n\x1a\n"


def decode(encoded: tf.Tensor, size: tuple[int, ...], channels: int) -> tf.Tensor:
    """Returns the pixels of a JPEG, PNG, GIF, BMP or WebP file, `(height, width, channels)`, uint8 from 0 to 255.

    What the file is, its content decides. The whole image is brought to the size, whatever its shape was; one that has
    the size already is left as it is. 16-bit values lose their lower byte, transparency and EXIF
    orientation are ignored, and of several frames the first is taken.

    Args:
      encoded: the file's content, a scalar string.
      size: `(height, width)`.
      channels: 1 for grey, 3 for colour.

    Raises:
      tf.errors.InvalidArgumentError: it is no such image, it is broken, or it has more than 100 million pixels.
    """
    rest = _rest(size, channels)

    def jpeg() -> tf.Tensor:
        height, width, found = tf.unstack(tf.io.extract_jpeg_shape(encoded))
        is_plain = (height == size[0]) & (width == size[1]) & ((found < 4) | (channels == 3))
        return tf.cond(is_plain, lambda: tf.io.decode_jpeg(encoded, channels=channels), lambda: rest(encoded))

    # A JPEG that has the size is a call by itself: what is beside it in a graph takes time even where it is not done,
    # a quarter of the decoding.
    image = tf.cond(tf.io.is_jpeg(encoded), jpeg, lambda: rest(encoded))
    return tf.reshape(image, (*size, channels))


def make_decoder(headers: Sequence[Header], form: Form) -> Decode:
    """Returns the function from a file's content to pixels of a form, for files with these headers."""
    size, channels = form.sizes, form.channels
    fitting = (header.format == "JPEG" and (header.height, header.width) == size for header in headers)
    if channels == 3 and all(fitting):
        # The same as `decode`; to ask each image what it is took a sixth of the time.
        return lambda encoded: tf.reshape(tf.io.decode_jpeg(encoded, channels=channels), form.shape)
    return lambda encoded: decode(encoded, size, channels)


@functools.cache
def _rest(size: tuple[int, ...], channels: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns what decodes every image, however rare its kind, as one operation of a graph."""

    def decode_any(encoded: tf.Tensor) -> tf.Tensor:
        start = tf.strings.substr(encoded, 0, len(_PNG))
        cases = [
            (tf.io.is_jpeg(encoded), lambda: _decode_jpeg(encoded, size, channels)),
            (start == _PNG, lambda: _decode_png(encoded, channels)),
            (tf.strings.substr(start, 0, 2) == b"BM", lambda: _decode_bmp(encoded, channels)),
            (tf.strings.substr(start, 0, 4) == b"GIF8", lambda: _decode_gif(encoded, channels)),
            (tf.strings.substr(start, 0, 4) == b"RIFF", lambda: _decode_webp(encoded, channels)),
        ]
        return fit(tf.case(cases, default=lambda: _refuse(channels)), size)

    as_one: Callable[[tf.Tensor], tf.Tensor] = tf.function(
        decode_any,
        input_signature=[tf.TensorSpec((), tf.string)],
        autograph=False,
        experimental_attributes={"_noinline": True},
    )
    return as_one


def _decode_jpeg(encoded: tf.Tensor, size: tuple[int, ...], channels: int) -> tf.Tensor:
    height, width, found = tf.unstack(tf.io.extract_jpeg_shape(encoded))
    with _limit(height, width):
        smaller = tf.minimum(height // size[0], width // size[1])

    def at(wanted: int) -> tf.Tensor:
        def reduced() -> tf.Tensor:
            index = tf.cast(smaller >= 4, tf.int32) + tf.cast(smaller >= 8, tf.int32)
            return tf.switch_case(
                index, [lambda r=r: tf.io.decode_jpeg(encoded, channels=wanted, ratio=r) for r in _RATIOS]
            )

        # Most often the image is to keep its size, and a switch costs as much as a tenth of the decoding.
        return tf.cond(smaller < 2, lambda: tf.io.decode_jpeg(encoded, channels=wanted), reduced)

    if channels == 3:
        return at(3)
    return tf.cond(found == 4, lambda: grey(at(3)), lambda: at(1))  # CMYK has no way to grey in the decoder


def _decode_png(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    width, height = tf.unstack(_numbers(encoded, 16, 2, tf.int32, little=False))
    with _limit(height, width):
        return tf.io.decode_png(encoded, channels=channels)


def _decode_bmp(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    pixels, header, width, height = tf.unstack(_numbers(encoded, 10, 4, tf.int32))
    (bits,) = tf.unstack(_numbers(encoded, 28, 1, tf.uint16))

    begin = 14 + header

    def by_palette() -> tf.Tensor:
        # The decoder gives the positions in the palette as if they were grey values.
        positions = tf.io.decode_bmp(encoded, channels=0)[..., 0]
        is_whole = (begin > 14) & (begin <= pixels) & (pixels <= tf.strings.length(encoded))
        with _only_where(is_whole, "a BMP must hold its palette"):
            colours = tf.io.decode_raw(tf.strings.substr(encoded, begin, pixels - begin), tf.uint8)
        return tf.gather(tf.reshape(colours, (-1, 4))[:, 2::-1], tf.cast(positions, tf.int32))

    with _limit(tf.abs(height), width):
        image = tf.cond(bits == 8, by_palette, lambda: tf.io.decode_bmp(encoded, channels=3))
    return _coloured(image, channels)


def _decode_gif(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    width, height = tf.unstack(tf.cast(_numbers(encoded, 6, 2, tf.uint16), tf.int32))
    with _limit(height, width):
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return _coloured(image, channels)


def _decode_webp(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    # At most 16,383 pixels a side, 268 million; more than the limit are as an error of memory at the most. Asked for no
    # number of channels, TensorFlow 2.21 writes beyond its memory where the image moves; asked for 3 it refuses.
    return _coloured(tf.io.decode_webp(encoded, channels=3)[0], channels)


def _coloured(image: tf.Tensor, channels: int) -> tf.Tensor:
    image = tf.ensure_shape(image, (None, None, 3))
    return image if channels == 3 else grey(image)


def _refuse(channels: int) -> tf.Tensor:
    with _only_where(tf.constant(False), f"an image must be {FORMATS}"):
        return tf.zeros((1, 1, channels), tf.uint8)


def _limit(height: tf.Tensor, width: tf.Tensor) -> tf.control_dependencies:
    """Returns the scope of what is done only where the header asks for no more pixels than there may be."""
    pixels = tf.cast(height, tf.int64) * tf.cast(width, tf.int64)
    rule = f"an image must have from 1 to {MAXIMUM_PIXELS:,} pixels"
    return _only_where((pixels > 0) & (pixels <= MAXIMUM_PIXELS), rule)


def _only_where(condition: tf.Tensor, rule: str) -> tf.control_dependencies:
    # TensorFlow's own function of this name is a branch in the graph, which takes longer than the check.
    check = tf.raw_ops.Assert(condition=condition, data=[rule], summarize=1)
    return tf.control_dependencies([check] if check is not None else [])


def _numbers(encoded: tf.Tensor, offset: int, count: int, dtype: tf.DType, little: bool = True) -> tf.Tensor:
    """Returns the numbers at an offset of a header, `(count,)`; zeros where the file ends before."""
    end = offset + count * dtype.size
    # Not cut out at the offset: of a file that ends before it, TensorFlow's error quotes the bytes, and Python cannot
    # read that.
    start = tf.io.decode_raw(tf.strings.substr(encoded, 0, end), tf.uint8, fixed_length=end)
    parts = tf.reshape(start[offset:], (count, dtype.size))
    return tf.bitcast(parts if little else parts[:, ::-1], dtype)
