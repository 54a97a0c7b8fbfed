from pathlib import Path

import keras
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trainer.tensorboard.callback import TensorBoard


def test_writes_the_scalars_of_each_epoch_at_its_step(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.25))
    callback = TensorBoard(tmp_path, images_per_epoch=60)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        model.optimizer.iterations.assign_add(6)
        callback.on_train_batch_end(5)
        callback.on_epoch_end(epoch, {"loss": 1.0, "accuracy": 0.5, "val_loss": 2.0, "val_accuracy": 0.25})
    callback.on_train_end()

    train, validation = _read(tmp_path / "train"), _read(tmp_path / "validation")
    assert set(train) == {"loss", "accuracy", "learning_rate", "images_per_second"}
    assert train["loss"] == [(6, 1.0), (12, 1.0)]
    assert train["learning_rate"] == [(6, 0.25), (12, 0.25)]
    assert all(rate > 0 for _, rate in train["images_per_second"])
    assert validation == {"loss": [(6, 2.0), (12, 2.0)], "accuracy": [(6, 0.25), (12, 0.25)]}


def _read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder)).Reload()
    return {
        tag: [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }
