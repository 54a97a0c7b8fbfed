"""Decodes a volume to voxels: the same in training, in the exported model and for one file."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds import archive, npy
from trainer.data.kinds.image.fit import grey
from trainer.data.kinds.image.reading import chosen, only_where
from trainer.data.kinds.kind import Decode
from trainer.data.kinds.reason import reason_of
from trainer.data.kinds.volume import frames, gif, nifti
from trainer.data.kinds.volume.header import FORMATS, FRAMES, GIF, NIFTI, NPY, Header
from trainer.data.kinds.volume.resize import fit, fit_spaced

_FINITE_RULE = "a volume must contain finite numbers"
_BYTES_RULE = "a volume must contain values from 0 to 255, as the training volumes do"
_AXES_RULE = "a volume must be an array (depth, height, width), or (depth, height, width, channels)"
_IN_GRAPH = (GIF, NPY, FRAMES)  # what TensorFlow reads alone
_OF_IMAGES = (1, 3)  # channels
_SIDE = 32  # of frames that are looked at and not trained on, as of images


def make_decoder(headers: Sequence[Header], form: Form) -> Decode:
    """Returns the function from a file's content to voxels of a form, for files with these headers.

    The voxels are uint8, 0 to 255, where the form is bounded, else float32.
    """
    return _decoder(form, tuple(sorted({header.format for header in headers})))


def exported(form: Form) -> Decode:
    """Returns the function from the content of an `.npy` or GIF file, or of an archive of frames, to voxels of a form.

    NIfTI is not read in a graph: it is compressed, and its axes have any order.
    """
    return _decoder(form, _IN_GRAPH)


def read(content: bytes, form: Form) -> npt.NDArray[Any]:
    """Returns the voxels of any file, converted to a form.

    Raises:
      ValueError: it cannot be read.
    """
    Header.read(content)
    try:
        voxels: npt.NDArray[Any] = _reader(form)(tf.constant(content)).numpy()
    except tf.errors.OpError as error:
        raise _fault(content, form.channels, error) from None
    return voxels


def volume(content: bytes, channels: int | None) -> npt.NDArray[Any]:
    """Returns the voxels of any file as they are, `(depth, height, width, channels)`; frames are 32 x 32 pixels.

    Args:
      content: the whole file.
      channels: that it is brought to; None is as many as it has, 3 of a GIF and of frames.

    Raises:
      ValueError: it cannot be read, or has another number of channels.
    """
    found = Header.read(content)
    try:
        voxels: npt.NDArray[Any] = _whole(found.format, channels)(tf.constant(content)).numpy()
    except tf.errors.OpError as error:
        raise _fault(content, channels or 3, error) from None
    return voxels


def _fault(content: bytes, channels: int, error: tf.errors.OpError) -> ValueError:
    """Returns the problem of a file, and the frame that has it."""
    if archive.is_one(content) and channels in _OF_IMAGES:
        try:
            frames.check(content, channels)
        except ValueError as found:
            return found
    return ValueError(reason_of(error))


@functools.lru_cache(16)
def _reader(form: Form) -> Decode:
    return _as_graph(_decoder(form, (*_IN_GRAPH, NIFTI)))


@functools.lru_cache(16)
def _whole(format: str, channels: int | None) -> Decode:
    def decode(encoded: tf.Tensor) -> tf.Tensor:
        if format == FRAMES:
            return _frames(encoded, (_SIDE, _SIDE), channels or 3)
        if format == NIFTI:
            found = _nifti(encoded)[0]
        else:
            found = _npy(encoded) if format == NPY else _gif(encoded, channels or 3)
        found = found if channels is None or format == GIF else _with_channels(found, channels)
        with only_where(tf.reduce_all(tf.math.is_finite(tf.cast(found, tf.float32))), _FINITE_RULE):
            return tf.identity(found)

    return _as_graph(decode)


def _as_graph(function: Decode) -> Decode:
    graph: Decode = tf.function(function, input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
    return graph


def _decoder(form: Form, formats: Sequence[str]) -> Decode:
    """Returns the function from the content of a file of some formats to voxels of a form."""
    sizes, channels = form.sizes, form.channels

    def of_nifti(encoded: tf.Tensor) -> tf.Tensor:
        voxels, spacing = _nifti(encoded)
        voxels = _with_channels(voxels, channels)
        if not form.spacing:
            return fit(voxels, sizes)
        is_known = tf.size(spacing) > 0
        return tf.cond(is_known, lambda: fit_spaced(voxels, spacing, sizes, form.spacing), lambda: fit(voxels, sizes))

    def in_graph(encoded: tf.Tensor) -> tf.Tensor:
        which = tf.argmax(tf.stack([*_begins(encoded), True]), output_type=tf.int32)
        functions: list[Decode] = [
            lambda encoded: fit(_gif(encoded, channels), sizes),
            lambda encoded: fit(_with_channels(_npy(encoded), channels), sizes),
            lambda encoded: _refuse(form),
        ]
        functions.insert(2, of_frames if FRAMES in formats else functions[2])  # the largest part of the graph
        return chosen(which, functions, encoded, tf.TensorSpec(form.shape, tf.float32))

    def of_frames(encoded: tf.Tensor) -> tf.Tensor:
        return fit(_frames(encoded, (sizes[1], sizes[2]), channels), sizes)

    def decode(encoded: tf.Tensor) -> tf.Tensor:
        if formats == (FRAMES,):
            return _ranged(of_frames(encoded), form)
        if NIFTI not in formats:
            return _ranged(in_graph(encoded), form)
        if len(formats) == 1:
            return _ranged(of_nifti(encoded), form)
        # Not one of the functions above: called outside a graph, an operation with functions waits for ever for Python.
        is_other = tf.reduce_any(_begins(encoded))
        return _ranged(tf.cond(is_other, lambda: in_graph(encoded), lambda: of_nifti(encoded)), form)

    return decode


def _begins(encoded: tf.Tensor) -> list[tf.Tensor]:
    """Returns whether a file is a GIF, an array, or an archive of frames."""
    magics = [tf.strings.substr(encoded, 0, len(magic)) == magic for magic in (gif.MAGIC, npy.MAGIC)]
    return [*magics, archive.holds(encoded)]


def _ranged(voxels: tf.Tensor, form: Form) -> tf.Tensor:
    """Returns voxels in the type of a form; refuses values outside of its range."""
    voxels = tf.ensure_shape(voxels, form.shape)
    if not form.is_bounded:
        with only_where(tf.reduce_all(tf.math.is_finite(voxels)), _FINITE_RULE):
            return tf.identity(voxels)
    with only_where(tf.reduce_all((voxels >= form.low) & (voxels <= form.high)), _BYTES_RULE):
        return tf.cast(tf.round(voxels), tf.uint8)


def _with_channels(voxels: tf.Tensor, channels: int) -> tf.Tensor:
    """Returns voxels with so many channels: grey ones in colour, but no others with more or fewer than they have."""
    shape = tf.shape(voxels)
    is_right = shape[3] == channels
    fits = is_right | (shape[3] == 1) if channels == 3 else is_right
    with only_where(fits, _channels_rule(channels)):
        return tf.ensure_shape(
            tf.broadcast_to(voxels, tf.concat([shape[:3], [channels]], 0)), (None, None, None, channels)
        )


def _channels_rule(channels: int) -> str:
    return f"a volume must have as many channels as the others, {channels}"


def _npy(encoded: tf.Tensor) -> tf.Tensor:
    """Returns the voxels of an `.npy` file, float32, with the channels that it has."""
    values = npy.decode(encoded)
    shape = tf.shape(values)
    with only_where((tf.size(shape) == 3) | (tf.size(shape) == 4), _AXES_RULE):
        whole = tf.concat([shape[:3], [tf.reduce_prod(shape[3:])]], 0)
    return tf.ensure_shape(tf.reshape(values, whole), (None, None, None, None))


def _gif(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    """Returns the frames of a GIF, uint8 with 1 or 3 channels; a frame's transparent voxels are those before."""
    frames = tf.ensure_shape(tf.io.decode_gif(encoded), (None, None, None, 3))
    if channels == 1:
        return grey(frames)
    if channels == 3:
        return frames
    with only_where(tf.constant(False), _channels_rule(channels)):
        return tf.zeros((1, 1, 1, channels), tf.uint8)


