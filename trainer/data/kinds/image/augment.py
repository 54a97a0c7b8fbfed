"""Small random changes of training images, as pure functions of a seed."""

import math

import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds import warp
from trainer.data.kinds.image import sides
from trainer.data.kinds.kind import Change, Look, Preset
from trainer.layers import random_numbers

# The most that an image is changed. Of 7,000 MNIST digits, on the validation parts of 3 seeds, these left 0.7 to 1.0 %
# errors; 10 degrees, 0.1, 0.1 and the same shift 1.2 %; no change at all 2.5 %.
_TURN = math.radians(15)
_SCALE = 0.2  # of the image's size
_SHEAR = 0.3  # pixels to the side for each pixel down
_SHIFT = 2 / 28  # of the image's size

# Of photographs: a part of at least half the area, mirrored or not, in another light.
_SMALLEST_PART = 0.7  # of a side
_STRETCH = 0.1  # of one side beside the other
_BRIGHTNESS, _CONTRAST, _TINT = 0.2, 0.2, 0.1  # of the whole range of a pixel; of its own value; of that in one colour


_MIRRORED, _UNMIRRORED = "photo", "photo_unmirrored"


def choose_preset(asked: str, form: Form, look: Look) -> Preset:
    """Returns how images are changed, and why; nobody has mirrored or coloured digits.

    Args:
      asked: the preset, or auto.
      form: of the images.
      look: returns training images of a size.
    """
    if asked != "auto":
        return Preset(asked, f"as `--augment={asked}` asks")
    if form.channels == 1:
        return Preset("affine", "for grey images")
    verdict = sides.look(*look(sides.MOST, sides.SIDE))
    if verdict.have_meaning:
        return Preset(_UNMIRRORED, f"left and right have meaning ({verdict}); `--augment={_MIRRORED}` mirrors")
    return Preset(_MIRRORED, f"mirrored images do no harm ({verdict}); see `--augment={_UNMIRRORED}`")


def change(preset: str, count: int, sizes: tuple[int, ...], seed: tf.Tensor, *, is_compiled: bool = False) -> Change:
    """Returns what changes some rows of a batch: from float32 images, 0 to 255, and the first one's row, to the same.

    The maps are made for a whole batch and then shared out: of fewer, the last bits would be others.

    Args:
      preset: affine (turns, scalings, shears, shifts), photo (parts, mirrored or not, in another light) or
        photo_unmirrored.
      count: images in the whole batch.
      sizes: the images' `(height, width)`.
      seed: two integers, the step and the seed.
      is_compiled: whether XLA compiles it.
    """
    if preset == "affine":
        maps = _affine_maps(count, sizes, seed)
        return lambda images, first: warp.transform(
            images, _rows(maps, images, first), repeats_edges=False, is_compiled=is_compiled
        )
    boxes, gain, bias = _photo_parts(count, seed, is_mirrored=preset == _MIRRORED)

    def photo(images: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
        parts = warp.parts(images, _rows(boxes, images, first), is_compiled=is_compiled)
        return _lit(parts, _rows(gain, images, first), _rows(bias, images, first))

    return photo


def _rows(values: tf.Tensor, images: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
    return values[first : first + images.shape[0]]


def _affine_maps(count: int, sizes: tuple[int, ...], seed: tf.Tensor) -> tf.Tensor:
    """Returns small random affine maps about an image's centre, `(count, 6)`, as `warp.transform` takes them."""
    height, width = sizes
    numbers = random_numbers.uniform(seed[1], seed[0], count, 6)
    turn, scale_x, scale_y, shear, shift_x, shift_y = tf.unstack(numbers, axis=1)
    cos, sin = tf.cos(_TURN * turn), tf.sin(_TURN * turn)
    scale_x, scale_y = 1 + _SCALE * scale_x, 1 + _SCALE * scale_y
    # Output pixel (x, y) is input pixel (a x + b y + c, d x + e y + f); c and f keep the centre where it is.
    a, b, d, e = cos * scale_x, _SHEAR * shear - sin * scale_y, sin * scale_x, cos * scale_y
    x, y = (width - 1) / 2, (height - 1) / 2
    c = x - a * x - b * y + _SHIFT * width * shift_x
    f = y - d * x - e * y + _SHIFT * height * shift_y
    return tf.stack([a, b, c, d, e, f], axis=1)


def _photo_parts(count: int, seed: tf.Tensor, is_mirrored: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns which part of each image is shown, and in which light.

    Returns:
      Boxes of top, left, bottom and right as shares of the sides, `(count, 4)`; of a mirrored one left is more than
      right. What pixels of red, green and blue are multiplied by, `(count, 3)`, and what is added, `(count, 1)`.
    """
    part, stretch, across_by, down_by, mirror, brightness, contrast, *tint = tf.unstack(
        random_numbers.uniform(seed[1], seed[0], count, 10), axis=1
    )
    side = _SMALLEST_PART + (1 - _SMALLEST_PART) * (part + 1) / 2
    across = tf.minimum(side * (1 + _STRETCH * stretch), 1.0)
    down = tf.minimum(side / (1 + _STRETCH * stretch), 1.0)
    left, top = (1 - across) * (across_by + 1) / 2, (1 - down) * (down_by + 1) / 2
    begin, end = left, left + across
    if is_mirrored:
        begin, end = left + tf.where(mirror < 0, across, 0.0), left + tf.where(mirror < 0, 0.0, across)
    boxes = tf.stack([top, begin, top + down, end], axis=1)
    # About the middle grey: with the image's own mean this would take one more look at every pixel.
    gain = 1 + _CONTRAST * contrast[:, None] + _TINT * tf.stack(tint, axis=1)
    bias = 127.5 * (_BRIGHTNESS * brightness - _CONTRAST * contrast)
    return boxes, gain, bias[:, None]


def _lit(images: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Returns images, `(batch, height, width, channels)`, in another light.

    Args:
      images: float32, 0 to 255.
      gain: what each colour's values are multiplied by, `(batch, 3)`; of a grey image the first is taken.
      bias: what is added, `(batch, 1)`.
    """
    batch, height, width, channels = images.shape
    # Rows are multiplied by rows: by three numbers for each pixel it took four times as long.
    row = tf.tile(gain[:, :channels], (1, width))[:, None, :]
    lit = tf.reshape(images, (batch, height, width * channels)) * row + bias[:, None, :]
    return tf.reshape(tf.clip_by_value(lit, 0.0, 255.0), images.shape)
