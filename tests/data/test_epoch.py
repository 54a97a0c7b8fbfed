"""Each sample is in one batch of an epoch, however batches are made and shared out."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.data.making import encoded
from trainer import data
from trainer.data import on_device
from trainer.data.kinds.image.header import Header
from trainer.data.kinds.image.kind import IMAGE
from trainer.data.lists.entries import WHOLE
from trainer.data.stores.locations import Locations

COUNT, EPOCHS = 10, 2
FORM = data.Form((4, 5), 1)
Make = Callable[[data.Store, int, range, data.Share], Iterator[tuple[tf.Tensor, ...]]]


@pytest.fixture(scope="module", params=["memory", "files"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> data.Store:
    """Samples whose target is their own number."""
    targets = np.arange(COUNT, dtype=np.int32)
    pixels = np.random.default_rng(0).integers(0, 256, (COUNT, *FORM.shape), np.uint8)
    if request.param == "memory":
        return data.Memory(pixels, targets, FORM)
    folder = tmp_path_factory.mktemp("images")
    files = tuple(str(folder / f"{index}.png") for index in range(COUNT))
    for file, image in zip(files, pixels, strict=True):
        Path(file).write_bytes(encoded(image))
    locations = Locations(files, np.array([(index, 0, WHOLE) for index in range(COUNT)]))
    return data.Files(locations, targets, FORM, IMAGE, IMAGE.make_decoder([Header("PNG", 4, 5, False)], FORM))


def _counted(batch: tuple[tf.Tensor, ...], rows: int) -> list[int]:
    """Returns the targets that count in a replica's part of a batch, which has as many rows as all others."""
    samples, targets, *count = batch
    assert len(samples) == len(targets) == rows
    return list(targets.numpy()[: int(count[0]) if count else rows])


def _streamed(store: data.Store, size: int, steps: range, share: data.Share) -> Iterator[tuple[tf.Tensor, ...]]:
    yield from data.training_batches(store, size, 7, augment=False, steps=steps, share=share)


def _resident(store: data.Store, size: int, steps: range, share: data.Share) -> Iterator[tuple[tf.Tensor, ...]]:
    made, held = data.Training(store, size, 7, "none", share.replicas), _held(store)
    take = tf.function(made.gathered)
    yield from (take(held, *position) for position in made.positions(steps, share))


def _unchanged(store: data.Store, size: int, steps: range, share: data.Share) -> Iterator[tuple[tf.Tensor, ...]]:
    made = data.Training(store, size, 7, "none", share.replicas)
    yield from (made.changed((), *element) for element in made.unchanged(steps, share))


def _features(store: data.Store, size: int, steps: range, share: data.Share) -> Iterator[tuple[tf.Tensor, ...]]:
    kept = np.zeros((3, COUNT, 6), np.float32)
    yield from data.variant_batches(kept, store.targets, size, 7, steps=steps, share=share)


def _held(store: data.Store) -> tuple[tf.Tensor, tf.Tensor]:
    return tuple(map(tf.constant, on_device.arrays(store)))


@pytest.mark.parametrize("make", [_streamed, _resident, _unchanged, _features])
@pytest.mark.parametrize(("size", "replicas"), [(3, 1), (8, 2), (9, 1), (10, 2), (6, 3)])
def test_each_sample_is_in_one_batch_of_each_epoch(store: data.Store, make: Make, size: int, replicas: int) -> None:
    steps, rows = -(-COUNT // size), size // replicas
    shares = [data.Share(first, 1, replicas) for first in range(replicas)]
    parts = [[_counted(batch, rows) for batch in make(store, size, range(EPOCHS * steps), share)] for share in shares]
    batches: list[list[int]] = [sum(parts_of_step, []) for parts_of_step in zip(*parts, strict=True)]
    epochs = [batches[first : first + steps] for first in range(0, EPOCHS * steps, steps)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch[:-1]] == [size] * (steps - 1)
        assert sorted(sum(epoch, [])) == [*range(COUNT)]
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize(("size", "length"), [(3, 1), (3, 3), (9, 2), (10, 1)])
def test_a_program_sees_each_sample_once_in_each_epoch(store: data.Store, size: int, length: int) -> None:
    made, steps = data.Training(store, size, 7, "none"), -(-COUNT // size)
    held, run = _held(store), tf.function(made.numbered)
    chunks = [
        ((samples, targets), order) for samples, targets, order in made.chunks(range(-(-steps // length)), length)
    ]
    resident, streamed = [], []
    for step in range(steps):
        number = tf.constant(step, tf.int64)
        resident += _counted(run((held, made.epoch(0)), number, size), size)
        streamed += _counted(run(chunks[step // length], number, size), size)
    assert resident == streamed
    assert sorted(resident) == [*range(COUNT)]


@pytest.mark.parametrize(("size", "is_full"), [(5, True), (10, True), (3, False), (9, False)])
def test_a_batch_has_a_count_only_if_an_epoch_ends_with_a_part_batch(
    store: data.Store, size: int, is_full: bool
) -> None:
    """Without a count a step computes the same, to the bit, as before there were part batches."""
    spec = data.training_batches(store, size, 0, augment=False, steps=range(1)).element_spec
    assert len(spec) == (2 if is_full else 3)
    assert spec[0].shape[0] == size
