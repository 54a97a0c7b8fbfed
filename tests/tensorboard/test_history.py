"""What is read from event files is what was written, by this package and by Keras."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from trainer.tensorboard import summaries
from trainer.tensorboard.history import History
from trainer.tensorboard.log import TRAIN, Log

PICTURE = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    log = Log(tmp_path)
    for step in (1, 2, 3):
        log.add(TRAIN, summaries.scalar("loss", 1 / step), step)
    for step in (0, 3):
        log.add(TRAIN, summaries.image("filters/conv1", PICTURE + step), step)
    log.close()
    return tmp_path / TRAIN


def test_reads_scalars_and_pictures(folder: Path) -> None:
    history = History(folder)
    assert [*history.scalars] == ["loss"]
    loss = history.scalars["loss"]
    assert loss.steps == [1, 2, 3]
    np.testing.assert_allclose(loss.values, [1, 1 / 2, 1 / 3], rtol=1e-6)
    assert 0 <= loss.seconds[0] <= loss.seconds[-1] < 60
    pictures = history.pictures("filters/conv1")
    assert [*pictures] == [0, 3]
    np.testing.assert_array_equal(pictures[0], PICTURE)
    np.testing.assert_array_equal(history.last("filters/conv1"), PICTURE + 3)


def test_reads_what_others_have_logged(tmp_path: Path) -> None:
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.scalar("accuracy", 0.5, step=7)
        tf.summary.image("gray", np.full((1, 4, 4, 1), 255, np.uint8), step=7)
    history = History(tmp_path)
    assert history.scalars["accuracy"][:2] == ([7], [0.5])
    assert history.last("gray").tolist() == np.full((4, 4, 3), 255).tolist()


@pytest.mark.parametrize("tag", ["filters/conv2", "loss"])
def test_rejects_a_tag_without_pictures(folder: Path, tag: str) -> None:
    with pytest.raises(KeyError, match=f"`tag` must be one of filters/conv1. Received: {tag}"):
        History(folder).pictures(tag)


def test_rejects_a_folder_without_logs(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=re.escape(f"must contain event files of TensorBoard. Received: {tmp_path}")
    ):
        History(tmp_path)
