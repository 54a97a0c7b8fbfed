"""Batches as pure functions of (seed, step): the same step always sees the same samples, changed in the same way."""

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.data.form import Form
from trainer.data.kinds import erase as boxes
from trainer.data.kinds.kind import Preset
from trainer.data.kinds.known import kind_of
from trainer.data.kinds.options import SampleOptions
from trainer.data.lists.targets.target import array_strata
from trainer.data.order import Elements, Order, Share, evaluated, evaluation_batch, evaluation_steps
from trainer.data.stores.store import Store

_LOOKED = 16  # samples that are brought to a size at once

_F = TypeVar("_F", bound=Callable[..., Any])


def as_written(function: _F) -> _F:
    """Returns a function that makes a pipeline, without AutoGraph: it takes 0.5 s to convert what needs none of it."""
    return cast(_F, tf.autograph.experimental.do_not_convert(function))


@as_written
def training_batches(
    store: Store,
    batch_size: int,
    seed: int,
    *,
    augment: bool,
    steps: range,
    share: Share | None = None,
    preset: str = "affine",
    erase: float = 0.0,
) -> tf.data.Dataset:
    """Returns the batches of some steps, one element for each replica in turn: float32 samples and int32 targets.

    However a batch is shared out, its samples are the same and are changed in the same way. If an epoch ends with a
    part batch, each element also has how many of its rows are trained on; see `Order`.

    Args:
      store: the training samples.
      batch_size: samples per step on all replicas together, a multiple of their number, at most all samples.
      seed: of the order and of the augmentation.
      augment: whether each sample is changed at random.
      steps: which steps these are, counted from the start of the run.
      share: which rows of each batch are wanted.
      preset: how it is changed; see `Kind.change`.
      erase: the share of the samples of which a box is erased too.
    """
    share = share or Share()
    rows = batch_size // share.replicas
    elements, order = Elements(rows, share), Order(len(store), batch_size, seed, rows)
    targets = tf.constant(store.targets)

    def indices(element: tf.Tensor) -> tf.Tensor:
        return order.indices(*elements.position(element))

    def batch(element: tf.Tensor, samples: tf.Tensor) -> tuple[tf.Tensor, ...]:
        samples, position = tf.cast(samples, tf.float32), elements.position(element)
        if augment:
            samples = change(samples, store.form, preset, position, batch_size=batch_size, seed=seed, erase=erase)
        return samples, tf.gather(targets, indices(element)), *order.counted(*position)

    return store.read(elements.numbers(steps), indices, batch).prefetch(2).with_options(options())


def change(
    samples: tf.Tensor,
    form: Form,
    preset: str,
    position: tuple[tf.Tensor, tf.Tensor],
    *,
    batch_size: int,
    seed: int,
    erase: float = 0.0,
    is_compiled: bool = False,
) -> tf.Tensor:
    """Returns consecutive rows of a step's batch, changed at random.

    Args:
      samples: float32, `(rows, *form.shape)`.
      form: of the samples.
      preset: how they are changed; see `Kind.change`.
      position: the step and the first of the rows.
      batch_size: rows of the whole batch.
      seed: of the changes.
      erase: the share of the samples of which a box is erased too.
      is_compiled: whether XLA compiles it.
    """
    step, first_row = position
    own_seed = tf.stack([tf.cast(step, tf.int32), seed])
    if preset != "none":
        changed = kind_of(form).change(preset, batch_size, form.sizes, own_seed, is_compiled=is_compiled)
        samples = changed(samples, first_row)
    if erase:
        samples = boxes.change(samples, erase, own_seed, count=batch_size, first=first_row, sizes=form.sizes)
    return samples


