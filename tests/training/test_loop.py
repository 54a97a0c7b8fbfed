from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.errors import DivergedError
from trainer.training.loop import Loop


def _data(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(size=(count, 4)).astype(np.float32), np.arange(count, dtype=np.int32) % 3


def _model(learning_rate: float = 0.01) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=["accuracy"])
    return model


def _batches(epochs: int) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(_data()).batch(10).repeat(epochs)


def test_learns_what_keras_fit_learns() -> None:
    ours, theirs = _model(), _model()
    history: list[dict[str, float]] = []
    record = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: history.append(dict(logs)))
    validation = tf.data.Dataset.from_tensor_slices(_data(30)).batch(10)
    Loop(ours).fit(_batches(3), validation, 6, range(3), [record])
    expected = theirs.fit(
        _batches(3), epochs=3, steps_per_epoch=6, validation_data=validation, verbose=0, shuffle=False
    ).history
    for mine, his in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, his, rtol=1e-5, atol=1e-6)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose([logs[name] for logs in history], expected[name], rtol=1e-4, err_msg=name)


def test_evaluates_a_last_smaller_batch_by_its_size() -> None:
    model = _model()
    whole = Loop(model).evaluate(tf.data.Dataset.from_tensor_slices(_data()).batch(60))
    uneven = Loop(model).evaluate(tf.data.Dataset.from_tensor_slices(_data()).batch(25))
    assert uneven == pytest.approx(whole, rel=1e-5)


class Recorder(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.events.append("begin")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.events.append(epoch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.last_batch = batch
        assert set(logs) == {"loss", "accuracy"}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.events.append((epoch, self.last_batch, sorted(logs)))

    def on_train_end(self, logs: Any = None) -> None:
        self.events.append("end")


def test_tells_callbacks_everything_in_order() -> None:
    recorder = Recorder()
    Loop(_model()).fit(_batches(2), _batches(1), 6, range(3, 5), [recorder])
    names = ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert recorder.events == ["begin", 3, (3, 5, names), 4, (4, 5, names), "end"]


def test_stops_when_a_callback_says_so() -> None:
    recorder, stopping = Recorder(), keras.callbacks.EarlyStopping("loss", patience=0, min_delta=1e9)
    Loop(_model()).fit(_batches(9), _batches(1), 6, range(9), [recorder, stopping])
    assert [event[0] for event in recorder.events if isinstance(event, tuple)] == [0, 1]


def test_stops_at_a_loss_that_is_not_finite() -> None:
    with pytest.raises(DivergedError, match="the loss is (nan|inf) at step "):
        Loop(_model(1e38)).fit(_batches(9), _batches(1), 6, range(9), [])
