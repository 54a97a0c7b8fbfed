"""Where the steps of a run take their batches from: a pipeline, or the memory of the device that trains."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from trainer import data
from trainer.data import on_device
from trainer.errors import UsageError
from trainer.training import devices, hardware
from trainer.training.feed import Feed, Numbered

_SHARE = 1 / 3  # of a device's memory, which samples may take; activations and weights need the rest
_CHUNK_STEPS, _CHUNK_BYTES = 64, 2**25  # that a streamed feed brings to the device at once, at most


def is_resident(asked: str, stores: Sequence[data.Store], runs: int = 1) -> bool:
    """Returns whether the samples are kept on the device that trains.

    Args:
      asked: of `--feed`: auto, resident or streamed.
      stores: what is kept.
      runs: how many share the device, each with samples of its own.
    """
    if asked != "auto":
        return asked == "resident"
    memory = hardware.device_memory()
    return bool(memory) and sum(map(on_device.size, stores)) <= _SHARE * memory / runs


def check_evaluated(store: data.Store, strategy: tf.distribute.Strategy) -> None:
    """Checks that each device has something to evaluate.

    Raises:
      UsageError: there are fewer samples than devices.
    """
    replicas = strategy.num_replicas_in_sync
    if len(store) < replicas:
        raise UsageError(f"`--validation_split` must leave each of {replicas} devices a sample. Received: {len(store)}")


def streamed_evaluation(store: data.Store, strategy: tf.distribute.Strategy) -> Feed:
    """Returns the feed of what the devices evaluate, batch by batch."""
    steps = data.evaluation_steps(store, strategy.num_replicas_in_sync)
    return Feed(lambda context: data.evaluation_batches(store, devices.share(context)), steps)


@dataclasses.dataclass(frozen=True)
class Feeds:
    """The feeds of one run.

    Attributes:
      store: the training samples.
      strategy: which devices train.
      batch_size: samples per step on all devices together.
      seed: of the order and of the augmentation.
      preset: how training samples are changed at random.
      erase: the share of the samples of which a box is erased.
      is_compiled: whether XLA compiles the steps.
      is_resident: whether each device keeps the samples.
    """

    store: data.Store
    strategy: tf.distribute.Strategy
    batch_size: int
    seed: int
    preset: str
    erase: float
    is_compiled: bool
    is_resident: bool

    def training(self, steps: range) -> Feed:
        """Returns the feed of some steps, counted from the start of the run.

        Samples are changed by the device that trains, but where a CPU trains and other cores can do it meanwhile. So a
        resident and a streamed feed compute the same.
        """
        made, count = self._training, len(steps)
        if self.is_resident:
            return Feed(
                lambda context: made.positions(steps, devices.share(context)),
                count,
                self._held,
                made.gathered,
                Numbered(self._of_epoch, made.numbered, made.rows) if self._replicas == 1 else None,
            )
        if self.is_compiled or hardware.has_accelerator():
            return Feed(
                lambda context: _prefetched(made.unchanged(steps, devices.share(context)), self._replicas),
                count,
                take=made.changed,
                numbered=Numbered(_Chunks(made, steps).held, made.numbered, made.rows) if self.is_compiled else None,
            )
        batches = functools.partial(
            data.training_batches,
            self.store,
            self.batch_size,
            self.seed,
            augment=self.preset != "none" or self.erase > 0,
            steps=steps,
            preset=self.preset,
            erase=self.erase,
        )
        return Feed(lambda context: batches(share=devices.share(context)), count)

    def evaluation(self, store: data.Store) -> Feed:
        """Returns the feed of what the devices evaluate after each epoch."""
        if not self.is_resident:
            return streamed_evaluation(store, self.strategy)
        made, held = data.Evaluation(store), devices.held(self.strategy, on_device.arrays(store))
        rows, last = made.sizes
        numbered = Numbered(lambda first: (held, 1), made.numbered, rows, 0 if last == rows else last)
        return Feed(
            lambda context: made.positions(devices.share(context)),
            data.evaluation_steps(store, self._replicas),
            held,
            made.gathered,
            numbered if self._replicas == 1 else None,
        )

    @property
    def _replicas(self) -> int:
        return int(self.strategy.num_replicas_in_sync)

    @functools.cached_property
    def _training(self) -> data.Training:
        return data.Training(
            self.store,
            self.batch_size,
            self.seed,
            self.preset,
            self._replicas,
            erase=self.erase,
            is_compiled=self.is_compiled,
        )

    @functools.cached_property
    def _held(self) -> Any:
        return devices.held(self.strategy, on_device.arrays(self.store))

    def _of_epoch(self, step: int) -> tuple[Any, int]:
        """Returns what the one device holds for the rest of a step's epoch, samples and their order; how long that is.

        Only one epoch's order is kept.
        """
        steps = self._training.steps_per_epoch
        if step // steps not in self._orders:
            self._orders.clear()
            self._orders[step // steps] = devices.moved(self._training.epoch(step // steps))
        return (self._held, self._orders[step // steps]), steps - step % steps

    @functools.cached_property
    def _orders(self) -> dict[int, tf.Tensor]:
        return {}


class _Chunks:
    """Samples of several steps at a time, which a program takes as if they were all.

    Args:
      training: how its batches are made.
      steps: the steps, counted from the start of the run.
    """

    def __init__(self, training: data.Training, steps: range):
        self._training, self._steps = training, steps
        size = on_device.size(training.store) * training.batch_size // len(training.store)
        self._length = max(1, min(_CHUNK_STEPS, _CHUNK_BYTES // size, training.steps_per_epoch))
        self._iterator: Iterator[Any] | None = None
        self._number = -1
        self._held: Any = None

    def held(self, step: int) -> tuple[Any, int]:
        """Returns what the device holds for a step and those after it, and for how many of them."""
        number, within = divmod(step, self._length)
        if self._iterator is None:
            last = -(-self._steps.stop // self._length)
            chunks = self._training.chunks(range(number, last), self._length)
            self._iterator, self._number = iter(_prefetched(chunks, 1)), number - 1
        while self._number < number:
            samples, targets, order = next(self._iterator)
            self._number, self._held = self._number + 1, ((samples, targets), order)
        return self._held, self._length - within


def _prefetched(elements: tf.data.Dataset, replicas: int) -> tf.data.Dataset:
    """Returns elements that are copied to the GPU ahead of their step; a strategy of several devices does it itself."""
    gpus = tf.config.list_logical_devices("GPU")
    if replicas > 1 or not gpus:
        return elements
    return elements.apply(tf.data.experimental.prefetch_to_device(gpus[0].name))
