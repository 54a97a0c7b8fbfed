"""Batches as pure functions of (seed, step): the same step always sees the same samples, changed in the same way."""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.kinds.kind import Preset
from trainer.data.kinds.known import kind_of
from trainer.data.kinds.options import SampleOptions
from trainer.data.stores.store import Store

_EVALUATION_BATCH = 256  # 500 took more memory than a training step on 128
_LOOKED = 16  # samples that are brought to a size at once
_EVALUATION_VALUES = 2**22  # in a batch of samples so large that 256 would not fit; 27 of 224 pixels in colour


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


@dataclasses.dataclass(frozen=True)
class _Order:
    """Which samples each element of a training pipeline holds; an element is one replica's part of one step's batch.

    Every epoch is a new permutation of the samples; those that do not fill a last batch are left for another epoch.
    """

    samples: int
    batch_size: int
    seed: int
    share: Share

    @property
    def rows(self) -> int:
        """Samples of one element."""
        return self.batch_size // self.share.replicas

    def elements(self, steps: range) -> tf.data.Dataset:
        """Returns the numbers of the elements of some steps."""
        return tf.data.Dataset.range(steps.start * self.share.count, steps.stop * self.share.count)

    def position(self, element: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns an element's step and its first row in that step's batch."""
        return element // self.share.count, (self.share.first + element % self.share.count) * self.rows

    def indices(self, element: tf.Tensor) -> tf.Tensor:
        """Returns the indices of an element's samples, int64 `(rows,)`."""
        step, first_row = self.position(element)
        steps_per_epoch = self.samples // self.batch_size
        epoch, first = step // steps_per_epoch, step % steps_per_epoch * self.batch_size
        return tf.random.experimental.index_shuffle(
            first + first_row + tf.range(self.rows, dtype=tf.int64),
            seed=tf.stack([tf.cast(epoch, tf.int32), self.seed]),
            max_index=self.samples - 1,
        )


def training_batches(
    store: Store,
    batch_size: int,
    seed: int,
    *,
    augment: bool,
    steps: range,
    share: Share | None = None,
    preset: str = "affine",
) -> tf.data.Dataset:
    """Returns the batches of some steps, one element for each replica in turn: float32 samples and int32 targets.

    However a batch is shared out, its samples are the same and are changed in the same way.

    Args:
      store: the training samples.
      batch_size: samples per step on all replicas together, a multiple of their number, at most all samples.
      seed: of the order and of the augmentation.
      augment: whether each sample is changed at random.
      steps: which steps these are, counted from the start of the run.
      share: which rows of each batch are wanted.
      preset: how it is changed; see `Kind.change`.
    """
    order = _Order(len(store), batch_size, seed, share or Share())
    targets = tf.constant(store.targets)

    def batch(element: tf.Tensor, samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        samples = tf.cast(samples, tf.float32)
        if augment:
            step, first_row = order.position(element)
            own_seed = tf.stack([tf.cast(step, tf.int32), seed])
            change = kind_of(store.form).change(preset, batch_size, store.form.sizes, own_seed)
            samples = change(samples, first_row)
        return samples, tf.gather(targets, order.indices(element))

    return store.read(order.elements(steps), order.indices, batch).prefetch(2).with_options(_options())


def variants(store: Store, count: int, seed: int, preset: str) -> tf.data.Dataset:
    """Returns every sample in order, `count` times over: first as it is, then changed at random, anew each time.

    Args:
      store: the samples.
      count: how often.
      seed: of the changes.
      preset: how samples are changed; see `Kind.change`.

    Returns:
      Float32 batches of one size; the last of each time over is filled up with the first samples.
    """
    rows = min(evaluation_batch(store), len(store))
    batches = math.ceil(len(store) / rows)

    def indices(element: tf.Tensor) -> tf.Tensor:
        return (element % batches * rows + tf.range(rows, dtype=tf.int64)) % len(store)

    def batch(element: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
        samples = tf.cast(samples, tf.float32)
        # Below 0, where no step is: other changes than those of any step.
        own_seed = tf.stack([-1 - tf.cast(element, tf.int32), seed])
        change = kind_of(store.form).change(preset, rows, store.form.sizes, own_seed)
        return tf.cond(element < batches, lambda: samples, lambda: change(samples, 0))

    def unchanged(element: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
        return tf.cast(samples, tf.float32)

    elements = tf.data.Dataset.range(count * batches)
    return store.read(elements, indices, batch if count > 1 else unchanged).prefetch(2).with_options(_options())


def variant_batches(
    variants: npt.NDArray[np.float32],
    targets: npt.NDArray[np.int32],
    batch_size: int,
    seed: int,
    *,
    steps: range,
    share: Share | None = None,
) -> tf.data.Dataset:
    """Returns the batches of some steps, as `training_batches` does, from variants of each sample: in turn, by epoch.

    Args:
      variants: float32 `(count, samples, *shape)`.
      targets: int32 `(samples,)`.
      batch_size: samples per step on all replicas together.
      seed: of the order.
      steps: which steps these are, counted from the start of the run.
      share: which rows of each batch are wanted.
    """
    count, samples = variants.shape[:2]
    order = _Order(samples, batch_size, seed, share or Share())
    values, labels = tf.constant(variants.reshape(count * samples, *variants.shape[2:])), tf.constant(targets)

    def batch(element: tf.Tensor) -> tf.Tensor:
        step, _ = order.position(element)
        indices = order.indices(element)
        variant = step // (samples // batch_size) % count
        return tf.gather(values, variant * samples + indices), tf.gather(labels, indices)

    return order.elements(steps).map(batch).prefetch(2).with_options(_options())


def evaluation_batches(store: Store, share: Share | None = None) -> tf.data.Dataset:
    """Returns every sample once, with its target: float32 and int32, as many elements for each replica, none empty.

    Args:
      store: at least one sample for each replica.
      share: which replicas' elements are wanted.
    """
    share = share or Share()
    targets = tf.constant(store.targets)
    elements = evaluation_steps(store, share.replicas) * share.replicas

    def indices(element: tf.Tensor) -> tf.Tensor:
        index = element // share.count * share.replicas + share.first + element % share.count
        return tf.range(index * len(store) // elements, (index + 1) * len(store) // elements)

    def batch(element: tf.Tensor, samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(samples, tf.float32), tf.gather(targets, indices(element))

    own = tf.data.Dataset.range(elements // share.replicas * share.count)
    return store.read(own, indices, batch).prefetch(2).with_options(_options())


def evaluation_steps(store: Store, replicas: int = 1) -> int:
    """Returns how many batches each replica evaluates."""
    return math.ceil(len(store) / (evaluation_batch(store) * replicas))


def evaluation_batch(store: Store) -> int:
    """Returns how many samples are evaluated at once, at most."""
    return max(1, min(_EVALUATION_BATCH, _EVALUATION_VALUES // math.prod(store.form.shape)))


def choose_preset(asked: str, store: Store) -> Preset:
    """Returns how training samples are changed: as `--augment` asks, or for auto what suits them.

    Raises:
      tf.errors.OpError: a sample that is looked at cannot be read.
    """
    return kind_of(store.form).choose_preset(asked, store.form, lambda count, size: _look(store, count, size))


def _look(store: Store, count: int, size: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """Returns samples, each axis brought to one size, and their targets: of each class as many, as far as it has them.

    Args:
      store: the samples.
      count: of samples, at most.
      size: of each axis.
    """
    order = np.argsort(store.targets, kind="stable")
    within = np.arange(len(order)) - np.searchsorted(store.targets[order], store.targets[order])
    chosen = np.sort(order[np.argsort(within, kind="stable")][:count])
    rows = np.resize(chosen, (-(-len(chosen) // _LOOKED), _LOOKED))
    elements = tf.data.Dataset.range(len(rows))
    read = store.read(elements, lambda element: tf.constant(rows)[element], lambda element, samples: samples)
    fit = kind_of(store.form).fit
    samples = np.concatenate([fit(some.numpy(), SampleOptions(size)) for some in read.with_options(_options())])
    return samples[: len(chosen)], store.targets[chosen]


def changes(
    store: Store, batch_size: int, seed: int, preset: str, count: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    """Returns the first samples of a run as stored and as the network sees them; nothing where these are the same."""
    if preset == "none":
        return None

    def first(augment: bool) -> npt.NDArray[Any]:
        ((samples, _),) = training_batches(store, batch_size, seed, augment=augment, steps=range(1), preset=preset)
        return np.asarray(samples[:count])

    return first(False), first(True)


def _options() -> tf.data.Options:
    """Returns options without the thread that tunes: there is nothing to tune, and a stopped run waited 8 s for it."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return options
