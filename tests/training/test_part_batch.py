"""The last batch of an epoch, which has fewer samples than the others."""

import os
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import forked
from trainer import data
from trainer.run.feeds import Feeds
from trainer.training import devices
from trainer.training.loop import Loop, Stage

CLASSES, RATE = 3, 0.5


def _store(count: int) -> data.Memory:
    random = np.random.default_rng(0)
    samples = random.integers(0, 3, (count, 2, 2, 1)).astype(np.uint8)
    return data.Memory(samples, random.integers(0, CLASSES, count).astype(np.int32), data.Form((2, 2), 1))


def _model(rate: float, *, is_normalised: bool = False, penalty: float = 0.01, classes: int = CLASSES) -> keras.Model:
    keras.utils.set_random_seed(0)
    normalised = [keras.layers.BatchNormalization()] if is_normalised else []
    dense = keras.layers.Dense(classes, kernel_regularizer=keras.regularizers.L2(penalty))
    layers = [keras.layers.Flatten(), *normalised, dense]
    model = keras.Sequential([keras.Input((2, 2, 1)), *layers])
    model.compile(keras.optimizers.SGD(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.optimizer.build(model.trainable_variables)
    return model


class Seen(keras.metrics.Metric):
    """How often each target was seen."""

    def __init__(self, targets: int):
        super().__init__(name="seen")
        self.counts = self.add_weight(shape=(targets,), initializer="zeros")

    def update_state(self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None) -> None:
        found = tf.one_hot(y_true, self.counts.shape[0])
        self.counts.assign_add(tf.reduce_sum(found if sample_weight is None else found * sample_weight[:, None], 0))

    def result(self) -> tf.Tensor:
        return tf.reduce_sum(tf.convert_to_tensor(self.counts))


class LastStep(keras.callbacks.Callback):
    """Keeps what the training of each epoch saw, and its logs."""

    def __init__(self, seen: Seen):
        super().__init__()
        self.seen = seen
        self.counts: list[np.ndarray] = []
        self.logs: list[dict[str, float]] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch + 1 == self.params["steps"]:
            self.counts.append(tf.convert_to_tensor(self.seen.counts).numpy())
            self.logs.append(logs)


def _fit(
    model: keras.Model,
    store: data.Memory,
    size: int,
    *,
    strategy: tf.distribute.Strategy | None = None,
    is_resident: bool = False,
    is_compiled: bool = False,
    epochs: int = 1,
) -> LastStep:
    strategy = strategy or tf.distribute.get_strategy()
    feeds = Feeds(store, strategy, size, 7, "none", 0.0, is_compiled, is_resident)
    with strategy.scope():
        seen = Seen(int(store.targets.max()) + 1)
        metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy"), seen]
        loop = Loop(model, strategy, metrics, is_compiled=is_compiled)
    last, steps = LastStep(seen), -(-len(store) // size)
    stage = Stage(epochs, lambda: model, feeds.training, lambda: feeds.evaluation(store), settling=0)
    loop.fit([stage], steps, [last])
    return last


def _expected(model: keras.Model, store: data.Memory, size: int) -> None:
    """Takes the same steps, each with the sum of its samples' losses, divided by the size of a full batch."""
    for samples, targets, count in data.training_batches(store, size, 7, augment=False, steps=range(2)):
        with tf.GradientTape() as tape:
            outputs = model(samples, training=True)[:count]
            losses = keras.losses.sparse_categorical_crossentropy(targets[:count], outputs, from_logits=True)
            loss = tf.reduce_sum(losses) / size + tf.add_n(model.losses)
        for variable, found in zip(
            model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
        ):
            variable.assign_sub(RATE * found)


@pytest.mark.parametrize("count", [9, 13, 15])  # 1, 5 and 7 samples after a batch of 8
@pytest.mark.parametrize(("is_compiled", "is_normalised"), [(False, False), (False, True), (True, False), (True, True)])
def test_each_sample_has_the_same_weight(count: int, is_compiled: bool, is_normalised: bool) -> None:
    ours, theirs = (_model(RATE, is_normalised=is_normalised) for _ in range(2))
    store = _store(count)
    _fit(ours, store, 8, is_compiled=is_compiled, is_resident=is_compiled)
    _expected(theirs, store, 8)
    for one, other in zip(ours.trainable_variables, theirs.trainable_variables, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6, err_msg=one.path)


@pytest.mark.parametrize("is_compiled", [False, True])
@pytest.mark.parametrize("count", [9, 15, 16])
def test_the_loss_and_the_metrics_are_means_over_all_samples(count: int, is_compiled: bool) -> None:
    model, store = _model(0.0), _store(count)
    (logs,) = _fit(model, store, 8, is_compiled=is_compiled).logs
    model.compile(loss=model.loss, metrics=["accuracy"])
    expected = model.evaluate(store.samples.astype(np.float32), store.targets, verbose=0, return_dict=True)
    assert (logs["loss"], logs["accuracy"]) == pytest.approx((expected["loss"], expected["accuracy"]), rel=1e-5)


def test_the_gradient_norm_is_that_of_the_mean_over_the_part_batch() -> None:
    model, store = _model(0.0, penalty=0.0), _store(11)
    (logs,) = _fit(model, store, 8).logs
    *_, (samples, targets, count) = data.training_batches(store, 8, 7, augment=False, steps=range(2))
    with tf.GradientTape() as tape:
        outputs = model(samples[:count])
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(targets[:count], outputs, from_logits=True))
    expected = tf.linalg.global_norm(tape.gradient(loss, model.trainable_variables))
    assert logs["gradient_norm"] == pytest.approx(float(expected), rel=1e-4)


def on_devices(count: int, is_resident: bool) -> dict[str, np.ndarray]:
    """Returns what a run of two epochs on 13 samples, 8 and 5, saw on so many devices, and where it ended."""
    strategy = devices.choose("auto", None, None, count)
    store = data.Memory(_store(13).samples, np.arange(13, dtype=np.int32), data.Form((2, 2), 1))
    with strategy.scope():
        model = _model(RATE, is_normalised=True, classes=13)
    last = _fit(model, store, 8, strategy=strategy, is_resident=is_resident, epochs=2)
    logs = np.array([[one["loss"], one["accuracy"]] for one in last.logs])
    weights = {str(index): one.numpy() for index, one in enumerate(model.trainable_variables)}
    return {"counts": np.array(last.counts), "logs": logs, **weights}


_DEVICES = """
import sys
import numpy as np
from tests.training import test_part_batch

for is_resident in (False, True):
    np.savez(f"{sys.argv[1]}/{is_resident}", **test_part_batch.on_devices(int(sys.argv[2]), is_resident))
"""


@pytest.mark.parametrize("count", [2, 4])
def test_a_device_without_a_sample_of_the_part_batch_changes_nothing(count: int, tmp_path: Path) -> None:
    """Of 5 samples, the second of two devices has 1, and the last of four devices none."""
    command = [sys.executable, "-c", _DEVICES, str(tmp_path), str(count)]
    forked.run(command, check=True, env={**os.environ, "PYTHONPATH": str(forked.ROOT)})
    for is_resident in (False, True):
        one, several = on_devices(1, is_resident), np.load(tmp_path / f"{is_resident}.npz")
        np.testing.assert_array_equal(several["counts"], np.ones((2, 13)))
        for name, values in one.items():
            np.testing.assert_allclose(several[name], values, rtol=1e-4, atol=1e-6, err_msg=name)
