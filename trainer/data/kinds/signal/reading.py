"""A WAVE file's header, read in a graph: the same as `Header.read` in Python."""

import dataclasses

import tensorflow as tf

from trainer.data.kinds.image.reading import only_where
from trainer.data.kinds.signal import header
from trainer.data.kinds.signal.header import CHUNK_HEAD, EXTENSIBLE_SIZE, FIRST_CHUNK, FORMAT_SIZE, Header

_FORMAT, _DATA = (int.from_bytes(name, "little") for name in (header.FORMAT, header.DATA))
_FOLLOWING = [int.from_bytes(name, "little") for name in header.FOLLOWING]


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where a file's samples are and what they are; int64 scalars.

    Attributes:
      start: the offset of the first frame.
      frames: how many there are, at least 1.
      channels: values of a frame.
      rate: frames per second.
      width: bytes of a value.
      is_float: 1 where values are floats, else 0.
    """

    start: tf.Tensor
    frames: tf.Tensor
    channels: tf.Tensor
    rate: tf.Tensor
    width: tf.Tensor
    is_float: tf.Tensor


def read_layout(encoded: tf.Tensor) -> Layout:
    """Returns where the samples of a WAVE file's content are.

    Raises:
      tf.errors.InvalidArgumentError: it is none that can be read.
    """
    size = tf.cast(tf.strings.length(encoded), tf.int64)
    fmt, start, length = _chunks(encoded, size)
    part = tf.strings.substr(encoded, fmt, EXTENSIBLE_SIZE)
    fields = tf.io.decode_raw(part, tf.uint8, fixed_length=EXTENSIBLE_SIZE)  # zeros behind the end
    numbers = tf.cast(tf.bitcast(tf.reshape(fields, (-1, 2)), tf.uint16), tf.int64)
    tag, channels, block, bits = numbers[0], numbers[1], numbers[6], numbers[7]
    rate = numbers[2] + 65536 * numbers[3]
    is_extensible = tag == header.EXTENSIBLE
    end = tf.where(is_extensible, fmt + EXTENSIBLE_SIZE, fmt + FORMAT_SIZE)
    tag = tf.where(is_extensible, numbers[12], tag)
    is_known = ~is_extensible | tf.reduce_all(fields[26:] == tf.constant([*header.SUBFORMAT], tf.uint8))
    is_float = tag == header.FLOAT
    width = block // tf.maximum(channels, 1)
    frames = length // tf.maximum(block, 1)
    rules = {
        f"not {header.FILES}": _begins_as_one(encoded),
        header.CUT_OFF: (fmt > 0) & (start > 0) & (end <= size),
        "samples must be PCM or float": is_known & (is_float | (tag == header.PCM)),
        header.RATE_RULE: (channels > 0) & (rate > 0) & (rate <= header.MAXIMUM_RATE),
        header.WIDTH_RULE: _fits(width, bits, is_float) & (width * channels == block),
        header.NO_FRAME: frames > 0,
    }
    # One check instead of one for each rule: an operation takes 3 us.
    broken = tf.logical_not(tf.stack([*rules.values()]))
    first = tf.gather(tf.constant([*rules]), tf.argmax(tf.cast(broken, tf.int32)))
    with only_where(~tf.reduce_any(broken), first):
        return Layout(start, tf.identity(frames), channels, rate, width, tf.cast(is_float, tf.int64))


def _fits(width: tf.Tensor, bits: tf.Tensor, is_float: tf.Tensor) -> tf.Tensor:
    """Returns whether values of so many bits may have so many bytes."""
    floats = _is_one_of(width, header.FLOATS) & (bits == 8 * width)
    integers = _is_one_of(width, header.INTEGERS) & (bits >= tf.minimum(8 * width - 7, 9)) & (bits <= 8 * width)
    return tf.where(is_float, floats, integers)


def follow_layout(encoded: tf.Tensor, of: Header) -> Layout:
    """Returns where the samples of a WAVE file's content are whose header says the same as another, but for the frames.

    Raises:
      tf.errors.InvalidArgumentError: its samples are not where they are in the other.
    """
    size = tf.cast(tf.strings.length(encoded), tf.int64)
    head = tf.io.decode_raw(tf.strings.substr(encoded, 0, of.start), tf.uint8, fixed_length=of.start)
    name, count = tf.unstack(
        tf.cast(tf.bitcast(tf.reshape(head[of.start - CHUNK_HEAD :], (2, 4)), tf.uint32), tf.int64)
    )
    there = size - of.start
    frames = tf.where(count == 0, there, tf.minimum(count, there)) // (of.channels * of.width)
    with only_where((name == _DATA) & (frames > 0), f"a {header.FILES} file that has changed"):
        frames = tf.identity(frames)
    fixed = (tf.constant(value, tf.int64) for value in (of.channels, of.rate, of.width, int(of.is_float)))
    return Layout(tf.constant(of.start, tf.int64), frames, *fixed)


def _begins_as_one(encoded: tf.Tensor) -> tf.Tensor:
    # Not cut out at an offset: of a file that ends before it, TensorFlow's error quotes bytes that are no text.
    head = tf.io.decode_raw(tf.strings.substr(encoded, 0, FIRST_CHUNK), tf.uint8, fixed_length=FIRST_CHUNK)
    begins = tf.reduce_all(head[:4] == tf.constant([[*one] for one in header.BEGINNINGS], tf.uint8), 1)
    return tf.reduce_any(begins) & tf.reduce_all(head[8:] == tf.constant([*header.WAVE], tf.uint8))


def _chunks(encoded: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the offsets of the format and of the samples, 0 where there are none, and the bytes of the samples."""
    zero = tf.constant(0, tf.int64)
    sizes = tf.io.decode_raw(tf.strings.substr(encoded, 0, header.SIZES_END), tf.uint8, fixed_length=header.SIZES_END)
    first = sizes[FIRST_CHUNK : FIRST_CHUNK + 4]
    has_sizes = tf.reduce_all(first == tf.constant([*header.SIZES], tf.uint8))
    unsaid = tf.where(has_sizes, tf.bitcast(sizes[header.SAMPLES_SIZE :], tf.int64), header.UNSAID)

    def step(
        offset: tf.Tensor, fmt: tf.Tensor, start: tf.Tensor, length: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        head = tf.io.decode_raw(tf.strings.substr(encoded, offset, 12), tf.uint8, fixed_length=12)
        name, count, following = tf.unstack(tf.cast(tf.bitcast(tf.reshape(head, (3, 4)), tf.uint32), tf.int64))
        count = tf.where(count == header.UNSAID, unsaid, count)
        own = offset + CHUNK_HEAD
        is_format = (name == _FORMAT) & (fmt == 0) & (count >= FORMAT_SIZE)
        is_data = (name == _DATA) & (start == 0)
        is_open = is_data & (count == 0) & ~_is_one_of(following, _FOLLOWING)
        # An interrupted recorder, or one that wrote to a pipe, leaves a wrong size: the actual content counts.
        there = tf.where(is_open, size - own, tf.minimum(count, size - own))
        return (
            own + tf.where(is_open, size, count + count % 2),
            tf.where(is_format, own, fmt),
            tf.where(is_data, own, start),
            tf.where(is_data, there, length),
        )

    _, fmt, start, length = tf.while_loop(
        lambda offset, fmt, start, length: (offset + CHUNK_HEAD <= size) & ((fmt == 0) | (start == 0)),
        step,
        (tf.constant(FIRST_CHUNK, tf.int64), zero, zero, zero),
        parallel_iterations=1,
    )
    return fmt, start, length


def _is_one_of(value: tf.Tensor, choices: tuple[int, ...] | list[int]) -> tf.Tensor:
    return tf.reduce_any(value == tf.constant(choices, tf.int64))
