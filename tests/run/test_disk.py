"""What a run says that it will leave; `tests.test_task` has a whole run beside its line."""

import keras
import numpy as np
import pytest

from trainer.hparams import HParams
from trainer.run import disk
from trainer.run.disk import Disk
from trainer.training import optimizer


@pytest.mark.parametrize(
    "flags",
    [
        {"optimizer": "adam"},
        {"optimizer": "adamw", "average_epochs": 2.0},
        {"optimizer": "sgd", "momentum": 0.0},
        {"optimizer": "sgd", "average_epochs": 1.0},
    ],
)
def test_counts_what_an_optimizer_keeps_for_each_weight(flags: dict[str, object]) -> None:
    hparams = HParams(**flags)  # type: ignore[arg-type]
    weights = [keras.Variable(np.zeros((30, 40), np.float32))]
    made = optimizer.make(hparams, 10)
    made.build(weights)
    kept = sum(np.asarray(one).nbytes for one in made.variables if len(one.shape))
    assert kept == disk.slots(hparams) * 4800


@pytest.mark.parametrize(
    ("left", "keep", "line"),
    [
        (Disk(3, 4_848_900, 0, 3_234_500), 2,
         "leaves up to 17.8 MB of weights: 3 checkpoints of 4.8 MB (--keep_checkpoints=2, and the best), "
         "model 3.2 MB"),
        (Disk(1, 138_000, 13_652_000, 27_400_000), 2,
         "leaves up to 41.2 MB of weights: 1 checkpoint of 0.1 MB and 13.7 MB of frozen weights once, "
         "model 27.4 MB"),
        (Disk(2, 300_000_000, 0, 2_500), 5,
         "leaves up to 600 MB of weights: 2 checkpoints of 300 MB, model 2.5 kB"),
    ],
)  # fmt: skip
def test_says_it_in_a_line(left: Disk, keep: int, line: str) -> None:
    assert left.line(keep) == line
