"""Batches that are made on the device that trains: gathered from what it holds, and changed there."""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.batches import as_written, change, options
from trainer.data.order import Elements, Order, Share, evaluated, evaluation_rows, evaluation_steps
from trainer.data.stores.store import Store

Held = tuple[tf.Tensor, tf.Tensor]  # samples of their own type, and int64 targets
Batch = tuple[tf.Tensor, ...]  # float32 samples and int32 targets; then maybe `Order.counted`


def arrays(store: Store) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Returns all of a store for a device to hold; of samples that are in files, each is read once.

    A sample of an odd number of bytes is held as float16, which has all whole numbers to 255: see `_rows`.
    """
    targets, samples = _held(store.targets), _samples(store)
    is_odd = samples.dtype == np.uint8 and math.prod(store.form.shape) % 2 == 1
    return samples.astype(np.float16) if is_odd else samples, targets


@as_written
def _samples(store: Store) -> npt.NDArray[Any]:
    known = store.arrays()
    if known:
        return known["samples"]
    rows = evaluation_rows(store)[0]
    elements = tf.data.Dataset.range(evaluation_steps(store))
    whole: npt.NDArray[Any] | None = None
    read = store.read(
        elements, lambda element: tf.range(*evaluated(store, element, 1)), lambda element, samples: samples
    )
    for index, samples in enumerate(read.with_options(options())):
        if whole is None:
            whole = np.empty((len(store), *store.form.shape), samples.dtype.as_numpy_dtype)
        whole[index * rows : index * rows + len(samples)] = samples
    assert whole is not None  # noqa: S101 - no store is empty
    return whole


def size(store: Store) -> int:
    """Returns how many bytes all of a store has on a device."""
    known, values = store.arrays(), math.prod(store.form.shape)
    each = known["samples"].itemsize if known else 1  # files are decoded to uint8
    return len(store) * (values * (2 if each == 1 and values % 2 else each) + 8)


@dataclasses.dataclass(frozen=True)
class Training:
    """How the batches of a training are made on a device; `batches.training_batches` makes the same ones in a pipeline.

    Attributes:
      store: the training samples.
      batch_size: samples per step on all replicas together.
      seed: of the order and of the augmentation.
      preset: how samples are changed; see `Kind.change`.
      replicas: how many share a batch.
      erase: the share of the samples of which a box is erased.
      is_compiled: whether XLA compiles it.
    """

    store: Store
    batch_size: int
    seed: int
    preset: str
    replicas: int = 1
    erase: float = 0.0
    is_compiled: bool = False

    @property
    def rows(self) -> int:
        """Samples of one replica's part of a batch."""
        return self.batch_size // self.replicas

    @as_written
    def positions(self, steps: range, share: Share | None = None) -> tf.data.Dataset:
        """Returns the elements of `gathered`: step, first row and indices of each replica's part in turn."""
        elements, order = Elements(self.rows, share or Share()), self._order

        def position(element: tf.Tensor) -> tuple[tf.Tensor, ...]:
            step, first_row = elements.position(element)
            return step, first_row, order.indices(step, first_row)

        return elements.numbers(steps).map(position).prefetch(2).with_options(options())

    @as_written
    def unchanged(self, steps: range, share: Share | None = None) -> tf.data.Dataset:
        """Returns the elements of `changed`: positions, samples as they are stored, and int64 targets."""
        elements, order = Elements(self.rows, share or Share()), self._order
        targets = tf.constant(_held(self.store.targets))

        def indices(element: tf.Tensor) -> tf.Tensor:
            return order.indices(*elements.position(element))

        def batch(element: tf.Tensor, samples: tf.Tensor) -> tuple[tf.Tensor, ...]:
            return (*elements.position(element), samples, tf.gather(targets, indices(element)))

        return self.store.read(elements.numbers(steps), indices, batch).prefetch(2).with_options(options())

    def gathered(self, held: Held, step: tf.Tensor, first_row: tf.Tensor, indices: tf.Tensor) -> Batch:
        """Returns a replica's part of a step's batch, from what its device holds."""
        samples, targets = held
        return self.changed((), step, first_row, _rows(samples, indices), tf.gather(targets, indices))

    def changed(
        self, held: Any, step: tf.Tensor, first_row: tf.Tensor, samples: tf.Tensor, targets: tf.Tensor
    ) -> Batch:
        """Returns a replica's part of a step's batch, from its samples as they are stored and its targets."""
        del held
        samples = change(
            tf.cast(samples, tf.float32),
            self.store.form,
            self.preset,
            (step, first_row),
            batch_size=self.batch_size,
            seed=self.seed,
            erase=self.erase,
            is_compiled=self.is_compiled,
        )
        return samples, _given(targets), *self._order.counted(step, first_row)

    @as_written
    def chunks(self, numbers: range, length: int) -> tf.data.Dataset:
        """Returns the samples and targets of so many steps in a row, and their indices among these, for `numbered`.

        Args:
          numbers: of chunks; the first one begins with the first step of the run.
          length: of each, in steps. A last one goes on beyond the end of the run.
        """
        steps = range(numbers.start * length, numbers.stop * length)
        order = tf.reshape(tf.range(length * self.batch_size, dtype=tf.int64), (length, self.batch_size))

        def joined(step: tf.Tensor, first: tf.Tensor, samples: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, ...]:
            del step, first
            return tf.reshape(samples, (-1, *samples.shape[2:])), tf.reshape(targets, (-1, *targets.shape[2:])), order

        batches = self.unchanged(steps).batch(length, drop_remainder=True)
        return batches.map(joined).prefetch(1).with_options(options())

    @property
    def steps_per_epoch(self) -> int:
        """How many batches an epoch has."""
        return self._order.steps_per_epoch

    def epoch(self, epoch: int) -> tf.Tensor:
        """Returns the indices of all samples of an epoch, int64 `(steps, batch_size)`: XLA cannot shuffle."""
        rows = self.steps_per_epoch * self.batch_size
        with tf.device("CPU:0"):
            whole = Order(len(self.store), rows, self.seed, rows)
            indices = whole.indices(tf.constant(epoch, tf.int64), tf.constant(0, tf.int64))
            return tf.reshape(indices, (-1, self.batch_size))

    def numbered(self, held: tuple[Held, tf.Tensor], step: tf.Tensor, rows: int) -> Batch:
        """Returns a step's whole batch, from what the one device holds and the indices of the step's epoch."""
        del rows  # all have as many
        own, epoch = held
        indices = tf.gather(epoch, step % epoch.shape[0])  # XLA compiles a slice anew for each step
        samples, targets = (tf.gather(values, indices) for values in own)
        return self.changed((), step, tf.constant(0, tf.int64), samples, targets)

    @property
    def _order(self) -> Order:
        return Order(len(self.store), self.batch_size, self.seed, self.rows)


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How the batches of an evaluation are made on a device; `batches.evaluation_batches` makes the same in a pipeline.

    Attributes:
      store: at least one sample for each replica.
    """

    store: Store

    @property
    def sizes(self) -> tuple[int, int]:
        """The rows of every batch but the last that one replica evaluates, and those of the last."""
        return evaluation_rows(self.store)

    @as_written
    def positions(self, share: Share | None = None) -> tf.data.Dataset:
        """Returns the elements of `gathered`: the first sample of each and the one after its last."""
        share = share or Share()

        def position(element: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            index = element // share.count * share.replicas + share.first + element % share.count
            return evaluated(self.store, index, share.replicas)

        elements = tf.data.Dataset.range(evaluation_steps(self.store, share.replicas) * share.count)
        return elements.map(position).prefetch(2).with_options(options())

    def gathered(self, held: Held, begin: tf.Tensor, end: tf.Tensor) -> Batch:
        """Returns the samples of an element, from what the device holds."""
        samples, targets = held
        return _batch(_rows(samples, tf.range(begin, end)), tf.gather(targets, tf.range(begin, end)))

    def numbered(self, held: Held, number: tf.Tensor, rows: int) -> Batch:
        """Returns a batch of so many rows, from what the one device holds."""
        first, _ = self.sizes
        samples, targets = (tf.gather(values, number * first + tf.range(rows, dtype=tf.int64)) for values in held)
        return _batch(samples, targets)


def _rows(samples: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
    """Returns some of the samples that a device holds, without XLA.

    TensorFlow has no kernel that gathers bytes on a GPU: the CPU would, from a copy of all samples at each step. So two
    bytes are gathered as one float16.
    """
    if samples.dtype != tf.uint8:
        return tf.gather(samples, indices)
    shape = samples.shape[1:]
    pairs = tf.bitcast(tf.reshape(samples, (samples.shape[0], -1, 2)), tf.float16)
    return tf.reshape(tf.bitcast(tf.gather(pairs, indices), tf.uint8), (-1, *shape))


def _batch(samples: tf.Tensor, targets: tf.Tensor) -> Batch:
    return tf.cast(samples, tf.float32), _given(targets)


def _held(targets: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns targets as a device holds them: a GPU keeps int32 in the memory of the host."""
    return targets if targets.dtype == np.float32 else np.asarray(targets, np.int64)


def _given(targets: tf.Tensor) -> tf.Tensor:
    """Returns targets as a step takes them."""
    return targets if targets.dtype == tf.float32 else tf.cast(targets, tf.int32)