def _frames(encoded: tf.Tensor, size: tuple[int, int], channels: int) -> tf.Tensor:
    """Returns the frames of an archive at a size, uint8 with 1 or 3 channels."""
    if channels in _OF_IMAGES:
        return frames.decode(encoded, size, channels)
    with only_where(tf.constant(False), _channels_rule(channels)):
        return tf.zeros((1, *size, channels), tf.uint8)


def _nifti(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the voxels of a NIfTI file, float32, and its spacing in millimetres, or none."""

    def read_file(given: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], bytes]:
        try:
            # Outside a graph it is an array of one object; as one of bytes it would lose the zeros at its end.
            voxels, spacing = nifti.values(given if isinstance(given, bytes) else given.item())
        except ValueError as error:
            return np.zeros((1, 1, 1, 1), np.float32), np.zeros(0, np.float32), str(error).encode()
        return voxels, np.array(spacing, np.float32), b""

    voxels, spacing, fault = tf.numpy_function(read_file, [encoded], (tf.float32, tf.float32, tf.string))
    check = tf.raw_ops.Assert(condition=tf.strings.length(fault) == 0, data=[fault], summarize=1)
    with tf.control_dependencies([check] if check is not None else []):
        return tf.ensure_shape(voxels, (None, None, None, None)), tf.ensure_shape(spacing, (None,))


def _refuse(form: Form) -> tf.Tensor:
    with only_where(tf.constant(False), f"a volume must be {FORMATS}, and NIfTI is not read here"):
        return tf.zeros(form.shape, tf.float32)
