import numpy as np
import pytest
import tensorflow as tf

from trainer import data
from trainer.data import on_device, order

_SHAPES = {"affine": (14, 14, 1), "photo": (10, 12, 3), "signal": (30, 2), "volume": (6, 7, 8, 1), "none": (5, 5, 1)}


def _store(shape: tuple[int, ...], count: int = 20) -> data.Memory:
    samples = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
    return data.Memory(samples, np.arange(count, dtype=np.int32), data.Form(shape[:-1], shape[-1]))


def _held(store: data.Memory) -> tuple[tf.Tensor, tf.Tensor]:
    return tuple(map(tf.constant, on_device.arrays(store)))  # type: ignore[return-value]


def _assert_equal(ours: tuple[tf.Tensor, ...], theirs: tuple[tf.Tensor, ...]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.mark.parametrize("preset", [*_SHAPES])
@pytest.mark.parametrize("share", [data.Share(), data.Share(1, 1, 2), data.Share(0, 2, 2)])
def test_a_device_makes_the_batches_of_the_pipeline(preset: str, share: data.Share) -> None:
    store, steps = _store(_SHAPES[preset]), range(3, 8)  # from the middle of an epoch of two steps
    made = data.Training(store, 8, 7, preset, share.replicas, erase=0.5)
    expected = data.training_batches(store, 8, 7, augment=True, steps=steps, share=share, preset=preset, erase=0.5)
    take, change, held = tf.function(made.gathered), tf.function(made.changed), _held(store)
    streams = zip(made.positions(steps, share), made.unchanged(steps, share), expected, strict=True)
    for position, element, batch in streams:
        _assert_equal(take(held, *position), batch)
        _assert_equal(change((), *element), batch)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_numbered_batches_and_chunks_are_the_same(length: int) -> None:
    store = _store((14, 14, 1))
    made, held = data.Training(store, 8, 7, "affine"), _held(store)
    expected = [*data.training_batches(store, 8, 7, augment=True, steps=range(6))]
    chunks = [((samples, targets), rows) for samples, targets, rows in made.chunks(range(6 // length), length)]
    run = tf.function(made.numbered)
    for step, batch in enumerate(expected):
        number = tf.constant(step, tf.int64)
        _assert_equal(run((held, made.epoch(step // made.steps_per_epoch)), number, 8), batch)
        _assert_equal(run(chunks[step // length], number, 8), batch)


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("count", [20, 10, 9])
def test_a_device_evaluates_what_the_pipeline_does(replicas: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "_EVALUATION_BATCH", 3)
    store = _store((5, 5, 1), count)
    made, held = data.Evaluation(store), _held(store)
    for first in range(replicas):
        share = data.Share(first, 1, replicas)
        pairs = zip(made.positions(share), data.evaluation_batches(store, share), strict=True)
        for position, batch in pairs:
            _assert_equal(made.gathered(held, *position), batch)
    rows, last = made.sizes
    expected = [*data.evaluation_batches(store)]
    for number, batch in enumerate(expected):
        own = last if number + 1 == len(expected) else rows
        _assert_equal(made.numbered(held, tf.constant(number, tf.int64), own), batch)


def test_a_store_in_memory_is_held_as_it_is() -> None:
    store = _store((5, 6, 1))
    samples, targets = on_device.arrays(store)
    assert samples is store.samples
    assert targets.dtype == np.int64
    assert on_device.size(store) == 20 * (30 + 8)


def test_a_sample_of_an_odd_number_of_bytes_is_held_as_float16() -> None:
    store = _store((5, 5, 1))
    samples, _ = on_device.arrays(store)
    assert samples.dtype == np.float16
    np.testing.assert_array_equal(samples, store.samples)
    assert on_device.size(store) == 20 * (50 + 8)


@pytest.mark.parametrize("shape", [(5, 5, 1), (5, 6, 3)])
def test_what_a_device_gathers_has_a_kernel_on_a_gpu(shape: tuple[int, ...]) -> None:
    store = _store(shape)
    made, held = data.Training(store, 8, 7, "none"), _held(store)
    position = [tf.constant(0, tf.int64), tf.constant(0, tf.int64), tf.range(8, dtype=tf.int64)]
    evaluate = tf.function(data.Evaluation(store).gathered).get_concrete_function(held, *position[:2])
    for graph in (tf.function(made.gathered).get_concrete_function(held, *position).graph, evaluate.graph):
        types = {operation.get_attr("Tparams") for operation in graph.get_operations() if operation.type == "GatherV2"}
        assert types == {tf.float16, tf.int64}
