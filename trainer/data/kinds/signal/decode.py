"""Decodes a WAVE file to a signal, in the same way in training and in the exported model."""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.image.reading import chosen, only_where
from trainer.data.kinds.kind import Decode
from trainer.data.kinds.signal.header import Header
from trainer.data.kinds.signal.reading import Layout, follow_layout, read_layout
from trainer.data.kinds.signal.resample import resample

_MARGIN = 64  # positions at the lower rate that are decoded behind those that are kept, so that the cut changes none
_LARGEST = 2.0**60  # of floats, which should be within 1: sums of squares of greater ones are beyond float32
_FINITE = "a value must be finite, and from -2^60 to 2^60"


@dataclasses.dataclass(frozen=True)
class _Known:
    """What is known from the headers of all files, so that no header is read again.

    Attributes:
      formats: `(width, is_float)`, of which each file has one.
      are_alike: whether all have the form's channels.
      are_at_rate: whether all have the form's rate.
      are_long: whether all have the form's length.
      header: what all headers say, but for the frames; nothing where they differ.
    """

    formats: frozenset[tuple[int, bool]]
    are_alike: bool = False
    are_at_rate: bool = False
    are_long: bool = False
    header: Header | None = None


_ANY = _Known(frozenset({*((width, False) for width in (1, 2, 3, 4)), (4, True), (8, True)}))


def make_decoder(headers: Sequence[Header], form: Form) -> Decode:
    """Returns the function from a file's content to a signal of a form, for files with these headers."""
    rate = rate_of(form)
    without_frames = {dataclasses.replace(one, frames=0) for one in headers}
    known = _Known(
        frozenset((one.width, one.is_float) for one in headers),
        all(one.channels == form.channels for one in headers),
        all(one.rate == rate for one in headers),
        all(one.positions(rate or one.rate) >= form.sizes[0] for one in headers),
        headers[0] if len(without_frames) == 1 and headers[0].is_riff else None,
    )
    return lambda encoded: _decode(encoded, form, known)


def exported(form: Form) -> Decode:
    """Returns the function from any WAVE file's content to a signal of a form.

    A file keeps its rate if the form has none, as for series without spacing.
    """
    return lambda encoded: _decode(encoded, form, _ANY)


def rate_of(form: Form) -> int:
    """Returns the sample rate of a form in Hz; 0 if it is unknown."""
    return round(1 / form.spacing[0]) if form.spacing and form.unit == "s" else 0


def decode_whole(encoded: tf.Tensor) -> tf.Tensor:
    """Returns a WAVE file's samples, float32 `(frames, channels)`, integers divided by their greatest magnitude.

    Raises:
      tf.errors.InvalidArgumentError: it is none that can be read, or a value is not finite.
    """
    layout = read_layout(encoded)
    return _values(encoded, layout, layout.frames, _ANY)


def _decode(encoded: tf.Tensor, form: Form, known: _Known) -> tf.Tensor:
    (length,), rate = form.sizes, rate_of(form)
    # Reading each header again takes four times as long, for one second at 16,000 Hz.
    layout = follow_layout(encoded, known.header) if known.header else read_layout(encoded)
    needed = tf.constant(length, tf.int64)
    if rate and not known.are_at_rate:
        margin = _MARGIN * tf.maximum(layout.rate, rate)
        needed = tf.where(layout.rate == rate, needed, -(-(length * layout.rate + margin) // rate))
    values = _values(encoded, layout, tf.minimum(layout.frames, needed), known)
    if not known.are_alike:
        values = _mixed(values, tf.cast(layout.channels, tf.int32), form.channels)
    values = tf.ensure_shape(values, (None, form.channels))
    if rate and not known.are_at_rate:
        values = tf.cond(layout.rate == rate, lambda: values, lambda: resample(values, layout.rate, rate))
    return tf.ensure_shape(values[:length] if known.are_long else fit(values, length), form.shape)


def fit(values: tf.Tensor, length: int) -> tf.Tensor:
    """Returns a signal, `(any, channels)`, cut, or padded at its end with the mean of each channel."""
    values = values[:length]
    missing = length - tf.shape(values)[0]
    padding = tf.repeat(tf.reduce_mean(values, 0, keepdims=True), missing, axis=0)
    return tf.concat([values, padding], 0)


def _values(encoded: tf.Tensor, layout: Layout, frames: tf.Tensor, known: _Known) -> tf.Tensor:
    """Returns the first frames of a file, `(frames, channels)`."""
    data = tf.strings.substr(encoded, layout.start, frames * layout.channels * layout.width)
    formats = sorted(known.formats)
    matches = [(layout.width == width) & (layout.is_float == int(is_float)) for width, is_float in formats]
    functions = [lambda content, one=one: _numbers(content, *one) for one in formats]
    if len(formats) > 1:
        which = tf.argmax(tf.stack(matches), output_type=tf.int32)
        flat = chosen(which, functions, data, tf.TensorSpec((None,), tf.float32))
    elif known.header:
        flat = functions[0](data)
    else:
        with only_where(matches[0], "a file that has changed"):
            flat = functions[0](tf.identity(data))
    return tf.reshape(flat, tf.stack([frames, layout.channels]))


def _numbers(data: tf.Tensor, width: int, is_float: bool) -> tf.Tensor:
    """Returns numbers of so many bytes as float32, `(count,)`; integers from -1 to 1."""
    if is_float:
        values = tf.cast(tf.io.decode_raw(data, tf.float32 if width == 4 else tf.float64), tf.float32)
        with only_where(tf.reduce_all(tf.abs(values) <= _LARGEST), _FINITE):
            return tf.identity(values)
    if width == 1:
        return (tf.cast(tf.io.decode_raw(data, tf.uint8), tf.float32) - 128) * 2.0**-7
    if width == 2:
        return tf.cast(tf.io.decode_raw(data, tf.int16), tf.float32) * 2.0**-15
    if width == 4:
        return tf.cast(tf.io.decode_raw(data, tf.int32), tf.float32) * 2.0**-31
    parts = tf.reshape(tf.io.decode_raw(data, tf.uint8), (-1, 3))
    return tf.cast(tf.bitcast(tf.pad(parts, [[0, 0], [1, 0]]), tf.int32), tf.float32) * 2.0**-31


def _mixed(values: tf.Tensor, channels: tf.Tensor, wanted: int) -> tf.Tensor:
    """Returns a signal with another number of channels.

    Channel i of the result is the mean of channels i, i + wanted, i + 2 wanted, … Of fewer channels each is repeated in
    turn.
    """
    if wanted == 1:
        return tf.reduce_mean(values, 1, keepdims=True)

    def fewer() -> tf.Tensor:
        groups = -(-channels // wanted)
        whole = tf.pad(values, [[0, 0], [0, groups * wanted - channels]])
        counts = (channels - tf.range(wanted) + wanted - 1) // wanted
        return tf.reduce_sum(tf.reshape(whole, (-1, groups, wanted)), 1) / tf.cast(counts, tf.float32)

    return tf.cond(channels >= wanted, fewer, lambda: tf.gather(values, tf.range(wanted) % channels, axis=1))
