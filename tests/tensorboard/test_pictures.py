"""Pictures beside the training: what is written and when, whatever the thread that draws does meanwhile."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.tensorboard.events import tags_of
from trainer import networks
from trainer.data.form import Form
from trainer.errors import StoppedError
from trainer.hparams import HParams
from trainer.insight.observer import Examples
from trainer.tensorboard import board, drawing, tested
from trainer.tensorboard.decisions import Decisions
from trainer.tensorboard.log import Log
from trainer.tensorboard.pictures import Pictures
from trainer.tensorboard.stopwatch import Stopwatch

STEPS = (0, 1, 2)


def _model() -> keras.Model:
    return networks.build(HParams(filters=2, dense_units=4), Form((12, 12), 1), 3).model


def _begun(log: Log, model: keras.Model) -> Pictures:
    random = np.random.default_rng(0)
    examples = Examples(random.integers(0, 256, (3, 12, 12, 1), np.uint8), np.arange(3), ["a", "b", "c"])
    pictures = Pictures(log, Stopwatch(), examples, STEPS)
    pictures.set_model(model)
    pictures.set_params({"steps": 9})
    pictures.on_train_begin()
    return pictures


def _train(pictures: Pictures, model: keras.Model, batch: int) -> None:
    model.set_weights([weight * 1.5 for weight in model.get_weights()])
    pictures.on_train_batch_end(batch)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds every drawing until it is set."""
    may, moment = threading.Event(), drawing.moment

    def waiting(*arguments: Any) -> Any:
        assert may.wait(10)
        return moment(*arguments)

    monkeypatch.setattr(drawing, "moment", waiting)
    yield may
    may.set()


def _changes(folder: Path) -> list[tuple[int, float]]:
    events: list[Any] = []
    for path in sorted((folder / "train").glob("events.out.tfevents.*")):
        found = EventAccumulator(str(path)).Reload()
        events += found.Tensors("filter_change/conv1") if "filter_change/conv1" in found.Tags()["tensors"] else []
    return [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events]


@pytest.mark.parametrize("is_killed_at_once", [True, False])
def test_a_resumed_run_draws_what_the_checkpoint_has_waiting(
    tmp_path: Path, held: threading.Event, is_killed_at_once: bool
) -> None:
    log, model = Log(tmp_path), _model()
    pictures = _begun(log, model)
    _train(pictures, model, 0)
    log.flush()
    sizes, state = log.sizes(), pictures.get_state()
    assert [step for step, *_ in state["waiting"]] == [0, 1]
    held.set()
    if not is_killed_at_once:
        _train(pictures, model, 1)
    pictures.close(is_complete=not is_killed_at_once)
    log.close()
    log = Log(tmp_path, sizes)
    again = _begun(log, model)
    again.set_state(state)
    _train(again, model, 1)
    again.close(is_complete=True)
    log.close()
    steps = tags_of(tmp_path / "train")
    assert steps["filters/conv1"] == steps["dead_filters/conv2"] == [0, 1, 2]
    assert [step for step, _ in _changes(tmp_path)] == [1, 2]
    assert _changes(tmp_path)[0][1] == pytest.approx(0.5)  # of the weights of then


def test_what_is_drawn_is_written_at_the_next_event(tmp_path: Path, held: threading.Event) -> None:
    log, model = Log(tmp_path), _model()
    pictures = _begun(log, model)
    held.set()
    next(iter(pictures._moments._waiting))[1].result()  # until it is drawn
    assert [step for step, *_ in pictures.get_state()["waiting"]] == [0]
    pictures.on_epoch_end(0)
    state = pictures.get_state()
    assert (state["waiting"], set(state["kernels"])) == ([], {"conv1", "conv2"})
    log.flush()
    assert tags_of(tmp_path / "train")["filters/conv1"] == [0]
    pictures.close(is_complete=True)


@pytest.mark.parametrize(
    ("error", "written"), [(None, True), (ValueError, True), (KeyboardInterrupt, True), (StoppedError, False)]
)
def test_the_thread_ends_with_the_session(
    tmp_path: Path, held: threading.Event, error: type[BaseException] | None, written: bool
) -> None:
    others = set(threading.enumerate())
    log, model = Log(tmp_path), _model()
    pictures = _begun(log, model)
    threading.Timer(0.1, held.set).start()

    def run() -> None:
        with board.session(log, [pictures]):
            if error:
                raise error

    if error:
        with pytest.raises(error):
            run()
    else:
        run()
    assert not [one for one in threading.enumerate() if one not in others and one.name.startswith("pictures")]
    assert ("filters/conv1" in tags_of(tmp_path / "train")) == written


def test_an_error_of_the_thread_ends_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> Any:
        raise MemoryError("a sheet")

    monkeypatch.setattr(drawing, "moment", fails)
    log, model = Log(tmp_path), _model()
    pictures = _begun(log, model)
    with pytest.raises(MemoryError, match="a sheet"), board.session(log, [pictures]):
        for batch in range(9):
            pictures.on_train_batch_end(batch)
        pictures.on_train_end()


class Uncopied(keras.layers.Layer):
    """One whose configuration lacks what it is made from."""

    def __init__(self, made: Callable[[], Any], **named: Any):
        super().__init__(**named)
        self.dense = keras.layers.Dense(3)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)


def test_the_training_waits_where_the_network_itself_is_observed(tmp_path: Path) -> None:
    image = keras.Input((12, 12, 1))
    convolved = keras.layers.Flatten()(keras.layers.Conv2D(2, 3, activation="relu", name="conv1")(image))
    model = keras.Model(image, Uncopied(object, name="own")(convolved))
    log = Log(tmp_path)
    pictures = _begun(log, model)
    _train(pictures, model, 0)
    assert pictures.get_state()["waiting"] == []
    log.flush()
    assert _changes(tmp_path) == [(1, pytest.approx(0.5))]
    pictures.close(is_complete=True)


@pytest.mark.parametrize(("affordable", "said"), [(4, "on 4 test images"), (3, "on the first 3 of 4 test images")])
def test_the_worst_mistakes_on_test_samples_are_written(
    affordable: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, model, titles = Log(tmp_path), _model(), list[str]()
    pictures = _begun(log, model)
    monkeypatch.setattr(Decisions, "affordable", affordable)
    shown = tested.results.mistakes
    monkeypatch.setattr(tested.results, "mistakes", lambda *given: titles.append(given[2]) or shown(*given))
    samples = np.random.default_rng(1).integers(0, 256, (4, 12, 12, 1), np.uint8)
    predicted = model.predict(samples.astype(np.float32), verbose=0).argmax(1)
    pictures.test(samples, (predicted + 1) % 3, 4)
    log.close()
    assert {"results/worst_test_mistakes", "report/test"} <= set(tags_of(tmp_path / "validation"))
    assert titles == [f"the worst {affordable} of {affordable} mistakes {said}"]
