import contextlib
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata as hparams

from trainer import networks
from trainer.data.form import Form
from trainer.errors import StoppedError
from trainer.hparams import HParams
from trainer.insight.observer import Examples
from trainer.tensorboard.callback import TensorBoard
from trainer.tensorboard.log import Log


def test_writes_the_scalars_of_each_epoch_at_its_step(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.25))
    callback = TensorBoard(Log(tmp_path), steps_per_epoch=6, batch_size=10, lag=lambda: 2.5)
    callback.set_model(model)
    callback.on_train_begin()
    logs = {"loss": 1.0, "gradient_norm": 3.0, "input_wait": 0.125, "val_loss": 2.0, "val_accuracy": 0.25}
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        callback.on_train_batch_end(5)
        callback.on_epoch_end(epoch, logs)
    with callback.session():
        callback.on_train_end()

    train, validation = _read(tmp_path / "train"), _read(tmp_path / "validation")
    assert set(train) == {
        "loss", "gradient_norm", "input_wait", "learning_rate", "images_per_second", "memory_mib", "bucket_lag"
    }  # fmt: skip
    assert train["bucket_lag"] == [(6, 2.5), (12, 2.5)]
    assert train["loss"] == [(6, 1.0), (12, 1.0)]
    assert train["learning_rate"] == [(6, 0.25), (12, 0.25)]
    assert train["input_wait"] == [(6, 0.125), (12, 0.125)]
    assert all(rate > 0 for _, rate in train["images_per_second"])
    assert all(100 < mebibytes < 100_000 for _, mebibytes in train["memory_mib"])
    assert validation == {"loss": [(6, 2.0), (12, 2.0)], "accuracy": [(6, 0.25), (12, 0.25)]}


@pytest.fixture
def seen(tmp_path: Path) -> tuple[Path, keras.Model, TensorBoard]:
    """A small network whose callback has seen one epoch of two steps, with pictures before it and at its end."""
    model = networks.build(HParams(filters=4, dense_units=8), Form((12, 12), 1), 3).model
    model.compile(keras.optimizers.SGD(0.25))
    random = np.random.default_rng(0)
    examples = Examples(random.integers(0, 256, (9, 12, 12, 1), np.uint8), np.arange(9) % 3, ["a", "b", "c"])
    callback = TensorBoard(Log(tmp_path), 2, 4, configuration={"filters": 4}, examples=examples, pictures=(0, 2))
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_batch_end(1)
    model.set_weights([weight + 0.01 for weight in model.get_weights()])
    return tmp_path, model, callback


def test_every_dashboard_has_its_content(seen: tuple[Path, keras.Model, TensorBoard]) -> None:
    folder, _, callback = seen
    with callback.session():
        callback.on_train_end()
    run, train, validation = (_tags(folder / part) for part in ("", "train", "validation"))
    assert {"keras", "network", "configuration", "command_line", "custom_scalars__config__"} <= set(run)
    assert EventAccumulator(str(folder)).Reload().Tags()["graph"]
    assert train["filters/conv1"] == train["filters/conv2"] == train["feature_maps/a"] == [0, 2]
    assert train["dead_filters/conv2"] == [0, 2]
    assert train["filter_change/conv2"] == [2]
    assert train["weights/conv1/kernel"] == train["gradients/logits/bias"] == train["activations/conv2"] == [0, 2]
    for tag in ("what_decides/c", "results/confusion_matrix", "pr_curve/b", "attribution/sanity_grad_cam"):
        assert validation[tag] == [2], tag
    assert "embedding.tsv" in (folder / "validation" / "projector_config.pbtxt").read_text()
    assert len((folder / "validation" / "embedding.tsv").read_text().splitlines()) == 9
    assert len((folder / "validation" / "labels.tsv").read_text().splitlines()) == 10


@pytest.mark.parametrize(("error", "status"), [(None, 1), (ValueError, 2), (StoppedError, 0)])
def test_the_hparams_table_tells_how_it_ended(
    seen: tuple[Path, keras.Model, TensorBoard], error: type[BaseException] | None, status: int
) -> None:
    folder, _, callback = seen
    with contextlib.suppress(ValueError, StoppedError), callback.session():
        if error:
            raise error
    events = EventAccumulator(str(folder)).Reload()
    content = events.SummaryMetadata(hparams.SESSION_END_INFO_TAG).plugin_data.content
    assert hparams.parse_session_end_info_plugin_data(content).status == status
    start = events.SummaryMetadata(hparams.SESSION_START_INFO_TAG).plugin_data.content
    assert hparams.parse_session_start_info_plugin_data(start).hparams["filters"].number_value == 4


def test_a_run_that_goes_on_writes_what_is_missing_once(seen: tuple[Path, keras.Model, TensorBoard]) -> None:
    folder, model, callback = seen
    state = callback.get_state()
    callback.on_train_end()  # and then it was killed
    examples = callback._examples
    again = TensorBoard(Log(folder, state["sizes"]), 2, 4, examples=examples, pictures=(0, 2))
    again.set_model(model)
    again.on_train_begin()
    again.set_state(state)
    with again.session():
        again.on_train_end()
    assert _tags(folder / "train")["filters/conv1"] == [0, 2]
    assert _tags(folder / "validation")["results/confusion_matrix"] == [2]
    assert _tags(folder)["network"] == [0]


def test_looks_into_nothing_where_pictures_are_never_made(tmp_path: Path) -> None:
    model = networks.build(HParams(filters=4, dense_units=8), Form((12, 12), 1), 3).model
    callback = TensorBoard(Log(tmp_path), 2, 4, examples=Examples(np.zeros((1, 12, 12, 1)), np.zeros(1, int), ["a"]))
    callback.set_model(model)
    callback.on_train_begin()
    with callback.session():
        callback.on_train_end()
    assert _tags(tmp_path / "train") == _tags(tmp_path / "validation") == {}


def test_leaves_a_trace_for_the_profiler(seen: tuple[Path, keras.Model, TensorBoard], tmp_path: Path) -> None:
    _, model, _ = seen
    callback = TensorBoard(Log(tmp_path / "profiled"), 4, 4, profile=(1, 2, 3))
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    for batch in range(4):
        callback.on_train_batch_end(batch)
    with callback.session():
        pass
    assert list((tmp_path / "profiled" / "train" / "plugins" / "profile").glob("*/*.xplane.pb"))


def _tags(folder: Path) -> dict[str, list[int]]:
    """Returns the steps of each tag, of all files in the order of their names."""
    steps: dict[str, list[int]] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        events = EventAccumulator(str(path), size_guidance={"tensors": 0}).Reload()
        for tag in events.Tags()["tensors"]:
            steps.setdefault(tag, []).extend(event.step for event in events.Tensors(tag))
    return steps


def _read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder)).Reload()
    return {
        tag: [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }
