from pathlib import Path

import keras
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trainer.tensorboard.callback import TensorBoard


def test_writes_the_scalars_of_each_epoch_at_its_step(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.25))
    callback = TensorBoard(tmp_path, steps_per_epoch=6, batch_size=10)
    callback.set_model(model)
    callback.on_train_begin()
    logs = {"loss": 1.0, "gradient_norm": 3.0, "input_wait": 0.125, "val_loss": 2.0, "val_accuracy": 0.25}
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        callback.on_train_batch_end(5)
        callback.on_epoch_end(epoch, logs)
    callback.on_train_end()

    train, validation = _read(tmp_path / "train"), _read(tmp_path / "validation")
    assert set(train) == {
        "loss", "gradient_norm", "input_wait", "learning_rate", "images_per_second", "memory_mib"
    }  # fmt: skip
    assert train["loss"] == [(6, 1.0), (12, 1.0)]
    assert train["learning_rate"] == [(6, 0.25), (12, 0.25)]
    assert train["input_wait"] == [(6, 0.125), (12, 0.125)]
    assert all(rate > 0 for _, rate in train["images_per_second"])
    assert all(100 < mebibytes < 100_000 for _, mebibytes in train["memory_mib"])
    assert validation == {"loss": [(6, 2.0), (12, 2.0)], "accuracy": [(6, 0.25), (12, 0.25)]}


def _read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder)).Reload()
    return {
        tag: [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }
