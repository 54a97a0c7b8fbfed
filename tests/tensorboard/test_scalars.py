from pathlib import Path

import keras
import pytest

from tests.tensorboard.events import scalars_of
from trainer.tensorboard.log import Log
from trainer.tensorboard.scalars import Scalars
from trainer.tensorboard.stopwatch import Stopwatch


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def begun(folder: Path, clock: Clock, watch: Stopwatch) -> tuple[Log, keras.callbacks.CallbackList]:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.25))
    log = Log(folder)
    scalars = Scalars(log, samples=57, watch=watch, lag=lambda: 2.5)
    return log, keras.callbacks.CallbackList([scalars], model=model, epochs=2, steps=6)


def test_writes_the_scalars_of_each_epoch_at_its_step(tmp_path: Path) -> None:
    clock = Clock()
    log, events = begun(tmp_path, clock, Stopwatch(clock))
    events.on_train_begin()
    logs = {"loss": 1.0, "gradient_norm": 3.0, "input_wait": 0.125, "val_loss": 2.0, "val_accuracy": 0.25}
    for epoch in range(2):
        events.on_epoch_begin(epoch)
        clock.now += 3.0
        events.on_train_batch_end(5)
        clock.now += 1.0  # the validation
        events.on_epoch_end(epoch, logs)
    events.on_train_end()
    log.close()

    train, validation = scalars_of(tmp_path / "train"), scalars_of(tmp_path / "validation")
    assert set(train) == {
        "loss", "gradient_norm", "input_wait", "learning_rate", "images_per_second", "memory_mib", "bucket_lag"
    }  # fmt: skip
    assert train["bucket_lag"] == [(6, 2.5), (12, 2.5)]
    assert train["loss"] == [(6, 1.0), (12, 1.0)]
    assert train["learning_rate"] == [(6, 0.25), (12, 0.25)]
    assert train["input_wait"] == [(6, 0.125), (12, 0.125)]
    assert train["images_per_second"] == [(6, 19.0), (12, 19.0)]
    assert all(100 < mebibytes < 100_000 for _, mebibytes in train["memory_mib"])
    assert validation == {"loss": [(6, 2.0), (12, 2.0)], "accuracy": [(6, 0.25), (12, 0.25)]}


def test_a_resumed_epoch_and_one_with_pictures_count_the_seconds_of_their_steps(tmp_path: Path) -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    _, events = begun(tmp_path / "first", clock, watch)
    events.on_epoch_begin(0)
    clock.now += 2.0
    events.on_train_batch_end(2)
    with watch.paused():
        clock.now += 100.0
    (first,) = events.callbacks
    state = first.get_state()
    clock.now += 1000.0
    watch = Stopwatch(clock)
    log, events = begun(tmp_path / "again", clock, watch)
    events.on_train_begin()
    events.on_epoch_begin(0)
    events.callbacks[0].set_state(state)
    clock.now += 1.0
    events.on_train_batch_end(5)
    events.on_epoch_end(0, {})
    log.close()
    assert scalars_of(tmp_path / "again" / "train")["images_per_second"] == [(6, pytest.approx(57 / 3))]


def test_a_paused_watch_stands_still() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    watch.start()
    clock.now += 2.0
    with watch.paused():
        clock.now += 5.0
    clock.now += 1.0
    assert watch.seconds == 3.0
