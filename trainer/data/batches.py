"""Batches as pure functions of (seed, step): the same step always sees the same images, changed in the same way."""

import dataclasses
import math

import tensorflow as tf

from trainer.data.kinds.image import augment as augmentation
from trainer.data.sets import Split
from trainer.data.sources import Sources

_EVALUATION_BATCH = 256  # 500 took more memory than a training step on 128
_EVALUATION_VALUES = 2**22  # in a batch of images so large that 256 would not fit; 27 of 224 pixels in colour


@dataclasses.dataclass(frozen=True)
class Share:
    """Which part of every batch one input pipeline brings: a machine's replicas' consecutive rows.

    Attributes:
      first: the first of those replicas, counted over all machines.
      count: how many they are.
      replicas: how many there are on all machines.
    """

    first: int = 0
    count: int = 1
    replicas: int = 1


def training_batches(
    split: Split | Sources,
    batch_size: int,
    seed: int,
    *,
    augment: bool,
    steps: range,
    share: Share | None = None,
    preset: str = "affine",
) -> tf.data.Dataset:
    """Returns the batches of some steps, one element for each replica in turn: float32 images and int32 labels.

    Every epoch is a new permutation of the images; those that do not fill a last batch are left for another epoch.
    However a batch is shared out, its images are the same and are changed in the same way.

    Args:
      split: the training images.
      batch_size: images per step on all replicas together, a multiple of their number, at most all images.
      seed: of the order and of the augmentation.
      augment: whether each image is changed a little.
      steps: which steps these are, counted from the start of the run.
      share: which rows of each batch are wanted.
      preset: how it is changed; see `trainer.data.kinds.image.augment`.
    """
    share = share or Share()
    labels = tf.constant(split.labels)
    steps_per_epoch = len(split) // batch_size
    rows = batch_size // share.replicas

    def place(element: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return element // share.count, (share.first + element % share.count) * rows

    def chosen(element: tf.Tensor) -> tf.Tensor:
        step, first_row = place(element)
        epoch, position = step // steps_per_epoch, step % steps_per_epoch * batch_size
        return tf.random.experimental.index_shuffle(
            position + first_row + tf.range(rows, dtype=tf.int64),
            seed=tf.stack([tf.cast(epoch, tf.int32), seed]),
            max_index=len(split) - 1,
        )

    def batch(element: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.cast(images, tf.float32)
        if augment:
            step, first_row = place(element)
            own_seed = tf.stack([tf.cast(step, tf.int32), seed])
            images = augmentation.change(preset, batch_size, split.shape[:2], own_seed)(images, first_row)
        return images, tf.gather(labels, chosen(element))

    elements = tf.data.Dataset.range(steps.start * share.count, steps.stop * share.count)
    if isinstance(split, Sources):
        single = elements.map(chosen).unbatch()
        batches = tf.data.Dataset.zip(elements, split.read(single).batch(rows, drop_remainder=True)).map(batch)
    else:
        images = tf.constant(split.images)
        batches = elements.map(lambda element: batch(element, tf.gather(images, chosen(element))))
    return batches.prefetch(2).with_options(_options())


def evaluation_batches(split: Split | Sources, share: Share | None = None) -> tf.data.Dataset:
    """Returns every image once, with its label: float32 and int32, as many elements for each replica, none empty.

    Args:
      split: at least one image for each replica.
      share: which replicas' elements are wanted.
    """
    share = share or Share()
    labels = tf.constant(split.labels)
    elements = evaluation_steps(split, share.replicas) * share.replicas

    def bounds(element: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        place = element // share.count * share.replicas + share.first + element % share.count
        return place * len(split) // elements, (place + 1) * len(split) // elements

    own = tf.data.Dataset.range(elements // share.replicas * share.count)
    if isinstance(split, Sources):

        def read(element: tf.Tensor) -> tf.data.Dataset:
            begin, end = bounds(element)
            whole = split.read(tf.data.Dataset.range(begin, end)).batch(len(split))
            return whole.map(lambda images: (tf.cast(images, tf.float32), labels[begin:end]))

        return own.flat_map(read).prefetch(2).with_options(_options())
    images = tf.constant(split.images)

    def part(element: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        begin, end = bounds(element)
        return tf.cast(images[begin:end], tf.float32), labels[begin:end]

    return own.map(part).prefetch(2)


def evaluation_steps(split: Split | Sources, replicas: int = 1) -> int:
    """Returns how many batches each replica evaluates."""
    batch = max(1, min(_EVALUATION_BATCH, _EVALUATION_VALUES // math.prod(split.shape)))
    return math.ceil(len(split) / (batch * replicas))


def _options() -> tf.data.Options:
    """Returns options without the thread that tunes: there is nothing to tune, and a stopped run waited 8 s for it."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return options
