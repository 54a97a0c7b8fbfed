import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.errors import DivergedError
from trainer.training.feed import Feed
from trainer.training.loop import Loop, Stage


def _data(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(size=(count, 4)).astype(np.float32), np.arange(count, dtype=np.int32) % 3


def _model(learning_rate: float = 0.01) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=["accuracy"])
    return model


def _loop(model: keras.Model) -> Loop:
    return Loop(model, tf.distribute.get_strategy(), [keras.metrics.SparseCategoricalAccuracy(name="accuracy")])


def _dataset(count: int = 60, batch: int = 10) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(_data(count)).batch(batch)


def _batches(epochs: int) -> Feed:
    return Feed(lambda context: _dataset().repeat(epochs), 6 * epochs)


def _part(count: int = 60, batch: int = 10) -> Feed:
    return Feed(lambda context: _dataset(count, batch), -(-count // batch))


def _fit(model: keras.Model, epochs: int, *callbacks: keras.callbacks.Callback) -> None:
    _loop(model).fit([Stage.whole(model, epochs, _batches(epochs), _part(10))], 6, callbacks)


def test_learns_what_keras_fit_learns() -> None:
    ours, theirs = _model(), _model()
    history: list[dict[str, float]] = []
    record = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: history.append(dict(logs)))
    _loop(ours).fit([Stage.whole(ours, 3, _batches(3), _part(30))], 6, [record])
    expected = theirs.fit(
        _dataset().repeat(3), epochs=3, steps_per_epoch=6, validation_data=_dataset(30), verbose=0, shuffle=False
    ).history
    for mine, his in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, his, rtol=1e-5, atol=1e-6)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose([logs[name] for logs in history], expected[name], rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("step", [0.0, -1.0])
def test_trains_on_while_the_clock_is_set_back(step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    times = tf.Variable(1e6, dtype=tf.float64)
    monkeypatch.setattr(tf, "timestamp", lambda: times.assign_add(step))
    stopped, expected = _model(), _model()
    _fit(stopped, 2)
    monkeypatch.undo()
    _fit(expected, 2)
    for mine, his in zip(stopped.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, his)


def test_evaluates_a_last_smaller_batch_by_its_size() -> None:
    model = _model()
    assert _loop(model).evaluate(_part(60, 25)) == pytest.approx(_loop(model).evaluate(_part(60, 60)), rel=1e-5)


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
        assert set(logs) == {"loss", "accuracy", "gradient_norm", "gradient_norm/dense", "input_wait"}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.events.append((epoch, self.last_batch, sorted(logs)))
        self.logs = logs

    def on_train_end(self, logs: Any = None) -> None:
        self.events.append("end")


def test_tells_callbacks_everything_in_order() -> None:
    recorder = Recorder()
    _fit(_model(), 2, recorder)
    names = ["accuracy", "gradient_norm", "gradient_norm/dense", "input_wait", "loss", "val_accuracy", "val_loss"]
    assert recorder.events == ["begin", 0, (0, 5, names), 1, (1, 5, names), "end"]
    assert 0 <= recorder.logs["input_wait"] <= 1


def test_the_gradient_norm_is_the_last_steps() -> None:
    ours, theirs, recorder = _model(), _model(), Recorder()
    _fit(ours, 1, recorder)
    theirs.fit(_dataset().take(5), verbose=0, shuffle=False)
    images, labels = next(iter(_dataset().skip(5)))
    with tf.GradientTape() as tape:
        loss = theirs.compute_loss(images, labels, theirs(images))
    expected = tf.linalg.global_norm(tape.gradient(loss, theirs.trainable_variables))
    assert recorder.logs["gradient_norm"] == pytest.approx(float(expected), rel=1e-4)


def test_stops_when_a_callback_says_so() -> None:
    recorder, stopping = Recorder(), keras.callbacks.EarlyStopping("loss", patience=0, min_delta=1e9)
    _fit(_model(), 9, recorder, stopping)
    assert [event[0] for event in recorder.events if isinstance(event, tuple)] == [0, 1]


def test_a_callback_lowers_the_learning_rate() -> None:
    model = _model(0.01)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    _fit(model, 4, plateau)
    assert float(model.optimizer.learning_rate) < 0.01


def test_a_user_s_own_metric_is_in_the_logs() -> None:
    recorder = Recorder()
    top = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2")
    recorder.on_train_batch_end = lambda batch, logs=None: setattr(recorder, "last_batch", batch)
    model = _model()
    Loop(model, tf.distribute.get_strategy(), [top]).fit([Stage.whole(model, 1, _batches(1), _part())], 6, [recorder])
    assert 0 < recorder.logs["top_2"] <= 1
    assert 0 < recorder.logs["val_top_2"] <= 1


def test_stops_at_the_step_whose_loss_is_not_finite() -> None:
    """Step 4 is the first that sees an infinite image; the steps after it are not run."""
    images, labels = _data()
    images[33, 2] = np.inf
    model = _model()
    broken = tf.data.Dataset.from_tensor_slices((images, labels)).batch(10).repeat()
    with pytest.raises(DivergedError) as raised:
        _loop(model).fit([Stage.whole(model, 9, Feed(lambda context: broken, 54), _part())], 6, [])
    assert re.fullmatch(
        r"the loss is (nan|inf) at step 4; gradient norms: dense\S* (nan|inf); "
        r"before: loss \d\.\d+, accuracy 0\.\d+, .*",
        str(raised.value),
    )
    assert int(model.optimizer.iterations) == 4


def test_losses_are_scaled_for_float16_and_said_as_they_are() -> None:
    ours, scaled, recorders = _model(), _model(), (Recorder(), Recorder())
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01))
    scaled.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), auto_scale_loss=False)
    optimizer.build(scaled.trainable_variables)
    for model, recorder in zip((ours, scaled), recorders, strict=True):
        _fit(model, 2, recorder)
    plain, with_scale = (recorder.logs for recorder in recorders)
    for name in ("loss", "gradient_norm", "val_loss"):
        assert with_scale[name] == pytest.approx(plain[name], rel=1e-3)
