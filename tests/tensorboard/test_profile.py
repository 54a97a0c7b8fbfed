from collections.abc import Sequence
from pathlib import Path

import keras

from trainer.tensorboard.profile import Profile


def trained(folder: Path, steps: Sequence[int]) -> keras.callbacks.CallbackList:
    """Returns the events of a training of one epoch of four steps, but for its end."""
    events = keras.callbacks.CallbackList([Profile(folder, steps)], epochs=1, steps=4)
    events.on_train_begin()
    events.on_epoch_begin(0)
    for batch in range(4):
        events.on_train_batch_end(batch)
    return events


def traces(folder: Path) -> list[Path]:
    return list((folder / "plugins" / "profile").glob("*/*.xplane.pb"))


def test_leaves_a_trace_of_the_steps(tmp_path: Path) -> None:
    trained(tmp_path, (1, 2, 3))
    assert len(traces(tmp_path)) == 1


def test_a_trace_ends_with_the_training(tmp_path: Path) -> None:
    events = trained(tmp_path, range(2, 100))
    assert not traces(tmp_path)
    events.on_train_end()
    assert len(traces(tmp_path)) == 1


def test_takes_no_trace_where_none_is_asked_for(tmp_path: Path) -> None:
    trained(tmp_path, ()).on_train_end()
    trained(tmp_path, (5, 6)).on_train_end()
    assert not traces(tmp_path)
