"""The form of images from files, and pixels resized to it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds.image.header import Header
from trainer.data.kinds.options import SampleOptions

_MOST_PIXELS = 128 * 128
_LUMA = (19595, 38470, 7471)  # of red, green and blue, in 65536ths, as in JPEG (ITU-R BT.601)
_RESIZED = 256  # images that are resized at once


def choose_form(headers: Sequence[Header], options: SampleOptions) -> Form:
    """Returns the form of images from files.

    The size is the requested one; else the images' own, if all are equal and have at most 128 x 128 pixels;
    else a square of the usual size. `auto` is grey if all images are.
    """
    is_grey = options.color == "grey" or (options.color == "auto" and all(header.is_grey for header in headers))
    return Form(_choose_sizes(headers, options), 1 if is_grey else 3)


def _choose_sizes(headers: Sequence[Header], options: SampleOptions) -> tuple[int, int]:
    if options.size:
        return options.size, options.size
    height, width = headers[0].height, headers[0].width
    alike = all(header.height == height and header.width == width for header in headers)
    return (height, width) if alike and height * width <= _MOST_PIXELS else (options.usual_size, options.usual_size)


def fit_arrays(images: npt.NDArray[Any], options: SampleOptions) -> npt.NDArray[Any]:
    """Returns images in the requested size and colour, `(count, height, width, channels)`, of the same type.

    Args:
      images: uint8 or float32, `(count, height, width, channels)`, or grey ones without the last axis.
      options: the requested form.
    """
    images = images if images.ndim == 4 else images[..., np.newaxis]
    channels = {"auto": images.shape[3], "grey": 1, "rgb": 3}[options.color]
    if channels < images.shape[3]:
        images = grey(images).numpy() if images.dtype == np.uint8 else _grey_numbers(images)
    elif channels > images.shape[3]:
        images = np.repeat(images, channels, axis=3)
    size = (options.size or images.shape[1], options.size or images.shape[2])
    if images.shape[1:3] == size:
        return images
    resize = fit_all if images.dtype == np.uint8 else _resize
    resized = np.empty((len(images), *size, channels), images.dtype)
    for first in range(0, len(images), _RESIZED):
        some = tf.constant(images[first : first + _RESIZED])
        resized[first : first + _RESIZED] = resize(some, size).numpy()
    return resized


def fit(image: tf.Tensor, size: tuple[int, ...]) -> tf.Tensor:
    """Returns a uint8 image, `(height, width, channels)`, at another size; unchanged if it has this size."""
    same = tf.reduce_all(tf.shape(image)[:2] == size)
    fitted = tf.cond(same, lambda: image, lambda: fit_all(image, size))
    return tf.reshape(fitted, (*size, image.shape[-1]))


def fit_all(images: tf.Tensor, size: tuple[int, ...]) -> tf.Tensor:
    """Returns uint8 images, `(…, height, width, channels)`, at another size."""
    return tf.saturate_cast(tf.round(_resize(images, size)), tf.uint8)


def _resize(images: tf.Tensor, size: tuple[int, ...]) -> tf.Tensor:
    # If less than half is left, every pixel must count, or fine patterns alias to coarse ones.
    return tf.cond(
        tf.reduce_any(tf.shape(images)[-3:-1] > 2 * tf.constant(size)),
        lambda: tf.image.resize(images, size, antialias=True),
        lambda: tf.image.resize(images, size),
    )


def grey(image: tf.Tensor) -> tf.Tensor:
    """Returns uint8 colour images, `(…, 3)`, in grey, `(…, 1)`; in whole numbers, as Pillow computes it."""
    red, green, blue = (tf.cast(image[..., index], tf.int32) for index in range(3))
    luma = _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue + (1 << 15)
    return tf.cast(tf.bitwise.right_shift(luma, 16), tf.uint8)[..., tf.newaxis]


def _grey_numbers(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns colour images of any numbers in grey, by the same shares."""
    return images @ (np.array(_LUMA, np.float32) / (1 << 16))[:, np.newaxis]
