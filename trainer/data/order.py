"""Which samples each batch holds, as a function of (seed, step)."""

import dataclasses
import math

import tensorflow as tf

from trainer.data.stores.store import Store

_EVALUATION_BATCH = 256  # 500 took more memory than a training step on 128
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
class Order:
    """Which samples a training step's batch holds.

    Every epoch is a new permutation of the samples, and each is in one batch of it. If the last batch is not full, its
    other rows repeat the first samples of the epoch's order. They are not trained on, but every batch then has the same
    shape, so XLA compiles one program, and batch normalisation sees real samples alone.

    Attributes:
      samples: how many there are.
      batch_size: samples of a step.
      seed: of the order.
      rows: of one replica's part of a batch.
    """

    samples: int
    batch_size: int
    seed: int
    rows: int

    def indices(self, step: tf.Tensor, first_row: tf.Tensor) -> tf.Tensor:
        """Returns the indices of the samples of a replica's part of a batch, int64 `(rows,)`.

        Args:
          step: counted from the start of the run, int64.
          first_row: of the replica's part, int64.
        """
        epoch, first = step // self.steps_per_epoch, step % self.steps_per_epoch * self.batch_size
        positions = first + first_row + tf.range(self.rows, dtype=tf.int64)
        return tf.random.experimental.index_shuffle(
            positions % self.samples if self._has_part_batch else positions,
            seed=tf.stack([tf.cast(epoch, tf.int32), self.seed]),
            max_index=self.samples - 1,
        )

    def counted(self, step: tf.Tensor, first_row: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns what a batch has after its samples and its targets; see `trainer.training.feed.Batch`.

        Args:
          step: counted from the start of the run, int64.
          first_row: of the replica's part, int64.

        Returns:
          How many of the replica's rows, from the first on, are trained on, int64; nothing if all batches are full.
        """
        if not self._has_part_batch:
            return ()
        left = self.samples - step % self.steps_per_epoch * self.batch_size - first_row
        return (tf.clip_by_value(left, 0, self.rows),)

    @property
    def steps_per_epoch(self) -> int:
        """How many batches an epoch has."""
        return math.ceil(self.samples / self.batch_size)

    @property
    def _has_part_batch(self) -> bool:
        return self.samples % self.batch_size > 0


@dataclasses.dataclass(frozen=True)
class Elements:
    """The elements of a training pipeline: one replica's part of one step's batch is one.

    Attributes:
      rows: of one replica's part.
      share: which replicas' elements the pipeline gives.
    """

    rows: int
    share: Share

    def numbers(self, steps: range) -> tf.data.Dataset:
        """Returns the numbers of the elements of some steps."""
        return tf.data.Dataset.range(steps.start * self.share.count, steps.stop * self.share.count)

    def position(self, element: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns an element's step and its first row in that step's batch."""
        return element // self.share.count, (self.share.first + element % self.share.count) * self.rows


def evaluation_steps(store: Store, replicas: int = 1) -> int:
    """Returns how many batches each replica evaluates."""
    return math.ceil(len(store) / (evaluation_batch(store) * replicas))


def evaluation_batch(store: Store) -> int:
    """Returns how many samples are evaluated at once, at most."""
    return max(1, min(_EVALUATION_BATCH, _EVALUATION_VALUES // math.prod(store.form.shape)))


def evaluation_rows(store: Store) -> tuple[int, int]:
    """Returns the rows of every batch but the last that one replica evaluates, and those of the last."""
    steps = evaluation_steps(store)
    rows = math.ceil(len(store) / steps)
    return rows, len(store) - rows * (steps - 1)


def evaluated(store: Store, index: tf.Tensor, replicas: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the first sample of an element of an evaluation, and the one after its last; none is empty.

    Args:
      store: at least one sample for each replica.
      index: of the element, over all replicas, int64.
      replicas: how many there are.
    """
    if replicas == 1:  # all of one size but the last, so that a graph knows it
        rows, _ = evaluation_rows(store)
        return index * rows, tf.minimum((index + 1) * rows, len(store))
    elements = evaluation_steps(store, replicas) * replicas
    return index * len(store) // elements, (index + 1) * len(store) // elements
