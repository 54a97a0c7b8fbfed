"""Batches as pure functions of (seed, step): the same step always sees the same images, changed in the same way."""

import math

import tensorflow as tf

from trainer.data.sets import Split

# The most that an image is changed. Of 7,000 MNIST digits, on the validation parts of 3 seeds, these left 0.7 to 1.0 %
# errors; 10 degrees, 0.1, 0.1 and the same shift 1.2 %; no change at all 2.5 %.
_TURN = math.radians(15)
_SCALE = 0.2  # of the image's size
_SHEAR = 0.3  # pixels to the side for each pixel down
_SHIFT = 2 / 28  # of the image's size

_EVALUATION_BATCH = 500  # without gradients there is room for more images than in training


def training_batches(split: Split, batch_size: int, seed: int, augment: bool, steps: range) -> tf.data.Dataset:
    """Returns the batches of some steps: float32 images and int32 labels.

    Every epoch is a new permutation of the images; those that do not fill a last batch are left for another epoch.

    Args:
      split: the training images.
      batch_size: images per step, at most all of them.
      seed: of the order and of the augmentation.
      augment: whether each image is turned, scaled, sheared and shifted a little.
      steps: which steps these are, counted from the start of the run.
    """
    images, labels = tf.constant(split.images), tf.constant(split.labels)
    steps_per_epoch = len(split) // batch_size

    def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        epoch, position = step // steps_per_epoch, step % steps_per_epoch * batch_size
        indices = tf.random.experimental.index_shuffle(
            position + tf.range(batch_size, dtype=tf.int64),
            seed=tf.stack([tf.cast(epoch, tf.int32), seed]),
            max_index=len(split) - 1,
        )
        chosen = tf.cast(tf.gather(images, indices), tf.float32)
        changed = _affine(chosen, seed=tf.stack([tf.cast(step, tf.int32), seed])) if augment else chosen
        return changed, tf.gather(labels, indices)

    return tf.data.Dataset.range(steps.start, steps.stop).map(batch).prefetch(2)


def evaluation_batches(split: Split) -> tf.data.Dataset:
    """Returns every image once, in order, with its label: float32 and int32."""
    dataset = tf.data.Dataset.from_tensor_slices((split.images, split.labels)).batch(_EVALUATION_BATCH)
    return dataset.map(lambda images, labels: (tf.cast(images, tf.float32), labels)).prefetch(2)


def _affine(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns each image under its own small random affine map about its centre; `(batch, height, width, channels)`."""
    count, (height, width) = tf.shape(images)[0], images.shape[1:3]
    turn, scale_x, scale_y, shear, shift_x, shift_y = tf.unstack(
        tf.random.stateless_uniform((6, count), seed, -1.0, 1.0)
    )
    cos, sin = tf.cos(_TURN * turn), tf.sin(_TURN * turn)
    scale_x, scale_y = 1 + _SCALE * scale_x, 1 + _SCALE * scale_y
    # Output pixel (x, y) is input pixel (a x + b y + c, d x + e y + f); c and f keep the centre where it is.
    a, b, d, e = cos * scale_x, _SHEAR * shear - sin * scale_y, sin * scale_x, cos * scale_y
    x, y = (width - 1) / 2, (height - 1) / 2
    c = x - a * x - b * y + _SHIFT * width * shift_x
    f = y - d * x - e * y + _SHIFT * height * shift_y
    zero = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, c, d, e, f, zero, zero], axis=1),
        output_shape=(height, width),
        fill_value=0.0,
        interpolation="BILINEAR",
    )
