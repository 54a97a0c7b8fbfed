"""A video as the image files of its frames in an archive: their headers and pixels."""

import functools
from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf

from trainer.data.kinds import archive
from trainer.data.kinds.image import survey
from trainer.data.kinds.image.decode import decode as decode_image
from trainer.data.kinds.image.header import Header
from trainer.data.kinds.reason import reason_of

T = TypeVar("T")


def read_header(content: bytes) -> tuple[tuple[int, int, int], bool]:
    """Returns the number of frames with their height and width, and whether all are grey.

    Args:
      content: an archive of the frames; of each, its first bytes may suffice.

    Raises:
      ValueError: a frame cannot be read, or has another size than the first; the message names it.
    """
    frames = archive.split(content)
    found = [_named(name, functools.partial(Header.read, frame)) for name, frame in frames]
    first = found[0]
    for (name, _), one in zip(frames, found, strict=True):
        if (one.height, one.width) != (first.height, first.width):
            raise ValueError(
                f"its frame {name} has {one.width} x {one.height} pixels, but {frames[0][0]} has "
                f"{first.width} x {first.height}; the frames of a video must have the same size"
            )
    return (len(frames), first.height, first.width), all(one.is_grey for one in found)


def check(content: bytes, channels: int) -> None:
    """Decodes each frame of an archive.

    Raises:
      ValueError: one cannot be read; the message names it.
    """
    for name, frame in archive.split(content):
        _named(name, functools.partial(survey.check, frame, channels))


def decode(encoded: tf.Tensor, size: tuple[int, int], channels: int) -> tf.Tensor:
    """Returns the frames of an archive as images of a size, uint8 `(frames, *size, channels)`.

    Each is brought to the size when it is decoded, so that a long video of large frames takes little memory.

    Args:
      encoded: the archive, a scalar string.
      size: `(height, width)`.
      channels: 1 or 3.

    Raises:
      tf.errors.InvalidArgumentError: a frame cannot be decoded.
    """
    pixels = tf.TensorSpec((*size, channels), tf.uint8)
    return tf.map_fn(
        lambda frame: decode_image(frame, size, channels), archive.contents(encoded), fn_output_signature=pixels
    )


def _named(name: str, look: Callable[[], T]) -> T:
    """Returns the result of a function of a frame; its error names the frame."""
    try:
        return look()
    except (ValueError, tf.errors.OpError) as error:
        raise ValueError(f"its frame {name}: {reason_of(error)}") from None
