"""The callbacks of a run together: what each dashboard has, and what a resumed run writes."""

import contextlib
from pathlib import Path

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata as hparams_plugin

from tests.tensorboard.events import tags_of
from trainer import networks
from trainer.data.form import Form
from trainer.errors import StoppedError
from trainer.hparams import HParams
from trainer.insight.observer import Examples
from trainer.tensorboard import board
from trainer.tensorboard.log import Log
from trainer.tensorboard.schedule import Schedule
from trainer.training import state as states

HPARAMS = HParams(filters=4, dense_units=8)
PICTURES = Schedule((0, 2))


def _examples() -> Examples:
    random = np.random.default_rng(0)
    return Examples(random.integers(0, 256, (9, 12, 12, 1), np.uint8), np.arange(9) % 3, ["a", "b", "c"])


def _events(log: Log, model: keras.Model, schedule: Schedule) -> keras.callbacks.CallbackList:
    callbacks = board.callbacks(
        log, HPARAMS, schedule, target="classes", samples=20, form=Form((12, 12), 1), examples=_examples()
    )
    return keras.callbacks.CallbackList(callbacks, model=model, epochs=1, steps=2)


@pytest.fixture
def seen(tmp_path: Path) -> tuple[Log, keras.Model, keras.callbacks.CallbackList]:
    """A small network whose callbacks have seen one epoch of two steps, with pictures before it and at its end."""
    model = networks.build(HPARAMS, Form((12, 12), 1), 3).model
    model.compile(keras.optimizers.SGD(0.25))
    log = Log(tmp_path)
    events = _events(log, model, PICTURES)
    events.on_train_begin()
    events.on_epoch_begin(0)
    events.on_train_batch_end(1)
    model.set_weights([weight + 0.01 for weight in model.get_weights()])
    return log, model, events


def test_every_dashboard_has_its_content(seen: tuple[Log, keras.Model, keras.callbacks.CallbackList]) -> None:
    log, _, events = seen
    with board.session(log):
        events.on_train_end()
    folder = log.folder
    run, train, validation = (tags_of(folder / name) for name in ("", "train", "validation"))
    assert {"keras", "network", "configuration", "command_line", "custom_scalars__config__"} <= set(run)
    events = EventAccumulator(str(folder)).Reload()
    assert events.Tags()["graph"]
    assert b"| receptive field (pixels) |" in events.Tensors("network")[0].tensor_proto.string_val[0]
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
def test_the_hparams_table_has_how_the_run_ended(
    tmp_path: Path, error: type[BaseException] | None, status: int
) -> None:
    log = Log(tmp_path)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with contextlib.suppress(ValueError, StoppedError), board.session(log):
        _events(log, model, Schedule()).on_train_begin()
        if error:
            raise error
    events = EventAccumulator(str(tmp_path)).Reload()
    content = events.SummaryMetadata(hparams_plugin.SESSION_END_INFO_TAG).plugin_data.content
    assert hparams_plugin.parse_session_end_info_plugin_data(content).status == status
    start = events.SummaryMetadata(hparams_plugin.SESSION_START_INFO_TAG).plugin_data.content
    assert hparams_plugin.parse_session_start_info_plugin_data(start).hparams["filters"].number_value == 4


def test_a_run_that_goes_on_writes_what_is_missing_once(
    seen: tuple[Log, keras.Model, keras.callbacks.CallbackList],
) -> None:
    log, model, events = seen
    state = states.of_callbacks(events.callbacks)
    events.on_train_end()  # and then it was killed
    log = Log(log.folder, board.sizes(state))
    again = _events(log, model, PICTURES)
    again.on_train_begin()
    states.restore_callbacks(again.callbacks, state)
    with board.session(log):
        again.on_train_end()
    assert tags_of(log.folder / "train")["filters/conv1"] == [0, 2]
    assert tags_of(log.folder / "validation")["results/confusion_matrix"] == [2]
    assert tags_of(log.folder)["network"] == [0]


def test_looks_into_nothing_where_pictures_are_never_made(tmp_path: Path) -> None:
    model = networks.build(HPARAMS, Form((12, 12), 1), 3).model
    log = Log(tmp_path)
    events = _events(log, model, Schedule())
    with board.session(log):
        events.on_train_begin()
        events.on_train_end()
    assert tags_of(tmp_path / "train") == tags_of(tmp_path / "validation") == {}