@as_written
def variants(store: Store, count: int, seed: int, preset: str, erase: float = 0.0) -> tf.data.Dataset:
    """Returns every sample in order, `count` times over: first as it is, then changed at random, anew each time.

    Args:
      store: the samples.
      count: how often.
      seed: of the changes.
      preset: how samples are changed; see `Kind.change`.
      erase: the share of the samples of which a box is erased too.

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
        position = -1 - element, tf.constant(0, tf.int64)
        return tf.cond(
            element < batches,
            lambda: samples,
            lambda: change(samples, store.form, preset, position, batch_size=rows, seed=seed, erase=erase),
        )

    def unchanged(element: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
        return tf.cast(samples, tf.float32)

    elements = tf.data.Dataset.range(count * batches)
    return store.read(elements, indices, batch if count > 1 else unchanged).prefetch(2).with_options(options())


@as_written
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
    share = share or Share()
    rows = batch_size // share.replicas
    elements, order = Elements(rows, share), Order(samples, batch_size, seed, rows)
    values, labels = tf.constant(variants.reshape(count * samples, *variants.shape[2:])), tf.constant(targets)

    def batch(element: tf.Tensor) -> tuple[tf.Tensor, ...]:
        step, first_row = elements.position(element)
        indices = order.indices(step, first_row)
        variant = step // order.steps_per_epoch % count
        counted = order.counted(step, first_row)
        return tf.gather(values, variant * samples + indices), tf.gather(labels, indices), *counted

    return elements.numbers(steps).map(batch).prefetch(2).with_options(options())


@as_written
def evaluation_batches(store: Store, share: Share | None = None) -> tf.data.Dataset:
    """Returns every sample once, with its target: float32 and int32, as many elements for each replica, none empty.

    Args:
      store: at least one sample for each replica.
      share: which replicas' elements are wanted.
    """
    share = share or Share()
    targets = tf.constant(store.targets)

    def indices(element: tf.Tensor) -> tf.Tensor:
        index = element // share.count * share.replicas + share.first + element % share.count
        return tf.range(*evaluated(store, index, share.replicas))

    def batch(element: tf.Tensor, samples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(samples, tf.float32), tf.gather(targets, indices(element))

    own = tf.data.Dataset.range(evaluation_steps(store, share.replicas) * share.count)
    return store.read(own, indices, batch).prefetch(2).with_options(options())


def choose_preset(asked: str, store: Store, *, keeps_targets: bool = True) -> Preset:
    """Returns how training samples are changed: as `--augment` asks, or for auto what suits them.

    Args:
      asked: the value of `--augment`.
      store: of the training samples.
      keeps_targets: whether a changed sample has the same target; for auto, nothing is changed otherwise.

    Raises:
      tf.errors.OpError: a sample that is looked at cannot be read.
    """
    if asked == "auto" and not keeps_targets:
        return Preset("none", "turns, shifts and sizes may be what the numbers measure; --augment sets others")
    return kind_of(store.form).choose_preset(asked, store.form, lambda count, size: _look(store, count, size))


@as_written
def _look(store: Store, count: int, size: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """Returns samples, each axis brought to one size, and their targets: of each class as many, as far as it has them.

    Args:
      store: the samples.
      count: of samples, at most.
      size: of each axis.
    """
    classes = array_strata(store.targets)
    order = np.argsort(classes, kind="stable")
    within = np.arange(len(order)) - np.searchsorted(classes[order], classes[order])
    chosen = np.sort(order[np.argsort(within, kind="stable")][:count])
    rows = np.resize(chosen, (-(-len(chosen) // _LOOKED), _LOOKED))
    elements = tf.data.Dataset.range(len(rows))
    read = store.read(elements, lambda element: tf.constant(rows)[element], lambda element, samples: samples)
    fit = kind_of(store.form).fit
    samples = np.concatenate([fit(some.numpy(), SampleOptions(size)) for some in read.with_options(options())])
    return samples[: len(chosen)], classes[chosen].astype(np.int32)


def changes(
    store: Store, batch_size: int, seed: int, preset: str, count: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
    """Returns the first samples of a run as stored and as the network sees them; nothing where these are the same."""
    if preset == "none":
        return None

    def first(augment: bool) -> npt.NDArray[Any]:
        ((samples, *_),) = training_batches(store, batch_size, seed, augment=augment, steps=range(1), preset=preset)
        return np.asarray(samples[:count])

    return first(False), first(True)


def options() -> tf.data.Options:
    """Returns options without the thread that tunes: there is nothing to tune, and a stopped run waited 8 s for it."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return options
